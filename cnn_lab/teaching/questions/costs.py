"""Questions about parameters and multiplications."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, NamedTuple

from numpy.random import RandomState

from cnn_lab.ops.sizes import (
    convolution_multiply_adds,
    convolution_parameters,
    dense_parameters,
    separable_parameters,
)
from cnn_lab.ops.types import Pair
from cnn_lab.teaching.questions.case import Level, Line, Question, Solution, Wrong, answer_text
from cnn_lab.teaching.questions.windows import Slots, pick

TOPIC = "Channels and parameters"


class _Layer(NamedTuple):
    """A convolution, as far as its cost goes."""

    kernel_size: Pair
    channels_in: int
    filters: int
    use_bias: bool = True
    output_size: Pair = (1, 1)

    @property
    def parameters(self) -> int:
        return convolution_parameters(
            self.kernel_size, self.channels_in, self.filters, bias=self.use_bias
        )

    @property
    def weights(self) -> int:
        return self._replace(use_bias=False).parameters

    @property
    def multiply_adds(self) -> int:
        return convolution_multiply_adds(
            self.output_size, self.kernel_size, self.channels_in, self.filters
        )

    @property
    def slots(self) -> Slots:
        return {
            "kernel": answer_text(self.kernel_size),
            "channels": _counted(self.channels_in, "channel"),
            "filters": _counted(self.filters, "filter"),
            "bias": "with" if self.use_bias else "without",
        }


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" + "s" * (n != 1)


# What a misconception counts, and the slots of its prose.
_WrongCount = Callable[[_Layer], tuple[int, Slots]]


def _bias_not_counted(layer: _Layer) -> tuple[int, Slots]:
    return layer.weights, {"weights": layer.weights, "owners": f"{layer.filters} filters"}


def _bias_counted_anyway(layer: _Layer) -> tuple[int, Slots]:
    return layer.weights + layer.filters, {"biases": layer.filters, "weights": layer.weights}


def _one_bias_for_all(layer: _Layer) -> tuple[int, Slots]:
    return layer.weights + layer.use_bias, {
        "weights": layer.weights,
        "owners": f"{layer.filters} filters",
    }


def _bias_for_each_slice(layer: _Layer) -> tuple[int, Slots]:
    slices = layer.channels_in * layer.filters
    return layer.weights + slices * layer.use_bias, {"slices": slices, "filters": layer.filters}


def _parameters_per_pixel(layer: _Layer) -> tuple[int, Slots]:
    return layer.parameters * prod(layer.output_size), {
        "cells": prod(layer.output_size),
        "parameters": layer.parameters,
    }


def _channels_not_counted(layer: _Layer) -> tuple[int, Slots]:
    return layer._replace(channels_in=1).parameters, {"channels": layer.channels_in}


def _filters_not_counted(layer: _Layer) -> tuple[int, Slots]:
    return layer._replace(filters=1).parameters, {"filters": layer.filters}


_WRONG_PARAMETERS: dict[str, _WrongCount] = {
    "bias-not-counted": _bias_not_counted,
    "bias-counted-anyway": _bias_counted_anyway,
    "one-bias-for-all": _one_bias_for_all,
    "channels-not-counted": _channels_not_counted,
    "filters-not-counted": _filters_not_counted,
    "bias-for-each-slice": _bias_for_each_slice,
    "parameters-per-pixel": _parameters_per_pixel,
}


def _solve_parameters(
    kernel_size: Pair,
    channels_in: int,
    filters: int,
    use_bias: bool,
    output_size: Pair = (1, 1),
) -> Solution:
    layer = _Layer(kernel_size, channels_in, filters, use_bias, output_size)
    maps = "" if output_size == (1, 1) else f", and its output is {answer_text(output_size)}"
    return Solution(
        key=layer.parameters,
        lines=_parameter_lines(layer),
        wrong=_wrong_counts(layer, _WRONG_PARAMETERS),
        slots={**layer.slots, "output": maps},
    )


def _parameter_lines(layer: _Layer) -> tuple[Line, ...]:
    """Return the lines from one filter to all of them."""
    one = layer._replace(filters=1)
    lines = [
        Line(
            f"weights of one filter: {_product(*layer.kernel_size, layer.channels_in)}", one.weights
        )
    ]
    if layer.use_bias:
        lines.append(Line(f"with its bias: {one.weights} + 1", one.parameters))
    lines.append(Line(f"all filters: {_product(one.parameters, layer.filters)}", layer.parameters))
    return tuple(lines)


def _product(*numbers: int) -> str:
    return " · ".join(map(str, numbers))


def _wrong_counts(layer: _Layer, functions: Mapping[str, _WrongCount]) -> dict[str, Wrong]:
    return {name: Wrong(*wrong_count(layer)) for name, wrong_count in functions.items()}


def _positions_not_counted(layer: _Layer) -> tuple[int, Slots]:
    return layer.weights, {"weights": layer.weights, "cells": prod(layer.output_size)}


def _bias_taken_for_product(layer: _Layer) -> tuple[int, Slots]:
    return layer.parameters * prod(layer.output_size), {"biases": layer.filters}


def _channels_not_multiplied(layer: _Layer) -> tuple[int, Slots]:
    return layer._replace(channels_in=1).multiply_adds, {"channels": layer.channels_in}


def _filters_not_multiplied(layer: _Layer) -> tuple[int, Slots]:
    return layer._replace(filters=1).multiply_adds, {"filters": layer.filters}


def _one_product_a_cell(layer: _Layer) -> tuple[int, Slots]:
    return prod(layer.output_size) * layer.filters, {
        "cells": prod(layer.output_size) * layer.filters,
        "products": prod(layer.kernel_size) * layer.channels_in,
    }


_WRONG_MULTIPLY_ADDS: dict[str, _WrongCount] = {
    "positions-not-counted": _positions_not_counted,
    "channels-not-counted": _channels_not_multiplied,
    "filters-not-counted": _filters_not_multiplied,
    "bias-taken-for-product": _bias_taken_for_product,
    "one-product-for-each-cell": _one_product_a_cell,
}


def _solve_multiply_adds(
    kernel_size: Pair, channels_in: int, filters: int, use_bias: bool, output_size: Pair
) -> Solution:
    layer = _Layer(kernel_size, channels_in, filters, use_bias, output_size)
    cell, cells = prod(kernel_size) * channels_in, prod(output_size)
    return Solution(
        key=layer.multiply_adds,
        lines=(
            Line(f"products for one cell: {_product(*kernel_size, channels_in)}", cell),
            Line(f"cells of one output map: {_product(*output_size)}", cells),
            Line(f"products of one map: {_product(cell, cells)}", cell * cells),
            Line(f"all maps: {_product(cell * cells, filters)}", layer.multiply_adds),
        ),
        wrong=_wrong_counts(layer, _WRONG_MULTIPLY_ADDS),
        slots={**layer.slots, "output": answer_text(output_size)},
    )


def _draw_parameters(numbers: RandomState, level: Level) -> dict[str, Any]:
    return {
        **_draw_layer(numbers),
        "use_bias": pick(numbers, {True: 4, False: 1}),
        "output_size": (int(numbers.randint(4, 11)), int(numbers.randint(4, 11))),
    }


def _draw_layer(numbers: RandomState) -> dict[str, Any]:
    kernel = pick(numbers, {(2, 2): 2, (3, 3): 4, (1, 1): 1, (1, 3): 1, (5, 5): 1})
    return {
        "kernel_size": kernel,
        "channels_in": int(numbers.randint(2, 6)),
        "filters": int(numbers.randint(2, 11)),
    }


def _draw_multiply_adds(numbers: RandomState, level: Level) -> dict[str, Any]:
    return {
        "kernel_size": pick(numbers, {(2, 2): 2, (3, 3): 3, (1, 1): 1}),
        "channels_in": int(numbers.randint(2, 5)),
        "filters": int(numbers.randint(2, 6)),
        "use_bias": pick(numbers, {True: 3, False: 1}),
        "output_size": (int(numbers.randint(3, 7)), int(numbers.randint(3, 7))),
    }


def _pooling_has_weights(layer: _Layer, pool_size: Pair) -> tuple[int, Slots]:
    return layer.parameters + prod(pool_size), {"cells": prod(pool_size)}


def _pooling_has_filters(layer: _Layer, pool_size: Pair) -> tuple[int, Slots]:
    weights = prod(pool_size) * layer.filters
    return layer.parameters + weights, {"cells": f"{prod(pool_size)} · {layer.filters} = {weights}"}


def _draw_with_pooling(numbers: RandomState, level: Level) -> dict[str, Any]:
    return {
        **_draw_layer(numbers),
        "use_bias": pick(numbers, {True: 3, False: 1}),
        "pool_size": pick(numbers, {(2, 2): 2, (3, 3): 1}),
    }


def _solve_with_pooling(
    kernel_size: Pair, channels_in: int, filters: int, use_bias: bool, pool_size: Pair
) -> Solution:
    layer = _Layer(kernel_size, channels_in, filters, use_bias)
    return Solution(
        key=layer.parameters,
        lines=(
            *_parameter_lines(layer),
            Line("pooling, which only compares", 0),
            Line(f"together: {layer.parameters} + 0", layer.parameters),
        ),
        wrong={
            "pooling-has-weights": Wrong(*_pooling_has_weights(layer, pool_size)),
            "pooling-has-weights-for-each-map": Wrong(*_pooling_has_filters(layer, pool_size)),
        }
        | _wrong_counts(layer, _WRONG_PARAMETERS),
        slots={**layer.slots, "window": answer_text(pool_size)},
    )


class _Dense(NamedTuple):
    """A dense layer after Flatten."""

    input_shape: tuple[int, ...]
    units: int
    use_bias: bool

    @property
    def inputs(self) -> int:
        return prod(self.input_shape)

    @property
    def parameters(self) -> int:
        return dense_parameters(self.input_shape, (self.units,), bias=self.use_bias)

    @property
    def weights(self) -> int:
        return self._replace(use_bias=False).parameters


def _wrong_dense(layer: _Dense) -> dict[str, Wrong]:
    channels, owners = layer.input_shape[-1], f"{layer.units} units"
    weights, inputs, units = layer.weights, layer.inputs, layer.units
    one_map = layer._replace(input_shape=layer.input_shape[:-1])
    return {
        "bias-not-counted": Wrong(weights, {"weights": weights, "owners": owners}),
        "bias-counted-anyway": Wrong(weights + units, {"weights": weights, "biases": units}),
        "one-bias-for-all": Wrong(weights + layer.use_bias, {"weights": weights, "owners": owners}),
        "flatten-forgotten": Wrong(
            layer._replace(input_shape=(channels,)).parameters,
            {"channels": channels, "inputs": inputs},
        ),
        "channels-not-flattened": Wrong(
            one_map.parameters, {"map": one_map.inputs, "channels": channels, "inputs": inputs}
        ),
        "one-weight-for-each-input": Wrong(
            inputs + units * layer.use_bias, {"inputs": inputs, "units": units}
        ),
    }


def _solve_dense(input_shape: tuple[int, ...], units: int, use_bias: bool) -> Solution:
    layer = _Dense(input_shape, units, use_bias)
    one = layer._replace(units=1)
    lines = [
        Line(f"numbers after Flatten: {_product(*input_shape)}", layer.inputs),
        Line("weights of one unit, one for each number", layer.inputs),
    ]
    if use_bias:
        lines[-1] = Line(f"parameters of one unit: {layer.inputs} + 1", one.parameters)
    lines.append(Line(f"all units: {_product(one.parameters, units)}", layer.parameters))
    return Solution(
        key=layer.parameters,
        lines=tuple(lines),
        wrong=_wrong_dense(layer),
        slots={
            "input": answer_text(input_shape),
            "units": units,
            "bias": "with" if use_bias else "without",
        },
    )


def _draw_dense(numbers: RandomState, level: Level) -> dict[str, Any]:
    rows, columns = numbers.randint(2, 6, size=2).tolist()
    return {
        "input_shape": (rows, columns, int(numbers.randint(2, 5))),
        "units": pick(numbers, {2: 1, 3: 1, 4: 1, 5: 1, 10: 3}),
        "use_bias": pick(numbers, {True: 4, False: 1}),
    }


def _whole_for_separable(layer: _Layer) -> tuple[int, Slots]:
    return layer.parameters, {"wrong": layer.parameters, "window": prod(layer.kernel_size)}


def _pointwise_forgotten(layer: _Layer) -> tuple[int, Slots]:
    depthwise = prod(layer.kernel_size) * layer.channels_in
    return depthwise, {
        "depthwise": depthwise,
        "channels": layer.channels_in,
        "filters": layer.filters,
    }


def _depthwise_forgotten(layer: _Layer) -> tuple[int, Slots]:
    mixing = layer._replace(kernel_size=(1, 1)).parameters
    return mixing, {"mixing": mixing, "channels": layer.channels_in}


def _depthwise_shared(layer: _Layer) -> tuple[int, Slots]:
    mixing = layer._replace(kernel_size=(1, 1)).parameters
    window = prod(layer.kernel_size)
    return window + mixing, {"window": window, "channels": layer.channels_in}


_WRONG_SEPARABLE: dict[str, _WrongCount] = {
    "convolution-for-separable": _whole_for_separable,
    "pointwise-forgotten": _pointwise_forgotten,
    "depthwise-forgotten": _depthwise_forgotten,
    "depthwise-kernel-shared": _depthwise_shared,
}


def _solve_separable(kernel_size: Pair, channels_in: int, filters: int, use_bias: bool) -> Solution:
    layer = _Layer(kernel_size, channels_in, filters, use_bias)
    key = separable_parameters(kernel_size, channels_in, filters, bias=use_bias)
    depthwise = prod(kernel_size) * channels_in
    mixing = layer._replace(kernel_size=(1, 1)).parameters
    bias = f" + {filters}" if use_bias else ""
    return Solution(
        key=key,
        lines=(
            Line(f"one kernel for each channel: {_product(*kernel_size, channels_in)}", depthwise),
            Line(f"1 × 1 filters that mix: {_product(channels_in, filters)}{bias}", mixing),
            Line(f"together: {depthwise} + {mixing}", key),
        ),
        wrong=_wrong_counts(layer, _WRONG_SEPARABLE),
        slots=layer.slots,
    )


def _draw_separable(numbers: RandomState, level: Level) -> dict[str, Any]:
    return {
        **_draw_layer(numbers),
        "kernel_size": pick(numbers, {(2, 2): 1, (3, 3): 3}),
        "use_bias": pick(numbers, {True: 3, False: 1}),
    }


QUESTIONS = (
    Question(
        name="conv-parameters",
        topic=TOPIC,
        page="convolution",
        form="number",
        draw=_draw_parameters,
        solve=_solve_parameters,
    ),
    Question(
        name="conv-multiply-adds",
        topic=TOPIC,
        page="convolution",
        form="number",
        draw=_draw_multiply_adds,
        solve=_solve_multiply_adds,
    ),
    Question(
        name="conv-pool-parameters",
        topic=TOPIC,
        page="network",
        form="number",
        draw=_draw_with_pooling,
        solve=_solve_with_pooling,
    ),
    Question(
        name="separable-parameters",
        topic=TOPIC,
        page="network",
        form="number",
        draw=_draw_separable,
        solve=_solve_separable,
    ),
    Question(
        name="dense-parameters",
        topic=TOPIC,
        page="network",
        form="number",
        draw=_draw_dense,
        solve=_solve_dense,
    ),
)
