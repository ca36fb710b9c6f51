"""What a run's snapshots show: its first filters, and what they make of a digit."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from cnn_lab.charts.maps import PAPER, Picture, Tone, png, tile_maps
from cnn_lab.ops.types import Array

KERNEL_PX = 8  # pixels a side of each weight
MAP_PX = 3  # pixels a side of each number of a map
MAX_COLUMNS = 8
N_COLOURS = 3


def n_columns(n_tiles: int) -> int:
    """Return how many of these tiles stand beside each other: rows are full where possible."""
    return next(
        (n for n in range(MAX_COLUMNS, 3, -1) if n_tiles % n == 0), min(n_tiles, MAX_COLUMNS)
    )


def largest(arrays: Iterable[NDArray[np.floating]]) -> float:
    """Return the largest magnitude in any of the arrays: one scale for all of them."""
    return max((float(np.abs(array).max(initial=0)) for array in arrays), default=0.0)


def filters_png(kernels: Array, *, limit: float, tone: Tone) -> bytes:
    """Return a layer's kernels side by side as a PNG; see `filters_picture`."""
    return png(filters_picture(kernels, limit=limit, tone=tone), factor=KERNEL_PX)


def filters_picture(kernels: Array, *, limit: float, tone: Tone) -> Picture:
    """Return a layer's kernels side by side, zero in the colour of the page.

    Parameters
    ----------
    kernels : ndarray, shape (kernel_height, kernel_width, channels, filters)
        Of three channels, each kernel is one picture in colours, grey where it is zero; of any
        other number, each channel is a tile of its own.
    limit : float
        The weight that has the full colour.
    tone : {"light", "dark"}
    """
    height, width, channels, filters = kernels.shape
    if channels == N_COLOURS:
        return _coloured_tiles(kernels, limit, tone)
    tiles = kernels.transpose(0, 1, 3, 2).reshape(height, width, filters * channels)
    columns = n_columns(tiles.shape[2])
    return tile_maps(tiles, columns=columns, signed=True, limit=limit, tone=tone)


def maps_png(maps: Array, *, limit: float, tone: Tone) -> bytes:
    """Return a layer's maps of one image side by side as a PNG; see `maps_picture`."""
    return png(maps_picture(maps, limit=limit, tone=tone), factor=MAP_PX)


def maps_picture(maps: Array, *, limit: float, tone: Tone) -> Picture:
    """Return a layer's maps of one image side by side, zero in the colour of the page.

    Parameters
    ----------
    maps : ndarray, shape (height, width, filters)
    limit : float
        The number that has the full colour.
    tone : {"light", "dark"}
    """
    columns = n_columns(maps.shape[2])
    return tile_maps(maps, columns=columns, signed=True, limit=limit, tone=tone)


def _coloured_tiles(kernels: Array, limit: float, tone: Tone) -> Picture:
    height, width, channels, filters = kernels.shape
    columns = n_columns(filters)
    rows = math.ceil(filters / columns)
    cells = np.empty((rows * columns, height + 1, width + 1, channels), np.uint8)
    cells[:] = PAPER[tone]
    shares = np.clip(kernels / max(limit, 1e-12), -1, 1)
    cells[:filters, :height, :width] = np.round(127.5 * (1 + shares)).transpose(3, 0, 1, 2)
    grid = cells.reshape(rows, columns, height + 1, width + 1, channels).swapaxes(1, 2)
    return grid.reshape(rows * (height + 1), columns * (width + 1), channels)[:-1, :-1]
