"""Batch normalization, with moving averages or with the statistics of a batch."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from cnn_lab import ops
from cnn_lab.network.layers.base import (
    BaseLayer,
    Drops,
    Gradients,
    Pass,
    Place,
    Weights,
    channels_at,
)
from cnn_lab.network.layers.latex import normalization_latex, product_latex
from cnn_lab.ops.types import Array, Shape

Parts = list[Array]
Each = Callable[..., list[Any]]
PartsBack = Callable[[Parts, bool], tuple[Parts, Gradients]]


class BatchNormalization(BaseLayer):
    """Batch normalization: each channel normalized, then scaled and shifted."""

    type: Literal["BatchNormalization"] = "BatchNormalization"
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    epsilon: Annotated[float, Field(gt=0, le=1)] = 1e-3

    stem: ClassVar[str] = "norm"
    keeps_shape: ClassVar[bool] = True
    normalizes: ClassVar[bool] = True
    untrained: ClassVar[tuple[str, ...]] = ("moving_mean", "moving_variance")

    @property
    @override
    def moving_momentum(self) -> float:
        return self.momentum

    @override
    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        return dict.fromkeys(names, input_shape[-1:])

    @override
    def initial_weight(self, weight: str, shape: Shape, numbers: np.random.Generator) -> Array:
        return np.full(shape, float(weight in ("gamma", "moving_variance")), np.float32)

    @override
    def products(self, input_shape: Shape) -> list[tuple[int, ...]]:
        return [input_shape]

    @override
    def parameters_latex(self, input_shape: Shape) -> str:
        return product_latex([(4, input_shape[-1])])

    @override
    def forward(self, values: Array, weights: Weights, drops: Drops = None) -> Pass:
        known: dict[str, Any] = {
            "mean": weights["moving_mean"],
            "variance": weights["moving_variance"],
            "gamma": weights["gamma"],
            "epsilon": self.epsilon,
        }

        def back(grad: Array, _onward: bool) -> tuple[Array, Gradients]:
            found = ops.batch_normalization_gradients(values, grad, **known)
            return found.inputs, {"gamma": found.gamma, "beta": found.beta}

        return ops.batch_normalization(values, beta=weights["beta"], **known), back

    @override
    def formula(self, before: Array, weights: Weights, place: Place, value: float) -> str:
        channel = place[0]
        given = float(channels_at(before, place)[channel])
        numbers = {name: float(array[channel]) for name, array in weights.items()}
        return normalization_latex(given, value, epsilon=self.epsilon, **numbers)

    def forward_batch(self, parts: Parts, weights: Weights, each: Each) -> tuple[Parts, PartsBack]:
        """Normalize a batch by its own statistics and update the moving averages.

        Parameters
        ----------
        parts : list of ndarray of float32, shape (n, ..., channels)
            The batch, split along its first axis.
        weights : mapping of str to ndarray
            The moving averages are changed in place.
        each : callable
            As `map`, but returns a list and may work on several parts at once.

        Returns
        -------
        parts : list of ndarray
            Output of the layer for each part.
        back : callable
            Backward function as in `forward`, for parts.

        References
        ----------
        .. [1] Ioffe and Szegedy (2015), arXiv:1502.03167, algorithm 1 and section 3.
        """
        gamma, beta = weights["gamma"], weights["beta"]
        n = np.float32(sum(part.size for part in parts) // parts[0].shape[-1])
        mean = sum(each(channel_sums, parts)) / n
        variance = sum(each(lambda part: channel_sums(np.square(part - mean)), parts)) / n
        keep = np.float32(self.momentum)
        for name, measured in (("moving_mean", mean), ("moving_variance", variance)):
            weights[name][...] += (1 - keep) * (measured - weights[name])
        statistics: dict[str, Any] = {"mean": mean, "variance": variance, "epsilon": self.epsilon}

        def normalized(part: Array) -> Array:
            return ops.batch_normalization(part, gamma=gamma, beta=beta, **statistics)

        def back(grads: Parts, onward: bool) -> tuple[Parts, Gradients]:
            # As with fixed statistics, minus what flows through the batch's own statistics.
            found = each(
                lambda part, grad: ops.batch_normalization_gradients(
                    part, grad, gamma=gamma, **statistics
                ),
                parts,
                grads,
            )
            grad_gamma = sum(of_part.gamma for of_part in found)
            grad_beta = sum(of_part.beta for of_part in found)
            spread = 1 / np.sqrt(variance + np.float32(self.epsilon))

            def to_input(part: Array, grad: Array) -> Array:
                along = (part - mean) * (spread * grad_gamma / n)
                grad -= (along + grad_beta / n) * (gamma * spread)
                return grad

            inputs = [of_part.inputs for of_part in found]
            if onward:
                inputs = each(to_input, parts, inputs)
            return inputs, {"gamma": grad_gamma, "beta": grad_beta}

        return each(normalized, parts), back


def channel_sums(values: Array) -> Array:
    """Return the sum of each channel over all other axes, as one matrix product."""
    rows = values.reshape(-1, values.shape[-1])
    return np.ones(len(rows), rows.dtype) @ rows
