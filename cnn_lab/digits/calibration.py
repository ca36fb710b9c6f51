"""Calibration of a network's probabilities.

A network trained with label smoothing, or for too long, is underconfident or overconfident. One
number corrects most of this: all scores are divided by the same temperature before softmax, which
does not change any answer [1]_. The temperature is chosen on validation images, and so is the
ratio of the first to the second probability from which an answer counts as sure.

References
----------
.. [1] Guo, Pleiss, Sun and Weinberger (2017), "On Calibration of Modern Neural Networks",
   arXiv:1706.04599.
"""

import numpy as np
from numpy.typing import NDArray

from cnn_lab.network import Network
from cnn_lab.ops.types import Array, ShapeError, as_classes, as_float

Labels = NDArray[np.integer]

BINS = 15  # as in Guo et al.
SURELY_RIGHT = 0.999  # of sure answers that must be correct, on validation images
MIN_ODDS = 3.0  # lower bound: less than 3 to 1 never counts as sure
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0
STEPS = 60  # of the golden-section search: to 1e-11 of the range
MIN_PROBABILITY = 1e-12


def temperature(probabilities: Array, labels: Labels) -> float:
    """Return the temperature that minimizes the cross-entropy of these probabilities.

    Parameters
    ----------
    probabilities : ndarray of float in [0, 1], shape (n, classes)
        At least one image.
    labels : ndarray of int, shape (n,)

    Returns
    -------
    float
        From 0.05 to 20; below 1 for an underconfident network.

    Raises
    ------
    ShapeError
        If the numbers of labels and images differ, or are 0.

    Notes
    -----
    The mean cross-entropy has a single minimum, found by golden-section search in 60 passes over
    the probabilities.
    """
    probabilities, labels = _checked(probabilities, labels)
    scores = np.log(np.maximum(probabilities, MIN_PROBABILITY))

    def loss(log_temperature: float) -> float:
        cool = scores / np.exp(log_temperature)
        cool -= cool.max(axis=1, keepdims=True)
        believed = cool[np.arange(len(labels)), labels] - np.log(np.exp(cool).sum(axis=1))
        return -float(believed.mean())

    low, high = float(np.log(MIN_TEMPERATURE)), float(np.log(MAX_TEMPERATURE))
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(STEPS):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def cooled(network: Network, divisor: float) -> Network:
    """Return the network with all scores divided by a number, which keeps its answers.

    Raises
    ------
    ValueError
        If the network does not end in a dense layer and softmax, or the number is not above 0.
    """
    *_, scoring, last = network.spec.layers
    ends = last.keeps_shape and last.nonlinearity == "softmax"
    if not ends or not scoring.dense or scoring.nonlinearity != "linear":
        raise ValueError(
            "Only a network that ends in a linear dense layer and softmax can be calibrated. "
            f"Received: {scoring.type}, {last.type}"
        )
    if not divisor > 0:
        raise ValueError(f"The divisor must be above 0. Received: divisor={divisor}")
    weights = dict(network.weights)
    for name in (f"{scoring.name}/kernel", f"{scoring.name}/bias"):
        if name in weights:
            weights[name] = weights[name] / np.float32(divisor)
    return Network(network.spec, weights, network.card)


def calibration_error(probabilities: Array, labels: Labels, *, bins: int = BINS) -> float:
    """Return the expected calibration error: the difference between confidence and accuracy.

    Answers are grouped into bins of equal width by their probability; in each bin the mean
    probability is compared with the accuracy, and bins are weighted by their number of answers.

    Returns
    -------
    float in [0, 1]

    Examples
    --------
    >>> answers = np.array([[0.8, 0.2]] * 5)
    >>> round(calibration_error(answers, np.array([0, 0, 0, 0, 1])), 6)
    0.0
    >>> round(calibration_error(answers, np.array([0, 0, 0, 0, 0])), 6)
    0.2
    """
    probabilities, labels = _checked(probabilities, labels)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(bin_of, weights=right - confidence.astype(np.float64), minlength=bins)
    return float(np.abs(gap).sum() / len(labels))


def sure_odds(probabilities: Array, labels: Labels) -> float:
    """Return the ratio of the first to the second probability of a sure answer.

    The smallest ratio, at least 3, from which 999 of 1,000 answers are correct on these images.
    """
    probabilities, labels = _checked(probabilities, labels)
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    odds = first / np.maximum(second, MIN_PROBABILITY)
    order = np.argsort(-odds, kind="stable")
    right = (probabilities.argmax(axis=1) == labels)[order]
    share = np.cumsum(right) / np.arange(1, len(right) + 1)
    good = np.flatnonzero(share >= SURELY_RIGHT)
    least = odds[order][good[-1]] if len(good) else np.inf
    return float(max(least, MIN_ODDS))


def _checked(probabilities: Array, labels: Labels) -> tuple[NDArray[np.float64], Labels]:
    """Return probabilities and labels of at least one image."""
    rows = as_float("probabilities", probabilities, ndim=2, axes="(n, classes)").astype(np.float64)
    labels = as_classes("labels", labels, rows.shape[1])
    if not len(rows) or rows.shape[1] < 2 or len(labels) != len(rows):
        raise ShapeError(
            "There must be a label and a row of probabilities, of two classes or more, for each of "
            f"at least one image. Received: probabilities.shape={rows.shape}, "
            f"labels.shape={labels.shape}"
        )
    if not ((rows >= 0) & (rows <= 1)).all():
        raise ValueError(
            "`probabilities` must be from 0 to 1. "
            f"Received: probabilities.min()={rows.min()}, probabilities.max()={rows.max()}"
        )
    return rows, labels
