"""Gradients of the sliding windows: against the formulas, the adjoint and finite differences."""

import tracemalloc
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnn_lab import ops
from cnn_lab.ops import ShapeError
from cnn_lab.ops.padding import pad_images, resolve_padding, unpad_gradient
from cnn_lab.ops.sizes import conv_output_length, conv_transpose_output_length
from cnn_lab.ops.types import PAD_MODES
from tests.unit import loops

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
windows = st.tuples(st.integers(1, 4), st.integers(1, 4))
sizes = st.tuples(st.integers(1, 8), st.integers(1, 8))
margins = st.integers(0, 3)
paddings = st.one_of(
    st.sampled_from(["valid", "same", "full"]),
    margins,
    st.tuples(st.tuples(margins, margins), st.tuples(margins, margins)),
)


def random(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


class Case(NamedTuple):
    images: np.ndarray
    kernel: np.ndarray
    delta: np.ndarray
    borders: tuple
    options: dict


@st.composite
def convolutions(draw):
    size, kernel_size = draw(sizes), draw(windows)
    strides, dilation, padding = draw(pairs), draw(pairs), draw(paddings)
    borders = resolve_padding(padding, size, kernel_size, strides, dilation)
    axes = list(zip(size, kernel_size, strides, borders, dilation, strict=True))
    assume(all(n + sum(border) > rate * (k - 1) for n, k, _, border, rate in axes))
    depth, groups, per_group = draw(pairs)[0], draw(st.integers(1, 3)), draw(st.integers(1, 2))
    out_size = [conv_output_length(*axis) for axis in axes]
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation, "groups": groups}
    return Case(
        random((2, *size, depth * groups)),
        random((*kernel_size, depth, groups * per_group), 1),
        random((2, *out_size, groups * per_group), 2),
        borders,
        options,
    )


@settings(max_examples=100)
@given(convolutions())
def test_conv2d_gradients_are_the_formulas(case):
    ours = ops.conv2d_gradients(case.images, case.kernel, case.delta, **case.options)
    strides, dilation = case.options["strides"], case.options["dilation_rate"]
    grad_images, grad_kernel = loops.conv2d_gradients(
        case.images,
        case.kernel,
        case.delta,
        case.borders,
        strides,
        dilation,
        case.options["groups"],
    )
    np.testing.assert_allclose(ours.images, grad_images, rtol=0, atol=1e-11)
    np.testing.assert_allclose(ours.kernel, grad_kernel, rtol=0, atol=1e-11)
    np.testing.assert_allclose(ours.bias, case.delta.sum(axis=(0, 1, 2)), rtol=0, atol=1e-11)


@settings(max_examples=150)
@given(convolutions(), st.booleans(), st.sampled_from(PAD_MODES))
def test_conv2d_gradients_are_the_adjoint_of_conv2d(case, flip, pad_mode):
    """<conv(x, w), y> = <x, gradient of x> = <w, gradient of w>, whatever the border holds."""
    room = {"zeros": 99, "edge": 99, "reflect": -1, "wrap": 0}[pad_mode]
    size = case.images.shape[1:3]
    assume(all(max(b) <= n + room for b, n in zip(case.borders, size, strict=True)))
    options = {**case.options, "flip_kernel": flip, "pad_mode": pad_mode}
    product = np.vdot(ops.conv2d(case.images, case.kernel, **options), case.delta)
    gradients = ops.conv2d_gradients(case.images, case.kernel, case.delta, **options)
    assert np.vdot(case.images, gradients.images) == pytest.approx(product, abs=1e-9)
    assert np.vdot(case.kernel, gradients.kernel) == pytest.approx(product, abs=1e-9)


@pytest.mark.parametrize("pad_mode", PAD_MODES)
@pytest.mark.parametrize("flip", [False, True])
def test_conv2d_gradients_are_the_slopes(pad_mode, flip):
    images, kernel, bias = random((2, 5, 6, 2)), random((3, 2, 1, 4), 1), random(4, 2)
    options = {
        "strides": (2, 1),
        "padding": ((2, 0), (1, 3)),
        "dilation_rate": (1, 2),
        "groups": 2,
        "flip_kernel": flip,
        "pad_mode": pad_mode,
    }
    delta = random(ops.conv2d(images, kernel, bias, **options).shape, 3)

    def loss():
        return np.vdot(ops.conv2d(images, kernel, bias, **options), delta)

    gradients = ops.conv2d_gradients(images, kernel, delta, **options)
    for ours, values in zip(gradients, (images, kernel, bias), strict=True):
        np.testing.assert_allclose(ours, loops.slopes(loss, values, step=0.5), atol=1e-11)


