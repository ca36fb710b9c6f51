"""Cross-entropy between predicted probabilities and labels."""

import numpy as np

from cnn_lab.ops.activations import softmax
from cnn_lab.ops.types import Array, ShapeError, as_array, as_float

SMALLEST_PROBABILITY = 1e-7


def cross_entropy(probabilities: Array, labels: Array) -> float:
    """Return the mean over the images of ``-sum(label * log(probability))``.

    The sum runs over the classes; the label is a weight outside the logarithm. For a label
    that is a single class, it is minus the logarithm of the probability of that class.

    Parameters
    ----------
    probabilities : ndarray of float, shape (n, classes)
        Predictions, each from 0 to 1.
    labels : ndarray, of int, shape (n,), or of float, shape (n, classes)
        Class numbers, or distributions over the classes that sum to 1.

    Returns
    -------
    float
        At least 0. Probabilities below 1e-7 count as 1e-7, the limit of Keras, so that the
        loss is finite: at most 16.2.

    Raises
    ------
    ShapeError
        If the shapes do not match or the batch is empty; names them.
    ValueError
        If a label is not a class, or a distribution has a negative part or does not sum to 1.

    Examples
    --------
    >>> round(cross_entropy(np.array([[0.25, 0.75]]), np.array([1])), 6)
    0.287682
    """
    probabilities, targets = _prepare("probabilities", probabilities, labels)
    logarithms = np.log(np.maximum(probabilities, SMALLEST_PROBABILITY))
    # Subtracted from zero, not negated, so that a loss of zero is 0 and not -0. So below.
    return float(0 - (targets * logarithms).sum() / len(targets))


def cross_entropy_gradient(probabilities: Array, labels: Array) -> Array:
    """Return how the cross-entropy changes with the probabilities: ``-label / (n * p)``.

    Parameters
    ----------
    probabilities, labels
        As given to `cross_entropy`.

    Returns
    -------
    ndarray, shape (n, classes)
        Below 1e-7, where the loss is constant, the slope at 1e-7 is used, so that the network
        still learns from a confident wrong prediction.

    Raises
    ------
    ShapeError, ValueError
        As `cross_entropy`.

    Examples
    --------
    >>> cross_entropy_gradient(np.array([[0.25, 0.75]]), np.array([0]))
    array([[-4.,  0.]])
    """
    probabilities, targets = _prepare("probabilities", probabilities, labels)
    limited = np.maximum(probabilities, SMALLEST_PROBABILITY)
    return np.asarray(0 - targets / (len(targets) * limited))


def softmax_cross_entropy(logits: Array, labels: Array) -> float:
    """Return the cross-entropy of the softmax of scores, exact even for tiny probabilities.

    Parameters
    ----------
    logits : ndarray of float, shape (n, classes)
        The scores that go into `softmax`.
    labels
        As given to `cross_entropy`.

    Returns
    -------
    float
        At least 0, and not limited: the logarithm of a probability is a difference of scores.

    Raises
    ------
    ShapeError, ValueError
        As `cross_entropy`.

    Examples
    --------
    >>> softmax_cross_entropy(np.array([[0.0, 1000.0]]), np.array([0]))
    1000.0
    """
    logits, targets = _prepare("logits", logits, labels)
    shifted = logits - logits.max(axis=1, keepdims=True)
    logarithms = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(0 - (targets * logarithms).sum() / len(targets))


def softmax_cross_entropy_gradient(
    logits: Array, labels: Array, *, temperature: float = 1.0
) -> Array:
    """Return how the cross-entropy of softmax changes with the scores: ``(p - label) / n``.

    This is the product of the slopes of the logarithm and of softmax, simplified.

    Parameters
    ----------
    logits : ndarray of float, shape (n, classes)
        The scores that go into `softmax`.
    labels
        As given to `cross_entropy`.
    temperature : float
        As given to `softmax`; the gradient is divided by it too.

    Returns
    -------
    ndarray, shape (n, classes)
        Each row sums to 0, as in `softmax_gradient`.

    Raises
    ------
    ShapeError
        As `cross_entropy`.
    ValueError
        As `cross_entropy`, or if the temperature is not positive.

    Examples
    --------
    >>> softmax_cross_entropy_gradient(np.array([[0.0, 0.0]]), np.array([1]))
    array([[ 0.5, -0.5]])
    """
    logits, targets = _prepare("logits", logits, labels)
    shares = softmax(logits, temperature=temperature)
    return np.asarray((shares - targets) / (len(targets) * temperature))


def _prepare(name: str, scores: Array, labels: Array) -> tuple[Array, Array]:
    """Return scores and labels as arrays of shape (n, classes) with the same precision."""
    scores = as_float(name, scores, ndim=2, axes="(n, classes)")
    labels = as_array("labels", labels)
    by_number = labels.ndim == 1
    if labels.shape != (scores.shape[:1] if by_number else scores.shape) or not len(scores):
        raise ShapeError(
            f"`labels` must have shape (n,) or that of `{name}`, with at least one image. "
            f"Received: {name}.shape={scores.shape}, labels.shape={labels.shape}"
        )
    if by_number:
        n_classes = scores.shape[1]
        if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= n_classes:
            raise ValueError(
                f"`labels` must be whole numbers from 0 to {n_classes - 1}. "
                f"Received: labels={labels}"
            )
        return scores, np.eye(n_classes, dtype=scores.dtype)[labels]
    targets = as_float("labels", labels, ndim=2, axes="(n, classes)")
    if targets.min() < 0 or not np.allclose(targets.sum(axis=1), 1, atol=1e-4):
        raise ValueError(
            "Each row of `labels` must be a distribution: no number below 0, their sum 1. "
            f"Received: labels={labels}"
        )
    return scores, targets.astype(scores.dtype)
