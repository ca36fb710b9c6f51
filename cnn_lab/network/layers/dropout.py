"""Layers that set numbers to zero at random in training."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from cnn_lab.network.layers.base import Back, BaseLayer, Weights, without_weights
from cnn_lab.ops.types import Array


class Dropout(BaseLayer):
    """In training, a share of the numbers is set to zero; afterwards nothing happens."""

    type: Literal["Dropout"] = "Dropout"
    rate: Annotated[float, Field(ge=0, lt=1)]

    stem: ClassVar[str] = "dropout"
    fresh: ClassVar[dict[str, Any]] = {"rate": 0.25}
    by_position: ClassVar[tuple[str, ...]] = ("rate",)
    keeps_shape: ClassVar[bool] = True
    hands_on: ClassVar[bool] = True
    drops: ClassVar[bool] = True

    @property
    @override
    def share_dropped(self) -> float:
        return self.rate

    @override
    def _details(self) -> Iterator[str]:
        yield f"{self.rate:.0%}"

    @override
    def forward(
        self, values: Array, weights: Weights, drops: np.random.Generator | None = None
    ) -> tuple[Array, Back]:
        """Drop a share of the values, and make the others larger by as much; or do nothing.

        References
        ----------
        .. [1] Srivastava et al. (2014), "Dropout", section 10: the inverted form.
        """
        if drops is None or not self.rate:
            return without_weights(values, lambda grad: grad)
        kept = drops.random(values.shape, np.float32) >= self.rate
        scale = kept * np.float32(1 / (1 - self.rate))
        return without_weights(values * scale, lambda grad: grad * scale)
