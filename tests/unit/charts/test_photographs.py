"""Photographs and their results as pictures on the wire."""

import io

import numpy as np
import pytest
from PIL import Image

from cnn_lab.charts.maps import signed_picture
from cnn_lab.charts.photographs import clipped_png, outlined, signed_png


def shown(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


@pytest.mark.parametrize("tone", ["light", "dark"])
def test_signed_colours_are_those_of_every_other_signed_picture(tone):
    values = np.random.default_rng(0).normal(size=(20, 30))
    limit = float(np.abs(values).max())
    seen = shown(signed_png(values, limit=limit, tone=tone))
    expected = signed_picture(values, limit=limit, tone=tone).astype(int)
    assert np.abs(seen - expected).max() <= 2


def test_zero_is_the_page_and_the_extremes_are_full_colours():
    seen = shown(signed_png(np.array([[-3.0, 0, 3, 9]]), limit=3.0, tone="light"))
    expected = signed_picture(np.array([-3.0, 0, 3, 3]), tone="light")
    np.testing.assert_array_equal(seen[0], expected)


def test_nothing_but_zeros_is_a_picture_too():
    assert (
        np.ptp(shown(signed_png(np.zeros((2, 2)), limit=0.0, tone="dark")), axis=(0, 1)).max() == 0
    )


def test_clipped_greys_end_at_black_and_white():
    seen = shown(clipped_png(np.array([[-20.0, 0, 99.6, 255, 400]])))
    assert seen[0, :, 0].tolist() == [0, 0, 100, 255, 255]


def test_each_number_becomes_a_block():
    assert shown(clipped_png(np.array([[0.0, 255]]), factor=3)).shape == (3, 6, 3)


@pytest.mark.parametrize("box", [(0, 0, 10, 12), (2, 3, 4, 5), (9, 11, 1, 1)])
def test_the_frame_leaves_its_piece_and_what_is_far_away_alone(box):
    picture = np.full((10, 12, 3), 50, np.uint8)
    framed = outlined(picture, box, "#ff0102")
    row, column, rows, columns = box
    np.testing.assert_array_equal(framed[row : row + rows, column : column + columns], 50)
    changed = (framed != picture).any(axis=2)
    near = np.zeros_like(changed)
    near[max(0, row - 1) : row + rows + 1, max(0, column - 1) : column + columns + 1] = True
    near[row : row + rows, column : column + columns] = False
    np.testing.assert_array_equal(changed, near)
    assert (framed[changed] == [255, 1, 2]).all()
