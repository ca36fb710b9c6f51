"""The NumPy operators and Keras are each other's proof."""

import keras
import numpy as np
import pytest
import tensorflow as tf

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


def taped(function, *arrays):
    """Return Keras's result, and for a random gradient of it those of the arrays, in float64."""
    variables = [tf.Variable(array.astype(np.float64)) for array in arrays]
    with tf.GradientTape() as tape:
        result = function(*variables)
        delta = random(tuple(result.shape), 9).astype(np.float64)
        loss = tf.reduce_sum(result * delta)
    gradients = [np.asarray(gradient) for gradient in tape.gradient(loss, variables)]
    return np.asarray(result), delta, gradients


def double(shape, seed=0):
    return random(shape, seed).astype(np.float64)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel_size", [(1, 1), (2, 2), (3, 3), (2, 5)])
@pytest.mark.parametrize(
    ("strides", "dilation"), [(1, 1), (2, 1), ((3, 2), 1), (1, 2), (1, (3, 1))]
)
def test_conv2d_gradients(padding, kernel_size, strides, dilation):
    check_conv2d_gradients(padding, kernel_size, strides, dilation, groups=1)


@pytest.mark.parametrize(
    ("padding", "kernel_size", "strides", "dilation", "groups"),
    [
        ("valid", (3, 3), 1, 1, 2),
        ("same", (2, 5), (3, 2), 1, 2),
        ("same", (3, 3), 1, 2, 4),
        ("valid", (2, 2), 2, 1, 4),
    ],
)
def test_conv2d_gradients_in_groups(padding, kernel_size, strides, dilation, groups):
    """Few, because TensorFlow compiles each for a second."""
    check_conv2d_gradients(padding, kernel_size, strides, dilation, groups)


def check_conv2d_gradients(padding, kernel_size, strides, dilation, groups):
    images, kernel, bias = (
        double((2, 11, 12, 4)),
        double((*kernel_size, 4 // groups, 8), 1),
        double(8),
    )
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    result, delta, theirs = taped(
        lambda images, kernel, bias: keras.ops.conv(images, kernel, **options) + bias,
        images,
        kernel,
        bias,
    )
    options["groups"] = groups
    np.testing.assert_allclose(ops.conv2d(images, kernel, bias, **options), result, atol=1e-10)
    ours = ops.conv2d_gradients(images, kernel, delta, **options)
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, rtol=0, atol=1e-10)


@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise_convolution_is_as_many_groups_as_channels(multiplier):
    """Keras keeps the filters of each channel on an axis of their own."""
    images, kernel = double((2, 7, 8, 3)), double((3, 2, 3, multiplier), 1)
    result, delta, theirs = taped(
        lambda images, kernel: keras.ops.depthwise_conv(images, kernel, padding="same"),
        images,
        kernel,
    )
    grouped = kernel.reshape(3, 2, 1, 3 * multiplier)
    ours = ops.conv2d(images, grouped, padding="same", groups=3)
    np.testing.assert_allclose(ours, result, rtol=0, atol=1e-10)
    gradients = ops.conv2d_gradients(images, grouped, delta, padding="same", groups=3)
    np.testing.assert_allclose(gradients.images, theirs[0], rtol=0, atol=1e-10)
    np.testing.assert_allclose(gradients.kernel.reshape(kernel.shape), theirs[1], atol=1e-10)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel_size", [(1, 1), (2, 2), (3, 3), (2, 5)])
@pytest.mark.parametrize("strides", [1, 2, 3, (2, 4)])
def test_conv2d_transpose(padding, kernel_size, strides):
    images, kernel, bias = double((2, 4, 5, 3)), double((*kernel_size, 3, 2), 1), double(2)
    theirs = keras.ops.conv_transpose(
        images, kernel.swapaxes(2, 3), strides=strides, padding=padding
    )
    ours = ops.conv2d_transpose(images, kernel, bias, strides=strides, padding=padding)
    np.testing.assert_allclose(ours, np.asarray(theirs) + bias, rtol=0, atol=1e-10)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("pool_size", "strides"), [(2, None), (3, 2), ((2, 3), (1, 2)), (2, 3), (5, 1)]
)
@pytest.mark.parametrize("ties", [False, True])
def test_pooling_gradients(padding, pool_size, strides, ties):
    images = double((2, 9, 10, 3)) - 3
    if ties:
        images = np.round(images)
    window = {"pool_size": pool_size, "strides": strides or pool_size, "padding": padding}
    for theirs, ours in (
        (keras.ops.max_pool, ops.max_pool2d_gradient),
        (keras.ops.average_pool, ops.average_pool2d_gradient),
    ):
        _, delta, (gradient,) = taped(lambda images, pool=theirs: pool(images, **window), images)
        np.testing.assert_allclose(ours(images, delta, **window), gradient, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("theirs", "ours", "gradient"),
    [
        (keras.ops.relu, ops.relu, ops.relu_gradient),
        (keras.ops.leaky_relu, ops.leaky_relu, ops.leaky_relu_gradient),
        (keras.ops.sigmoid, ops.sigmoid, ops.sigmoid_gradient),
        (keras.ops.tanh, ops.tanh, ops.tanh_gradient),
        (keras.ops.softmax, ops.softmax, ops.softmax_gradient),
    ],
)
def test_activations(theirs, ours, gradient):
    values = 3 * double((4, 5))
    values[0, 0] = 0  # where the slope is a matter of choice
    result, delta, (slopes,) = taped(theirs, values)
    # TensorFlow holds the slope of its leaky rectifier in single precision.
    np.testing.assert_allclose(ours(values), result, rtol=0, atol=1e-7)
    np.testing.assert_allclose(gradient(values, delta), slopes, rtol=0, atol=1e-7)


