"""Functions applied to each number, and softmax, which weighs a row of them."""

import numpy as np

from cnn_lab.ops.padding import Array


def relu(values: Array) -> Array:
    """Return the values with everything below zero set to zero; any shape.

    Examples
    --------
    >>> relu(np.array([-1.5, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.maximum(values, 0)


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
    ValueError
        If the temperature is not positive.

    Examples
    --------
    >>> softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    if not temperature > 0:
        raise ValueError(f"`temperature` must be positive. Received: temperature={temperature!r}")
    scaled = np.asarray(logits) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
