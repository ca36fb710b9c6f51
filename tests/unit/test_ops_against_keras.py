"""The NumPy operators and Keras are each other's proof."""

import keras
import numpy as np
import pytest

from cnn_lab import ops


def random(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel_size", [(1, 1), (2, 2), (3, 3), (2, 5), (4, 3)])
@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (2, 1), ((3, 2), 1), (1, 2)])
def test_conv2d(padding, kernel_size, strides, dilation):
    images, kernel = random((2, 11, 12, 3)), random((*kernel_size, 3, 4), 1)
    theirs = keras.ops.conv(
        images, kernel, strides=strides, padding=padding, dilation_rate=dilation
    )
    ours = ops.conv2d(images, kernel, strides=strides, padding=padding, dilation_rate=dilation)
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=0, atol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("pool_size", "strides"), [(2, None), (3, 2), ((2, 3), (1, 2)), (2, 3), (5, 1)]
)
def test_pooling(padding, pool_size, strides):
    images = random((2, 9, 10, 3)) - 3
    window = {"pool_size": pool_size, "strides": strides or pool_size, "padding": padding}
    np.testing.assert_array_equal(
        ops.max_pool2d(images, **window), np.asarray(keras.ops.max_pool(images, **window))
    )
    np.testing.assert_allclose(
        ops.average_pool2d(images, **window),
        np.asarray(keras.ops.average_pool(images, **window)),
        rtol=0,
        atol=1e-5,
    )


def test_batch_normalization_softmax_and_relu():
    values, mean = random((4, 5, 5, 3)), random(3, 1)
    variance, gamma, beta = np.abs(random(3, 2)), random(3, 3), random(3, 4)
    theirs = keras.ops.batch_normalization(
        values, mean, variance, axis=-1, offset=beta, scale=gamma, epsilon=1e-3
    )
    ours = ops.batch_normalization(values, mean=mean, variance=variance, gamma=gamma, beta=beta)
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        ops.softmax(values), np.asarray(keras.ops.softmax(values)), rtol=0, atol=1e-6
    )
    np.testing.assert_array_equal(ops.relu(values), np.asarray(keras.ops.relu(values)))
