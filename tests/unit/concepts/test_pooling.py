"""What the Pooling page says in numbers: winners, ties, overlap, losses, divisors, fields."""

import re
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_lab.concepts.pooling import (
    contrast_divisors,
    divisor_latex,
    fields_behind,
    fields_table,
    gradient_sum_latex,
    read_cell_latex,
    remains,
    routes,
    shift_response,
)
from cnn_lab.ops import (
    average_pool2d,
    average_pool2d_gradient,
    max_pool2d,
    max_pool2d_gradient,
)
from cnn_lab.ops.settings import PoolingSettings
from cnn_lab.ops.types import ShapeError


def random_map(rows, columns, seed=0):
    return np.random.default_rng(seed).integers(-4, 5, (rows, columns)).astype(float)


def windows(image, settings):
    """The cells of each window that lie inside the image, as (row, column) pairs."""
    (height, width), (down, right) = settings.pool_size, settings.strides
    borders = settings.borders(image.shape)
    (top, bottom), (left, right_border) = borders
    rows = (image.shape[0] + top + bottom - height) // down + 1
    columns = (image.shape[1] + left + right_border - width) // right + 1
    for i, j in product(range(rows), range(columns)):
        cells = product(range(height), range(width))
        places = [(i * down + m - top, j * right + n - left) for m, n in cells]
        yield [(r, c) for r, c in places if 0 <= r < image.shape[0] and 0 <= c < image.shape[1]]


settings_of = st.builds(
    PoolingSettings,
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.sampled_from(["valid", "same", "full"]),
)


@given(settings_of, st.integers(3, 6), st.integers(3, 6), st.integers(0, 99))
def test_winners_ties_and_overlap_are_those_of_a_plain_loop(settings, rows, columns, seed):
    image = random_map(rows, columns, seed)
    won, covered, largest = np.zeros_like(image), np.zeros_like(image), []
    for cells in windows(image, settings):
        values = [image[cell] for cell in cells]
        won[cells[values.index(max(values))]] += 1
        largest.append(values.count(max(values)))
        for cell in cells:
            covered[cell] += 1
    found = routes(image, settings)
    np.testing.assert_array_equal(found.won, won)
    np.testing.assert_array_equal(found.covered, covered)
    assert found.largest.ravel().tolist() == largest
    assert found.n_ties == sum(count > 1 for count in largest)
    assert found.n_windows == len(largest)
    assert found.n_won_twice == np.count_nonzero(won > 1)
    assert found.n_covered_twice == np.count_nonzero(covered > 1)


def test_of_equal_cells_the_first_wins():
    found = routes(np.full((4, 4), 7.0), PoolingSettings(2))
    assert found.n_ties == 4
    assert found.largest.tolist() == [[4, 4], [4, 4]]
    assert np.argwhere(found.won).tolist() == [[0, 0], [0, 2], [2, 0], [2, 2]]


def test_a_bright_cell_in_the_middle_wins_every_window_that_overlaps_there():
    image = random_map(5, 5)
    image[2, 2] = 9
    found = routes(image, PoolingSettings(3, strides=1))
    assert found.won[2, 2] == 9
    assert found.n_won_twice == 1
    assert found.n_ties == 0


def test_a_window_that_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match="spans 3 pixels"):
        routes(np.ones((2, 2)), PoolingSettings(3))


def test_windows_side_by_side_keep_one_winner_each_and_all_of_the_sum_by_means():
    image = np.array([[4.0, 0, 1, 1], [0, 0, 0, 2]])
    largest, mean = remains(image, PoolingSettings(2))
    assert (largest.n_traceless, mean.n_traceless) == (6, 0)
    assert largest.magnitude == pytest.approx(6 / 8)
    assert mean.magnitude == 1
    assert largest.error == pytest.approx((2 / 22) ** 0.5)
    assert mean.error == pytest.approx((14 / 22) ** 0.5)


