"""Convolution layers."""

import math
from collections.abc import Iterator
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import PositiveInt, model_validator
from typing_extensions import override

from cnn_lab import ops
from cnn_lab.network.layers.activation import activated
from cnn_lab.network.layers.base import (
    ActivationName,
    BaseLayer,
    Connections,
    Drops,
    Gradients,
    KerasPadding,
    Pass,
    Size,
    Weights,
    slid_size,
    window_words,
)
from cnn_lab.ops.padding import resolve_padding
from cnn_lab.ops.sizes import Window, conv_output_length
from cnn_lab.ops.types import Array, Pair, Shape


class _Convolution(BaseLayer):
    """Base of layers that slide a window of weights over maps."""

    kernel_size: Size
    strides: Size = (1, 1)
    padding: KerasPadding = "valid"
    activation: ActivationName = "linear"
    use_bias: bool = True

    window_field: ClassVar[str] = "kernel_size"
    convolves: ClassVar[bool] = True
    takes_maps: ClassVar[bool] = True

    @model_validator(mode="after")
    def _as_far_down_as_right(self) -> Self:
        if self.equal_strides and self.strides[0] != self.strides[1]:
            raise ValueError(
                "A depthwise convolution needs the same stride in both directions, as TensorFlow "
                f"requires. Received: strides={self.strides}"
            )
        return self

    @override
    def _details(self) -> Iterator[str]:
        yield from window_words(self.kernel_size, self.strides, (1, 1), self.padding)
        yield from super()._details()

    @override
    def window(self, input_shape: Shape) -> Window:
        size = self._map_size(input_shape)
        borders = resolve_padding(self.padding, size, self.kernel_size, self.strides)
        return Window(self.kernel_size, self.strides, borders)

    def _slid(self, input_shape: Shape) -> Pair:
        """Return the rows and columns of the output."""
        return slid_size(self._map_size(input_shape), self.window(input_shape))

    def _bias_shape(self, n_maps: int) -> dict[str, Shape]:
        return {"bias": (n_maps,)} if self.use_bias else {}

    def _named(self, bias: Array, **kernels: Array) -> Gradients:
        return kernels | ({"bias": bias} if self.use_bias else {})

    @override
    def products(self, input_shape: Shape) -> list[tuple[int, ...]]:
        size = self._slid(input_shape)
        shapes = self.weight_shapes(input_shape)
        return [(*size, *shape) for name, shape in shapes.items() if name != "bias"]


class Conv2D(_Convolution):
    """A bank of kernels, each over all channels, optionally followed by an activation."""

    type: Literal["Conv2D"] = "Conv2D"
    filters: PositiveInt

    stem: ClassVar[str] = "conv"
    fresh: ClassVar[dict[str, Any]] = {
        "filters": 32,
        "kernel_size": (3, 3),
        "padding": "same",
        "activation": "relu",
    }
    by_position: ClassVar[tuple[str, ...]] = ("filters", "kernel_size")
    width_field: ClassVar[str] = "filters"

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        return *self._slid(input_shape), self.filters

    @override
    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        kernel = (*self.kernel_size, input_shape[2], self.filters)
        return {"kernel": kernel} | self._bias_shape(self.filters)

    @override
    def forward(self, values: Array, weights: Weights, drops: Drops = None) -> Pass:
        kernel = weights["kernel"]
        window: dict[str, Any] = {"strides": self.strides, "padding": self.padding}
        maps = ops.conv2d(values, kernel, weights.get("bias"), **window)
        result, slope = activated(self.activation, maps, in_place=True)

        def back(grad: Array, onward: bool) -> tuple[Array, Gradients]:
            grad = slope(grad)
            if onward:
                grad, *of_weights = ops.conv2d_gradients(values, kernel, grad, **window)
            else:
                of_weights = list(ops.conv2d_weight_gradients(values, kernel, grad, **window))
            of_kernel, of_bias = of_weights
            return grad, self._named(of_bias, kernel=of_kernel)

        return result, back

    @override
    def filters_view(self, weights: Weights) -> Array:
        return weights["kernel"]

    @override
    def kernels(self, weights: Weights) -> Array:
        return weights["kernel"]

    def connections(self, input_shape: Shape) -> Connections:
        """Return the layer's connections for one image.

        Examples
        --------
        The paper's first layer; the last of its 28 windows along an axis has one pixel inside:

        >>> paper = Conv2D(name="conv1", filters=16, kernel_size=(2, 2), padding="same")
        >>> paper.connections((28, 28, 1))
        Connections(sparse=48400, dense=9834496, shared=64, reach=4)
        """
        size, channels = self._map_size(input_shape), input_shape[2]
        axes = zip(size, *self.window(input_shape), strict=True)
        inside = math.prod(_pixels_read(*axis) for axis in axes)
        reach = math.prod(self.kernel_size) * channels
        return Connections(
            sparse=inside * channels * self.filters,
            dense=math.prod(input_shape) * math.prod(self.output_shape(input_shape)),
            shared=reach * self.filters,
            reach=reach,
        )

    @override
    def separated(self, name: str) -> tuple[BaseLayer, BaseLayer] | None:
        if self.kernel_size == (1, 1) or self.strides[0] != self.strides[1]:
            return None
        depthwise = DepthwiseConv2D(
            name=name,
            kernel_size=self.kernel_size,
            strides=self.strides,
            padding=self.padding,
            use_bias=False,
        )
        pointwise = {"kernel_size": (1, 1), "strides": (1, 1), "padding": "valid"}
        return depthwise, self.model_copy(update=pointwise)


