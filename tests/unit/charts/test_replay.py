import io

import numpy as np
import pytest
from PIL import Image

from cnn_lab.charts.maps import NEGATIVE, POSITIVE
from cnn_lab.charts.replay import Sheet, accuracy_curve, filters_sheet, maps_sheet, shades
from cnn_lab.charts.snapshots import filters_picture, maps_picture
from cnn_lab.runs.snapshot import Snapshot


def snapshot(n_images: int, *, right: int = 5, strength: float = 1.0, filters: int = 6) -> Snapshot:
    numbers = np.random.default_rng(n_images)
    kernels = numbers.uniform(-1, 1, (3, 3, 1, filters)).astype(np.float32)
    maps = numbers.uniform(-1, 1, (5, 7, 5, filters)).astype(np.float32)
    confusion = np.zeros((10, 10), np.int64)
    confusion[3, 3], confusion[3, 8] = right, 10 - right
    return Snapshot(n_images, 1, 1, strength * kernels, strength * maps, confusion, 10)


RUN = [snapshot(n, right=1 + n, strength=1 + n) for n in range(8)]


def cut(sheet: Sheet, moment: int) -> np.ndarray:
    """Cut a picture out of a sheet as the browser does."""
    pixels = np.asarray(Image.open(io.BytesIO(sheet.webp)).convert("RGB"))
    top = moment // sheet.columns * sheet.height
    left = moment % sheet.columns * sheet.width
    return pixels[top : top + sheet.height, left : left + sheet.width]


@pytest.mark.parametrize("moment", range(len(RUN)))
def test_a_sheet_holds_each_moments_picture_to_the_pixel(moment: int) -> None:
    filters, maps = filters_sheet(RUN, tone="light"), maps_sheet(RUN, 3, tone="dark")
    assert filters is not None
    assert maps is not None
    wanted = filters_picture(RUN[moment].kernels, limit=filters.limit, tone="light")
    assert (cut(filters, moment) == wanted).all()
    wanted = maps_picture(RUN[moment].maps[3], limit=maps.limit, tone="dark")
    assert (cut(maps, moment) == wanted).all()


def test_one_scale_holds_for_all_moments() -> None:
    sheet = filters_sheet(RUN, tone="light")
    assert sheet is not None
    assert sheet.limit == max(np.abs(one.kernels).max() for one in RUN)
    spread = [np.ptp(cut(sheet, moment).astype(int)) for moment in (0, len(RUN) - 1)]
    assert spread[0] < spread[1] / 4
    colours = {tuple(colour) for colour in cut(sheet, len(RUN) - 1).reshape(-1, 3).tolist()}
    assert colours & {NEGATIVE, POSITIVE}


def test_a_network_without_a_convolution_has_no_sheets() -> None:
    nothing = np.zeros((0, 0, 0, 0), np.float32)
    no_maps = np.zeros((5, 0, 0, 0), np.float32)
    run = [Snapshot(0, 0, 0, nothing, no_maps, np.eye(10, dtype=np.int64), 10)]
    assert filters_sheet(run, tone="light") is None
    assert maps_sheet(run, 0, tone="light") is None


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
