import io

import numpy as np
from PIL import Image

from cnn_lab.charts.maps import NEGATIVE, PAPER, POSITIVE
from cnn_lab.charts.snapshots import KERNEL_PX, MAP_PX, filters_png, largest, maps_png, n_columns


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_rows_are_full_where_they_can_be() -> None:
    assert [n_columns(n) for n in (1, 6, 16, 24, 32, 13)] == [1, 6, 8, 8, 8, 8]
    assert n_columns(12) == 6


def test_one_scale_for_all_that_is_compared() -> None:
    assert largest([np.array([1.0, -3.0]), np.zeros(2)]) == 3
    assert largest([]) == 0
    assert largest([np.zeros((0, 0))]) == 0


def test_each_kernel_is_a_tile_on_the_scale_given() -> None:
    kernels = np.zeros((2, 2, 1, 2), np.float32)
    kernels[0, 0, 0] = [2, -2]
    picture = opened(filters_png(kernels, limit=2, tone="light"))
    assert picture.shape == (2 * KERNEL_PX, 5 * KERNEL_PX, 3)
    assert tuple(picture[0, 0]) == POSITIVE
    assert tuple(picture[0, 3 * KERNEL_PX]) == NEGATIVE
    assert tuple(picture[-1, -1]) == PAPER["light"]
    fainter = opened(filters_png(kernels, limit=4, tone="light"))
    assert tuple(fainter[0, 0]) != POSITIVE


def test_kernels_over_three_channels_are_colours() -> None:
    kernels = np.zeros((1, 1, 3, 1), np.float32)
    kernels[0, 0, :, 0] = [1, 0, -1]
    assert tuple(opened(filters_png(kernels, limit=1, tone="dark"))[0, 0]) == (255, 128, 0)


def test_maps_stand_beside_each_other() -> None:
    maps = np.zeros((3, 4, 2), np.float32)
    maps[0, 0, 1] = 5
    picture = opened(maps_png(maps, limit=5, tone="dark"))
    assert picture.shape == (3 * MAP_PX, 9 * MAP_PX, 3)
    assert tuple(picture[0, 5 * MAP_PX]) == POSITIVE
