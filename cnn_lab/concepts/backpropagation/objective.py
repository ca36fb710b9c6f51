"""Losses of the small layer."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cnn_lab.ops.types import Array


class Objective(Protocol):
    """A loss of the layer's outputs, shape (rows, columns, candidates)."""

    def loss(self, results: Array) -> Array:
        """Return the loss of each candidate, shape (candidates,)."""
        ...

    def gradient(self, results: Array) -> Array:
        """Return the gradient of the loss with respect to each output."""
        ...


@dataclass(frozen=True, eq=False)
class WeightedSum:
    """Weighted sum of all outputs; its gradient is the weights, whatever the outputs.

    Parameters
    ----------
    weights : ndarray of float, shape (rows, columns)

    Examples
    --------
    >>> WeightedSum(np.array([[1.0, -1.0]])).loss(np.array([[[3.0], [5.0]]]))
    array([-2.])
    """

    weights: Array

    def loss(self, results: Array) -> Array:
        """Return the sum of each candidate, shape (candidates,)."""
        return np.asarray(np.tensordot(self.weights, results, axes=2))

    def gradient(self, results: Array) -> Array:
        """Return the weights in the shape of the outputs."""
        return np.broadcast_to(self.weights[..., np.newaxis], results.shape)


@dataclass(frozen=True, eq=False)
class SquaredError:
    """Half the squared difference to a target, summed or averaged.

    Parameters
    ----------
    target : ndarray of float, shape (rows, columns)
    mean : bool
        Divide by the number of outputs, so that the loss does not grow with the image.

    Examples
    --------
    >>> error = SquaredError(np.array([[1.0, 2.0]]))
    >>> error.loss(np.array([[[4.0], [2.0]]])), error.gradient(np.array([[[4.0], [2.0]]]))[..., 0]
    (array([4.5]), array([[3., 0.]]))
    """

    target: Array
    mean: bool = False

    @property
    def divisor(self) -> int:
        """Divisor of the sum of half the squares."""
        return self.target.size if self.mean else 1

    def loss(self, results: Array) -> Array:
        """Return the loss of each candidate, shape (candidates,)."""
        squares = np.square(results - self.target[..., np.newaxis])
        return np.asarray(squares.sum(axis=(0, 1)) / (2 * self.divisor))

    def gradient(self, results: Array) -> Array:
        """Return the difference of each output to its target, over the divisor."""
        return np.asarray((results - self.target[..., np.newaxis]) / self.divisor)
