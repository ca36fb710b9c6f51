"""Sharp pictures of images, kernels and feature maps, with their scale."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnn_lab.ops.types import Array

Picture = NDArray[np.uint8]
Tone = Literal["light", "dark"]
Scope = Literal["map", "layer", "network"]
Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]

# Blue below zero, orange above, and the page's colour at zero; safe for colour-blind readers.
NEGATIVE, POSITIVE = (44, 111, 187), (217, 115, 26)
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
BETWEEN_GREYS = (58, 54, 50)
PAPER: dict[Tone, Colour] = {"light": (250, 247, 241), "dark": (32, 29, 27)}
DIMMED = 0.55  # brightness of an image under weights, so that these stand out
STEPS = 127  # of colour on either side of zero, in a PNG with a palette


def grey_picture(values: Array, *, limit: float | None = None) -> Picture:
    """Return values as grey levels, zero black and `limit` white.

    Parameters
    ----------
    values : ndarray of float, any shape
        Below zero is black too.
    limit : float, optional
        Value shown as white; the largest value by default.

    Returns
    -------
    ndarray of uint8, shape (..., 3)
    """
    top = max(float(values.max(initial=0.0)) if limit is None else limit, 1e-12)
    grey = np.clip(values / top, 0, 1)
    return np.repeat(np.round(255 * grey).astype(np.uint8)[..., None], 3, axis=-1)


def signed_picture(values: Array, *, limit: float | None = None, tone: Tone = "light") -> Picture:
    """Return values on the blue-to-orange scale centred at zero.

    Parameters
    ----------
    values : ndarray of float, any shape
    limit : float, optional
        Magnitude shown in full colour; the largest magnitude by default.
    tone : {"light", "dark"}
        Theme of the page; zero takes its background colour.

    Returns
    -------
    ndarray of uint8, shape (..., 3)
    """
    top = max(float(np.abs(values).max(initial=0.0)) if limit is None else limit, 1e-12)
    share = np.clip(values / top, -1, 1)[..., None]
    paper = np.array(PAPER[tone], float)
    ink = np.where(share < 0, np.array(NEGATIVE, float), np.array(POSITIVE, float))
    return np.asarray(np.round(paper + np.abs(share) * (ink - paper)), np.uint8)


def image_picture(image: Array) -> Picture:
    """Return a network's input as a picture of the same size.

    Parameters
    ----------
    image : ndarray of float in [0, 1], shape (height, width, channels)
        Three channels are red, green and blue; of any other number, the first is grey.
    """
    if image.shape[2] == 3:
        return np.asarray(np.round(255 * np.clip(image, 0, 1)), np.uint8)
    return grey_picture(image[..., 0], limit=1.0)


def heat_picture(image: Array, heat: Array, *, limit: float | None = None) -> Picture:
    """Return an image overlaid with weights, orange where positive and blue where negative.

    Parameters
    ----------
    image : ndarray of float in [0, 1], shape (height, width, channels)
    heat : ndarray of float, shape (height, width)
    limit : float, optional
        The weight that covers the image; the largest magnitude by default.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
    """
    top = max(float(np.abs(heat).max()) if limit is None else limit, 1e-12)
    share = np.clip(np.abs(heat) / top, 0, 1)[..., np.newaxis]
    ink = np.where(heat[..., np.newaxis] < 0, np.array(NEGATIVE, float), np.array(POSITIVE, float))
    ground = DIMMED * image_picture(image).astype(float)
    return np.asarray(np.round(ground + share * (ink - ground)), np.uint8)


def framed(
    picture: Picture,
    boxes: Sequence[Box],
    colour: str,
    *,
    factor: int = 1,
    thick: int | None = None,
) -> Picture:
    """Return a picture enlarged, with frames along the inner edges of its pixels.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, 3)
    boxes : sequence of (int, int, int, int)
        First row and column, rows and columns of each frame; one of no pixels is left out.
    colour : str
        As "#b0126f".
    factor : int
        Pixels a side of each pixel.
    thick : int, optional
        How thick the frames are, after enlarging; a third of a pixel, but at least 2, unless
        given.
    """
    large = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    thick = max(2, factor // 3) if thick is None else thick
    for box in boxes:
        row, column, rows, columns = (factor * length for length in box)
        if rows <= 0 or columns <= 0:
            continue
        outer, inner = (
            tuple(
                slice(max(0, first + edge), max(0, first + length - edge))
                for first, length in ((row, rows), (column, columns))
            )
            for edge in (0, thick)
        )
        kept = large[inner].copy()
        large[outer] = rgb(colour)
        large[inner] = kept
    return large


def outlined(picture: Picture, box: Box, colour: str) -> Picture:
    """Return a picture with a frame around an unchanged part of it.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, 3)
    box : (int, int, int, int)
        First row and column of the piece, and how many it has of each.
    colour : str
        As "#b0126f".
    """
    row, column, rows, columns = box
    thick = max(1, round(max(picture.shape[:2]) / 200))
    around = row - thick, column - thick, rows + 2 * thick, columns + 2 * thick
    return framed(picture, [around], colour, thick=thick)


def rgb(colour: str) -> Colour:
    """Return a colour such as "#b0126f" as red, green and blue."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def tile_maps(
    maps: Array,
    *,
    columns: int,
    signed: bool = False,
    gap: int = 1,
    limit: float | None = None,
    tone: Tone = "light",
) -> Picture:
    """Return all maps of a layer as one picture, on one scale for the whole layer.

    Parameters
    ----------
    maps : ndarray of float, shape (height, width, channels)
    columns : int
        Maps per row; the last row may be shorter.
    signed : bool
        Zero-centred blue to orange instead of black to white.
    gap : int
        Pixels between maps, before enlarging: page colour, or dark grey between greys.
    limit : float, optional
        What counts as white, or has the full colours; the largest magnitude unless given.
    tone : {"light", "dark"}

    Returns
    -------
    ndarray of uint8, shape (rows of pixels, columns of pixels, 3)

    Notes
    -----
    One pass over the values and one copy (benchmark B8).
    """
    if signed:
        coloured = signed_picture(maps, limit=limit, tone=tone)
    else:
        coloured = grey_picture(maps, limit=limit)
    between = PAPER[tone] if signed else BETWEEN_GREYS
    return tile_pictures(coloured.transpose(2, 0, 1, 3), columns=columns, gap=gap, between=between)


