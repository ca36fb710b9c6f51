"""The weights a network begins with, and every other chance in a run, from one seed.

Drawn here and not by the engines, so that Keras on any backend and NumPy begin with the same
weights, and see the same images in the same order.
"""

import math
from typing import Literal

import numpy as np

from cnn_lab.network.spec import NetworkSpec, Shape
from cnn_lab.ops.types import Array

Purpose = Literal["weights", "order", "dropout", "augmentation", "fraction"]
_STREAMS: tuple[Purpose, ...] = ("weights", "order", "dropout", "augmentation", "fraction")
_ONES = ("gamma", "moving_variance")


def stream(seed: int, purpose: Purpose) -> np.random.Generator:
    """Return the random numbers that a run with this seed uses for one purpose.

    What is drawn for one purpose does not move what is drawn for another.
    """
    return np.random.default_rng((seed, _STREAMS.index(purpose)))


def initial_weights(network: NetworkSpec, seed: int) -> dict[str, Array]:
    """Return fresh weights by "layer/weight", float32.

    Kernels are uniform between plus and minus sqrt(6 / (fan_in + fan_out)), as Keras draws
    them by default; scales and variances begin at one, all else at zero.

    References
    ----------
    .. [1] Glorot and Bengio (2010), AISTATS, equation 16.
    """
    numbers = stream(seed, "weights")

    def begin(name: str, shape: Shape) -> Array:
        weight = name.rpartition("/")[2]
        if weight == "kernel":
            limit = math.sqrt(6 / sum(fans(shape)))
            return numbers.uniform(-limit, limit, shape).astype(np.float32)
        return np.full(shape, float(weight in _ONES), np.float32)

    return {name: begin(name, shape) for name, shape in network.weight_shapes().items()}


def fans(kernel_shape: Shape) -> tuple[int, int]:
    """Return how many numbers go into one result of a kernel, and how many one goes into.

    Examples
    --------
    >>> fans((3, 3, 16, 32)), fans((100, 10))
    ((144, 288), (100, 10))
    """
    *window, n_in, n_out = kernel_shape
    reach = math.prod(window)
    return reach * n_in, reach * n_out
