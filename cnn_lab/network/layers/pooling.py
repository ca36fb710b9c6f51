"""Pooling layers."""

from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar, Literal

from typing_extensions import override

from cnn_lab import ops
from cnn_lab.network.layers.base import (
    BaseLayer,
    Drops,
    KerasPadding,
    Pass,
    Size,
    Weights,
    slid_size,
    window_words,
    without_weights,
)
from cnn_lab.ops.settings import PoolingSettings
from cnn_lab.ops.sizes import Window
from cnn_lab.ops.types import Array, Shape


class _Pooling(BaseLayer):
    pool_size: Size = (2, 2)
    strides: Size | None = None
    padding: KerasPadding = "valid"

    stem: ClassVar[str] = "pool"
    by_position: ClassVar[tuple[str, ...]] = ("pool_size",)
    window_field: ClassVar[str] = "pool_size"
    takes_maps: ClassVar[bool] = True

    @override
    def _details(self) -> Iterator[str]:
        strides = self.strides or self.pool_size
        return window_words(self.pool_size, strides, self.pool_size, self.padding)

    @override
    def window(self, input_shape: Shape) -> Window:
        size = self._map_size(input_shape)
        geometry = PoolingSettings(self.pool_size, self.strides, self.padding).geometry(size)
        return Window(geometry.window, geometry.strides, geometry.borders)

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        size = self._map_size(input_shape)
        return *slid_size(size, self.window(input_shape)), input_shape[2]

    def _settings(self) -> dict[str, Any]:
        return {"pool_size": self.pool_size, "strides": self.strides, "padding": self.padding}


class MaxPooling2D(_Pooling):
    """Maximum of each window."""

    type: Literal["MaxPooling2D"] = "MaxPooling2D"
    pooling: ClassVar[Literal["", "max", "average"]] = "max"

    @override
    def forward(self, values: Array, weights: Weights, drops: Drops = None) -> Pass:
        slope = partial(ops.max_pool2d_gradient, values, **self._settings())
        return without_weights(ops.max_pool2d(values, **self._settings()), slope)


class AveragePooling2D(_Pooling):
    """Mean of each window."""

    type: Literal["AveragePooling2D"] = "AveragePooling2D"
    pooling: ClassVar[Literal["", "max", "average"]] = "average"

    @override
    def forward(self, values: Array, weights: Weights, drops: Drops = None) -> Pass:
        slope = partial(ops.average_pool2d_gradient, values, **self._settings())
        return without_weights(ops.average_pool2d(values, **self._settings()), slope)


class GlobalAveragePooling2D(BaseLayer):
    """Mean of each whole map: one number per channel."""

    type: Literal["GlobalAveragePooling2D"] = "GlobalAveragePooling2D"

    stem: ClassVar[str] = "mean"
    takes_maps: ClassVar[bool] = True
    pooling: ClassVar[Literal["", "max", "average"]] = "average"

    @override
    def window(self, input_shape: Shape) -> Window:
        size = self._map_size(input_shape)
        return Window(size, size, ((0, 0), (0, 0)))

    @override
    def reads_all(self, input_shape: Shape) -> bool:
        return True

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        self._map_size(input_shape)
        return (input_shape[2],)

    @override
    def forward(self, values: Array, weights: Weights, drops: Drops = None) -> Pass:
        slope = partial(ops.global_average_pool2d_gradient, values)
        return without_weights(ops.global_average_pool2d(values), slope)
