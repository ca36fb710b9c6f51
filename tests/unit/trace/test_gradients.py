"""The traces of gradients and of transposed convolution, against the operators they show."""

import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnn_lab import ops
from cnn_lab.ops.padding import resolve_padding
from cnn_lab.ops.settings import PoolingSettings
from cnn_lab.ops.types import ShapeError
from cnn_lab.ops.windows import output_size
from cnn_lab.trace import (
    average_pool_gradient_trace,
    bias_gradient_trace,
    input_gradient_trace,
    kernel_gradient_trace,
    max_pool_gradient_trace,
    transposed_convolution_trace,
)
from cnn_lab.trace.grid import PADDING, WINNER

FORMS = ["gather", "scatter"]
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
margins = st.tuples(st.integers(0, 3), st.integers(0, 3))
paddings = st.one_of(st.sampled_from(["valid", "same", "full"]), st.tuples(margins, margins))
numbers = st.sampled_from([1, 4, 10, 3, 7])  # the last two make numbers that must be rounded


def drawn(seed, shape, divisor):
    return np.random.default_rng(seed).integers(-4, 5, shape) / divisor


@st.composite
def layers(draw):
    size = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    window = draw(pairs)
    options = {
        "strides": draw(pairs),
        "padding": draw(paddings),
        "dilation_rate": draw(st.tuples(st.integers(1, 2), st.integers(1, 2))),
    }
    borders = resolve_padding(
        options["padding"], size, window, options["strides"], options["dilation_rate"]
    )
    spans = [d * (k - 1) + 1 for k, d in zip(window, options["dilation_rate"], strict=True)]
    assume(all(n + sum(b) >= s for n, b, s in zip(size, borders, spans, strict=True)))
    positions = output_size(size, window, options["strides"], borders, options["dilation_rate"])
    seed, divisor = draw(st.integers(0, 2**32 - 1)), draw(numbers)
    return (
        drawn(seed, size, 1),
        drawn(seed + 1, window, divisor),
        drawn(seed + 2, positions, 2),
        options,
    )


def amounts(trace, step):
    """What each read of a step comes to, weighed where there are weights."""
    links = trace.links(step)
    weights = [trace.value(w) for w in trace.weights[links]] or [1.0] * (links.stop - links.start)
    return [trace.value(r) * w for r, w in zip(trace.reads[links], weights, strict=True)]


def assert_adds_up(trace):
    """Every step's numbers follow from the cells it names."""
    for step in range(len(trace)):
        if trace.targets.size:
            totals = trace.running_totals(step)
            for amount, (_, before, after) in zip(amounts(trace, step), totals, strict=True):
                assert before + amount == pytest.approx(after, abs=1e-5)
        else:
            assert sum(amounts(trace, step)) == pytest.approx(
                trace.value(trace.writes[step]), abs=1e-5
            )
    if trace.targets.size:
        (result,) = trace.result_grids
        final = dict(zip(trace.targets.tolist(), trace.totals.tolist(), strict=True))
        for cell, value in np.ndenumerate(result.values):
            index = result.first_id + np.ravel_multi_index(cell, result.values.shape)
            assert value == final.get(int(index), 0.0)


def inner(grid):
    """The cells of a grid that are no padding."""
    rows, columns = (np.array(labels) >= 0 for labels in (grid.row_labels, grid.column_labels))
    kept = (grid.mask & PADDING) == 0
    return grid.values[np.ix_(rows & kept.any(axis=1), columns & kept.any(axis=0))]


@pytest.mark.parametrize("form", FORMS)
@given(layer=layers())
def test_the_kernels_gradient_is_the_operators(form, layer):
    image, kernel, delta, options = layer
    trace = kernel_gradient_trace(image, kernel, delta, **options, form=form)
    expected = ops.conv2d_gradients(
        image[None, ..., None], kernel[..., None, None], delta[None, ..., None], **options
    ).kernel[..., 0, 0]
    np.testing.assert_allclose(trace.grid("grad-kernel").values, expected, atol=1e-12)
    assert len(trace) == (kernel.size if form == "gather" else delta.size)
    assert_adds_up(trace)
    assert all(trace.is_exact(step) for step in range(len(trace)))