@given(settings_of, st.integers(3, 6), st.integers(0, 99), st.booleans())
def test_what_is_drawn_again_is_that_of_a_plain_loop(settings, side, seed, counted):
    settings = replace(settings, count_include_pad=counted)
    image = random_map(side, side, seed) + 10
    divisor = np.prod(settings.pool_size)
    sums, counts, winners = np.zeros_like(image), np.zeros_like(image), np.zeros_like(image)
    for cells in windows(image, settings):
        values = [image[cell] for cell in cells]
        winners[cells[values.index(max(values))]] = max(values)
        for cell in cells:
            sums[cell] += sum(values) / (divisor if counted else len(cells))
            counts[cell] += 1
    again = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    for each, drawn in zip(remains(image, settings), (winners, again), strict=True):
        expected = np.linalg.norm(image - drawn) / np.linalg.norm(image)
        assert each.error == pytest.approx(expected, abs=1e-12)


def test_pixels_that_no_window_reads_leave_no_trace():
    largest, mean = remains(np.ones((5, 5)), PoolingSettings(2))
    assert mean.n_traceless == 9
    assert mean.magnitude == pytest.approx(16 / 25)
    assert largest.n_traceless == 21


def test_an_empty_map_has_nothing_to_lose():
    for each in remains(np.zeros((4, 4)), PoolingSettings(2)):
        assert (each.magnitude, each.error) == (1.0, 0.0)


def test_both_divisors_of_a_corner_by_hand():
    image = np.array([[8.0, 0, 0], [0, 0, 0], [0, 0, 0]])
    found = contrast_divisors(image, PoolingSettings(2, padding=((1, 0), (1, 0))))
    assert found.means.cell == (0, 0)
    assert (found.n_inside, found.n_window) == (1, 4)
    assert (found.means.first, found.means.second) == (8, 2)
    assert found.means.differs.tolist() == [[True, False], [False, False]]


def test_without_padding_the_divisors_agree():
    found = contrast_divisors(random_map(6, 6), PoolingSettings(3, strides=1))
    assert not found.means.differs.any()
    assert found.means.first == found.means.second


def test_the_equations_tell_the_cell_and_the_divisor():
    settings = PoolingSettings((3, 2), strides=(2, 3), padding=((1, 0), (0, 1)))
    assert read_cell_latex(settings, (6, 6)) == r"I(2i + m - 1,\, 3j + n)"
    assert divisor_latex(settings, (6, 6)) == "N_{ij}"
    counted = PoolingSettings((3, 2), padding="same", count_include_pad=True)
    assert divisor_latex(counted, (7, 7)) == "6"


def pixels_that_matter(n_blocks, kernel, pool_size, strides):
    """Which input pixels of one axis change one cell in the middle, found by trying."""
    length = 60

    def run(line):
        values = line.reshape(1, -1, 1, 1)
        for _ in range(n_blocks):
            sums = average_pool2d(values, pool_size=(kernel, 1), strides=1)
            values = average_pool2d(sums, pool_size=(pool_size, 1), strides=strides)
        return values[0, :, 0, 0]

    results = np.stack([run(line) for line in np.eye(length)])
    cell = results.shape[1] // 2
    return np.flatnonzero(results[:, cell]), np.flatnonzero(results[:, cell - 1])


@pytest.mark.parametrize(
    ("n_blocks", "kernel", "pool_size", "strides"),
    [(1, 3, 2, 2), (2, 3, 2, 2), (3, 2, 2, 2), (2, 5, 3, 1), (2, 1, 3, 2)],
)
def test_the_receptive_field_is_what_a_change_of_a_pixel_reaches(
    n_blocks, kernel, pool_size, strides
):
    last = fields_behind(n_blocks, kernel, (pool_size, 1), (strides, 1))[-1]
    here, before = pixels_that_matter(n_blocks, kernel, pool_size, strides)
    assert last.size[0] == here[-1] - here[0] + 1
    assert last.step[0] == here[0] - before[0]
    assert last.size[1] == n_blocks * (kernel - 1) + 1


def test_the_table_has_a_line_for_each_layer():
    table = fields_table(fields_behind(2, 3, (3, 2), (2, 2)))
    assert table["After"] == ["Convolution 3 × 3", "Pooling 3 × 2"] * 2
    assert table["Receptive field"][-1] == "13 × 10 pixels"
    assert table["Step to the next cell"][-1] == "4 down, 4 right"


def test_a_shift_downwards_is_one_to_the_right_of_the_map_on_its_side():
    image = random_map(6, 5)
    down = shift_response(image, PoolingSettings((3, 2), padding="same"), most=3, direction="down")
    right = shift_response(image.T, PoolingSettings((2, 3), padding="same"), most=3)
    for name in ("image", "max_pooled", "average_pooled"):
        np.testing.assert_allclose(getattr(down, name), getattr(right, name))


