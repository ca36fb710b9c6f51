"""Softmax and cross-entropy, number by number: scores, probabilities, loss and gradient."""

from typing import NamedTuple

import numpy as np

from cnn_lab.ops import cross_entropy, softmax, softmax_cross_entropy_gradient
from cnn_lab.ops.losses import SMALLEST_PROBABILITY
from cnn_lab.ops.types import Array


class SoftmaxCrossEntropy(NamedTuple):
    """Softmax and cross-entropy of one row of scores.

    Attributes
    ----------
    scaled : ndarray of float64, shape (classes,)
        The scores divided by the temperature.
    powers : ndarray of float64, shape (classes,)
        Powers of e of these after subtracting the largest: from 0 to 1.
    probabilities : ndarray of float64, shape (classes,)
    label : ndarray of float64, shape (classes,)
        1 for the true class, else 0.
    loss : float
        Minus the logarithm of the probability of the true class.
    is_limited : bool
        Whether that probability was below 1e-7 and counted as 1e-7.
    gradient : ndarray of float64, shape (classes,)
        Gradient of the loss with respect to each score.
    """

    scaled: Array
    powers: Array
    probabilities: Array
    label: Array
    loss: float
    is_limited: bool
    gradient: Array


def softmax_cross_entropy(
    scores: Array, true_class: int, *, temperature: float = 1.0
) -> SoftmaxCrossEntropy:
    """Return all numbers from the scores to the gradient of their loss.

    Parameters
    ----------
    scores : ndarray of float, shape (classes,)
    true_class : int
    temperature : float
        Positive.

    Examples
    --------
    >>> found = softmax_cross_entropy(np.array([0.0, 0.0]), 1)
    >>> found.probabilities, round(found.loss, 4), found.gradient
    (array([0.5, 0.5]), 0.6931, array([ 0.5, -0.5]))
    """
    scores = np.asarray(scores, np.float64)
    labels = np.array([true_class])
    probabilities = softmax(scores, temperature=temperature)
    scaled = scores / temperature
    return SoftmaxCrossEntropy(
        scaled,
        np.exp(scaled - scaled.max()),
        probabilities,
        np.eye(len(scores))[true_class],
        cross_entropy(probabilities[np.newaxis], labels),
        bool(probabilities[true_class] < SMALLEST_PROBABILITY),
        softmax_cross_entropy_gradient(scores[np.newaxis], labels, temperature=temperature)[0],
    )