@pytest.mark.parametrize("form", FORMS)
@given(layer=layers())
def test_the_inputs_gradient_is_the_operators(form, layer):
    image, kernel, delta, options = layer
    trace = input_gradient_trace(image, kernel, delta, **options, form=form)
    expected = ops.conv2d_gradients(
        image[None, ..., None], kernel[..., None, None], delta[None, ..., None], **options
    ).images[0, ..., 0]
    found = trace.grid("grad-input")
    np.testing.assert_allclose(
        found.values if form == "gather" else inner(found), expected, atol=1e-5
    )
    assert len(trace) == (image.size if form == "gather" else delta.size)
    assert_adds_up(trace)


@pytest.mark.parametrize("form", FORMS)
@given(
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    window=pairs,
    strides=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.sampled_from(["valid", "same", ((1, 0), (0, 1))]),
    divisor=numbers,
)
def test_the_transposed_convolution_is_the_operators(form, size, window, strides, padding, divisor):
    image, kernel = drawn(0, size, 1), drawn(1, window, divisor)
    call = {"strides": strides, "padding": padding}
    try:
        expected = ops.conv2d_transpose(image[None, ..., None], kernel[..., None, None], **call)
    except ShapeError:
        with pytest.raises(ShapeError):
            transposed_convolution_trace(image, kernel, **call, form=form)
        return
    trace = transposed_convolution_trace(image, kernel, **call, form=form)
    found = trace.grid("output")
    np.testing.assert_allclose(
        found.values if form == "gather" else inner(found), expected[0, ..., 0], atol=1e-5
    )
    assert_adds_up(trace)


@pytest.mark.parametrize("form", FORMS)
def test_the_biass_gradient_adds_everything_up(form):
    delta = np.array([[1, -2, 0.5], [3, 0, 4]])
    trace = bias_gradient_trace(delta, form=form)
    assert trace.grid("grad-bias").values.item() == 6.5
    assert len(trace) == (1 if form == "gather" else 6)
    assert_adds_up(trace)


@st.composite
def poolings(draw):
    pool = draw(pairs)
    size = tuple(draw(st.integers(k, k + 4)) for k in pool)
    options = {
        "pool_size": pool,
        "strides": draw(st.sampled_from([None, 1, 2, (1, 3)])),
        "padding": draw(st.sampled_from(["valid", "same"])),
    }
    positions = PoolingSettings(**options).geometry(size).positions
    seed = draw(st.integers(0, 2**32 - 1))
    delta = drawn(seed + 1, positions, draw(numbers))
    return drawn(seed, size, 1), delta, options


@pytest.mark.parametrize("form", FORMS)
@given(pooling=poolings())
def test_max_poolings_gradient_is_the_operators(form, pooling):
    image, delta, options = pooling
    trace = max_pool_gradient_trace(image, delta, **options, form=form)
    expected = ops.max_pool2d_gradient(image[None, ..., None], delta[None, ..., None], **options)
    found = trace.grid("grad-input")
    np.testing.assert_allclose(found.values, expected[0, ..., 0], atol=1e-5)
    assert len(trace) == (image.size if form == "gather" else delta.size)
    assert_adds_up(trace)
    marked = (inner_mask(trace.grid("input"), image.shape) & WINNER) > 0
    assert not expected[0, ..., 0][~marked].any()


def inner_mask(grid, shape):
    top, left = -grid.row_labels[0], -grid.column_labels[0]
    return grid.mask[top : top + shape[0], left : left + shape[1]]


@pytest.mark.parametrize("form", FORMS)
@given(pooling=poolings(), include_pad=st.booleans())
def test_average_poolings_gradient_is_the_operators(form, pooling, include_pad):
    image, delta, options = pooling
    trace = average_pool_gradient_trace(
        image, delta, **options, count_include_pad=include_pad, form=form
    )
    expected = ops.average_pool2d_gradient(
        image[None, ..., None], delta[None, ..., None], **options, count_include_pad=include_pad
    )
    found = trace.grid("grad-input")
    np.testing.assert_allclose(
        found.values if form == "gather" else inner(found), expected[0, ..., 0], atol=1e-5
    )
    assert_adds_up(trace)


