"""Initial weights and all other random choices of a run, from one seed.

They are drawn here and not by the engines, so that Keras on any backend and NumPy start with
the same weights and see the same images in the same order.
"""

from typing import Literal

import numpy as np

from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array

Purpose = Literal["weights", "order", "dropout", "augmentation", "fraction"]
_STREAMS: tuple[Purpose, ...] = ("weights", "order", "dropout", "augmentation", "fraction")


def stream(seed: int, purpose: Purpose) -> np.random.Generator:
    """Return the random generator for one purpose of a run with this seed.

    Draws for one purpose do not affect those for another.
    """
    return np.random.default_rng((seed, _STREAMS.index(purpose)))


def initial_weights(network: NetworkSpec, seed: int) -> dict[str, Array]:
    """Return initial weights by "layer/weight", float32; see `BaseLayer.initial_weight`."""
    numbers = stream(seed, "weights")
    return {
        f"{layer.name}/{weight}": layer.initial_weight(weight, shape, numbers)
        for layer, row in zip(network.layers, network.summary(), strict=True)
        for weight, shape in layer.weight_shapes(row.input_shape).items()
    }
