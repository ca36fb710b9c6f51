"""What textbooks and explainers get wrong: each test's name says how it is."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import signal

from cnn_lab import ops
from cnn_lab.ops.sizes import conv_output_length, same_padding, unread_length


def random(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def conv(image, kernel, **options):
    """One channel, one filter."""
    return ops.conv2d(image[None, ..., None], kernel[..., None, None], **options)[0, ..., 0]


def test_libraries_compute_cross_correlation_and_call_it_convolution():
    image, kernel = random((6, 7)), random((3, 2), 1)
    theirs = np.asarray(keras.ops.conv(image[None, ..., None], kernel[..., None, None]))[0, ..., 0]
    np.testing.assert_allclose(theirs, signal.correlate2d(image, kernel, "valid"), atol=1e-12)
    np.testing.assert_allclose(theirs, conv(image, kernel), atol=1e-12)
    assert np.abs(theirs - signal.convolve2d(image, kernel, "valid")).max() > 1


def test_true_convolution_is_cross_correlation_with_the_flipped_kernel():
    image, kernel = random((6, 7)), random((3, 2), 1)
    flipped = kernel[::-1, ::-1]
    np.testing.assert_allclose(
        signal.convolve2d(image, kernel, "valid"), conv(image, flipped), atol=1e-12
    )
    np.testing.assert_array_equal(conv(image, kernel, flip_kernel=True), conv(image, flipped))


@pytest.mark.parametrize("kernel_size", range(2, 8))
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_padding_is_half_of_k_minus_one_only_for_odd_kernels_at_stride_one(
    kernel_size, stride
):
    half = (kernel_size - 1) / 2
    textbook = [same_padding(n, kernel_size, stride) == (half, half) for n in range(28, 34)]
    if stride == 1:
        assert all(textbook) == any(textbook) == (kernel_size % 2 == 1)
    else:
        assert not all(textbook)


def test_the_papers_two_by_two_layer_pads_nothing_before_and_one_after():
    assert same_padding(28, 2) == (0, 1)
    image, kernel = random((28, 28)), random((2, 2), 1)
    theirs = keras.ops.conv(image[None, ..., None], kernel[..., None, None], padding="same")
    after = conv(image, kernel, padding=((0, 1), (0, 1)))
    before = conv(image, kernel, padding=((1, 0), (1, 0)))
    np.testing.assert_allclose(np.asarray(theirs)[0, ..., 0], after, atol=1e-12)
    assert np.abs(np.asarray(theirs)[0, ..., 0] - before).max() > 1


def test_a_window_that_does_not_divide_the_image_is_no_error_but_a_floor():
    """6 pixels, 1 around them, a kernel of 3 and stride 2: (6 + 2 - 3) / 2 + 1 = 3.5."""
    assert conv_output_length(6, 3, stride=2, padding=(1, 1)) == 3
    assert unread_length(6, 3, stride=2, padding=(1, 1)) == 1
    image, kernel = random((6, 6)), random((3, 3), 1)
    padded = np.pad(image, 1)[None, ..., None]
    theirs = np.asarray(keras.ops.conv(padded, kernel[..., None, None], strides=2))[0, ..., 0]
    assert theirs.shape == (3, 3)
    np.testing.assert_allclose(theirs, conv(image, kernel, strides=2, padding=1), atol=1e-12)


def test_padded_average_divides_by_the_pixels_inside_in_keras_by_the_window_in_pytorch():
    """Of a 3x3 window at the corner of an image of ones, 4 cells lie inside."""
    ones = np.ones((1, 3, 3, 1))
    window = {"pool_size": 3, "strides": 1, "padding": "same"}
    theirs = np.asarray(keras.ops.average_pool(ones, **window))
    np.testing.assert_array_equal(theirs, ones)
    np.testing.assert_array_equal(ops.average_pool2d(ones, **window), ones)
    whole = ops.average_pool2d(ones, **window, count_include_pad=True)[0, ..., 0]
    np.testing.assert_allclose(whole * 9, [[4, 6, 4], [6, 9, 6], [4, 6, 4]])


def test_padded_max_pooling_pads_with_minus_infinity_not_with_zero():
    below_zero = -1 - np.abs(random((1, 5, 5, 1))).astype(np.float32)
    window = {"pool_size": 3, "strides": 2, "padding": "same"}
    ours = ops.max_pool2d(below_zero, **window)
    assert ours.max() < 0
    np.testing.assert_array_equal(ours, np.asarray(keras.ops.max_pool(below_zero, **window)))


def tapes_max_pool_gradient(image, delta, **window):
    images = tf.Variable(image[None, ..., None])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(keras.ops.max_pool(images, **window) * delta[None, ..., None])
    return np.asarray(tape.gradient(loss, images))[0, ..., 0]


@pytest.mark.parametrize(
    ("image", "delta", "window", "expected"),
    [
        pytest.param(
            [[7, 7], [7, 7]], [[5]], {"pool_size": 2}, [[5, 0], [0, 0]], id="ties-to-the-first"
        ),
        pytest.param(
            [[1, 2, 3], [4, 9, 5], [6, 7, 8]],
            [[1, 10], [100, 1000]],
            {"pool_size": 2, "strides": 1},
            [[0, 0, 0], [0, 1111, 0], [0, 0, 0]],
            id="overlaps-add-up",
        ),
        pytest.param(
            [[4, 4, 4]],
            [[1, 10]],
            {"pool_size": (1, 2), "strides": 1},
            [[1, 10, 0]],
            id="ties-in-overlaps",
        ),
    ],
)
def test_max_pooling_gives_ties_to_the_first_and_adds_up_overlaps(image, delta, window, expected):
    image, delta = np.array(image, float), np.array(delta, float)
    ours = ops.max_pool2d_gradient(image[None, ..., None], delta[None, ..., None], **window)
    np.testing.assert_array_equal(ours[0, ..., 0], expected)
    np.testing.assert_array_equal(tapes_max_pool_gradient(image, delta, **window), expected)


def test_cross_entropy_sums_over_the_label_outside_the_logarithm_and_its_slope_is_p_minus_y():
    logits, label = np.array([[2.0, 0.0, -3.0, 1.0]]), np.array([[0.7, 0.2, 0.1, 0.0]])
    p = ops.softmax(logits)
    by_hand = -(0.7 * np.log(p[0, 0]) + 0.2 * np.log(p[0, 1]) + 0.1 * np.log(p[0, 2]))
    assert ops.cross_entropy(p, label) == pytest.approx(by_hand)
    inside = -np.log((label * p).sum())
    assert abs(ops.cross_entropy(p, label) - inside) > 0.1
    np.testing.assert_allclose(
        ops.softmax_cross_entropy_gradient(logits, label), p - label, atol=1e-12
    )