def test_ties_go_to_the_first_and_overlapping_windows_add_up():
    image = np.array([[5, 5, 5], [0, 5, 0], [0, 0, 0]])
    delta = np.array([[1, 2], [3, 4]])
    trace = max_pool_gradient_trace(image, delta, strides=1)
    np.testing.assert_array_equal(
        trace.grid("grad-input").values, [[1, 2, 0], [0, 7, 0], [0, 0, 0]]
    )
    assert [trace.caption(step) for step in (0, 3)] == [
        "Output gradient, row 0, column 0: 1 goes to the largest cell of its window, row 0, "
        "column 0, and to no other.",
        "Output gradient, row 1, column 1: 4 goes to the largest cell of its window, row 1, "
        "column 1, and to no other.",
    ]
    gathered = max_pool_gradient_trace(image, delta, strides=1, form="gather")
    assert gathered.caption(4) == (
        "Input gradient, row 1, column 1: largest cell of 2 windows, whose gradients add up to 7."
    )
    assert "of no window, so its gradient is 0" in gathered.caption(8)


def test_a_stride_spreads_the_gradient_and_leaves_the_remainder_at_zero():
    kernel, delta = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]]), np.array([[1, -1], [2, 0]])
    trace = input_gradient_trace(np.zeros((6, 6)), kernel, delta, strides=2)
    spread = trace.grid("grad-output")
    assert spread.row_labels == spread.column_labels == tuple(range(-2, 6))
    np.testing.assert_array_equal(spread.values[2:5, 2:5], [[1, 0, -1], [0, 0, 0], [2, 0, 0]])
    assert (spread.mask & PADDING > 0).sum() == 64 - 4
    np.testing.assert_array_equal(trace.grid("kernel").values, kernel[::-1, ::-1])
    assert trace.grid("kernel").row_labels == (2, 1, 0)
    result = trace.grid("grad-input").values
    assert not result[5].any()
    assert not result[:, 5].any()
    caption = trace.caption(0)
    assert caption.startswith("Input gradient, row 0, column 0: ")
    assert re.findall(r"−?\d+", caption) == ["0", "0", "−2", "0", "−2", "0", "9", "1", "8"]


def test_what_falls_on_the_padding_is_shown_and_dropped():
    kernel, delta = np.ones((3, 3)), np.ones((3, 3))
    trace = input_gradient_trace(np.zeros((3, 3)), kernel, delta, padding="same", form="scatter")
    grid = trace.grid("grad-input")
    assert grid.values.shape == (5, 5)
    assert grid.values[0, 0] == 1
    assert grid.mask[0, 0] & PADDING
    np.testing.assert_array_equal(grid.values[1:4, 1:4], [[4, 6, 4], [6, 9, 6], [4, 6, 4]])
    assert trace.caption(0).endswith(" 5.")  # cells outside the image


def test_a_third_is_said_to_be_about():
    trace = average_pool_gradient_trace(np.zeros((1, 3)), np.array([[1.0]]), pool_size=(1, 3))
    assert "each gets about 0.333" in trace.caption(0)
    assert not trace.is_exact(0)


SQUARE = np.ones((3, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kernel_gradient_trace(SQUARE, SQUARE[:2, :2], SQUARE), r"shape \(2, 2\)"),
        (lambda: input_gradient_trace(SQUARE, SQUARE[:2, :2], SQUARE), r"shape \(2, 2\)"),
        (lambda: max_pool_gradient_trace(SQUARE, SQUARE), r"shape \(1, 1\)"),
        (lambda: kernel_gradient_trace(np.ones((3, 3, 2)), SQUARE, SQUARE), "one channel"),
        (lambda: bias_gradient_trace(np.array([[np.nan]])), "finite numbers"),
        (lambda: bias_gradient_trace(SQUARE, form="both"), 'must be "gather" or "scatter"'),
        (lambda: transposed_convolution_trace(SQUARE, SQUARE, padding="full"), "padding='full'"),
    ],
)
def test_what_cannot_be_traced_gets_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
