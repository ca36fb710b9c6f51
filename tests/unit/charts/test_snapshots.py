import io
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from cnn_lab.charts.maps import NEGATIVE, PAPER, POSITIVE
from cnn_lab.charts.snapshots import (
    Filmstrip,
    Scales,
    accuracy_curve,
    filters_film,
    filters_picture,
    largest,
    maps_film,
    maps_picture,
    n_columns,
    shades,
)
from cnn_lab.runs.snapshots import Snapshot


def snapshot(n_images: int, *, right: int = 5, strength: float = 1.0, filters: int = 6) -> Snapshot:
    numbers = np.random.default_rng(n_images)
    kernels = numbers.uniform(-1, 1, (3, 3, 1, filters)).astype(np.float32)
    maps = numbers.uniform(-1, 1, (5, 7, 5, filters)).astype(np.float32)
    confusion = np.zeros((10, 10), np.int64)
    confusion[3, 3], confusion[3, 8] = right, 10 - right
    return Snapshot(n_images, 1, 1, strength * kernels, strength * maps, confusion, 10)


RUN = [snapshot(n, right=1 + n, strength=1 + n) for n in range(8)]


class Watched(Sequence[Snapshot]):
    """Snapshots that remember which of them were asked for."""

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        self._snapshots = snapshots
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self._snapshots)

    def __getitem__(self, index):
        self.asked.append(index)
        return self._snapshots[index]


def test_the_scales_of_a_run_need_each_snapshot_once() -> None:
    """A live page asks again and again; unpacking a whole run each time would slow training."""
    scales = Scales()
    falling = RUN[::-1]  # so that the largest numbers are those of the first
    for n, fresh in ((1, [0]), (3, [1, 2]), (3, []), (8, [3, 4, 5, 6, 7]), (2, [])):
        watched = Watched(falling[:n])
        kernels, maps = scales.of(watched)
        assert kernels == largest(one.kernels for one in falling[:n])
        assert maps == [largest(one.maps[image] for one in falling[:n]) for image in range(5)]
        assert watched.asked == fresh
    rising = Scales().of(RUN)
    assert rising[0] == largest(one.kernels for one in RUN)


def cut(film: Filmstrip, moment: int) -> np.ndarray:
    """Cut a picture out of a film as the browser does."""
    pixels = np.asarray(Image.open(io.BytesIO(film.webp)).convert("RGB"))
    top = moment // film.columns * film.height
    left = moment % film.columns * film.width
    return pixels[top : top + film.height, left : left + film.width]


@pytest.mark.parametrize("moment", range(len(RUN)))
def test_a_filmstrip_holds_each_moments_picture_to_the_pixel(moment: int) -> None:
    filters, maps = filters_film(RUN, tone="light"), maps_film(RUN, 3, tone="dark")
    assert filters is not None
    assert maps is not None
    wanted = filters_picture(RUN[moment].kernels, limit=filters.limit, tone="light")
    assert (cut(filters, moment) == wanted).all()
    wanted = maps_picture(RUN[moment].maps[3], limit=maps.limit, tone="dark")
    assert (cut(maps, moment) == wanted).all()


def test_one_scale_holds_for_all_moments() -> None:
    film = filters_film(RUN, tone="light")
    assert film is not None
    assert film.limit == max(np.abs(one.kernels).max() for one in RUN)
    spread = [np.ptp(cut(film, moment).astype(int)) for moment in (0, len(RUN) - 1)]
    assert spread[0] < spread[1] / 4
    colours = {tuple(colour) for colour in cut(film, len(RUN) - 1).reshape(-1, 3).tolist()}
    assert colours & {NEGATIVE, POSITIVE}


def test_a_network_without_a_convolution_has_no_films() -> None:
    nothing = np.zeros((0, 0, 0, 0), np.float32)
    no_maps = np.zeros((5, 0, 0, 0), np.float32)
    run = [Snapshot(0, 0, 0, nothing, no_maps, np.eye(10, dtype=np.int64), 10)]
    assert filters_film(run, tone="light") is None
    assert maps_film(run, 0, tone="light") is None


def test_the_curve_rises_with_what_is_read_correctly() -> None:
    run = [snapshot(n, right=right) for n, right in ((0, 1), (50, 5), (100, 9), (200, 10))]
    curve = accuracy_curve(run, n_images=200)
    across, up = zip(*curve.points, strict=True)
    assert across == (0.0, 0.25, 0.5, 1.0)
    assert list(up) == sorted(set(up))
    assert up[0] > 0
    assert up[-1] == 1


def test_ticks_stand_where_their_accuracy_would() -> None:
    curve = accuracy_curve([snapshot(10, right=5), snapshot(20, right=9)], n_images=20)
    assert dict(curve.ticks) == {curve.points[0][1]: "50%", curve.points[1][1]: "90%"}


def test_shades_grow_with_the_count_and_start_at_none() -> None:
    found = shades([snapshot(1, right=4), snapshot(2, right=9)])
    assert len(found) == 10
    assert found[0] == 0
    assert found == sorted(set(found))
    assert found[1] > found[9] / 4
    assert found[9] < 1


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
    picture = filters_picture(kernels, limit=2, tone="light")
    assert picture.shape == (2, 5, 3)
    assert tuple(picture[0, 0]) == POSITIVE
    assert tuple(picture[0, 3]) == NEGATIVE
    assert tuple(picture[-1, -1]) == PAPER["light"]
    fainter = filters_picture(kernels, limit=4, tone="light")
    assert tuple(fainter[0, 0]) != POSITIVE


def test_kernels_over_three_channels_are_colours() -> None:
    kernels = np.zeros((1, 1, 3, 1), np.float32)
    kernels[0, 0, :, 0] = [1, 0, -1]
    assert tuple(filters_picture(kernels, limit=1, tone="dark")[0, 0]) == (255, 128, 0)


def test_maps_stand_beside_each_other() -> None:
    maps = np.zeros((3, 4, 2), np.float32)
    maps[0, 0, 1] = 5
    picture = maps_picture(maps, limit=5, tone="dark")
    assert picture.shape == (3, 9, 3)
    assert tuple(picture[0, 5]) == POSITIVE