def test_conv2d_gradients_worked_by_hand():
    """X = 1..9, W = [[1, 2], [3, 4]], dY = [[1, 0], [0, -1]]."""
    image = np.arange(1.0, 10).reshape(1, 3, 3, 1)
    kernel = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)
    delta = np.array([[1.0, 0.0], [0.0, -1.0]]).reshape(1, 2, 2, 1)
    gradients = ops.conv2d_gradients(image, kernel, delta)
    np.testing.assert_array_equal(gradients.kernel[..., 0, 0], [[1 - 5, 2 - 6], [4 - 8, 5 - 9]])
    np.testing.assert_array_equal(
        gradients.images[0, ..., 0], [[1, 2, 0], [3, 4 - 1, -2], [0, -3, -4]]
    )
    np.testing.assert_array_equal(gradients.bias, [0])


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("part_bytes", [1, 1500, 20_000])
def test_parts_change_nothing(monkeypatch, groups, part_bytes):
    """One image is cut into rows, or several images go together, as the memory allows."""
    images, kernel = random((5, 8, 7, 4)), random((3, 2, 4 // groups, 4), 1)
    options = {"strides": (1, 2), "padding": "same", "groups": groups}
    maps = ops.conv2d(images, kernel, **options)
    gradients = ops.conv2d_gradients(images, kernel, maps, **options)
    monkeypatch.setattr("cnn_lab.ops.correlation.PART_BYTES", part_bytes)
    np.testing.assert_allclose(ops.conv2d(images, kernel, **options), maps, atol=1e-12)
    for ours, whole in zip(
        ops.conv2d_gradients(images, kernel, maps, **options), gradients, strict=True
    ):
        np.testing.assert_allclose(ours, whole, atol=1e-11)


@pytest.mark.parametrize("small_product", [0, 10**6])
@pytest.mark.parametrize(
    ("shape", "kernel_size", "filters", "options"),
    [
        ((9, 14, 14, 16), (3, 3), 32, {"padding": "same"}),
        ((9, 15, 14, 16), (3, 3), 40, {}),
        ((9, 14, 14, 16), (5, 5), 16, {"padding": "same", "dilation_rate": 2}),
        ((9, 15, 14, 32), (3, 3), 64, {"strides": 2, "groups": 2}),
        ((9, 14, 14, 16), (3, 3), 32, {"padding": "same", "groups": 2}),
        ((9, 28, 28, 1), (5, 5), 16, {"padding": "same"}),
        ((3, 10, 10, 96), (3, 3), 64, {"padding": "same"}),
        ((3, 10, 10, 96), (3, 3), 200, {"padding": "same"}),
    ],
)
def test_whole_numbers_are_exact_however_the_sums_are_split(
    monkeypatch, shape, kernel_size, filters, options, small_product
):
    """All sums stay below 2^24, where single precision has every whole number."""
    monkeypatch.setattr("cnn_lab.ops.correlation.SMALL_PRODUCT", small_product)
    draw = np.random.default_rng(0)
    groups = options.get("groups", 1)
    images = draw.integers(-4, 5, shape)
    kernel = draw.integers(-4, 5, (*kernel_size, shape[3] // groups, filters))
    in_float = images.astype(np.float32), kernel.astype(np.float32)
    maps = ops.conv2d(*in_float, **options)
    delta = draw.integers(-4, 5, maps.shape)
    ours = ops.conv2d_gradients(*in_float, delta.astype(np.float32), **options)

    stride, dilation = options.get("strides", 1), options.get("dilation_rate", 1)
    borders = resolve_padding(
        options.get("padding", "valid"), shape[1:3], kernel_size, dilation_rate=(dilation,) * 2
    )
    padded = pad_images(images, borders)
    theirs = np.zeros(maps.shape, int)
    grad_padded, grad_kernel = np.zeros_like(padded), np.zeros_like(kernel)
    for cell in np.ndindex(*kernel_size):
        rows, columns = (
            slice(dilation * first, dilation * first + stride * (n - 1) + 1, stride)
            for first, n in zip(cell, maps.shape[1:3], strict=True)
        )
        for group in range(groups):
            channels = slice(group * shape[3] // groups, (group + 1) * shape[3] // groups)
            of = slice(group * filters // groups, (group + 1) * filters // groups)
            pixels = padded[:, rows, columns, channels]
            weights, felt = kernel[cell][:, of], delta[..., of]
            theirs[..., of] += pixels @ weights
            grad_padded[:, rows, columns, channels] += felt @ weights.T
            grad_kernel[cell][:, of] = np.tensordot(pixels, felt, ((0, 1, 2), (0, 1, 2)))
    np.testing.assert_array_equal(maps, theirs)
    np.testing.assert_array_equal(ours.images, unpad_gradient(grad_padded, borders))
    np.testing.assert_array_equal(ours.kernel, grad_kernel)
    np.testing.assert_array_equal(ours.bias, delta.sum(axis=(0, 1, 2)))


def test_the_windows_of_many_images_are_never_copied_all_at_once():
    images, kernel = np.ones((32, 20, 20, 8), np.float32), np.ones((5, 5, 8, 8), np.float32)
    maps = ops.conv2d(images, kernel, padding="same")
    all_windows = images.nbytes * 25
    for work in (
        ops.conv2d,
        lambda *arrays, **options: ops.conv2d_gradients(*arrays, maps, **options),
    ):
        tracemalloc.start()
        work(images, kernel, padding="same")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < all_windows / 2


@given(
    sizes,
    st.tuples(st.tuples(margins, margins), st.tuples(margins, margins)),
    st.sampled_from(PAD_MODES),
)
def test_unpadding_is_the_adjoint_of_padding(size, borders, mode):
    room = {"zeros": 99, "edge": 99, "reflect": -1, "wrap": 0}[mode]
    assume(all(max(b) <= n + room for b, n in zip(borders, size, strict=True)))
    images = random((2, *size, 2))
    padded = pad_images(images, borders, mode)
    delta = random(padded.shape, 1)
    product = np.vdot(padded, delta)
    assert np.vdot(images, unpad_gradient(delta, borders, mode)) == pytest.approx(product, abs=1e-9)


@settings(max_examples=100)
@given(
    size=sizes,
    kernel_size=windows,
    strides=pairs,
    padding=st.one_of(
        st.sampled_from(["valid", "same"]),
        margins,
        st.tuples(st.tuples(margins, margins), st.tuples(margins, margins)),
    ),
)
def test_conv2d_transpose_is_the_adjoint_of_conv2d(size, kernel_size, strides, padding):
    options = {"strides": strides, "padding": padding}
    borders = resolve_padding(padding, size, kernel_size, strides)
    if not isinstance(padding, str):
        axes = zip(size, kernel_size, strides, borders, strict=True)
        assume(all((n - 1) * s + k > sum(border) for n, k, s, border in axes))
    small, kernel = random((2, *size, 3)), random((*kernel_size, 3, 2), 1)
    large = ops.conv2d_transpose(small, kernel, **options)
    for axis, (n, k, s, border) in enumerate(
        zip(size, kernel_size, strides, borders, strict=True), start=1
    ):
        named = padding if isinstance(padding, str) else border
        assert large.shape[axis] == conv_transpose_output_length(n, k, s, named)
    image = random(large.shape, 2)
    back = ops.conv2d(image, kernel.swapaxes(2, 3), **options)
    assert back.shape == small.shape
    assert np.vdot(back, small) == pytest.approx(np.vdot(image, large), abs=1e-9)


def test_conv2d_transpose_stamps_the_kernel():
    image = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    stamp = np.array([[1.0, 10.0], [100.0, 1000.0]]).reshape(2, 2, 1, 1)
    apart = ops.conv2d_transpose(image, stamp, np.array([0.5]), strides=2)[0, ..., 0]
    np.testing.assert_array_equal(apart - 0.5, np.kron(image[0, ..., 0], stamp[..., 0, 0]))
    together = ops.conv2d_transpose(image, stamp)[0, ..., 0]
    np.testing.assert_array_equal(together, [[1, 12, 20], [103, 1234, 2040], [300, 3400, 4000]])


@settings(max_examples=100)
@given(
    size=sizes,
    pool_size=windows,
    strides=st.one_of(st.none(), pairs),
    padding=st.sampled_from(["valid", "same", "full"]),
    include_pad=st.booleans(),
    ties=st.booleans(),
)
def test_pooling_gradients_are_the_formula(size, pool_size, strides, padding, include_pad, ties):
    steps = strides or pool_size
    borders = resolve_padding(padding, size, pool_size, steps)
    assume(all(n + sum(b) >= k for n, b, k in zip(size, borders, pool_size, strict=True)))
    images = random((2, *size, 3)) - 5
    if ties:
        images = np.round(images)
    window = {"pool_size": pool_size, "strides": strides, "padding": padding}
    delta = random(ops.max_pool2d(images, **window).shape, 1)
    largest = ops.max_pool2d_gradient(images, delta, **window)
    mean = ops.average_pool2d_gradient(images, delta, **window, count_include_pad=include_pad)
    for n in range(2):
        for c in range(3):
            case = (images[n, ..., c], delta[n, ..., c], pool_size, steps, borders)
            np.testing.assert_allclose(
                largest[n, ..., c], loops.pool2d_gradient(*case, kind="max"), atol=1e-12
            )
            np.testing.assert_allclose(
                mean[n, ..., c],
                loops.pool2d_gradient(*case, kind="mean", include_pad=include_pad),
                atol=1e-12,
            )


@pytest.mark.parametrize(
    ("pool", "gradient", "options"),
    [
        (ops.max_pool2d, ops.max_pool2d_gradient, {}),
        (ops.average_pool2d, ops.average_pool2d_gradient, {}),
        (ops.average_pool2d, ops.average_pool2d_gradient, {"count_include_pad": True}),
    ],
)
def test_pooling_gradients_are_the_slopes(pool, gradient, options):
    images = random((2, 5, 6, 2)) - 3
    options = {**options, "pool_size": (3, 2), "strides": (2, 1), "padding": ((1, 2), (0, 1))}
    delta = random(pool(images, **options).shape, 1)
    slopes = loops.slopes(lambda: np.vdot(pool(images, **options), delta), images)
    np.testing.assert_allclose(gradient(images, delta, **options), slopes, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_that_comes_in_goes_out(dtype):
    images, kernel = random((1, 5, 5, 2)).astype(dtype), random((3, 3, 2, 2)).astype(dtype)
    delta, pooled = random((1, 3, 3, 2)).astype(dtype), random((1, 2, 2, 2)).astype(dtype)
    gradients = ops.conv2d_gradients(images, kernel, delta)
    assert {values.dtype for values in gradients} == {np.dtype(dtype)}
    assert ops.conv2d_transpose(images, kernel).dtype == dtype
    assert ops.max_pool2d_gradient(images, pooled).dtype == dtype
    assert ops.average_pool2d_gradient(images, pooled).dtype == dtype


def test_no_images_give_no_maps_and_a_gradient_of_zero():
    images, kernel, delta = np.ones((0, 4, 4, 2)), np.ones((3, 3, 2, 5)), np.ones((0, 2, 2, 5))
    assert ops.conv2d(images, kernel).shape == (0, 2, 2, 5)
    gradients = ops.conv2d_gradients(images, kernel, delta)
    assert gradients.images.shape == images.shape
    np.testing.assert_array_equal(gradients.kernel, np.zeros(kernel.shape))


IMAGES, KERNEL = np.ones((1, 4, 4, 2)), np.ones((3, 3, 2, 1))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: ops.conv2d_gradients(IMAGES, KERNEL, np.ones((1, 4, 4, 1))),
            ShapeError,
            r"shape of the output, \(1, 2, 2, 1\). Received: grad_output.shape=\(1, 4, 4, 1\)",
        ),
        (
            lambda: ops.conv2d_gradients(IMAGES, KERNEL[:, :, :1], np.ones((1, 2, 2, 1))),
            ShapeError,
            "as many channels",
        ),
        (
            lambda: ops.max_pool2d_gradient(IMAGES, np.ones((1, 4, 4, 2))),
            ShapeError,
            r"shape of the output, \(1, 2, 2, 2\)",
        ),
        (
            lambda: ops.average_pool2d_gradient(IMAGES, np.ones((1, 2, 2, 1))),
            ShapeError,
            r"shape of the output, \(1, 2, 2, 2\)",
        ),
        (lambda: ops.conv2d_transpose(IMAGES, KERNEL[:, :, :1]), ShapeError, "as many channels"),
        (
            lambda: ops.conv2d_transpose(IMAGES, KERNEL, np.ones(2)),
            ShapeError,
            r"bias.shape=\(2,\)",
        ),
        (lambda: ops.conv2d_transpose(IMAGES, KERNEL, padding=3), ShapeError, "at least one pixel"),
        (lambda: ops.conv2d_transpose(IMAGES, KERNEL, padding="full"), ValueError, "'full'"),
        (lambda: ops.conv2d_transpose(IMAGES, KERNEL, strides=0), ValueError, "strides=0"),
    ],
)
def test_what_cannot_be_computed_gets_a_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()
