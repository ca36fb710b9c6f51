"""Activations, dense, normalization and losses: their values, and their gradients' slopes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cnn_lab import ops
from cnn_lab.ops import ShapeError
from tests.unit import loops

ACTIVATIONS = [
    (ops.relu, ops.relu_gradient, {}),
    (ops.leaky_relu, ops.leaky_relu_gradient, {}),
    (ops.leaky_relu, ops.leaky_relu_gradient, {"negative_slope": 0.01}),
    (ops.sigmoid, ops.sigmoid_gradient, {}),
    (ops.tanh, ops.tanh_gradient, {}),
    (ops.softmax, ops.softmax_gradient, {}),
    (ops.softmax, ops.softmax_gradient, {"temperature": 0.5}),
    (ops.softmax, ops.softmax_gradient, {"temperature": 3.0}),
]


def random(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(("function", "gradient", "options"), ACTIVATIONS)
def test_gradients_of_activations_are_the_slopes(function, gradient, options):
    values, delta = random((3, 4)), random((3, 4), 1)
    slopes = loops.slopes(lambda: np.vdot(function(values, **options), delta), values)
    np.testing.assert_allclose(gradient(values, delta, **options), slopes, atol=1e-8)


@pytest.mark.parametrize(("function", "gradient", "options"), ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_keep_precision_shape_and_their_input(function, gradient, options, dtype):
    values, delta = random((2, 1, 3)).astype(dtype), random((2, 1, 3), 1).astype(dtype)
    copy = values.copy()
    for result in (function(values, **options), gradient(values, delta, **options)):
        assert result.dtype == dtype
        assert result.shape == values.shape
    np.testing.assert_array_equal(values, copy)


@given(arrays(np.float64, array_shapes(), elements=st.floats(-1e300, 1e300)))
def test_squeezing_activations_never_overflow(values):
    """Overflow would warn, and a warning fails the test."""
    assert np.all((ops.sigmoid(values) >= 0) & (ops.sigmoid(values) <= 1))
    np.testing.assert_allclose(ops.sigmoid(values) + ops.sigmoid(-values), 1)
    np.testing.assert_allclose(ops.tanh(values), 2 * ops.sigmoid(2 * values) - 1, atol=1e-15)
    ones = np.ones(values.shape)
    assert np.all(ops.sigmoid_gradient(values, ones) <= 0.25)
    assert np.all(ops.tanh_gradient(values, ones) <= 1)


def test_rectifiers_at_zero_take_the_slope_of_the_left():
    zero, delta = np.zeros(1), np.ones(1)
    assert ops.relu_gradient(zero, delta) == 0
    assert ops.leaky_relu_gradient(zero, delta, negative_slope=0.3) == 0.3


def test_dense_gradients_are_the_slopes():
    inputs, kernel, bias, delta = random((3, 4)), random((4, 2), 1), random(2, 2), random((3, 2), 3)
    gradients = ops.dense_gradients(inputs, kernel, delta)
    for ours, values in zip(gradients, (inputs, kernel, bias), strict=True):
        slopes = loops.slopes(lambda: np.vdot(ops.dense(inputs, kernel, bias), delta), values, 0.5)
        np.testing.assert_allclose(ours, slopes, atol=1e-12)


@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 4, 3)])
@pytest.mark.parametrize("own_statistics", [False, True])
@pytest.mark.parametrize("learned", [False, True])
def test_batch_normalization_gradients_are_the_slopes(shape, own_statistics, learned):
    inputs, delta = random(shape) * [1, 3, 0.1] + [0, 1, -1], random(shape, 1)
    gamma, beta = random(3, 2), random(3, 3)
    statistics = {} if own_statistics else {"mean": random(3, 4), "variance": np.array([1, 4, 0.1])}
    options = {**statistics, **({"gamma": gamma} if learned else {})}
    gradients = ops.batch_normalization_gradients(inputs, delta, **options)

    def loss():
        return np.vdot(ops.batch_normalization(inputs, **options, beta=beta), delta)

    np.testing.assert_allclose(gradients.inputs, loops.slopes(loss, inputs), atol=1e-7)
    np.testing.assert_allclose(gradients.beta, loops.slopes(loss, beta), atol=1e-7)
    if learned:
        np.testing.assert_allclose(gradients.gamma, loops.slopes(loss, gamma), atol=1e-7)


def test_a_batch_brings_its_own_statistics():
    batch = random((5, 4, 4, 3)) * [1, 5, 0.1] + [0, 7, -2]
    axes = (0, 1, 2)
    np.testing.assert_allclose(
        ops.batch_normalization(batch),
        ops.batch_normalization(batch, mean=batch.mean(axes), variance=batch.var(axes)),
    )
    np.testing.assert_allclose(ops.batch_normalization(batch, epsilon=0).mean(axes), 0, atol=1e-12)
    np.testing.assert_allclose(ops.batch_normalization(batch, epsilon=0).var(axes), 1)


def test_normalization_takes_back_what_only_moves_or_stretches_the_batch():
    batch = random((50, 3))
    felt = ops.batch_normalization_gradients(batch, random((50, 3), 1), epsilon=0).inputs
    np.testing.assert_allclose(felt.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose((felt * batch).sum(axis=0), 0, atol=1e-12)


CLASSES = np.array([2, 0, 1])
SMOOTHED = np.array([[0.1, 0.1, 0.8], [1.0, 0.0, 0.0], [0.25, 0.5, 0.25]])


def test_cross_entropy_worked_by_hand():
    """-(log(1/2) + log(1/8)) / 2 = 2 log 2."""
    probabilities = np.array([[0.5, 0.25, 0.25], [0.5, 0.125, 0.375]])
    assert ops.cross_entropy(probabilities, np.array([0, 1])) == pytest.approx(2 * np.log(2))
    assert ops.cross_entropy(np.array([[0.5, 0.5]]), np.array([[0.5, 0.5]])) == pytest.approx(
        np.log(2)
    )


def test_class_numbers_are_distributions_on_one_class():
    probabilities = ops.softmax(random((3, 3)))
    one_hot = np.eye(3)[CLASSES]
    assert ops.cross_entropy(probabilities, CLASSES) == ops.cross_entropy(probabilities, one_hot)
    for gradient in (ops.cross_entropy_gradient, ops.softmax_cross_entropy_gradient):
        np.testing.assert_array_equal(
            gradient(probabilities, CLASSES), gradient(probabilities, one_hot)
        )


@pytest.mark.parametrize("labels", [CLASSES, SMOOTHED])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_gradients_of_the_loss_are_the_slopes(labels, temperature):
    logits = random((3, 3))
    probabilities = ops.softmax(logits, temperature=temperature)
    felt = ops.cross_entropy_gradient(probabilities, labels)
    slopes = loops.slopes(lambda: ops.cross_entropy(probabilities, labels), probabilities)
    np.testing.assert_allclose(felt, slopes, atol=1e-7)

    def loss():
        return ops.cross_entropy(ops.softmax(logits, temperature=temperature), labels)

    short = ops.softmax_cross_entropy_gradient(logits, labels, temperature=temperature)
    np.testing.assert_allclose(short, loops.slopes(loss, logits), atol=1e-8)
    np.testing.assert_allclose(
        short, ops.softmax_gradient(logits, felt, temperature=temperature), atol=1e-12
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_surest_mistake_costs_a_finite_loss_and_still_learns(dtype):
    sure = np.array([[1.0, 0.0]], dtype)
    assert ops.cross_entropy(sure, np.array([1])) == pytest.approx(-np.log(1e-7), rel=1e-6)
    assert ops.cross_entropy(sure, np.array([0])) == 0
    slope = ops.cross_entropy_gradient(sure, np.array([1]))
    assert slope.dtype == dtype
    np.testing.assert_allclose(slope, [[0, -1e7]], rtol=1e-6)
    assert ops.softmax_cross_entropy_gradient(sure, np.array([1])).dtype == dtype


TWO = np.full((1, 2), 0.5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.cross_entropy(TWO, np.array([2])), ValueError, "from 0 to 1"),
        (lambda: ops.cross_entropy(TWO, np.array([-1])), ValueError, "from 0 to 1"),
        (lambda: ops.cross_entropy(TWO, np.array([0.5])), ValueError, "from 0 to 1"),
        (lambda: ops.cross_entropy(TWO, np.array([0, 1])), ShapeError, r"labels.shape=\(2,\)"),
        (lambda: ops.cross_entropy(TWO, np.ones((1, 3)) / 3), ShapeError, r"\(1, 3\)"),
        (lambda: ops.cross_entropy(TWO, np.ones((1, 2))), ValueError, "their sum 1"),
        (lambda: ops.cross_entropy(TWO, np.array([[1.5, -0.5]])), ValueError, "no number below 0"),
        (lambda: ops.cross_entropy(TWO, np.array([[np.nan, 1]])), ValueError, "their sum 1"),
        (lambda: ops.cross_entropy(TWO[:0], np.zeros(0, int)), ShapeError, "at least one image"),
        (lambda: ops.cross_entropy(TWO[0], np.array([0])), ShapeError, r"\(n, classes\)"),
        (
            lambda: ops.softmax_cross_entropy_gradient(TWO, np.array([0]), temperature=-1),
            ValueError,
            "temperature=-1",
        ),
        (lambda: ops.relu_gradient(TWO, np.ones(2)), ShapeError, r"\(1, 2\)"),
        (lambda: ops.softmax_gradient(TWO, np.ones(2)), ShapeError, r"\(1, 2\)"),
        (lambda: ops.dense(TWO, np.ones((2, 3)), np.ones(2)), ShapeError, "one number per unit, 3"),
        (lambda: ops.dense_gradients(TWO, np.ones((3, 1)), TWO), ShapeError, "one row per feature"),
        (lambda: ops.dense_gradients(TWO, np.ones((2, 3)), TWO), ShapeError, r"\(1, 3\)"),
        (lambda: ops.batch_normalization(TWO, mean=np.zeros(2)), ValueError, "or neither"),
        (
            lambda: ops.batch_normalization_gradients(TWO, TWO, variance=np.ones(2)),
            ValueError,
            "or neither",
        ),
        (lambda: ops.batch_normalization_gradients(TWO, np.ones(2)), ShapeError, r"\(1, 2\)"),
    ],
)
def test_what_cannot_be_computed_gets_a_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()
