"""A network and its training as data: checked on the way in, JSON on the way out.

Only the layers named here exist, and sizes are bounded, so a spec from a stranger is safe
to run. Field names and defaults are those of Keras.
"""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator
from typing_extensions import override

from cnn_lab.arithmetic import ShapeError, conv_output_length
from cnn_lab.ops.padding import resolve_padding
from cnn_lab.ops.pooling import pooling_geometry

Shape = tuple[int, ...]
Size = tuple[PositiveInt, PositiveInt]
KerasPadding = Literal["valid", "same"]
ActivationName = Literal["linear", "relu", "softmax"]
LayerName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]

MAX_LAYERS = 60
MAX_PARAMETERS = 20_000_000
MAX_UNITS_PER_LAYER = 4_000_000
MAX_MULTIPLY_ADDS = 2_000_000_000


class _Checked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Layer(_Checked):
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


class Conv2D(_Layer):
    """A bank of kernels, optionally followed by an activation."""

    type: Literal["Conv2D"] = "Conv2D"
    filters: PositiveInt
    kernel_size: Size
    strides: Size = (1, 1)
    padding: KerasPadding = "valid"
    activation: ActivationName = "linear"
    use_bias: bool = True

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        size = self._image_size(input_shape)
        borders = resolve_padding(self.padding, size, self.kernel_size, self.strides)
        rows, columns = (
            conv_output_length(*axis)
            for axis in zip(size, self.kernel_size, self.strides, borders, strict=True)
        )
        return rows, columns, self.filters

    @override
    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        kernel = (*self.kernel_size, input_shape[2], self.filters)
        return {"kernel": kernel} | ({"bias": (self.filters,)} if self.use_bias else {})

    @override
    def multiply_adds(self, input_shape: Shape) -> int:
        rows, columns, _ = self.output_shape(input_shape)
        return rows * columns * math.prod(self.weight_shapes(input_shape)["kernel"])


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
    | MaxPooling2D
    | AveragePooling2D
    | BatchNormalization
    | Activation
    | Dropout
    | Flatten
    | Dense
    | Softmax,
    Field(discriminator="type"),
]


class LayerSummary(_Checked):
    """One row of a network's table."""

    name: str
    type: str
    input_shape: Shape
    output_shape: Shape
    parameters: int
    multiply_adds: int


class NetworkSpec(_Checked):
    """A sequential network, from an image to class probabilities.

    Raises
    ------
    pydantic.ValidationError
        A ValueError that says which layer does not fit and why, or which limit is passed.
    """

    name: LayerName
    input_shape: tuple[PositiveInt, PositiveInt, PositiveInt] = (28, 28, 1)
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=MAX_LAYERS)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [layer.name for layer in self.layers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"Layer names must differ. Received twice: {', '.join(twice)}")
        rows = self.summary()
        for row in rows:
            if math.prod(row.output_shape) > MAX_UNITS_PER_LAYER:
                raise ValueError(
                    f"A layer may make at most {MAX_UNITS_PER_LAYER:,} numbers. "
                    f"Received: {row.name} with output_shape={row.output_shape}"
                )
        for what, total, limit in (
            ("parameters", sum(row.parameters for row in rows), MAX_PARAMETERS),
            ("multiply-adds", sum(row.multiply_adds for row in rows), MAX_MULTIPLY_ADDS),
        ):
            if total > limit:
                raise ValueError(
                    f"A network may have at most {limit:,} {what}. Received: {total:,}"
                )
        return self

    def summary(self) -> list[LayerSummary]:
        """Return shapes, parameters and multiply-adds, layer by layer."""
        rows: list[LayerSummary] = []
        shape: Shape = self.input_shape
        for layer in self.layers:
            made = layer.output_shape(shape)
            rows.append(
                LayerSummary(
                    name=layer.name,
                    type=layer.type,
                    input_shape=shape,
                    output_shape=made,
                    parameters=sum(map(math.prod, layer.weight_shapes(shape).values())),
                    multiply_adds=layer.multiply_adds(shape),
                )
            )
            shape = made
        return rows

    def weight_shapes(self) -> dict[str, Shape]:
        """Return the shape of every weight by "layer/weight", in layer order."""
        return {
            f"{layer.name}/{weight}": shape
            for layer, row in zip(self.layers, self.summary(), strict=True)
            for weight, shape in layer.weight_shapes(row.input_shape).items()
        }

    @property
    def n_parameters(self) -> int:
        """Numbers in all weights, moving averages included."""
        return sum(map(math.prod, self.weight_shapes().values()))

    @property
    def n_classes(self) -> int:
        """Probabilities that the network returns for one image."""
        return math.prod(self.summary()[-1].output_shape)


class TrainingSpec(_Checked):
    """How a network is trained; together with a NetworkSpec it fixes the result.

    Attributes
    ----------
    optimizer : {"adam", "sgd"}
        SGD uses a momentum of 0.9.
    learning_rate : float
        The highest rate of the schedule.
    schedule : {"constant", "one_cycle"}
        "one_cycle" climbs linearly for the first quarter of the batches, then falls
        along a cosine to a hundredth of `learning_rate`.
    batch_size, epochs, seed : int
    """

    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.001
    schedule: Literal["constant", "one_cycle"] = "constant"
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 128
    epochs: Annotated[int, Field(ge=1, le=100)] = 10
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


def plain_error(error: ValueError) -> str:
    """Return the sentence of an error for a reader who knows nothing of pydantic."""
    problems: list[Any] = getattr(error, "errors", list)()
    if not problems:
        return str(error)
    first = problems[0]
    where = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
