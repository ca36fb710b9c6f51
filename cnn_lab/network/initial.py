"""The weights a network begins with, and every other chance in a run, from one seed.

Drawn here and not by the engines, so that Keras on any backend and NumPy begin with the same
weights, and see the same images in the same order.
"""

from typing import Literal

import numpy as np

from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array

Purpose = Literal["weights", "order", "dropout", "augmentation", "fraction"]
_STREAMS: tuple[Purpose, ...] = ("weights", "order", "dropout", "augmentation", "fraction")


def stream(seed: int, purpose: Purpose) -> np.random.Generator:
    """Return the random numbers that a run with this seed uses for one purpose.

    What is drawn for one purpose does not move what is drawn for another.
    """
    return np.random.default_rng((seed, _STREAMS.index(purpose)))


def initial_weights(network: NetworkSpec, seed: int) -> dict[str, Array]:
    """Return fresh weights by "layer/weight", float32; see `BaseLayer.initial_weight`."""
    numbers = stream(seed, "weights")
    return {
        f"{layer.name}/{weight}": layer.initial_weight(weight, shape, numbers)
        for layer, row in zip(network.layers, network.summary(), strict=True)
        for weight, shape in layer.weight_shapes(row.input_shape).items()
    }
