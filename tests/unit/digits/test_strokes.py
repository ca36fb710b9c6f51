"""Strokes as pixels: against the distance of each pixel from the line."""

import numpy as np
import pytest

from cnn_lab.digits.strokes import SIDE_PX, Picture, Stroke, ink, picture_of


def distance_px(start, end):
    """The distance of each pixel's centre from a straight piece, shape (280, 280)."""
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX] + 0.5
    (x0, y0), (x1, y1) = start, end
    length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-9)
    along = np.clip(((columns - x0) * (x1 - x0) + (rows - y0) * (y1 - y0)) / length, 0, 1)
    return np.hypot(columns - x0 - along * (x1 - x0), rows - y0 - along * (y1 - y0))


@pytest.mark.parametrize("width", [8, 20, 32])
@pytest.mark.parametrize("end", [(200.0, 90.0), (60.5, 230.0), (60.0, 90.0), (400.0, -50.0)])
def test_a_line_has_its_width_round_ends_and_soft_edges(width, end):
    start = (60.0, 90.0)
    seen = ink([Stroke("pen", width, (start, end))])
    away = distance_px(start, end) - width / 2
    assert (seen[away < -1] == 255).all()
    assert (seen[away > 1] == 0).all()
    assert seen.mean() == pytest.approx(255 * np.clip(0.5 - away, 0, 1).mean(), rel=0.03)


def test_a_chain_of_points_bends_smoothly_between_the_middles():
    corner = Stroke("pen", 8, ((40.0, 40.0), (240.0, 40.0), (240.0, 240.0)))
    seen = ink([corner])
    on_the_way = [(40, 40), (90, 40), (215, 65), (240, 190), (240, 238)]
    assert [seen[y, x] for x, y in on_the_way] == [255] * len(on_the_way)
    assert seen[42, 238] == 0


def test_points_in_between_on_a_line_change_nothing():
    ends = ((30.0, 30.0), (230.0, 180.0))
    between = tuple((30 + 2.0 * n, 30 + 1.5 * n) for n in range(101))
    few, many = (ink([Stroke("pen", 20, points)]).astype(int) for points in (ends, between))
    assert np.abs(few - many).max() <= 64
    assert few.mean() == pytest.approx(many.mean(), rel=0.01)


def test_the_eraser_removes_from_what_was_drawn_before_it():
    line = ((40.0, 140.0), (240.0, 140.0))
    seen = ink(
        [Stroke("pen", 20, line), Stroke("eraser", 32, line[:1]), Stroke("pen", 8, line[:1])]
    )
    assert (seen[140, 40], seen[140, 50], seen[140, 100]) == (255, 0, 255)


def test_a_picture_is_kept_exactly_and_covers_what_was_before():
    grey = np.random.default_rng(3).integers(0, 256, (SIDE_PX, SIDE_PX), np.uint8)
    seen = ink([Stroke("pen", 32, ((140.0, 140.0),)), picture_of(grey)])
    np.testing.assert_array_equal(seen, grey)


@pytest.mark.parametrize("png", [b"", b"no picture", picture_of(np.zeros((28, 28), np.uint8)).png])
def test_what_is_no_picture_of_the_canvas_is_refused(png):
    with pytest.raises((OSError, ValueError, SyntaxError)):
        ink([Picture(png)])
