"""Batch normalization, with the statistics of the batch or given ones, and its gradients."""

from typing import NamedTuple

import numpy as np

from cnn_lab.ops.types import (
    Array,
    ShapeError,
    as_gradient,
    as_numbers,
    check_finite,
    received,
)


class BatchNormalizationGradients(NamedTuple):
    """Gradients of batch normalization with respect to its arguments.

    Attributes
    ----------
    inputs : ndarray, shape (..., channels)
    gamma, beta : ndarray, shape (channels,)
    """

    inputs: Array
    gamma: Array
    beta: Array


def batch_normalization(
    inputs: Array,
    *,
    mean: Array | None = None,
    variance: Array | None = None,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-3,
) -> Array:
    """Shift and scale each channel to mean 0 and variance 1, then to a learned scale.

    Parameters
    ----------
    inputs : ndarray of float, shape (..., channels)
    mean, variance : ndarray of float, shape (channels,), optional
        Give both, as in a trained network, or neither to use those of the batch, as in
        training. The variance is not negative.
    gamma, beta : ndarray of float, shape (channels,), optional
        Learned scale (default 1) and offset (default 0).
    epsilon : float
        Added to the variance; Keras's default.

    Returns
    -------
    ndarray, shape of `inputs`
        ``gamma * (inputs - mean) / sqrt(variance + epsilon) + beta``.

    Raises
    ------
    ShapeError
        If there is not one number per channel, or no value to take statistics of.
    ValueError
        If only one of mean and variance is given.

    Notes
    -----
    The variance of the batch is the sum of squares divided by the number of values, not by
    one less.

    References
    ----------
    .. [1] Ioffe and Szegedy (2015), arXiv:1502.03167, algorithm 1.

    Examples
    --------
    >>> batch_normalization(np.array([[3.0]]), mean=np.array([1.0]), variance=np.array([4.0]),
    ...                     epsilon=0.0)
    array([[1.]])
    >>> batch_normalization(np.array([[3.0], [5.0]]), epsilon=0.0)
    array([[-1.],
           [ 1.]])
    """
    inputs = _channels_last(inputs)
    mean, variance = _statistics(inputs, mean, variance)
    scale = 1 / _spread(variance, epsilon)
    if gamma is not None:
        scale = scale * _one_each("gamma", gamma, inputs)
    offset = -mean * scale
    if beta is not None:
        offset = _one_each("beta", beta, inputs) + offset
    return np.asarray(inputs * scale + offset)


def batch_normalization_gradients(
    inputs: Array,
    grad_output: Array,
    *,
    mean: Array | None = None,
    variance: Array | None = None,
    gamma: Array | None = None,
    epsilon: float = 1e-3,
) -> BatchNormalizationGradients:
    """Return how a loss changes with the inputs, gamma and beta of `batch_normalization`.

    With given statistics, each value is independent. With those of the batch, each value also
    changes the mean and the variance, and through them all the others: the resulting gradient
    has mean zero and is orthogonal to the normalized values.

    Parameters
    ----------
    inputs, mean, variance, gamma, epsilon
        As given to `batch_normalization`. Beta changes no gradient.
    grad_output : ndarray of float, shape of `inputs`
        Gradient of the loss with respect to the output of `batch_normalization`.

    Returns
    -------
    BatchNormalizationGradients
        ``inputs``, ``gamma`` and ``beta``, each with the shape of its argument.

    Raises
    ------
    ShapeError
        If `grad_output` does not have the shape of the inputs.
    ValueError
        If only one of mean and variance is given.

    References
    ----------
    .. [1] Ioffe and Szegedy (2015), arXiv:1502.03167, section 3.

    Examples
    --------
    The same gradient everywhere would only move the mean, which is taken off again:

    >>> batch_normalization_gradients(np.array([[3.0], [5.0]]), np.ones((2, 1))).inputs
    array([[0.],
           [0.]])
    """
    inputs = _channels_last(inputs)
    grad_output = as_gradient("grad_output", grad_output, inputs.shape)
    own_statistics = mean is None
    mean, variance = _statistics(inputs, mean, variance)
    spread = 1 / _spread(variance, epsilon)
    normalized = (inputs - mean) * spread
    axes = tuple(range(inputs.ndim - 1))
    felt = grad_output
    if own_statistics:
        along = (grad_output * normalized).mean(axis=axes)
        felt = grad_output - grad_output.mean(axis=axes) - normalized * along
    return BatchNormalizationGradients(
        felt * (spread if gamma is None else spread * _one_each("gamma", gamma, inputs)),
        (grad_output * normalized).sum(axis=axes),
        grad_output.sum(axis=axes),
    )


def _channels_last(inputs: Array) -> Array:
    inputs = as_numbers("inputs", inputs)
    if not inputs.ndim:
        raise ShapeError(
            f"`inputs` must have shape (..., channels). Received: inputs.shape={inputs.shape}"
        )
    return inputs


def _one_each(name: str, values: Array, inputs: Array) -> Array:
    """Return one number for each channel of the inputs."""
    values = as_numbers(name, values)
    if values.shape != inputs.shape[-1:]:
        raise ShapeError(
            f"`{name}` must hold one number per channel, {inputs.shape[-1]}. "
            f"Received: {name}.shape={values.shape}"
        )
    return values


def _spread(variance: Array, epsilon: float) -> Array:
    check_finite(epsilon=epsilon)
    if epsilon < 0 or (variance < 0).any():
        raise ValueError(
            "`epsilon` and `variance` must not be negative. "
            f"Received: epsilon={epsilon}, variance={received(variance)}"
        )
    return np.asarray(np.sqrt(variance + epsilon))


def _statistics(inputs: Array, mean: Array | None, variance: Array | None) -> tuple[Array, Array]:
    if mean is not None and variance is not None:
        return _one_each("mean", mean, inputs), _one_each("variance", variance, inputs)
    if mean is None and variance is None:
        axes = tuple(range(inputs.ndim - 1))
        if not inputs.size:
            raise ShapeError(
                "The batch must hold at least one value, or `mean` and `variance` be given. "
                f"Received: inputs.shape={inputs.shape}"
            )
        return np.mean(inputs, axis=axes), np.var(inputs, axis=axes)
    raise ValueError(
        f"Give both `mean` and `variance`, or neither. Received: mean={mean}, variance={variance}"
    )
