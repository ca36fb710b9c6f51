"""The trace of a convolution against the formula, against the operators and by its digits."""

from decimal import Decimal
from itertools import product

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import convolve2d

from cnn_lab.concepts.padding import read_counts
from cnn_lab.ops import conv2d, conv2d_gradients
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import ShapeError
from cnn_lab.trace import (
    TraceTooLarge,
    arithmetic,
    arithmetic_latex,
    convolution_trace,
    format_number,
)
from cnn_lab.trace.grid import PADDING, UNREAD

SOBEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])[:, :, np.newaxis, np.newaxis]


def number(trace, cell):
    grid, row, column = trace.locate(cell)
    return Decimal(format_number(grid.values[row, column], grid.precision).replace("−", "-"))


def terms(trace, step):
    start, end = trace.step_starts[step], trace.step_starts[step + 1]
    return list(zip(trace.reads[start:end], trace.weights[start:end], strict=True))


@st.composite
def convolutions(draw):
    channels, filters = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    kernel_size = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    smallest = [d * (k - 1) + 1 for k, d in zip(kernel_size, dilation, strict=True)]
    size = [draw(st.integers(least, least + 4)) for least in smallest]
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    decimals = draw(st.integers(0, 2))
    image = random.integers(-99, 100, (*size, channels)) / 10**decimals
    kernel = random.integers(-20, 21, (*kernel_size, channels, filters)) / 10
    bias = draw(st.sampled_from([None, random.integers(-9, 10, filters) / 4]))
    options = {
        "strides": draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        "padding": draw(st.sampled_from(["valid", "same", "full", 1, ((0, 1), (2, 0))])),
        "dilation_rate": dilation,
        "flip_kernel": draw(st.booleans()),
        "pad_mode": draw(st.sampled_from(["zeros", "edge"])),
    }
    return image, kernel, bias, options


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_every_result_is_the_sum_of_its_products(case):
    image, kernel, bias, options = case
    trace = convolution_trace(image, kernel, bias, **options)
    expected = conv2d(image[np.newaxis], kernel, bias, **options)[0]
    filters = kernel.shape[3]
    outputs = [trace.grid(f"output-{f + 1}") for f in range(filters)]
    np.testing.assert_allclose(
        np.stack([grid.values for grid in outputs], axis=-1), expected, atol=1e-9
    )
    assert list(trace.writes) == list(
        range(outputs[0].first_id, outputs[-1].first_id + outputs[-1].values.size)
    )
    for step in range(len(trace)):
        total = sum(trace.value(read) * trace.value(weight) for read, weight in terms(trace, step))
        total += trace.value(trace.biases[step]) if bias is not None else 0
        assert trace.value(trace.writes[step]) == pytest.approx(total, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(convolutions())
def test_shown_products_add_up_to_the_shown_sum(case):
    image, kernel, bias, options = case
    trace = convolution_trace(image, kernel, bias, **options)
    for step in range(len(trace)):
        assert trace.is_exact(step)
        total = sum(
            number(trace, read) * number(trace, weight) for read, weight in terms(trace, step)
        )
        if bias is not None:
            total += number(trace, trace.biases[step])
        assert number(trace, trace.writes[step]) == total


@settings(max_examples=40, deadline=None)
@given(convolutions())
def test_shown_shares_of_the_channels_add_up(case):
    image, kernel, bias, options = case
    trace = convolution_trace(image, kernel, bias, **options)
    assert trace.partials.shape == (len(trace), trace.channels if trace.channels > 1 else 0)
    for step, shares in enumerate(trace.partials if trace.channels > 1 else []):
        total = sum(number(trace, cell) for cell in shares)
        if bias is not None:
            total += number(trace, trace.biases[step])
        assert number(trace, trace.writes[step]) == total
        for channel, links in enumerate(np.split(np.array(terms(trace, step)), trace.channels)):
            share = sum(number(trace, read) * number(trace, weight) for read, weight in links)
            assert number(trace, shares[channel]) == share
            assert {trace.locate(read)[0].channel for read, _ in links} == {channel}


@settings(max_examples=40, deadline=None)
@given(convolutions())
def test_cells_are_marked_as_unread_where_no_window_reads_them(case):
    image, kernel, bias, options = case
    trace = convolution_trace(image, kernel, bias, **options)
    read = set(trace.reads.tolist())
    for grid in trace.grids[: trace.channels]:
        for index, mask in enumerate(grid.mask.ravel()):
            same = [index] if grid.origins is None else np.flatnonzero(grid.origins == index)
            cells = {index, *same} if not mask & PADDING else {index}
            assert bool(mask & UNREAD) == read.isdisjoint(grid.first_id + cell for cell in cells)


def test_flipped_kernel_is_the_mathematicians_convolution():
    image = np.arange(30.0).reshape(5, 6)
    kernel = np.array([[1.0, 2.0], [3.0, 5.0]])
    trace = convolution_trace(
        image, kernel[:, :, np.newaxis, np.newaxis], flip_kernel=True, padding="full"
    )
    np.testing.assert_allclose(trace.grid("output-1").values, convolve2d(image, kernel))
    np.testing.assert_array_equal(trace.grid("kernel-1-1").values, kernel)
    assert trace.name == "Convolution"


def test_padding_and_remainder_are_marked_and_labelled():
    trace = convolution_trace(np.ones((6, 6)), SOBEL, strides=2, padding=1)
    grid = trace.grid("input")
    assert grid.row_labels == (-1, 0, 1, 2, 3, 4, 5, 6)
    assert grid.note == "6 × 6, padded to 8 × 8"
    assert grid.mask[0, 0] == 1
    assert grid.mask[7, 7] == 3
    assert grid.mask[3, 3] == 0
    assert trace.grid("output-1").note == "3 × 3"
    unpadded = convolution_trace(np.ones((6, 6)), SOBEL, strides=2).grid("input")
    assert unpadded.mask[5].tolist() == [2] * 6
    assert unpadded.mask[4].tolist() == [0] * 5 + [2]


def test_holes_of_a_wide_stride_are_unread():
    trace = convolution_trace(np.ones((5, 5)), np.ones((1, 1, 1, 1)), strides=2)
    assert trace.grid("input").mask[:, 1].tolist() == [2] * 5


def test_one_scale_for_everything_that_is_compared():
    random = np.random.default_rng(0)
    trace = convolution_trace(
        random.random((5, 5, 2)), random.normal(size=(3, 3, 2, 2)), np.array([0.0, 9.0])
    )
    results = [grid for grid in trace.grids if grid.role in {"partial", "output", "bias"}]
    assert len(results) == 4 + 2 + 2
    assert len({grid.scale for grid in results}) == 1
    assert results[0].scale.limit == max(np.abs(grid.values).max() for grid in results)
    assert trace.grid("input-1").scale.kind == "grey"


def test_images_are_grey_and_signed_images_are_not():
    kernel = np.ones((1, 1, 1, 1))
    assert convolution_trace(np.full((2, 2), 0.5), kernel).grid("input").scale.limit == 1
    assert convolution_trace(np.full((2, 2), 9), kernel).grid("input").scale.limit == 9
    assert convolution_trace(-np.ones((2, 2)), kernel).grid("input").scale.kind == "signed"


def test_captions_say_what_happens():
    trace = convolution_trace(np.eye(4), SOBEL, np.array([0.5]), padding="same")
    assert trace.caption(0) == (
        "Output, row 0, column 0: the window covers rows −1 to 1 and columns −1 to 1; "
        "9 products and the bias 0.5 add up to −0.5. Cells in the padding: 5."
    )
    assert convolution_trace(np.ones((2, 2)), np.full((1, 1, 1, 1), 3)).caption(3) == (
        "Output, row 1, column 1: the window covers row 1 and column 1; the product is 3."
    )
    rounded = convolution_trace(np.full((3, 3), 1 / 3), np.ones((3, 3, 1, 2)) / 7)
    assert rounded.caption(1) == (
        "Output, filter 2, row 0, column 0: the window covers rows 0 to 2 and columns 0 to 2; "
        "9 products add up to about 0.429."
    )


def test_channels_can_be_named():
    trace = convolution_trace(
        np.ones((2, 2, 3)), np.ones((1, 1, 3, 1)), channel_names=("red", "green", "blue")
    )
    assert trace.grid("kernel-1-3").name == "Kernel, blue"
    with pytest.raises(ValueError, match="must name 3 channels"):
        convolution_trace(np.ones((2, 2, 3)), np.ones((1, 1, 3, 1)), channel_names=("red",))


@pytest.mark.parametrize(
    ("image", "kernel", "options", "message"),
    [
        (np.ones((4, 4, 2)), SOBEL, {}, "as many channels"),
        (np.ones((2, 2)), SOBEL, {}, "must fit"),
        (np.ones((4, 4)), SOBEL[:, :, 0], {}, "`kernel` must have shape"),
        (np.ones(4), SOBEL, {}, "`image` must have shape"),
        (np.ones((0, 4)), SOBEL, {}, "at least one pixel"),
        (np.ones((4, 4)), SOBEL, {"bias": np.ones(2)}, "one number per filter"),
    ],
)
def test_wrong_shapes_are_named(image, kernel, options, message):
    with pytest.raises(ShapeError, match=message):
        convolution_trace(image, kernel, **options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.full((4, 4), np.nan), SOBEL), "`image` must hold finite"),
        ((np.ones((4, 4)), np.full((3, 3, 1, 1), np.inf)), "`kernel` must hold finite"),
        ((np.ones((4, 4)), SOBEL, np.array([np.inf])), "`bias` must hold finite"),
        ((np.array([["a"]]), SOBEL), "must hold real numbers"),
    ],
)
def test_wrong_values_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        convolution_trace(*arguments)


