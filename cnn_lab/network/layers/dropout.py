"""Dropout."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from cnn_lab.network.layers.base import BaseLayer, Drops, Pass, Weights, without_weights
from cnn_lab.ops.types import Array, Shape


class _Dropout(BaseLayer):
    """What all layers have in common that set a share of the numbers to zero in training."""

    type: str
    rate: Annotated[float, Field(ge=0, lt=1)]

    stem: ClassVar[str] = "dropout"
    fresh: ClassVar[dict[str, Any]] = {"rate": 0.25}
    by_position: ClassVar[tuple[str, ...]] = ("rate",)
    keeps_shape: ClassVar[bool] = True
    passes_through: ClassVar[bool] = True
    drops: ClassVar[bool] = True

    @property
    @override
    def share_dropped(self) -> float:
        return self.rate

    @override
    def _details(self) -> Iterator[str]:
        yield f"{self.rate:.0%}"

    @override
    def forward(self, values: Array, weights: Weights, drops: Drops = None) -> Pass:
        """Drop a share of the values and scale the others up, or do nothing.

        References
        ----------
        .. [1] Srivastava et al. (2014), "Dropout", section 10: the inverted form.
        """
        if drops is None or not self.rate:
            return without_weights(values, lambda grad: grad)
        kept = drops.random(self._drawn(values.shape), np.float32) >= self.rate
        scale = kept * np.float32(1 / (1 - self.rate))
        return without_weights(values * scale, lambda grad: grad * scale)

    def _drawn(self, shape: Shape) -> Shape:
        """Return how many random numbers decide what is dropped, for values of a shape."""
        return shape


class Dropout(_Dropout):
    """Dropout: sets a share of the numbers to zero in training; afterwards does nothing."""

    type: Literal["Dropout"] = "Dropout"


class SpatialDropout2D(_Dropout):
    """In training, a share of the maps is set to zero; afterwards nothing happens.

    References
    ----------
    .. [1] Tompson et al. (2015), arXiv:1411.4280, section 3.2.
    """

    type: Literal["SpatialDropout2D"] = "SpatialDropout2D"

    takes_maps: ClassVar[bool] = True

    @override
    def output_shape(self, input_shape: Shape) -> Shape:
        self._map_size(input_shape)
        return input_shape

    @override
    def _drawn(self, shape: Shape) -> Shape:
        return shape[0], 1, 1, shape[3]