def _pixels_read(length: int, kernel_size: int, stride: int, border: Pair) -> int:
    """Return the number of pixels that all windows along an axis read, without padding."""
    starts = range(conv_output_length(length, kernel_size, stride, border))
    firsts = (start * stride - border[0] for start in starts)
    return sum(min(first + kernel_size, length) - max(first, 0) for first in firsts)


class DepthwiseConv2D(_Convolution):
    """Separate kernels for each channel; channels are not mixed."""

    type: Literal["DepthwiseConv2D"] = "DepthwiseConv2D"
    depth_multiplier: PositiveInt = 1

    stem: ClassVar[str] = "depthwise"
    fresh: ClassVar[dict[str, Any]] = {
        "kernel_size": (3, 3),
        "padding": "same",
        "use_bias": False,
    }
    by_position: ClassVar[tuple[str, ...]] = ("kernel_size",)
    equal_strides: ClassVar[bool] = True

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        return *self._slid(input_shape), input_shape[2] * self.depth_multiplier

    @override
    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        channels = input_shape[2]
        kernel = (*self.kernel_size, channels, self.depth_multiplier)
        return {"kernel": kernel} | self._bias_shape(channels * self.depth_multiplier)

    @override
    def forward(self, values: Array, weights: Weights, drops: Drops = None) -> Pass:
        kernel = weights["kernel"]
        window: dict[str, Any] = {"strides": self.strides, "padding": self.padding}
        maps = ops.depthwise_conv2d(values, kernel, weights.get("bias"), **window)
        result, slope = activated(self.activation, maps, in_place=True)

        def back(grad: Array, _onward: bool) -> tuple[Array, Gradients]:
            found = ops.depthwise_conv2d_gradients(values, kernel, slope(grad), **window)
            return found.images, self._named(found.bias, kernel=found.kernel)

        return result, back

    @override
    def filters_view(self, weights: Weights) -> Array:
        kernel = weights["kernel"]
        return kernel.reshape(*kernel.shape[:2], -1)

    @override
    def kernels(self, weights: Weights) -> Array:
        return self.filters_view(weights)[:, :, np.newaxis]

    @override
    def sources(self, channel: int) -> slice:
        source = channel // self.depth_multiplier
        return slice(source, source + 1)


class SeparableConv2D(_Convolution):
    """A depthwise convolution and then a 1 x 1 one that mixes the channels, as one layer.

    Without an activation between the two, each map is an ordinary convolution whose kernel is
    the product of both; `kernels` returns it.

    References
    ----------
    .. [1] Chollet (2016), arXiv:1610.02357, section 1.
    """

    type: Literal["SeparableConv2D"] = "SeparableConv2D"
    filters: PositiveInt
    depth_multiplier: PositiveInt = 1

    stem: ClassVar[str] = "separable"
    fresh: ClassVar[dict[str, Any]] = Conv2D.fresh
    by_position: ClassVar[tuple[str, ...]] = ("filters", "kernel_size")
    width_field: ClassVar[str] = "filters"
    equal_strides: ClassVar[bool] = True

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        return *self._slid(input_shape), self.filters

    @override
    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        channels = input_shape[2]
        return {
            "depthwise_kernel": (*self.kernel_size, channels, self.depth_multiplier),
            "pointwise_kernel": (1, 1, channels * self.depth_multiplier, self.filters),
        } | self._bias_shape(self.filters)

    @override
    def forward(self, values: Array, weights: Weights, drops: Drops = None) -> Pass:
        depthwise, pointwise = weights["depthwise_kernel"], weights["pointwise_kernel"]
        window: dict[str, Any] = {"strides": self.strides, "padding": self.padding}
        filtered = ops.depthwise_conv2d(values, depthwise, **window)
        maps = ops.conv2d(filtered, pointwise, weights.get("bias"))
        result, slope = activated(self.activation, maps, in_place=True)

        def back(grad: Array, _onward: bool) -> tuple[Array, Gradients]:
            grad, of_pointwise, of_bias = ops.conv2d_gradients(filtered, pointwise, slope(grad))
            found = ops.depthwise_conv2d_gradients(values, depthwise, grad, **window)
            kernels = {"depthwise_kernel": found.kernel, "pointwise_kernel": of_pointwise}
            return found.images, self._named(of_bias, **kernels)

        return result, back

    @override
    def filters_view(self, weights: Weights) -> Array:
        return weights["pointwise_kernel"]

    @override
    def kernels(self, weights: Weights) -> Array:
        depthwise, pointwise = weights["depthwise_kernel"], weights["pointwise_kernel"]
        shares = pointwise.reshape(*depthwise.shape[2:], self.filters)
        return np.asarray(np.einsum("rscm,cmf->rscf", depthwise, shares))