def test_dense():
    inputs, kernel, bias = double((3, 4)), double((4, 5), 1), double(5, 2)
    result, delta, theirs = taped(
        lambda inputs, kernel, bias: keras.ops.matmul(inputs, kernel) + bias, inputs, kernel, bias
    )
    np.testing.assert_allclose(ops.dense(inputs, kernel, bias), result, rtol=0, atol=1e-10)
    for our, their in zip(ops.dense_gradients(inputs, kernel, delta), theirs, strict=True):
        np.testing.assert_allclose(our, their, rtol=0, atol=1e-10)


def test_batch_normalization_of_a_batch_in_training():
    inputs = double((6, 3, 3, 2)) * [1, 4] + [0, 2]
    layer = keras.layers.BatchNormalization(dtype="float64")
    layer.build(inputs.shape)
    layer.gamma.assign(double(2, 1))
    layer.beta.assign(double(2, 2))
    images = tf.Variable(inputs)
    with tf.GradientTape() as tape:
        result = layer(images, training=True)
        delta = double(result.shape, 3)
        loss = tf.reduce_sum(result * delta)
    theirs = tape.gradient(loss, [images, layer.gamma.value, layer.beta.value])
    gamma, beta = double(2, 1), double(2, 2)
    ours = ops.batch_normalization(inputs, gamma=gamma, beta=beta)
    np.testing.assert_allclose(ours, np.asarray(result), rtol=0, atol=1e-10)
    gradients = ops.batch_normalization_gradients(inputs, delta, gamma=gamma)
    for our, their in zip(gradients, theirs, strict=True):
        np.testing.assert_allclose(our, np.asarray(their), rtol=0, atol=1e-10)


@pytest.mark.parametrize("by_number", [False, True])
def test_cross_entropy_of_softmax(by_number):
    classes = np.array([2, 0, 1, 2])
    labels = classes if by_number else ops.softmax(double((4, 3), 1))
    kind = "sparse_categorical_crossentropy" if by_number else "categorical_crossentropy"
    logits = tf.Variable(double((4, 3)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(getattr(keras.ops, kind)(labels, logits, from_logits=True))
    probabilities = ops.softmax(logits.numpy())
    assert ops.cross_entropy(probabilities, labels) == pytest.approx(float(loss), abs=1e-10)
    np.testing.assert_allclose(
        ops.softmax_cross_entropy_gradient(logits.numpy(), labels),
        np.asarray(tape.gradient(loss, logits)),
        rtol=0,
        atol=1e-10,
    )
    of_probabilities = getattr(keras.ops, kind)(labels, probabilities)
    assert ops.cross_entropy(probabilities, labels) == pytest.approx(
        float(tf.reduce_mean(of_probabilities)), abs=1e-6
    )
