import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_lab.ops.sizes import (
    ReceptiveField,
    conv_output_length,
    conv_transpose_output_length,
    convolution_multiply_adds,
    convolution_parameters,
    dense_multiply_adds,
    dense_parameters,
    effective_kernel_size,
    receptive_field,
    same_padding,
    separable_multiply_adds,
    separable_parameters,
    unread_length,
)
from cnn_lab.ops.types import ShapeError

lengths = st.integers(1, 40)
kernels = st.integers(1, 9)
strides = st.integers(1, 7)
rates = st.integers(1, 4)


@pytest.mark.parametrize(
    ("length", "kernel_size", "stride", "padding", "expected"),
    [
        (28, 2, 1, (0, 1), 28),  # the paper's first layer
        (14, 3, 1, (0, 0), 12),
        (10, 2, 2, (0, 0), 5),
        (6, 3, 2, (1, 1), 3),  # the floor: an explainer that many use refuses this one
        (5, 5, 3, (0, 0), 1),
    ],
)
def test_output_length_by_hand(length, kernel_size, stride, padding, expected):
    assert conv_output_length(length, kernel_size, stride, padding) == expected


@given(lengths, kernels, strides, st.tuples(st.integers(0, 9), st.integers(0, 9)), rates)
def test_output_length_counts_the_positions(length, kernel_size, stride, padding, rate):
    span = rate * (kernel_size - 1) + 1
    starts = range(0, length + sum(padding) - span + 1, stride)
    if len(starts):
        assert conv_output_length(length, kernel_size, stride, padding, rate) == len(starts)
        beyond = length + sum(padding) - (starts[-1] + span)
        assert unread_length(length, kernel_size, stride, padding, rate) == beyond
        assert 0 <= beyond < stride
    else:
        with pytest.raises(ShapeError, match="must fit into the padded image"):
            conv_output_length(length, kernel_size, stride, padding, rate)


@given(lengths, kernels, strides, rates)
def test_same_padding_keeps_the_ceiling(length, kernel_size, stride, rate):
    before, after = same_padding(length, kernel_size, stride, rate)
    assert after - before in (0, 1)
    padding = (before, after)
    assert conv_output_length(length, kernel_size, stride, padding, rate) == -(-length // stride)


def test_same_padding_is_the_textbook_formula_for_odd_kernels_at_stride_one_only():
    assert [same_padding(28, k) for k in (1, 3, 5, 7)] == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert same_padding(28, 2) == (0, 1)
    assert same_padding(28, 3, stride=2) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((6, 3, 0), "`stride` must be at least 1. Received: stride=0"),
        ((6, 0), "`kernel_size` must be at least 1. Received: kernel_size=0"),
        ((0, 1), "`length` must be at least 1. Received: length=0"),
        ((6, 3, 1, (-1, 0)), "`padding_before` must be at least 0"),
        ((6, 2.5), "`kernel_size` must be a whole number. Received: kernel_size=2.5"),
        ((6, True), "`kernel_size` must be a whole number"),
    ],
)
def test_impossible_numbers_get_a_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        conv_output_length(*arguments)


def test_dilation_spans_its_holes():
    assert effective_kernel_size(3, 4) == 9


@given(st.lists(st.tuples(kernels, strides, rates), max_size=4))
def test_receptive_field_is_what_one_unit_needs(layers):
    """Walking back from one unit, each layer needs (n - 1) * stride + span inputs."""
    field = receptive_field(layers)
    needed, step = 1, 1
    for kernel_size, stride, rate in reversed(layers):
        needed = (needed - 1) * stride + rate * (kernel_size - 1) + 1
        step *= stride
    assert field == ReceptiveField(needed, step)


@given(lengths, kernels, strides)
def test_transposed_output_length_is_reversed_by_a_convolution(length, kernel_size, stride):
    for padding in ("valid", "same"):
        large = conv_transpose_output_length(length, kernel_size, stride, padding)
        borders = same_padding(large, kernel_size, stride) if padding == "same" else (0, 0)
        assert conv_output_length(large, kernel_size, stride, borders) == length


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((3, 3, 2, "valid"), 7),
        ((3, 3, 2, "same"), 6),
        ((3, 3, 2, (1, 1)), 5),
        ((3, 3, 2, (0, 1)), 6),
        ((3, 2, 4, "valid"), 12),  # Keras fills up the last stride, which the kernel leaves open
        ((3, 2, 4, (0, 0)), 10),
        ((1, 3, 1, (1, 1)), 1),
    ],
)
def test_transposed_output_length_by_hand(arguments, expected):
    assert conv_transpose_output_length(*arguments) == expected


def test_a_padding_that_leaves_nothing_gets_a_sentence():
    with pytest.raises(ShapeError, match=r"at least one pixel of the 3 .* padding=\(2, 1\)"):
        conv_transpose_output_length(1, 3, 1, (2, 1))


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("bias", [False, True])
def test_convolution_costs_are_the_sizes_of_keras(groups, bias):
    layer = keras.layers.Conv2D(8, (3, 2), groups=groups, use_bias=bias)
    out_shape = layer.compute_output_shape((1, 10, 9, 4))
    layer.build((1, 10, 9, 4))
    options = {"groups": groups}
    assert convolution_parameters((3, 2), 4, 8, **options, bias=bias) == layer.count_params()
    weights = layer.kernel.shape.num_elements()
    products = convolution_multiply_adds(out_shape[1:3], (3, 2), 4, 8, **options)
    assert products == out_shape[1] * out_shape[2] * weights


@pytest.mark.parametrize("bias", [False, True])
def test_separable_and_dense_costs_are_the_sizes_of_keras(bias):
    separable = keras.layers.SeparableConv2D(8, (3, 2), use_bias=bias)
    separable.build((1, 10, 9, 4))
    assert separable_parameters((3, 2), 4, 8, bias=bias) == separable.count_params()
    assert separable_multiply_adds((8, 8), (3, 2), 4, 8) == 64 * (3 * 2 * 4 + 4 * 8)
    dense = keras.layers.Dense(8 * 8 * 8, use_bias=bias)
    dense.build((1, 10 * 9 * 4))
    assert dense_parameters((10, 9, 4), (8, 8, 8), bias=bias) == dense.count_params()
    assert dense_multiply_adds((10, 9, 4), (8, 8, 8)) == 360 * 512


def test_costs_are_exact_where_floating_numbers_are_not():
    assert dense_multiply_adds((10**9 + 1,), (10**9 + 1,)) == 10**18 + 2 * 10**9 + 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: convolution_parameters((0, 3), 1, 1), "`rows` must be at least 1"),
        (lambda: convolution_parameters((3, 3), 4, 6, groups=4), "divisible by groups"),
        (lambda: convolution_parameters((3, 3), 4, 4, groups=0), "groups=0"),
        (lambda: convolution_multiply_adds((0, 3), (1, 1), 1, 1), "out_rows=0"),
        (lambda: dense_parameters((3, 0), (2,)), "length=0"),
    ],
)
def test_impossible_costs_get_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
