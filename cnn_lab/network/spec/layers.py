"""The layers that exist, each with the shape it makes, its weights and its work.

Field names and defaults are those of Keras.
"""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator
from typing_extensions import override

from cnn_lab.network.spec.checked import Checked
from cnn_lab.ops.padding import resolve_padding
from cnn_lab.ops.pooling import pooling_geometry
from cnn_lab.ops.sizes import conv_output_length
from cnn_lab.ops.types import Shape, ShapeError

Size = tuple[PositiveInt, PositiveInt]
KerasPadding = Literal["valid", "same"]
ActivationName = Literal["linear", "relu", "sigmoid", "tanh", "softmax"]
LayerName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class _Layer(Checked):
    """What every layer can tell: the shape it makes, its weights and its work.

    Shapes leave out the batch: (height, width, channels) or (features,).
    """

    name: LayerName

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape this layer makes of `input_shape`; ShapeError if it cannot."""
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shape of each weight, in Keras's order."""
        return {}

    def multiply_adds(self, input_shape: Shape) -> int:
        """Return the multiplications with a weight that one example costs."""
        return 0

    def _image_size(self, input_shape: Shape) -> tuple[int, int]:
        if len(input_shape) != 3:
            raise ShapeError(
                f"Layer {self.name} slides over an image and must come before Flatten. "
                f"Received: input_shape={input_shape}"
            )
        return input_shape[0], input_shape[1]


class _Convolution(_Layer):
    """What a window of weights has that slides over an image."""

    kernel_size: Size
    strides: Size = (1, 1)
    padding: KerasPadding = "valid"
    activation: ActivationName = "linear"
    use_bias: bool = True

    def _slid(self, input_shape: Shape) -> tuple[int, int]:
        """Return the rows and columns of the result."""
        size = self._image_size(input_shape)
        borders = resolve_padding(self.padding, size, self.kernel_size, self.strides)
        rows, columns = (
            conv_output_length(*axis)
            for axis in zip(size, self.kernel_size, self.strides, borders, strict=True)
        )
        return rows, columns

    @override
    def multiply_adds(self, input_shape: Shape) -> int:
        rows, columns, _ = self.output_shape(input_shape)
        return rows * columns * math.prod(self.weight_shapes(input_shape)["kernel"])


class Conv2D(_Convolution):
    """A bank of kernels, each over all channels, optionally followed by an activation."""

    type: Literal["Conv2D"] = "Conv2D"
    filters: PositiveInt

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        return *self._slid(input_shape), self.filters

    @override
    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        kernel = (*self.kernel_size, input_shape[2], self.filters)
        return {"kernel": kernel} | ({"bias": (self.filters,)} if self.use_bias else {})


class DepthwiseConv2D(_Convolution):
    """A kernel of its own, or several, for each channel; channels do not mix."""

    type: Literal["DepthwiseConv2D"] = "DepthwiseConv2D"
    depth_multiplier: PositiveInt = 1

    @model_validator(mode="after")
    def _as_far_down_as_right(self) -> Self:
        if self.strides[0] != self.strides[1]:
            raise ValueError(
                "A depthwise convolution needs the same stride in both directions, as TensorFlow "
                f"requires. Received: strides={self.strides}"
            )
        return self

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        return *self._slid(input_shape), input_shape[2] * self.depth_multiplier

    @override
    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        channels = input_shape[2] * self.depth_multiplier
        kernel = (*self.kernel_size, input_shape[2], self.depth_multiplier)
        return {"kernel": kernel} | ({"bias": (channels,)} if self.use_bias else {})


class _Pooling(_Layer):
    pool_size: Size = (2, 2)
    strides: Size | None = None
    padding: KerasPadding = "valid"

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        size = self._image_size(input_shape)
        pool, strides, borders = pooling_geometry(size, self.pool_size, self.strides, self.padding)
        rows, columns = (
            conv_output_length(*axis) for axis in zip(size, pool, strides, borders, strict=True)
        )
        return rows, columns, input_shape[2]


class MaxPooling2D(_Pooling):
    """The largest value of each window."""

    type: Literal["MaxPooling2D"] = "MaxPooling2D"


class AveragePooling2D(_Pooling):
    """The mean of each window."""

    type: Literal["AveragePooling2D"] = "AveragePooling2D"


class GlobalAveragePooling2D(_Layer):
    """The mean of each whole map: one number a channel."""

    type: Literal["GlobalAveragePooling2D"] = "GlobalAveragePooling2D"

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        self._image_size(input_shape)
        return (input_shape[2],)


class BatchNormalization(_Layer):
    """Each channel brought to a learned scale and offset."""

    type: Literal["BatchNormalization"] = "BatchNormalization"
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    epsilon: Annotated[float, Field(gt=0, le=1)] = 1e-3

    @override
    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        return dict.fromkeys(names, input_shape[-1:])

    @override
    def multiply_adds(self, input_shape: Shape) -> int:
        return math.prod(input_shape)


class Activation(_Layer):
    """A function of each number (or, for softmax, of each row) as a layer of its own."""

    type: Literal["Activation"] = "Activation"
    activation: ActivationName


class ReLU(_Layer):
    """Negative numbers become zero."""

    type: Literal["ReLU"] = "ReLU"


class LeakyReLU(_Layer):
    """Negative numbers shrink instead of vanishing."""

    type: Literal["LeakyReLU"] = "LeakyReLU"
    negative_slope: Annotated[float, Field(ge=0, le=1)] = 0.3


class Dropout(_Layer):
    """In training, a share of the numbers is set to zero; afterwards nothing happens."""

    type: Literal["Dropout"] = "Dropout"
    rate: Annotated[float, Field(ge=0, lt=1)]


class Flatten(_Layer):
    """All numbers of a map in one row."""

    type: Literal["Flatten"] = "Flatten"

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)


class Dense(_Layer):
    """Every unit weighs every feature."""

    type: Literal["Dense"] = "Dense"
    units: PositiveInt
    activation: ActivationName = "linear"
    use_bias: bool = True

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
    def multiply_adds(self, input_shape: Shape) -> int:
        return input_shape[0] * self.units


class Softmax(_Layer):
    """Scores become probabilities."""

    type: Literal["Softmax"] = "Softmax"


Layer = Annotated[
    Conv2D
    | DepthwiseConv2D
    | MaxPooling2D
    | AveragePooling2D
    | GlobalAveragePooling2D
    | BatchNormalization
    | Activation
    | ReLU
    | LeakyReLU
    | Dropout
    | Flatten
    | Dense
    | Softmax,
    Field(discriminator="type"),
]
