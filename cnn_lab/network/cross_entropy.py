"""Where a network's answer meets the label: the loss, and the gradient that sets out from it."""

from typing import Any

import numpy as np

from cnn_lab import ops
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.losses import SMALLEST_PROBABILITY
from cnn_lab.ops.types import Array


def scoring(network: NetworkSpec) -> tuple[Any, ...]:
    """Return a network's layers up to its scores: without the softmax that ends it.

    Where no softmax ends the network, all its layers.
    """
    *before, last = network.layers
    if last.type == "Softmax":
        return tuple(before)
    if ends_in_softmax(network):
        return *before, last.model_copy(update={"activation": "linear"})
    return network.layers


def label_loss(network: NetworkSpec, values: Array, labels: Array) -> tuple[float, Array]:
    """Return the mean cross-entropy, and how it changes with the values.

    Parameters
    ----------
    network : NetworkSpec
    values : ndarray of float, shape (n, classes)
        What the last of the layers `scoring(network)` made.
    labels : ndarray, of int, shape (n,), or of float, shape (n, classes)
        The classes by number, or distributions over them.

    Returns
    -------
    loss : float
    grad : ndarray, shape (n, classes)

    Raises
    ------
    ShapeError, ValueError
        As `ops.softmax_cross_entropy_gradient`.

    Notes
    -----
    As Keras: from the scores where softmax ends the network, which is exact however small a
    probability is. Otherwise the values are taken for probabilities, kept from 0 and 1 by
    1e-7, and made to sum to 1; only after a closing sigmoid does Keras go on as if softmax
    had come in its place, and this does not.
    """
    if ends_in_softmax(network):
        loss = ops.softmax_cross_entropy(values, labels)
        return loss, ops.softmax_cross_entropy_gradient(values, labels)
    limited = np.clip(values, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    scores = np.log(limited)
    grad = ops.softmax_cross_entropy_gradient(scores, labels) / limited
    return ops.softmax_cross_entropy(scores, labels), grad * (limited == values)


def ends_in_softmax(network: NetworkSpec) -> bool:
    """Return whether what a network answers with has gone through softmax."""
    last = network.layers[-1]
    return last.type == "Softmax" or getattr(last, "activation", None) == "softmax"
