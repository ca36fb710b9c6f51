"""Depthwise convolution and global pooling: against the general operators and the slopes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_lab import ops
from cnn_lab.ops import ShapeError
from tests.unit import loops

windows = st.tuples(st.integers(1, 3), st.integers(1, 3))


def random(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@settings(max_examples=60)
@given(
    size=st.tuples(st.integers(3, 8), st.integers(3, 8)),
    kernel_size=windows,
    strides=windows,
    padding=st.sampled_from(["valid", "same", "full", 1]),
    multiplier=st.integers(1, 3),
)
def test_it_is_a_convolution_in_as_many_groups_as_channels(
    size, kernel_size, strides, padding, multiplier
):
    images, kernel = random((2, *size, 3)), random((*kernel_size, 3, multiplier), 1)
    grouped, bias = kernel.reshape(*kernel_size, 1, 3 * multiplier), random(3 * multiplier, 2)
    options = {"strides": strides, "padding": padding}
    maps = ops.depthwise_conv2d(images, kernel, bias, **options)
    expected = ops.conv2d(images, grouped, bias, groups=3, **options)
    np.testing.assert_allclose(maps, expected, rtol=0, atol=1e-12)
    ours = ops.depthwise_conv2d_gradients(images, kernel, maps, **options)
    theirs = ops.conv2d_gradients(images, grouped, maps, groups=3, **options)
    assert ours.kernel.shape == kernel.shape
    np.testing.assert_allclose(ours.images, theirs.images, rtol=0, atol=1e-11)
    np.testing.assert_allclose(ours.kernel.ravel(), theirs.kernel.ravel(), rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours.bias, theirs.bias, rtol=0, atol=1e-11)


def test_global_pooling_is_one_window_over_the_whole_map():
    images, delta = random((2, 3, 5, 4)), random((2, 4), 1)
    window = {"pool_size": (3, 5)}
    whole = ops.average_pool2d(images, **window)[:, 0, 0]
    np.testing.assert_allclose(ops.global_average_pool2d(images), whole, atol=1e-15)
    np.testing.assert_allclose(
        ops.global_average_pool2d_gradient(images, delta),
        ops.average_pool2d_gradient(images, delta[:, None, None], **window),
        atol=1e-15,
    )
    slopes = loops.slopes(lambda: np.vdot(ops.global_average_pool2d(images), delta), images)
    np.testing.assert_allclose(ops.global_average_pool2d_gradient(images, delta), slopes, atol=1e-8)


def test_single_precision_stays_single():
    images, kernel = np.ones((1, 4, 4, 2), np.float32), np.ones((2, 2, 2, 1), np.float32)
    maps = ops.depthwise_conv2d(images, kernel, np.ones(2, np.float32))
    gradients = ops.depthwise_conv2d_gradients(images, kernel, maps)
    pooled = ops.global_average_pool2d(maps)
    back = ops.global_average_pool2d_gradient(maps, pooled)
    assert {array.dtype for array in (maps, *gradients, pooled, back)} == {np.dtype("float32")}


def test_what_does_not_fit_is_refused():
    images = np.ones((1, 4, 4, 2))
    with pytest.raises(ShapeError, match=r"as many channels as the image\. Received: images"):
        ops.depthwise_conv2d(images, np.ones((2, 2, 3, 1)))
    with pytest.raises(ShapeError, match=r"one number per map, 4\. Received: bias.shape=\(2,\)"):
        ops.depthwise_conv2d(images, np.ones((2, 2, 2, 2)), np.ones(2))
    with pytest.raises(ShapeError, match="must have the shape of the output"):
        ops.depthwise_conv2d_gradients(images, np.ones((2, 2, 2, 1)), np.ones((1, 3, 3, 1)))
    with pytest.raises(ShapeError, match="must have the shape of the output"):
        ops.global_average_pool2d_gradient(images, np.ones((1, 3)))
