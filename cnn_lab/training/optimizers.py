"""Optimizers of a TrainingSpec, computed as in Keras.

They work in place and in single precision, on pieces of a weight that fit into the cache; their
state has the shape of the weights.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_lab.network.spec import TrainingSpec
from cnn_lab.network.spec.training import USED_BY
from cnn_lab.ops.types import Array

PIECE = 2**15  # numbers; half a megabyte with the optimizer's state
EPSILON = np.float32(1e-7)
BETA_1, BETA_2 = 0.9, 0.999  # Adam's decay rates of the mean and the mean square
RHO = 0.9  # RMSprop's decay rate of the mean square
MUON_MOMENTUM, MUON_SHARE = 0.95, 0.2
NEWTON_SCHULZ, NEWTON_SCHULZ_STEPS = (3.4445, -4.775, 2.0315), 5


class _Piece(NamedTuple):
    """Flat views of a part of a weight, its gradient and the optimizer's state."""

    weight: Array
    gradient: Array
    first: Array
    second: Array
    scratch: Array


class Optimizer:
    """Optimizer: moves weights against their gradients.

    Parameters
    ----------
    training : TrainingSpec
        Names the optimizer, its momentum and its weight decay.
    weights : mapping of str to ndarray of float32
        Trainable weights; `apply` changes them in place, so they must be contiguous.

    References
    ----------
    .. [1] Kingma and Ba (2014), arXiv:1412.6980: Adam, in the form before section 2.1.
    .. [2] Loshchilov and Hutter (2017), arXiv:1711.05101: AdamW.
    .. [3] Hinton, Srivastava and Swersky (2012), lecture 6e of the course "Neural Networks for
       Machine Learning": RMSprop.
    .. [4] Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks".
    .. [5] Liu et al. (2025), arXiv:2502.16982, section 2.2: the step size of Muon.
    """

    def __init__(self, training: TrainingSpec, weights: Mapping[str, Array]) -> None:
        self.weights = weights
        self._name = training.optimizer
        self._momentum = training.momentum
        self.set_decay(training)
        self._n_steps = 0
        self._first = {name: np.zeros_like(weight) for name, weight in weights.items()}
        self._second = {name: np.zeros_like(weight) for name, weight in weights.items()}
        self._scratch = np.empty(PIECE, np.float32)

    def set_decay(self, training: TrainingSpec) -> None:
        """Use the weight decay of these settings from the next step on."""
        decays = self._name in USED_BY["weight_decay"]
        self._decay = training.weight_decay if decays else 0.0

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Return copies of the moving means, and the number of steps so far."""
        means = {"first": self._first, "second": self._second}
        return {"n_steps": np.array(self._n_steps)} | {
            f"{which}/{name}": values.copy()
            for which, arrays in means.items()
            for name, values in arrays.items()
        }

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned."""
        self._n_steps = int(state["n_steps"])
        for which, arrays in (("first", self._first), ("second", self._second)):
            for name, values in arrays.items():
                values[...] = state[f"{which}/{name}"]

    def apply(self, gradients: Mapping[str, Array], rate: float) -> None:
        """Move every weight by one step.

        Parameters
        ----------
        gradients : mapping of str to ndarray of float32
            Gradient of the loss for each weight; not modified.
        rate : float
            The learning rate of this step.
        """
        self._n_steps += 1
        for name, weight in self.weights.items():
            if self._decay:
                np.multiply(weight, np.float32(1 - self._decay * rate), out=weight)
            if self._name == "muon" and weight.ndim == 2:
                self._muon(name, gradients[name], rate)
            else:
                for piece in self._pieces(name, gradients[name]):
                    self._move(piece, rate)

    def _pieces(self, name: str, gradient: Array) -> Iterator[_Piece]:
        whole = (self.weights[name], gradient, self._first[name], self._second[name])
        weight, gradient, first, second = (np.reshape(array, -1) for array in whole)
        for start in range(0, weight.size, PIECE):
            here = slice(start, start + PIECE)
            scratch = self._scratch[: weight[here].size]
            yield _Piece(weight[here], gradient[here], first[here], second[here], scratch)

    def _move(self, piece: _Piece, rate: float) -> None:
        match self._name:
            case "sgd":
                _sgd(piece, rate, self._momentum)
            case "rmsprop":
                _rmsprop(piece, rate)
            case "adam" | "adamw" | "muon":
                unbias = math.sqrt(1 - BETA_2**self._n_steps) / (1 - BETA_1**self._n_steps)
                _adam(piece, rate * unbias)

    def _muon(self, name: str, gradient: Array, rate: float) -> None:
        weight, momentum = self.weights[name], self._first[name]
        momentum *= np.float32(MUON_MOMENTUM)
        momentum += gradient
        direction = orthogonalized(gradient + np.float32(MUON_MOMENTUM) * momentum)
        weight -= direction * np.float32(rate * MUON_SHARE * math.sqrt(max(weight.shape)))


def _sgd(piece: _Piece, rate: float, momentum: float) -> None:
    weight, gradient, velocity, _, scratch = piece
    np.multiply(gradient, np.float32(rate), out=scratch)
    velocity *= np.float32(momentum)
    velocity -= scratch
    weight += velocity


def _rmsprop(piece: _Piece, rate: float) -> None:
    weight, gradient, _, mean_square, scratch = piece
    np.square(gradient, out=scratch)
    scratch *= np.float32(1 - RHO)
    mean_square *= np.float32(RHO)
    mean_square += scratch
    np.add(mean_square, EPSILON, out=scratch)
    np.sqrt(scratch, out=scratch)
    np.divide(gradient, scratch, out=scratch)
    scratch *= np.float32(rate)
    weight -= scratch


def _adam(piece: _Piece, rate: float) -> None:
    """Apply Adam's step; `rate` includes the correction of the initial bias."""
    weight, gradient, mean, mean_square, scratch = piece
    np.subtract(gradient, mean, out=scratch)
    scratch *= np.float32(1 - BETA_1)
    mean += scratch
    np.square(gradient, out=scratch)
    scratch -= mean_square
    scratch *= np.float32(1 - BETA_2)
    mean_square += scratch
    np.sqrt(mean_square, out=scratch)
    scratch += EPSILON
    np.divide(mean, scratch, out=scratch)
    scratch *= np.float32(rate)
    weight -= scratch


def orthogonalized(matrix: Array) -> Array:
    """Return a matrix with the same singular vectors and singular values close to 1.

    Parameters
    ----------
    matrix : ndarray of float32, shape (rows, columns)

    Returns
    -------
    ndarray, shape (rows, columns)

    Notes
    -----
    Five steps of a Newton-Schulz iteration, tuned for speed: singular values end between about
    0.7 and 1.2, or lower if they were almost zero.

    Examples
    --------
    >>> stretched = np.diag(np.array([3.0, 1.0], np.float32))
    >>> bool(np.ptp(np.linalg.svd(orthogonalized(stretched), compute_uv=False)) < 0.5)
    True
    """
    if len(matrix) > matrix.shape[1]:
        return orthogonalized(matrix.T).T
    one, cube, fifth = (np.float32(factor) for factor in NEWTON_SCHULZ)
    result = matrix / (np.linalg.norm(matrix) + EPSILON)
    for _ in range(NEWTON_SCHULZ_STEPS):
        square = result @ result.T
        result = one * result + (cube * square + fifth * square @ square) @ result
    return result
