"""A network's way forward, the way back that gradients take, and the loss between them."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from cnn_lab import ops
from cnn_lab.network.layers.base import Back, Gradients, Weights
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.losses import SMALLEST_PROBABILITY
from cnn_lab.ops.types import Array


class Step(NamedTuple):
    """What one layer made of its input, and the way back.

    Attributes
    ----------
    name : str
        The layer's.
    values : ndarray
    back : callable
        Takes how a loss changes with `values`, and whether anybody asks for more than the
        weights; returns how it changes with the layer's input, where asked, and with each
        weight by the weight's own name.
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
        With it dropout drops what these numbers say, as in training; without it nothing.

    Yields
    ------
    Step
        One for each layer, made when it is asked for. Batch normalization uses its moving
        averages.
    """
    for layer in layers:
        values, back = layer.forward(values, layer.own_weights(weights), drops)
        yield Step(layer.name, values, back)


def backward(steps: Iterable[Step], grad: Array, *, onward: bool = True) -> tuple[Array, Gradients]:
    """Send a gradient back through steps.

    Parameters
    ----------
    steps : iterable of Step
        From `forward`, in that order.
    grad : ndarray
        How a loss changes with the values of the last step.
    onward : bool
        False spares the first layer's gradient with respect to its input.

    Returns
    -------
    grad : ndarray
        How the loss changes with what went into the first step; of no meaning if not `onward`.
    gradients : dict of str to ndarray
        How it changes with each weight, by "layer/weight".
    """
    gradients: Gradients = {}
    remaining = list(steps)
    while remaining:
        step = remaining.pop()
        grad, found = step.back(grad, onward or bool(remaining))
        gradients |= {f"{step.name}/{weight}": values for weight, values in found.items()}
    return grad, gradients


def label_loss(network: NetworkSpec, values: Array, labels: Array) -> tuple[float, Array]:
    """Return the mean cross-entropy, and how it changes with the values.

    Parameters
    ----------
    network : NetworkSpec
    values : ndarray of float, shape (n, classes)
        What the last of the layers `network.scoring_layers` made.
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
    if network.ends_in_softmax:
        loss = ops.softmax_cross_entropy(values, labels)
        return loss, ops.softmax_cross_entropy_gradient(values, labels)
    limited = np.clip(values, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    scores = np.log(limited)
    grad = ops.softmax_cross_entropy_gradient(scores, labels) / limited
    return ops.softmax_cross_entropy(scores, labels), grad * (limited == values)