def test_too_large_is_said_before_it_is_built():
    with pytest.raises(TraceTooLarge, match="at most 500,000 cells and links"):
        convolution_trace(np.ones((4000, 4000)), np.ones((7, 7, 1, 1)))


def test_too_heavy_is_said():
    image = np.random.default_rng(0).random((150, 150))
    with pytest.raises(TraceTooLarge, match="at most 200 KB"):
        convolution_trace(image, np.ones((2, 2, 1, 4)))


@pytest.mark.parametrize("pad_mode", ["zeros", "reflect", "edge", "wrap"])
@pytest.mark.parametrize("padding", ["valid", "same", "full", ((1, 0), (0, 2)), 2])
@pytest.mark.parametrize("strides", [1, 2, (3, 2), 4])
def test_cells_are_marked_as_never_read_if_and_only_if_nothing_depends_on_them(
    strides, padding, pad_mode
):
    """N3: pixels by the gradient of the output, of which copies in the padding are part."""
    for size, dilation in product([(7, 6), (6, 9)], [1, 2, (1, 3)]):
        image, kernel = np.ones((*size, 1)), np.ones((2, 2, 1, 1))
        window = {"strides": strides, "padding": padding, "dilation_rate": dilation}
        options = {**window, "pad_mode": pad_mode}
        trace = convolution_trace(image, kernel, **options)
        grid = trace.grid("input")
        output = trace.grid("output-1").values.shape
        gradient = conv2d_gradients(
            image[np.newaxis], kernel, np.ones((1, *output, 1)), **options
        ).images[0, ..., 0]
        pixels = (grid.mask & PADDING) == 0
        unread = (grid.mask & UNREAD) > 0
        np.testing.assert_array_equal(unread[pixels].reshape(size), gradient == 0)
        read = np.zeros(grid.values.size, bool)
        read[trace.reads] = True
        np.testing.assert_array_equal(unread[~pixels], ~read.reshape(unread.shape)[~pixels])
        counts = read_counts(ConvolutionSettings(**window).geometry(size, (2, 2)), pad_mode)
        np.testing.assert_array_equal(counts == 0, gradient == 0)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("flip_kernel", [False, True])