def tile_pictures(
    pictures: Picture,
    *,
    columns: int,
    gap: int = 1,
    between: tuple[int, int, int] = BETWEEN_GREYS,
) -> Picture:
    """Return pictures of one size side by side, row by row.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width, 3)
    columns : int
        Pictures per row; the last row may be shorter.
    gap : int
        Pixels between them.
    between : (int, int, int)
        Red, green and blue of the gaps and of places that stay empty.

    Returns
    -------
    ndarray of uint8, shape (rows of pixels, columns of pixels, 3)
    """
    n, height, width, _ = pictures.shape
    rows = -(-n // columns)
    cells = np.empty((rows * columns, height + gap, width + gap, 3), np.uint8)
    cells[:] = between
    cells[:n, :height, :width] = pictures
    grid = cells.reshape(rows, columns, height + gap, width + gap, 3).transpose(0, 2, 1, 3, 4)
    picture = grid.reshape(rows * (height + gap), columns * (width + gap), 3)
    return picture[: -gap or None, : -gap or None]


def as_maps(values: Array) -> Array:
    """Return the output of a layer for one image as maps.

    Parameters
    ----------
    values : ndarray, shape (height, width, channels) or (units,)

    Returns
    -------
    ndarray, shape (height, width, channels)
        Each number of a row becomes a map of one pixel.
    """
    return values if values.ndim == 3 else values.reshape(1, 1, -1)


def scale_limits(scope: Scope, layer: str, activations: Mapping[str, Array]) -> Array:
    """Return the magnitude shown in full colour, for each map of a layer.

    Parameters
    ----------
    scope : {"map", "layer", "network"}
        Whether each map has its own scale, shares it with its layer, or with all layers.
    layer : str
    activations : mapping of str to ndarray
        Output of each layer for one image, shape (height, width, channels) or (units,).

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


@dataclass(frozen=True, eq=False)
class MapSheet:
    """The maps of a layer, side by side without gaps, one pixel for each number.

    Attributes
    ----------
    png : bytes
    n_maps, rows, width : int
        Number of maps, and rows and columns of each.
    columns : int
        Maps per row of the sheet.
    low, high : float
        Values at the two ends of the scale, if all maps share it.
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


def map_sheet(
    maps: Array, limits: Array, *, tone: Tone = "light", signed: bool | None = None
) -> MapSheet:
    """Return a layer's maps as one sheet.

    Parameters
    ----------
    maps : ndarray, shape (height, width, maps)
    limits : ndarray, shape (maps,)
        The magnitude shown in full colour, or as white, in each map.
    tone : {"light", "dark"}
        Theme of the page; zero takes its background colour where there are signs.
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
    picture = (
        signed_picture(share, limit=1.0, tone=tone) if signed else grey_picture(share, limit=1.0)
    )
    pictures = picture.transpose(2, 0, 1, 3)
    high = float(limits.max())
    return MapSheet(
        png(tile_pictures(pictures, columns=columns, gap=0)),
        n_maps=n_maps,
        rows=rows,
        width=width,
        columns=columns,
        low=-high if signed else 0.0,
        high=high,
        colours=(NEGATIVE, PAPER[tone], POSITIVE) if signed else (BLACK, WHITE),
    )


def png(picture: Picture, *, factor: int = 1, compress_level: int = 1) -> bytes:
    """Return the picture as PNG bytes.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, 3)
    factor : int
        Each pixel becomes a square of `factor` by `factor` pixels, without blur.
    compress_level : int
        From 1, which is fast, to 9, which is small: for pictures that are made once.
    """
    grey = bool((picture[..., :1] == picture).all())
    image = Image.fromarray(np.ascontiguousarray(picture[..., 0]) if grey else picture)
    return _packed(image, factor, compress_level)


def sharp_png(picture: Picture, width_px: int) -> tuple[bytes, int]:
    """Return a picture as PNG bytes, with its width on the page.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, 3)
    width_px : int
        Approximate width; the result is the nearest whole multiple of the picture's width.

    Notes
    -----
    The PNG has two pixels per page pixel, so that it is sharp on high-density screens.
    """
    factor = max(1, round(width_px / picture.shape[1]))
    return png(picture, factor=2 * factor), factor * picture.shape[1]


def data_url(data: bytes, kind: str = "png") -> str:
    """Return an image as a data URL, for pages that load nothing else."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def signed_png(values: Array, *, limit: float, tone: Tone, factor: int = 1) -> bytes:
    """Return values on the blue-to-orange scale as a PNG of 255 colours.

    Parameters
    ----------
    values : ndarray, shape (height, width)
    limit : float
        Magnitude shown in full colour.
    tone : {"light", "dark"}
    factor : int
        Side of each value's square in pixels.

    Notes
    -----
    A third of the size of a PNG with three colour channels.
    """
    share = np.clip(values / max(limit, 1e-12), -1, 1)
    image = Image.fromarray(np.round(STEPS * (share + 1)).astype(np.uint8), "P")
    palette = signed_picture(np.arange(-STEPS, STEPS + 1) / STEPS, limit=1.0, tone=tone)
    image.putpalette(palette.tobytes())
    return _packed(image, factor)


def clipped_png(values: Array | Picture, *, factor: int = 1) -> bytes:
    """Return values rounded and clipped to 0 to 255, as in a photograph, as a PNG.

    Parameters
    ----------
    values : ndarray, shape (height, width) or (height, width, 3)
    factor : int
        Side of each value's square in pixels.
    """
    return _packed(Image.fromarray(np.round(np.clip(values, 0, 255)).astype(np.uint8)), factor)


def _packed(image: Image.Image, factor: int, compress_level: int = 1) -> bytes:
    size = (factor * image.width, factor * image.height)
    buffer = io.BytesIO()
    image.resize(size, Image.Resampling.NEAREST).save(buffer, "PNG", compress_level=compress_level)
    return buffer.getvalue()