def test_the_shift_curve_follows_the_divisor():
    image = np.zeros((3, 3))
    image[1, 2] = 4
    by_inside, by_window = (
        shift_response(image, PoolingSettings(padding="same", count_include_pad=counted), most=1)
        for counted in (False, True)
    )
    pooled = [
        average_pool2d(each[None, ..., None], padding="same", count_include_pad=True)
        for each in (image, np.zeros((3, 3)))
    ]
    assert by_window.average_pooled[1] == pytest.approx(
        np.linalg.norm(pooled[1] - pooled[0]) / np.linalg.norm(pooled[0])
    )
    assert by_inside.max_pooled[1] == by_window.max_pooled[1]


def test_the_duel_hands_on_the_same_total_either_way():
    image = random_map(6, 6)[None, ..., None]
    ones = np.ones_like(max_pool2d(image))
    won = routes(image[0, ..., 0], PoolingSettings(2)).won
    np.testing.assert_array_equal(max_pool2d_gradient(image, ones)[0, ..., 0], won)
    assert won.sum() == ones.sum()


def test_pooled_maps_follow_a_shift_by_whole_windows_exactly():
    image = np.zeros((8, 8))
    image[2:4, 0:2] = 1
    response = shift_response(image, PoolingSettings(), most=2)
    assert response.image.tolist() == pytest.approx([0, 1, 2**0.5])
    assert response.max_pooled.tolist() == pytest.approx([0, 1, 2**0.5])
    # One pixel to the right puts half of the square into the next window.
    assert response.average_pooled.tolist() == pytest.approx([0, 0.5**0.5, 2**0.5])


def test_an_empty_picture_does_not_move():
    assert shift_response(np.zeros((4, 4)), PoolingSettings(), most=3).max_pooled.tolist() == [
        0,
        0,
        0,
        0,
    ]


def added_up(latex):
    """Return what the written terms come to, and what is written behind the equals sign."""
    one_line = re.sub(r"\\begin\{aligned\}|\\end\{aligned\}|\\\\|&|\{\}|\n", " ", latex)
    left, right = re.split(r" = | \\approx ", one_line)
    left = re.sub(r"\\frac\{1\}\{(\d+)\}", r"1/\1 *", left).replace(r"\cdot", "*")
    left = re.sub(r"(\d+(?:\.\d+)?)", r"Fraction('\1')", left)
    return eval(left, {"Fraction": Fraction}), Fraction(right.strip())


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize(
    "settings",
    [
        PoolingSettings(3, strides=1),
        PoolingSettings(3, strides=2, padding="same"),
        PoolingSettings((6, 4), strides=1, padding=(2, 1)),
        PoolingSettings(3, strides=1, padding=1, count_include_pad=True),
        PoolingSettings(2, strides=3),
    ],
    ids=str,
)
def test_the_gradient_of_a_cell_is_written_as_a_sum_that_adds_up(settings, average):
    """U15: no ellipsis stands for the terms, however many there are."""
    image = random_map(8, 7)
    positions = settings.geometry(image.shape).positions
    for grad_output in (np.ones(positions), np.arange(1.0, 1 + np.prod(positions)) / 4 - 3):
        delta = grad_output.reshape(positions)
        options = {name: vars(settings)[name] for name in ("pool_size", "strides", "padding")}
        arrays = image[np.newaxis, ..., np.newaxis], delta[np.newaxis, ..., np.newaxis]
        if average:
            given = average_pool2d_gradient(*arrays, **vars(settings))
        else:
            given = max_pool2d_gradient(*arrays, **options)
        for cell in [(0, 0), (3, 3), (4, 2), (7, 6)]:
            latex = gradient_sum_latex(image, delta, settings, cell, average=average)
            assert "dots" not in latex
            comes_to, says = added_up(latex)
            assert float(comes_to) == pytest.approx(float(given[0, *cell, 0]), abs=1e-12)
            assert (comes_to == says) == (r"\approx" not in latex)
            assert float(says) == pytest.approx(float(comes_to), abs=6e-4)
            assert max(map(len, latex.split("\n"))) < 90
