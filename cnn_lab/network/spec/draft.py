"""Draft of a network: valid layers that need not fit together yet."""

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, model_validator

from cnn_lab.network.checked import Checked
from cnn_lab.network.layers import Layer
from cnn_lab.network.layers.base import LayerName
from cnn_lab.network.spec.network import (
    MAX_LAYERS,
    LayerSummary,
    NetworkSpec,
    check_limits,
    check_names,
    row_of,
)
from cnn_lab.ops.types import Shape

MAX_WHOLE_NUMBER = 65_536  # largest integer in a draft
MAX_SIDE = 256
MAX_CHANNELS = 16

Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Channels = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]


class Draft(Checked):
    """Network being built layer by layer; becomes a `NetworkSpec` once everything fits.

    Raises
    ------
    pydantic.ValidationError
        A ValueError if a layer is unknown, two have the same name, or a number is out of
        bounds. Layers that do not fit together are allowed: see `fit`.
    """

    name: LayerName = "own"
    input_shape: tuple[Side, Side, Channels] = (28, 28, 1)
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=MAX_LAYERS)]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        check_names(self.layers)
        for layer in self.layers:
            for field, value in layer:
                numbers = value if isinstance(value, tuple) else (value,)
                if any(isinstance(one, int) and one > MAX_WHOLE_NUMBER for one in numbers):
                    raise ValueError(
                        f"A whole number may be at most {MAX_WHOLE_NUMBER:,}. "
                        f"Received: {layer.name} with a larger {field}"
                    )
        return self

    @classmethod
    def of(cls, network: NetworkSpec) -> "Draft":
        """Return a network as a draft."""
        return cls(name=network.name, input_shape=network.input_shape, layers=network.layers)

    def network(self) -> NetworkSpec:
        """Return the network; pydantic.ValidationError if its layers do not fit."""
        return NetworkSpec(name=self.name, input_shape=self.input_shape, layers=self.layers)


@dataclass(frozen=True)
class Fit:
    """Result of checking a draft.

    Attributes
    ----------
    rows : tuple of LayerSummary
        Of the layers that fit, up to the first that does not.
    shape : tuple of int
        Output shape of the last of them.
    reason : str
        Why the layer after them does not fit; "" if all do.
    """

    rows: tuple[LayerSummary, ...]
    shape: Shape
    reason: str = ""


def fit(draft: Draft) -> Fit:
    """Compute the shapes of a draft's layers as far as they fit.

    Examples
    --------
    >>> from cnn_lab.network.spec import Dense, Flatten
    >>> fit(Draft(layers=(Dense(name="dense1", units=10), Flatten(name="flatten")))).reason
    'Layer dense1 takes a row of numbers: put Flatten before it. Received: input_shape=(28, 28, 1)'
    """
    rows: list[LayerSummary] = []
    shape: Shape = draft.input_shape
    for layer in draft.layers:
        try:
            row = row_of(layer, shape)
            check_limits(draft.input_shape, [*rows, row])
        except ValueError as error:
            return Fit(tuple(rows), shape, str(error))
        rows.append(row)
        shape = row.output_shape
    return Fit(tuple(rows), shape)
