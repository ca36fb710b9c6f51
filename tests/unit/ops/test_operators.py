import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import signal

from cnn_lab import ops
from cnn_lab.ops import ShapeError
from cnn_lab.ops.padding import pad_images, resolve_padding
from cnn_lab.ops.types import pair
from tests.unit import loops

sides = st.integers(1, 9)
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
margins = st.integers(0, 3)
paddings = st.one_of(
    st.sampled_from(["valid", "same", "full"]),
    margins,
    st.tuples(st.tuples(margins, margins), st.tuples(margins, margins)),
)


def random(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@settings(max_examples=150)
@given(
    size=st.tuples(sides, sides),
    kernel_size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    depth=st.integers(1, 3),
    groups=st.integers(1, 2),
    per_group=st.integers(1, 2),
    strides=pairs,
    dilation=pairs,
    padding=paddings,
)
def test_conv2d_is_the_formula(
    size, kernel_size, depth, groups, per_group, strides, dilation, padding
):
    borders = resolve_padding(padding, size, kernel_size, strides, dilation)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel_size, dilation, strict=True)]
    assume(all(n + sum(b) >= s for n, b, s in zip(size, borders, spans, strict=True)))
    images = random((2, *size, depth * groups))
    kernel, bias = random((*kernel_size, depth, groups * per_group), 1), random(groups * per_group)
    result = ops.conv2d(
        images,
        kernel,
        bias,
        strides=strides,
        padding=padding,
        dilation_rate=dilation,
        groups=groups,
    )
    expected = loops.conv2d(images, kernel, bias, borders, strides, dilation, groups)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)


def test_conv2d_worked_by_hand():
    """A 3x3 image, a 2x2 kernel: 1*1 + 2*0 + 4*0 + 5*(-1) + 10 = 6, and so on."""
    image = np.arange(1.0, 10).reshape(1, 3, 3, 1)
    kernel = np.array([[1.0, 0.0], [0.0, -1.0]]).reshape(2, 2, 1, 1)
    result = ops.conv2d(image, kernel, np.array([10.0]))
    np.testing.assert_array_equal(result[0, ..., 0], [[6, 6], [6, 6]])


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_flipped_conv2d_is_scipys_convolution(mode):
    image, kernel = random((7, 8)), random((3, 5), 1)
    ours = ops.conv2d(
        image[None, :, :, None], kernel[..., None, None], padding=mode, flip_kernel=True
    )
    np.testing.assert_allclose(ours[0, ..., 0], signal.convolve2d(image, kernel, mode), atol=1e-12)


@pytest.mark.parametrize(
    ("mode", "boundary"), [("zeros", "fill"), ("reflect", None), ("edge", None), ("wrap", "wrap")]
)
def test_pad_modes_fill_the_border_as_numpy_does(mode, boundary):
    image, kernel = random((5, 6)), random((3, 3), 1)
    ours = ops.conv2d(image[None, :, :, None], kernel[..., None, None], padding=1, pad_mode=mode)
    around = np.pad(image, 1, mode="constant" if mode == "zeros" else mode)
    expected = loops.correlate(around, kernel, (1, 1), (1, 1))
    np.testing.assert_allclose(ours[0, ..., 0], expected, atol=1e-12)
    if boundary:
        scipys = signal.correlate2d(image, kernel, "same", boundary=boundary)
        np.testing.assert_allclose(ours[0, ..., 0], scipys, atol=1e-12)


@settings(max_examples=150)
@given(
    size=st.tuples(sides, sides),
    pool_size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=st.one_of(st.none(), pairs),
    padding=st.sampled_from(["valid", "same", "full"]),
    include_pad=st.booleans(),
)
def test_pooling_is_the_formula(size, pool_size, strides, padding, include_pad):
    steps = strides or pool_size
    borders = resolve_padding(padding, size, pool_size, steps)
    assume(all(n + sum(b) >= k for n, b, k in zip(size, borders, pool_size, strict=True)))
    images = random((2, *size, 3)) - 5  # all negative: padding with zero would win every maximum
    window = {"pool_size": pool_size, "strides": strides, "padding": padding}
    largest = ops.max_pool2d(images, **window)
    mean = ops.average_pool2d(images, **window, count_include_pad=include_pad)
    for n in range(2):
        for c in range(3):
            image = images[n, ..., c]
            np.testing.assert_array_equal(
                largest[n, ..., c], loops.pool2d(image, pool_size, steps, borders, kind="max")
            )
            np.testing.assert_allclose(
                mean[n, ..., c],
                loops.pool2d(
                    image, pool_size, steps, borders, kind="mean", include_pad=include_pad
                ),
                atol=1e-12,
            )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_that_comes_in_goes_out(dtype):
    images, kernel = random((1, 5, 5, 2)).astype(dtype), random((3, 3, 2, 2)).astype(dtype)
    assert ops.conv2d(images, kernel).dtype == dtype
    assert ops.max_pool2d(images, padding="same").dtype == dtype
    assert ops.average_pool2d(images, padding="same").dtype == dtype


