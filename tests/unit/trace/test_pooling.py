"""The traces of pooling against loops written from the definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_lab.ops import average_pool2d, average_pool2d_gradient, max_pool2d
from cnn_lab.ops.types import ShapeError
from cnn_lab.trace import average_pool_trace, max_pool_trace
from cnn_lab.trace.grid import PADDING, UNREAD


@st.composite
def poolings(draw):
    pool = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    size = tuple(draw(st.integers(k, k + 4)) for k in pool)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image = random.integers(-3, 4, size) / draw(st.sampled_from([1, 2, 3]))
    options = {
        "pool_size": pool,
        "strides": draw(st.sampled_from([None, 1, 2, (1, 2)])),
        "padding": draw(st.sampled_from(["valid", "same"])),
    }
    return image, options


@settings(max_examples=80, deadline=None)
@given(poolings())
def test_maximum_comes_from_the_first_of_the_largest(case):
    image, options = case
    trace = max_pool_trace(image, **options)
    expected = max_pool2d(image[np.newaxis, :, :, np.newaxis], **options)[0, :, :, 0]
    np.testing.assert_allclose(trace.grid("output").values, expected, rtol=1e-6)
    for step in range(len(trace)):
        values = [trace.value(cell) for cell in trace.step_reads(step)]
        assert trace.winners[step] == trace.step_reads(step)[values.index(max(values))]
        assert trace.value(trace.winners[step]) == trace.value(trace.writes[step])
        assert not trace.locate(trace.winners[step])[0].mask.ravel()[trace.winners[step]] & 1


@settings(max_examples=80, deadline=None)
@given(poolings(), st.booleans())
def test_mean_counts_what_it_says(case, count_include_pad):
    image, options = case
    trace = average_pool_trace(image, **options, count_include_pad=count_include_pad)
    expected = average_pool2d(
        image[np.newaxis, :, :, np.newaxis], **options, count_include_pad=count_include_pad
    )[0, :, :, 0]
    np.testing.assert_allclose(trace.grid("output").values, expected, rtol=1e-6, atol=1e-7)
    mask = trace.grid("input").mask.ravel()
    for step in range(len(trace)):
        cells = [cell for cell in trace.step_reads(step) if count_include_pad or not mask[cell] & 1]
        mean = sum(trace.value(cell) for cell in cells) / len(cells)
        assert trace.value(trace.writes[step]) == pytest.approx(mean, abs=1e-6)
        counted = f"the mean of {len(cells)} cells"
        assert (counted in trace.caption(step)) == (len(cells) > 1)


def test_ties_go_to_the_first_as_in_tensorflow():
    trace = max_pool_trace(np.ones((4, 4)))
    assert trace.winners.tolist() == [0, 2, 8, 10]


def test_padding_never_wins_and_has_no_number():
    trace = max_pool_trace(np.full((3, 3), -5), padding="same")
    grid = trace.grid("input")
    assert grid.values[3, 3] == -np.inf
    assert grid.mask[3].tolist() == [1] * 4
    assert (trace.grid("output").values == -5).all()
    assert trace.skip_padding


def test_remainder_is_marked():
    assert max_pool_trace(np.ones((5, 4))).grid("input").mask.tolist() == [[0] * 4] * 4 + [[2] * 4]


def test_captions():
    image = np.array([[1, 2, 0], [4, 4, 1], [0, 1, 1]])
    assert max_pool_trace(image, padding="same").caption(1) == (
        "Max pooling, row 0, column 1: the window covers rows 0 to 1 and columns 2 to 3; "
        "the largest of 2 cells is 1, at row 1, column 2. Cells in the padding: 2."
    )
    assert average_pool_trace(image, pool_size=3).caption(0) == (
        "Average pooling, row 0, column 0: the window covers rows 0 to 2 and columns 0 to 2; "
        "the mean of 9 cells is about 1.556."
    )
    assert average_pool_trace(image[:2, :2]).caption(0).endswith("the mean of 4 cells is 2.75.")


def test_a_mean_that_is_exact_among_rounded_ones_is_called_exact():
    image = np.array([[3, 0, 1], [0, 0, 1], [0, 0, 1]])
    trace = average_pool_trace(image, pool_size=(3, 1))
    assert [trace.is_exact(step) for step in range(3)] == [True, True, True]
    mixed = average_pool_trace(np.array([[1, 3], [0, 0], [0, 0]]), pool_size=(3, 1))
    assert [mixed.is_exact(step) for step in range(2)] == [False, True]


def test_one_scale_for_input_and_result():
    trace = average_pool_trace(np.arange(16.0).reshape(4, 4))
    assert trace.grid("input").scale == trace.grid("output").scale


def test_several_channels_are_refused():
    with pytest.raises(ShapeError, match="one channel at a time"):
        max_pool_trace(np.ones((4, 4, 3)))


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="pool_size"):
        max_pool_trace(np.ones((4, 4)), pool_size=0)
    with pytest.raises(ShapeError, match="must fit"):
        average_pool_trace(np.ones((2, 2)), pool_size=3)


@pytest.mark.parametrize("padding", ["valid", "same", ((1, 0), (0, 1)), 1])
@pytest.mark.parametrize("strides", [None, 1, 2, (3, 4), 5])
@pytest.mark.parametrize("pool_size", [2, (3, 2)])
def test_cells_are_marked_as_never_read_if_and_only_if_no_window_holds_them(
    pool_size, strides, padding
):
    """N3: by the gradient of average pooling, which every cell of a window shares."""
    options = {"pool_size": pool_size, "strides": strides, "padding": padding}
    for size in [(7, 6), (9, 11)]:
        for trace in (
            max_pool_trace(np.ones(size), **options),
            average_pool_trace(np.ones(size), **options),
        ):
            grid, output = trace.grid("input"), trace.grid("output").values
            gradient = average_pool2d_gradient(
                np.ones((1, *size, 1)), np.ones((1, *output.shape, 1)), **options
            )[0, ..., 0]
            pixels = (grid.mask & PADDING) == 0
            unread = (grid.mask & UNREAD) > 0
            np.testing.assert_array_equal(unread[pixels].reshape(size), gradient == 0)
            read = np.zeros(grid.values.size, bool)
            read[trace.reads] = True
            np.testing.assert_array_equal(unread, ~read.reshape(unread.shape))
