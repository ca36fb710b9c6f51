"""How one of a network's scores changes with everything that it was made from."""

from dataclasses import dataclass

import numpy as np

from cnn_lab.network.cross_entropy import scoring
from cnn_lab.network.layers import Gradients, Weights, forward
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array


@dataclass(frozen=True)
class Slopes:
    """A class's score for one image, and how it changes with each number behind it.

    Attributes
    ----------
    score : float
        What the softmax that ends the network makes the probability from; where none ends it,
        the answer itself.
    values : dict of str to ndarray
        What each layer made of the image, by name in layer order, without the axis of images.
        A softmax that ends the network is left out: a layer of type Softmax is missing, and
        any other is there with what it had before.
    of_values : dict of str to ndarray
        How the score changes with each of these numbers, in the same shapes.
    of_image : ndarray, shape (height, width, channels)
        How it changes with each pixel.
    """

    score: float
    values: Gradients
    of_values: Gradients
    of_image: Array


def score_slopes(network: NetworkSpec, weights: Weights, image: Array, digit: int) -> Slopes:
    """Return how a class's score came about; see `Network.slopes`.

    Parameters
    ----------
    network, weights
        As in `Network`.
    image : ndarray of float32, shape (1, height, width, channels)
    digit : int
        The class, from 0.
    """
    steps = list(forward(scoring(network), image, weights))
    answer = steps[-1].values if steps else image
    score = answer.reshape(-1)[digit]
    grad = np.zeros_like(answer)
    grad.reshape(-1)[digit] = 1
    of_values: Gradients = {}
    for step in reversed(steps):
        of_values[step.name] = grad[0]
        grad, _ = step.back(grad, True)
    return Slopes(
        float(score),
        {step.name: step.values[0] for step in steps},
        {step.name: of_values[step.name] for step in steps},
        grad[0],
    )
