"""Pictures of numbers, maps and photographs, by their pixels."""

import io

import numpy as np
import pytest
from PIL import Image

from cnn_lab.charts.maps import (
    BETWEEN_GREYS,
    NEGATIVE,
    PAPER,
    POSITIVE,
    clipped_png,
    framed,
    grey_picture,
    heat_picture,
    image_picture,
    map_sheet,
    outlined,
    png,
    signed_picture,
    signed_png,
    tile_maps,
)
from cnn_lab.data.mnist import load_mnist

DIGIT = load_mnist().test.image(0)


def shown(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def test_signed_pictures_are_blue_below_zero_and_orange_above():
    low, zero, high = signed_picture(np.array([-2.0, 0.0, 2.0]), tone="dark")
    assert low[2] > low[0]
    assert high[0] > high[2]
    assert tuple(zero) == PAPER["dark"]


def test_grey_pictures_go_from_black_to_white():
    assert grey_picture(np.array([0.0, 1.0, 2.0]))[:, 0].tolist() == [0, 128, 255]
    assert grey_picture(np.zeros(2)).max() == 0


def test_tiles_hold_every_map_in_its_place_on_one_scale():
    maps = np.zeros((2, 3, 5))
    maps[1, 2, 3] = 4.0
    maps[0, 0, 4] = 2.0
    tiles = tile_maps(maps, columns=2)
    assert tiles.shape == (3 * 3 - 1, 2 * 4 - 1, 3)
    assert tiles[3 + 1, 4 + 2].tolist() == [255, 255, 255]
    assert tiles[6, 0].tolist() == [128, 128, 128]
    assert tiles[0, 3].tolist() == list(BETWEEN_GREYS)
    assert tiles[7, 6].tolist() == list(BETWEEN_GREYS)


def test_a_png_holds_the_very_pixels():
    picture = signed_picture(np.array([[-1.0, 0.5], [0.0, 1.0]]))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(picture)))), picture)
    larger = np.asarray(Image.open(io.BytesIO(png(picture, factor=3))))
    np.testing.assert_array_equal(larger, np.kron(picture, np.ones((3, 3, 1), np.uint8)))
    grey = grey_picture(np.array([[0.0, 1.0]]))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(grey)))), grey[..., 0])


def test_heat_hides_the_image_where_it_is_full_and_leaves_it_where_it_is_none():
    heat = np.zeros((28, 28))
    heat[3, 4], heat[5, 6] = 2.0, -2.0
    picture = heat_picture(DIGIT, heat)
    assert tuple(picture[3, 4]) == POSITIVE
    assert tuple(picture[5, 6]) == NEGATIVE
    untouched = heat == 0
    dimmed = heat_picture(DIGIT, np.zeros((28, 28)))
    np.testing.assert_array_equal(picture[untouched], dimmed[untouched])
    np.testing.assert_array_equal(dimmed[..., 0], dimmed[..., 2])


def test_a_frame_lies_on_the_edge_of_its_pixels():
    picture = framed(image_picture(DIGIT), [(2, 3, 2, 4), (0, 0, 0, 5)], "#b0126f", factor=10)
    ink = (picture == np.array([0xB0, 0x12, 0x6F])).all(axis=2)
    rows, columns = np.nonzero(ink)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 39, 30, 69)
    assert not ink[25:35, 35:65].any()


def test_a_sheet_says_what_its_ends_stand_for():
    maps = np.dstack([np.eye(2), -3 * np.eye(2)])
    signed = map_sheet(maps, np.array([3.0, 3.0]))
    assert (signed.low, signed.high, len(signed.colours)) == (-3.0, 3.0, 3)
    grey = map_sheet(np.abs(maps), np.array([1.0, 3.0]))
    assert (grey.low, grey.high, len(grey.colours)) == (0.0, 3.0, 2)


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
