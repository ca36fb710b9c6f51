"""A network as planes in space, with what each layer makes of one image on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnn_lab.charts.maps import (
    Tone,
    as_maps,
    image_picture,
    png,
    tile_maps,
)
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array

SIDE_PX = 150  # the longer side of a plane before it is seen from afar
SHORT = 12  # so many single numbers stand in one column


@dataclass(frozen=True, eq=False)
class Plane:
    """What one layer makes, all its maps side by side, each on a scale of its own.

    Attributes
    ----------
    name : str
        The layer's; "" for the image.
    words : str
        What it is, for a reader.
    png : bytes
        One pixel for each number.
    width, height : int
        Of the plane in pixels, the longer one always the same.
    """

    name: str
    words: str
    png: bytes
    width: int
    height: int


def shown_layers(spec: NetworkSpec) -> list[str]:
    """Return the layers that get a plane.

    Left out is what only rearranges or drops, and what the next layer changes number by number.

    Examples
    --------
    >>> from cnn_lab.network.zoo import fast
    >>> shown_layers(fast().network)
    ['relu1', 'relu2', 'relu3', 'softmax']
    """
    layers = [layer for layer in spec.layers if not layer.hands_on]
    changed_next = [*(layer.keeps_shape for layer in layers[1:]), False]
    return [layer.name for layer, then in zip(layers, changed_next, strict=True) if not then]


def planes(
    image: Array, activations: Mapping[str, Array], layers: Sequence[str], *, tone: Tone = "light"
) -> list[Plane]:
    """Return the planes of an image and of what layers make of it.

    Parameters
    ----------
    image : ndarray, shape (height, width, channels)
    activations : mapping of str to ndarray
        Of one image, shape (height, width, channels) or (units,).
    layers : sequence of str
    tone : {"light", "dark"}
        The page; zero takes its colour where there are signs.

    Returns
    -------
    list of Plane
        The image first. All maps are on a plane, nearly in a square; a dozen single
        numbers or fewer stand one below the other.

    Notes
    -----
    30 KB for the paper's network.
    """
    found = [_plane("", "the image", image_picture(image))]
    for name in layers:
        maps = as_maps(activations[name])
        rows, columns, n = maps.shape
        alone = rows * columns == 1
        across = 1 if alone and n <= SHORT else int(np.ceil(np.sqrt(n)))
        own = np.abs(maps).max() if alone else np.abs(maps).max(axis=(0, 1))
        picture = tile_maps(
            maps / np.maximum(own, 1e-12),
            columns=across,
            signed=bool(maps.min() < 0),
            gap=0 if alone else 1,
            limit=1.0,
            tone=tone,
        )
        shape = f"{n} numbers" if alone else f"{n} × {rows} × {columns}"
        found.append(_plane(name, f"{name}, {shape}", picture))
    return found


def _plane(name: str, words: str, picture: NDArray[np.uint8]) -> Plane:
    rows, columns = picture.shape[:2]
    factor = SIDE_PX / max(rows, columns)
    return Plane(name, words, png(picture), round(factor * columns), round(factor * rows))
