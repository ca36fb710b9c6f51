"""Network spec: layers in order, their shapes, and limits."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Self

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from cnn_lab.network.checked import Checked
from cnn_lab.network.layers import Layer
from cnn_lab.network.layers.base import BaseLayer, LayerName
from cnn_lab.ops.types import Array, Shape, ShapeError

MAX_LAYERS = 60
DIGIT_SHAPE, N_DIGITS = (28, 28, 1), 10
MAX_PARAMETERS = 20_000_000
MAX_UNITS_PER_LAYER = 4_000_000
MAX_MULTIPLY_ADDS = 2_000_000_000
SMALLEST = np.float32(1e-37)  # a probability that leaves all others as they are


class LayerSummary(Checked):
    """One row of a network's summary."""

    name: str
    type: str
    input_shape: Shape
    output_shape: Shape
    parameters: int
    multiply_adds: int


def row_of(layer: Layer, input_shape: Shape) -> LayerSummary:
    """Return a layer's row in the summary; ShapeError if it does not fit."""
    return LayerSummary(
        name=layer.name,
        type=layer.type,
        input_shape=input_shape,
        output_shape=layer.output_shape(input_shape),
        parameters=sum(map(math.prod, layer.weight_shapes(input_shape).values())),
        multiply_adds=layer.multiply_adds(input_shape),
    )


def check_names(layers: Sequence[Layer]) -> None:
    """Raise ValueError if two layers have the same name."""
    names = [layer.name for layer in layers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Layer names must differ. Received: {', '.join(twice)} twice")


def check_limits(input_shape: Shape, rows: Sequence[LayerSummary]) -> None:
    """Raise ValueError if a network, or its first layers, exceed the limits."""
    made = [("the image", "shape", input_shape)]
    made += [(row.name, "output_shape", row.output_shape) for row in rows]
    for name, what, shape in made:
        if math.prod(shape) > MAX_UNITS_PER_LAYER:
            raise ValueError(
                f"A layer may output at most {MAX_UNITS_PER_LAYER:,} numbers. "
                f"Received: {name} with {what}={shape}"
            )
    for what, total, limit in (
        ("parameters", sum(row.parameters for row in rows), MAX_PARAMETERS),
        ("multiply-adds", sum(row.multiply_adds for row in rows), MAX_MULTIPLY_ADDS),
    ):
        if total > limit:
            raise ValueError(f"A network may have at most {limit:,} {what}. Received: {total:,}")


@lru_cache(maxsize=64)
def _rows(input_shape: Shape, layers: tuple[Layer, ...]) -> tuple[LayerSummary, ...]:
    """Return the rows of a summary; a page asks for those of its network many times a run."""
    rows: list[LayerSummary] = []
    shape: Shape = input_shape
    for layer in layers:
        rows.append(row_of(layer, shape))
        shape = rows[-1].output_shape
    return tuple(rows)


class NetworkSpec(Checked):
    """A sequential network, from an image to class probabilities.

    Raises
    ------
    pydantic.ValidationError
        A ValueError that names the layer that does not fit, or the limit that is exceeded.
    """

    name: LayerName
    input_shape: tuple[PositiveInt, PositiveInt, PositiveInt] = (28, 28, 1)
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=MAX_LAYERS)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_names(self.layers)
        check_limits(self.input_shape, self.summary())
        return self

    def summary(self) -> list[LayerSummary]:
        """Return shapes, parameters and multiply-adds, layer by layer."""
        return list(_rows(self.input_shape, self.layers))

    def weight_shapes(self) -> dict[str, Shape]:
        """Return the shape of every weight by "layer/weight", in layer order."""
        return {
            f"{layer.name}/{weight}": shape
            for layer, row in zip(self.layers, self.summary(), strict=True)
            for weight, shape in layer.weight_shapes(row.input_shape).items()
        }

    @property
    def untrained(self) -> set[str]:
        """Weights by "layer/weight" that training does not change by gradients."""
        return {f"{layer.name}/{weight}" for layer in self.layers for weight in layer.untrained}

    @property
    def ends_in_softmax(self) -> bool:
        """Whether the network ends in softmax."""
        return self.layers[-1].nonlinearity == "softmax"

    @property
    def scoring_layers(self) -> tuple[BaseLayer, ...]:
        """Layers up to the scores, without a final softmax."""
        if not self.ends_in_softmax:
            return self.layers
        *before, last = self.layers
        scoring = last.before_softmax()
        return (*before, scoring) if scoring else tuple(before)

    def find(self, layer: str) -> tuple[int, LayerSummary]:
        """Return a layer's index and its row in the summary.

        Raises
        ------
        ValueError
            If the network has no such layer.
        """
        rows = self.summary()
        for place, row in enumerate(rows):
            if row.name == layer:
                return place, row
        names = ", ".join(row.name for row in rows)
        raise ValueError(f"`layer` must be one of: {names}. Received: layer={layer!r}")

    def find_maps(self, layer: str) -> LayerSummary:
        """Return the summary row of a layer that outputs maps.

        Raises
        ------
        ValueError
            If the network has no such layer.
        ShapeError
            If the layer outputs a row of numbers.
        """
        row = self.find(layer)[1]
        if len(row.output_shape) != 3:
            raise ShapeError(
                "`layer` must output maps of shape (rows, columns, channels). "
                f"Received: {layer}, which outputs {row.output_shape}"
            )
        return row

    @property
    def n_parameters(self) -> int:
        """Number of parameters, moving averages included."""
        return sum(map(math.prod, self.weight_shapes().values()))

    @property
    def n_outputs(self) -> int:
        """How many numbers the last layer outputs."""
        return math.prod(self.summary()[-1].output_shape)

    @property
    def knows_non_digits(self) -> bool:
        """Whether the last of eleven probabilities says that an image shows no digit at all."""
        made = self.summary()[-1].output_shape
        is_of_digits = self.input_shape == DIGIT_SHAPE and made == (N_DIGITS + 1,)
        return is_of_digits and self.ends_in_softmax

    @property
    def n_classes(self) -> int:
        """Number of classes; the answer that an image shows no digit is not one of them."""
        return N_DIGITS if self.knows_non_digits else self.n_outputs

    def class_probabilities(self, outputs: Array) -> Array:
        """Return the probabilities of the classes, given that an image shows one of them.

        Parameters
        ----------
        outputs : ndarray of float, shape (..., outputs)
            What the last layer outputs.

        Returns
        -------
        ndarray, shape (..., classes)
            The outputs themselves, or the first ten of eleven, divided by their sum.
        """
        if not self.knows_non_digits:
            return outputs
        digits = outputs[..., :N_DIGITS] + SMALLEST
        return np.asarray(digits / digits.sum(axis=-1, keepdims=True))
