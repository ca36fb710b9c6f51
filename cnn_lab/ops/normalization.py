"""Batch normalization, as it acts once the statistics are known."""

import numpy as np

from cnn_lab.ops.padding import Array


def batch_normalization(
    inputs: Array,
    *,
    mean: Array,
    variance: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-3,
) -> Array:
    """Shift and scale each channel to the given statistics.

    Parameters
    ----------
    inputs : ndarray of float, shape (..., channels)
    mean, variance : ndarray of float, shape (channels,)
        The batch's own in training, the moving ones afterwards. Variance is not negative.
    gamma, beta : ndarray of float, shape (channels,), optional
        Learned scale (default 1) and offset (default 0).
    epsilon : float
        Added to the variance; Keras's default.

    Returns
    -------
    ndarray, shape of `inputs`
        ``gamma * (inputs - mean) / sqrt(variance + epsilon) + beta``.

    References
    ----------
    .. [1] Ioffe and Szegedy (2015), arXiv:1502.03167, algorithm 1.

    Examples
    --------
    >>> batch_normalization(np.array([[3.0]]), mean=np.array([1.0]), variance=np.array([4.0]),
    ...                     epsilon=0.0)
    array([[1.]])
    """
    scale = 1 / np.sqrt(variance + epsilon)
    if gamma is not None:
        scale = scale * gamma
    offset = -mean * scale if beta is None else beta - mean * scale
    return np.asarray(inputs * scale + offset)