def test_whole_numbers_are_taken_as_numbers():
    result = ops.conv2d(np.ones((1, 2, 2, 1), int), np.full((2, 2, 1, 1), 3))
    assert result.item() == 12.0


def test_inputs_are_left_alone():
    images, kernel, bias = random((1, 5, 5, 1)), random((3, 3, 1, 1)), random(1)
    copies = images.copy(), kernel.copy(), bias.copy()
    ops.conv2d(images, kernel, bias, padding="same", flip_kernel=True)
    ops.max_pool2d(images, pool_size=1)
    ops.average_pool2d(images, padding="same")
    for array, copy in zip((images, kernel, bias), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


IMAGES, KERNEL = np.ones((1, 4, 4, 2)), np.ones((3, 3, 2, 1))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.conv2d(IMAGES[0], KERNEL), ShapeError, r"images.shape=\(4, 4, 2\)"),
        (lambda: ops.conv2d(IMAGES, KERNEL[:, :, :1]), ShapeError, "as many channels"),
        (lambda: ops.conv2d(IMAGES, KERNEL, np.ones(2)), ShapeError, "one number per filter, 1"),
        (lambda: ops.conv2d(IMAGES, np.ones((5, 5, 2, 1))), ShapeError, "spans 5 pixels"),
        (lambda: ops.conv2d(IMAGES, KERNEL, strides=0), ValueError, "strides=0"),
        (lambda: ops.conv2d(IMAGES, KERNEL, strides=(1, 2, 3)), ValueError, "or a pair of them"),
        (lambda: ops.conv2d(IMAGES, KERNEL, strides=1.5), ValueError, "strides=1.5"),
        (lambda: ops.conv2d(IMAGES, KERNEL, padding="sam"), ValueError, "padding='sam'"),
        (lambda: ops.conv2d(IMAGES, KERNEL, padding=-1), ValueError, "padding=-1"),
        (lambda: ops.conv2d(IMAGES, KERNEL, padding=True), ValueError, "padding=True"),
        (lambda: ops.conv2d(IMAGES, KERNEL, pad_mode="mirror"), ValueError, "pad_mode='mirror'"),
        (
            lambda: ops.conv2d(IMAGES, KERNEL, padding=4, pad_mode="reflect"),
            ShapeError,
            "at most 3 rows",
        ),
        (lambda: ops.conv2d(IMAGES, KERNEL, groups=0), ValueError, "groups=0"),
        (lambda: ops.conv2d(np.array([["a"]]), KERNEL), ValueError, "must hold real numbers"),
        (lambda: ops.max_pool2d(IMAGES, pool_size=5), ShapeError, "spans 5 pixels"),
        (lambda: ops.max_pool2d(IMAGES, padding=2), ValueError, "smaller than the window"),
        (lambda: ops.dense(np.ones((1, 3)), np.ones((2, 2))), ShapeError, "one row per feature"),
        (lambda: ops.softmax(np.ones(3), temperature=0), ValueError, "temperature=0"),
    ],
)
def test_what_cannot_be_computed_gets_a_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_unpadded_images_are_not_copied():
    images = random((1, 3, 3, 1))
    assert pad_images(images, ((0, 0), (0, 0))) is images


def test_pair_takes_numpys_whole_numbers():
    assert pair("strides", np.int64(2)) == (2, 2)


def test_softmax_survives_scores_that_would_overflow():
    result = ops.softmax(np.array([1e4, 1e4 - 1, -1e4]))
    np.testing.assert_allclose(result, [1 / (1 + np.exp(-1)), 1 / (1 + np.e), 0], atol=1e-12)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=10), st.floats(0.1, 10))
def test_softmax_is_a_distribution_that_temperature_flattens(scores, temperature):
    scores = np.array(scores)
    plain, tempered = ops.softmax(scores), ops.softmax(scores, temperature=temperature)
    assert plain.sum() == pytest.approx(1)
    assert tempered.sum() == pytest.approx(1)
    flatter = tempered.max() <= plain.max() + 1e-12
    assert flatter if temperature >= 1 else tempered.max() >= plain.max() - 1e-12


def test_batch_normalization_brings_a_batch_to_its_scale():
    batch = random((200, 3)) * [1, 5, 0.1] + [0, 7, -2]
    result = ops.batch_normalization(
        batch,
        mean=batch.mean(0),
        variance=batch.var(0),
        gamma=np.array([1.0, 2.0, 3.0]),
        beta=np.array([0.0, -1.0, 4.0]),
        epsilon=0,
    )
    np.testing.assert_allclose(result.mean(0), [0, -1, 4], atol=1e-12)
    np.testing.assert_allclose(result.std(0), [1, 2, 3], atol=1e-12)
