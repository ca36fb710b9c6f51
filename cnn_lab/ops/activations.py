"""Elementwise activations and softmax, with their gradients.

A gradient takes the values that went in and the gradient of the loss with respect to what came
out. Both have the same shape, and so does the result. Values that are not real numbers raise a
ValueError.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from cnn_lab.ops.types import Array, ShapeError, as_gradient, as_numbers, check_finite

Activation = Literal["relu", "sigmoid", "tanh"]


def relu(values: Array) -> Array:
    """Return the values with everything below zero set to zero; any shape.

    Examples
    --------
    >>> relu(np.array([-1.5, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.asarray(np.maximum(as_numbers("values", values), 0))


def relu_gradient(values: Array, grad_output: Array) -> Array:
    """Pass the gradient through where the value was above zero, and nowhere else.

    The slope at zero, where any value from 0 to 1 would do, is 0, as in TensorFlow.

    Examples
    --------
    >>> relu_gradient(np.array([-1.5, 0.0, 2.0]), np.array([5.0, 5.0, 5.0]))
    array([0., 0., 5.])
    """
    values = as_numbers("values", values)
    return np.asarray(as_gradient("grad_output", grad_output, values.shape) * (values > 0))


def leaky_relu(values: Array, *, negative_slope: float = 0.2) -> Array:
    """Return the values with everything below zero scaled down; any shape.

    Parameters
    ----------
    values : ndarray of float
    negative_slope : float
        Factor of the values below zero. 0.2 is the default of `keras.ops`; the Keras layer
        has 0.3.

    Examples
    --------
    >>> leaky_relu(np.array([-1.5, 0.0, 2.0]), negative_slope=0.1)
    array([-0.15,  0.  ,  2.  ])
    """
    values = as_numbers("values", values)
    check_finite(negative_slope=negative_slope)
    # Of two straight lines through zero, the steeper one is the larger one above zero.
    choose = np.minimum if negative_slope > 1 else np.maximum
    return np.asarray(choose(values, negative_slope * values))


def leaky_relu_gradient(values: Array, grad_output: Array, *, negative_slope: float = 0.2) -> Array:
    """Pass the gradient through above zero, and `negative_slope` times it elsewhere.

    Examples
    --------
    >>> leaky_relu_gradient(np.array([-1.5, 2.0]), np.array([5.0, 5.0]), negative_slope=0.1)
    array([0.5, 5. ])
    """
    values = as_numbers("values", values)
    grad_output = as_gradient("grad_output", grad_output, values.shape)
    check_finite(negative_slope=negative_slope)
    above = values > 0
    return np.asarray(grad_output * above + negative_slope * grad_output * ~above)


def sigmoid(values: Array) -> Array:
    """Squeeze values into 0 to 1: ``1 / (1 + exp(-values))``; any shape, never overflows.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    values = as_numbers("values", values)
    power = np.exp(-np.abs(values))
    return np.asarray(np.maximum(power, values >= 0) / (1 + power))


def sigmoid_gradient(values: Array, grad_output: Array) -> Array:
    """Scale the gradient by the slope ``s * (1 - s)``, at most a quarter.

    Examples
    --------
    >>> sigmoid_gradient(np.array([0.0, 1000.0]), np.array([4.0, 4.0]))
    array([1., 0.])
    """
    values = as_numbers("values", values)
    grad_output = as_gradient("grad_output", grad_output, values.shape)
    # 1 - s is the sigmoid of -x; the subtraction would lose its last digits.
    return np.asarray(grad_output * sigmoid(values) * sigmoid(-values))


def tanh(values: Array) -> Array:
    """Squeeze values into -1 to 1; any shape.

    Examples
    --------
    >>> tanh(np.array([-1000.0, 0.0, 1000.0]))
    array([-1.,  0.,  1.])
    """
    return np.asarray(np.tanh(as_numbers("values", values)))


def tanh_gradient(values: Array, grad_output: Array) -> Array:
    """Scale the gradient by the slope ``1 - tanh(values) ** 2``, at most one.

    Examples
    --------
    >>> tanh_gradient(np.array([0.0, 1000.0]), np.array([4.0, 4.0]))
    array([4., 0.])
    """
    values = as_numbers("values", values)
    grad_output = as_gradient("grad_output", grad_output, values.shape)
    return np.asarray(grad_output * (1 - np.tanh(values) ** 2))


ACTIVATIONS: dict[Activation, Callable[[Array], Array]] = {
    "relu": relu,
    "sigmoid": sigmoid,
    "tanh": tanh,
}
"""What follows a convolution element by element, by Keras's names."""


def softmax(logits: Array, *, temperature: float = 1.0) -> Array:
    """Turn scores into probabilities along the last axis.

    Parameters
    ----------
    logits : ndarray of float, shape (..., classes)
        Any finite range; the largest score is subtracted first, so nothing overflows.
    temperature : float
        Above 1 flattens, towards 0 sharpens. Positive.

    Returns
    -------
    ndarray, shape (..., classes)
        Positive, each row sums to 1.

    Raises
    ------
    ShapeError
        If there is no class.
    ValueError
        If the temperature is not positive.

    Examples
    --------
    >>> softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    check_finite(temperature=temperature)
    if not temperature > 0:
        raise ValueError(f"`temperature` must be positive. Received: temperature={temperature!r}")
    logits = as_numbers("logits", logits)
    if not logits.shape or not logits.shape[-1]:
        raise ShapeError(
            "`logits` must have shape (..., classes) with at least one class. "
            f"Received: logits.shape={logits.shape}"
        )
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def softmax_gradient(logits: Array, grad_output: Array, *, temperature: float = 1.0) -> Array:
    """Return how a loss changes with the scores, from how it changes with the probabilities.

    Raising one score lowers all the other probabilities of its row, so the gradient of each
    score depends on the whole row: ``p * (g - sum(p * g)) / temperature``.

    Parameters
    ----------
    logits : ndarray of float, shape (..., classes)
        The scores that `softmax` was given.
    grad_output : ndarray of float, shape (..., classes)
        Gradient of the loss with respect to the probabilities.
    temperature : float
        As given to `softmax`.

    Returns
    -------
    ndarray, shape (..., classes)
        Each row sums to 0: adding the same number to all scores changes nothing.

    Raises
    ------
    ShapeError
        If `grad_output` does not have the shape of the scores.
    ValueError
        If the temperature is not positive.

    Examples
    --------
    >>> softmax_gradient(np.array([0.0, 0.0]), np.array([4.0, 0.0]))
    array([ 1., -1.])
    """
    logits = as_numbers("logits", logits)
    grad_output = as_gradient("grad_output", grad_output, logits.shape)
    shares = softmax(logits, temperature=temperature)
    mean = (shares * grad_output).sum(axis=-1, keepdims=True)
    return np.asarray(shares * (grad_output - mean) / temperature)