def test_the_activated_grids_hold_what_keras_makes_of_the_same_layer(activation, flip_kernel):
    random = np.random.default_rng(4)
    image, kernel = random.normal(size=(5, 6, 2)), random.normal(size=(3, 2, 2, 3))
    bias = random.normal(size=3)
    layer = keras.layers.Conv2D(3, (3, 2), strides=2, padding="same", activation=activation)
    layer.build((1, 5, 6, 2))
    layer.set_weights([kernel[::-1, ::-1] if flip_kernel else kernel, bias])
    expected = np.asarray(layer(image[np.newaxis]))[0]
    options = {"strides": 2, "padding": "same", "flip_kernel": flip_kernel}
    trace = convolution_trace(image, kernel, bias, **options, activation=activation)
    for f in range(3):
        grid = trace.grid(f"activated-{f + 1}")
        np.testing.assert_allclose(grid.values, expected[..., f], atol=1e-5)
        assert (grid.filter, grid.part) == (f, f"filter {f + 1}")
    before = np.concatenate([trace.grid(f"output-{f + 1}").values.ravel() for f in range(3)])
    assert [trace.value(cell) for cell in trace.writes] == before.tolist()
    after = np.concatenate([trace.grid(f"activated-{f + 1}").values.ravel() for f in range(3)])
    assert [trace.value(cell) for cell in trace.activated] == after.tolist()


def test_a_rectified_sum_is_told_in_the_same_step():
    image, kernel = np.array([[3, 1], [0, 2]]), np.array([[[[-1]], [[1]]]])
    trace = convolution_trace(image, kernel, activation="relu")
    assert [arithmetic(trace, step).activated for step in range(2)] == [
        "ReLU(−2) = 0",
        "ReLU(2) = 2",
    ]
    assert trace.caption(0).endswith("2 products add up to −2; ReLU gives 0.")
    assert arithmetic_latex(trace, 0).endswith(r"= -2, \quad \operatorname{ReLU}(-2) = 0")
    assert trace.grid("activated-1").scale == trace.grid("output-1").scale


def test_rounded_activations_are_marked_and_exact_ones_are_not():
    image, kernel = np.array([[2.0, 0.0]]), np.array([[[[1]]]])
    trace = convolution_trace(image, kernel, activation="sigmoid")
    told = [arithmetic(trace, step).activated for step in range(2)]
    assert told == ["sigmoid(2) ≈ 0.881", "sigmoid(0) = 0.5"]
    assert "gives about 0.881" in trace.caption(0)
    assert "gives 0.5" in trace.caption(1)
    assert trace.grid("activated-1").scale.limit == 1


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="`activation` must be one of"):
        convolution_trace(np.eye(3), np.ones((2, 2, 1, 1)), activation="softmax")
