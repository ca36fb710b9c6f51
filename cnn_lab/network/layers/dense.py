"""Dense layers, and flattening."""

import math
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import PositiveInt
from typing_extensions import override

from cnn_lab import ops
from cnn_lab.network.layers.activation import activated
from cnn_lab.network.layers.base import (
    ActivationName,
    BaseLayer,
    Drops,
    Gradients,
    Pass,
    Place,
    Weights,
    without_weights,
)
from cnn_lab.network.layers.latex import dense_latex
from cnn_lab.ops.types import Array, Shape, ShapeError


class Flatten(BaseLayer):
    """All numbers of the maps in one row."""

    type: Literal["Flatten"] = "Flatten"

    stem: ClassVar[str] = "flatten"
    numbers_first: ClassVar[bool] = False
    passes_through: ClassVar[bool] = True

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    @override
    def forward(self, values: Array, weights: Weights, drops: Drops = None) -> Pass:
        slope = partial(np.reshape, shape=values.shape)
        return without_weights(values.reshape(len(values), -1), slope)

    @override
    def origin(self, place: Place, input_shape: Shape) -> Place:
        width, n_maps = input_shape[1:] if len(input_shape) == 3 else (1, *input_shape)
        at, source = divmod(place[0], n_maps)
        return source, at // width, at % width


class Dense(BaseLayer):
    """Dense layer: every unit has a weight for every feature."""

    type: Literal["Dense"] = "Dense"
    units: PositiveInt
    activation: ActivationName = "linear"
    use_bias: bool = True

    stem: ClassVar[str] = "dense"
    fresh: ClassVar[dict[str, Any]] = {"units": 64, "activation": "relu"}
    by_position: ClassVar[tuple[str, ...]] = ("units",)
    width_field: ClassVar[str] = "units"
    dense: ClassVar[bool] = True

    @override
    def reads_all(self, input_shape: Shape) -> bool:
        return True

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ShapeError(
                f"Layer {self.name} takes a row of numbers: put Flatten before it. "
                f"Received: input_shape={input_shape}"
            )
        return (self.units,)

    @override
    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        kernel = (input_shape[0], self.units)
        return {"kernel": kernel} | ({"bias": (self.units,)} if self.use_bias else {})

    @override
    def products(self, input_shape: Shape) -> list[tuple[int, ...]]:
        return [(input_shape[0], self.units)]

    @override
    def forward(self, values: Array, weights: Weights, drops: Drops = None) -> Pass:
        kernel = weights["kernel"]
        sums = ops.dense(values, kernel, weights.get("bias"))
        result, slope = activated(self.activation, sums, in_place=True)

        def back(grad: Array, _onward: bool) -> tuple[Array, Gradients]:
            found = ops.dense_gradients(values, kernel, slope(grad))
            bias = {"bias": found.bias} if self.use_bias else {}
            return found.inputs, {"kernel": found.kernel} | bias

        return result, back

    @override
    def filters_view(self, weights: Weights) -> Array:
        return weights["kernel"]

    @override
    def formula(self, before: Array, weights: Weights, place: Place, value: float) -> str:
        unit = place[0]
        bias = float(weights["bias"][unit]) if self.use_bias else 0.0
        return dense_latex(before, weights["kernel"][:, unit], bias, self.activation, value)
