"""Activations as layers."""

from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from cnn_lab import ops
from cnn_lab.network.layers.base import (
    ActivationName,
    BaseLayer,
    Drops,
    Pass,
    Place,
    Slope,
    Weights,
    channels_at,
    without_weights,
)
from cnn_lab.network.layers.latex import activation_latex, leaky_latex, softmax_latex
from cnn_lab.ops.types import Array


def activated(
    activation: ActivationName, values: Array, *, in_place: bool = False
) -> tuple[Array, Slope]:
    """Return the values after an activation, and its backward function.

    `in_place` allows the values to be overwritten if they are not needed elsewhere.
    """
    match activation:
        case "linear":
            return values, lambda grad: grad
        case "relu":
            result = np.maximum(values, 0, out=values) if in_place else ops.relu(values)
            # The output is above zero exactly where the input was.
            return result, partial(ops.relu_gradient, result)
        case "sigmoid":
            return ops.sigmoid(values), partial(ops.sigmoid_gradient, values)
        case "tanh":
            return ops.tanh(values), partial(ops.tanh_gradient, values)
        case "softmax":
            return ops.softmax(values), partial(ops.softmax_gradient, values)


class _Activation(BaseLayer):
    """Base of layers that only apply an activation."""

    keeps_shape: ClassVar[bool] = True

    @override
    def forward(self, values: Array, weights: Weights, drops: Drops = None) -> Pass:
        return without_weights(*self._activated(values))

    def _activated(self, values: Array) -> tuple[Array, Slope]:
        return activated(self.nonlinearity, values)

    @override
    def formula(self, before: Array, weights: Weights, place: Place, value: float) -> str:
        numbers, channel = channels_at(before, place), place[0]
        if self.nonlinearity == "softmax":
            return softmax_latex(numbers, channel)
        return activation_latex(self.nonlinearity, float(numbers[channel]), value)


class Activation(_Activation):
    """Function of each number (or, for softmax, of each row) as a layer of its own."""

    type: Literal["Activation"] = "Activation"
    activation: ActivationName

    stem: ClassVar[str] = "activation"
    fresh: ClassVar[dict[str, Any]] = {"activation": "tanh"}
    by_position: ClassVar[tuple[str, ...]] = ("activation",)


class ReLU(_Activation):
    """Negative numbers become zero."""

    type: Literal["ReLU"] = "ReLU"

    stem: ClassVar[str] = "relu"
    fixed_activation: ClassVar[ActivationName] = "relu"


class LeakyReLU(_Activation):
    """Negative numbers are scaled down."""

    type: Literal["LeakyReLU"] = "LeakyReLU"
    negative_slope: Annotated[float, Field(ge=0, le=1)] = 0.3

    stem: ClassVar[str] = "leaky"

    @override
    def _activated(self, values: Array) -> tuple[Array, Slope]:
        lean = self.negative_slope
        slope = partial(ops.leaky_relu_gradient, values, negative_slope=lean)
        return ops.leaky_relu(values, negative_slope=lean), slope

    @override
    def formula(self, before: Array, weights: Weights, place: Place, value: float) -> str:
        total = float(channels_at(before, place)[place[0]])
        return leaky_latex(total, value, self.negative_slope)


class Softmax(_Activation):
    """Softmax: probabilities from scores."""

    type: Literal["Softmax"] = "Softmax"

    stem: ClassVar[str] = "softmax"
    numbers_first: ClassVar[bool] = False
    fixed_activation: ClassVar[ActivationName] = "softmax"

    @override
    def before_softmax(self) -> None:
        return None
