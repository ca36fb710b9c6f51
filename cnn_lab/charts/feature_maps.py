"""All maps of a layer on one sheet, on an honest scale."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cnn_lab.charts.maps import (
    NEGATIVE,
    PAPER,
    POSITIVE,
    Picture,
    Tone,
    grey_picture,
    png,
    signed_picture,
    tile_pictures,
)
from cnn_lab.ops.types import Array

Scope = Literal["map", "layer", "network"]
Colour = tuple[int, int, int]
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Sheet:
    """The maps of a layer, side by side without gaps, one pixel for each number.

    Attributes
    ----------
    png : bytes
    n_maps, rows, width : int
        How many maps there are, and the rows and columns of each.
    columns : int
        Maps beside each other on the sheet.
    low, high : float
        What the two ends of the scale stand for, where all maps share one.
    colours : tuple of (int, int, int)
        Red, green and blue along the scale, from `low` to `high`.
    """

    png: bytes
    n_maps: int
    rows: int
    width: int
    columns: int
    low: float
    high: float
    colours: tuple[Colour, ...]


def as_maps(values: Array) -> Array:
    """Return what a layer makes of one image as maps.

    Parameters
    ----------
    values : ndarray, shape (height, width, channels) or (units,)

    Returns
    -------
    ndarray, shape (height, width, channels)
        A row of numbers becomes maps of one pixel each.
    """
    return values if values.ndim == 3 else values.reshape(1, 1, -1)


def scale_limits(scope: Scope, layer: str, activations: Mapping[str, Array]) -> Array:
    """Return which magnitude has the full colour in each map of a layer.

    Parameters
    ----------
    scope : {"map", "layer", "network"}
        Whether each map has a scale of its own, shares one with its layer, or with all layers.
    layer : str
    activations : mapping of str to ndarray
        What each layer makes of one image, shape (height, width, channels) or (units,).

    Returns
    -------
    ndarray of float, shape (maps,)

    Examples
    --------
    >>> made = {"a": np.array([1.0, -4.0]), "b": np.array([8.0])}
    >>> [scale_limits(scope, "a", made).tolist() for scope in ("map", "layer", "network")]
    [[1.0, 4.0], [4.0, 4.0], [8.0, 8.0]]
    """
    maps = as_maps(activations[layer])
    if scope == "map":
        return np.asarray(np.abs(maps).max(axis=(0, 1)))
    shared = [maps] if scope == "layer" else list(activations.values())
    return np.full(maps.shape[2], max(float(np.abs(values).max()) for values in shared))


def map_sheet(
    maps: Array, limits: Array, *, tone: Tone = "light", signed: bool | None = None
) -> Sheet:
    """Return a layer's maps as one sheet.

    Parameters
    ----------
    maps : ndarray, shape (height, width, maps)
    limits : ndarray, shape (maps,)
        The magnitude that has the full colour, or counts as white, in each map.
    tone : {"light", "dark"}
        The page that the sheet lies on; zero takes its colour where there are signs.
    signed : bool, optional
        Blue to orange around zero instead of greys; by default where any number is negative.

    Notes
    -----
    One pass over the numbers, and a PNG of one pixel for each: 3 ms for 25,600 numbers.
    """
    rows, width, n_maps = maps.shape
    signed = bool(maps.min() < 0) if signed is None else signed
    share = maps / np.maximum(limits, 1e-12)
    columns = math.ceil(math.sqrt(n_maps))
    pictures = _coloured(share, signed=signed, tone=tone).transpose(2, 0, 1, 3)
    high = float(limits.max())
    return Sheet(
        png(tile_pictures(pictures, columns=columns, gap=0)),
        n_maps=n_maps,
        rows=rows,
        width=width,
        columns=columns,
        low=-high if signed else 0.0,
        high=high,
        colours=(NEGATIVE, PAPER[tone], POSITIVE) if signed else (BLACK, WHITE),
    )


def _coloured(share: Array, *, signed: bool, tone: Tone) -> Picture:
    if signed:
        return signed_picture(share, limit=1.0, tone=tone)
    return grey_picture(share, limit=1.0)
