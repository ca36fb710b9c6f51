"""A colour picture drawn by formulas, for whoever has none at hand."""

import numpy as np

from cnn_lab.ops.types import Array

ROWS, COLUMNS = 256, 384
_TOP_OF_SKY, _BOTTOM_OF_SKY = (92, 150, 214), (238, 224, 200)
_SUN, _FAR_HILL, _NEAR_HILL = (252, 214, 110), (116, 142, 136), (74, 116, 70)
_WALL, _ROOF, _PANE, _FENCE = (226, 206, 176), (162, 62, 48), (20, 26, 44), (240, 236, 226)


def landscape() -> Array:
    """Draw a house before two hills under a low sun.

    Flat ground, slopes, a circle, and edges upright, level and slanted: something for every
    kernel to answer to.

    Returns
    -------
    ndarray of float64, shape (256, 384, 3)
        Whole numbers from 0 to 255, the same each time.
    """
    row, column = np.mgrid[:ROWS, :COLUMNS].astype(np.float64)
    height = (row / ROWS)[..., np.newaxis]
    picture = (1 - height) * np.array(_TOP_OF_SKY) + height * np.array(_BOTTOM_OF_SKY)
    picture[np.hypot(row - 62, column - 296) < 34] = _SUN
    picture[row > 150 + 26 * np.sin(column / 52)] = _FAR_HILL
    picture[row > 196 + 14 * np.sin(column / 71 + 2)] = _NEAR_HILL
    _house(picture, row, column)
    fence = (row >= 214) & (row < 246) & (column % 12 < 4)
    picture[fence | (np.isin(row, (222, 223, 236, 237)))] = _FENCE
    return np.asarray(np.round(picture))


def _house(picture: Array, row: Array, column: Array) -> None:
    picture[(row >= 136) & (row < 214) & (column >= 70) & (column < 170)] = _WALL
    picture[(row >= 92) & (row < 136) & (np.abs(column - 120) < 1.4 * (row - 90))] = _ROOF
    picture[np.hypot(row - 117, column - 120) < 9] = _FENCE
    picture[np.hypot(row - 117, column - 120) < 6] = _PANE
    for left in (84, 130):
        frame = (row >= 150) & (row < 182) & (column >= left) & (column < left + 26)
        bars = np.isin(row, (165, 166)) | np.isin(column, (left + 12, left + 13))
        picture[frame & ~bars] = _PANE
