"""Forward pass, loss and backward pass of a network."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from cnn_lab import ops
from cnn_lab.network.layers.base import Back, Gradients, Weights
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.losses import SMALLEST_PROBABILITY
from cnn_lab.ops.types import Array


class Step(NamedTuple):
    """Output of one layer, with its backward function.

    Attributes
    ----------
    name : str
        The layer's.
    values : ndarray
    back : callable
        Takes the gradient of a loss with respect to `values`, and whether the gradient of the
        input is needed; returns the gradient of the input, if needed, and those of the weights
        by their own names.
    """

    name: str
    values: Array
    back: Back


def forward(
    layers: Iterable[Any],
    values: Array,
    weights: Weights,
    drops: np.random.Generator | None = None,
) -> Iterator[Step]:
    """Run images through layers.

    Parameters
    ----------
    layers : iterable of layers of `cnn_lab.network.spec`
    values : ndarray of float32, shape (n, ...)
    weights : mapping of str to ndarray
        By "layer/weight".
    drops : numpy Generator, optional
        With it, dropout drops numbers as in training; without it, dropout does nothing.

    Yields
    ------
    Step
        One per layer, computed lazily. Batch normalization uses its moving averages.
    """
    for layer in layers:
        values, back = layer.forward(values, layer.own_weights(weights), drops)
        yield Step(layer.name, values, back)


def backward(steps: Iterable[Step], grad: Array, *, onward: bool = True) -> tuple[Array, Gradients]:
    """Propagate a gradient back through steps.

    Parameters
    ----------
    steps : iterable of Step
        From `forward`, in that order.
    grad : ndarray
        Gradient of a loss with respect to the values of the last step.
    onward : bool
        False skips the gradient with respect to the first layer's input.

    Returns
    -------
    grad : ndarray
        Gradient with respect to the input of the first step; meaningless if not `onward`.
    gradients : dict of str to ndarray
        Gradient of each weight, by "layer/weight".
    """
    gradients: Gradients = {}
    remaining = list(steps)
    while remaining:
        step = remaining.pop()
        grad, found = step.back(grad, onward or bool(remaining))
        gradients |= {f"{step.name}/{weight}": values for weight, values in found.items()}
    return grad, gradients


def label_loss(network: NetworkSpec, values: Array, labels: Array) -> tuple[float, Array]:
    """Return the mean cross-entropy and its gradient with respect to the values.

    Parameters
    ----------
    network : NetworkSpec
    values : ndarray of float, shape (n, classes)
        Output of the last of the layers `network.scoring_layers`.
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
    As in Keras: computed from the scores if the network ends in softmax, which is exact however
    small a probability is. Otherwise the values are treated as probabilities, clipped to
    [1e-7, 1 - 1e-7] and normalized to sum to 1. After a final sigmoid, Keras continues as if
    there were a softmax instead; this function does not.
    """
    if network.ends_in_softmax:
        loss = ops.softmax_cross_entropy(values, labels)
        return loss, ops.softmax_cross_entropy_gradient(values, labels)
    limited = np.clip(values, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    scores = np.log(limited)
    grad = ops.softmax_cross_entropy_gradient(scores, labels) / limited
    return ops.softmax_cross_entropy(scores, labels), grad * (limited == values)
