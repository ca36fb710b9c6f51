"""The pooling layer behind a gradient trace: the cells of each window, and the result."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.pooling import pooling_geometry
from cnn_lab.ops.types import IntOrPair, Padding
from cnn_lab.ops.windows import output_size
from cnn_lab.trace.grid import IntArray, Scale
from cnn_lab.trace.layer import Placer
from cnn_lab.trace.numbers import FloatArray, Precision, settle
from cnn_lab.trace.scatter import as_map, check_gradient
from cnn_lab.trace.windows import check_links, window_cells

CELL = "{output}, row {row}, column {column}"


class BackwardPool:
    """The pooled image, the output gradient, and the cells of each window."""

    def __init__(
        self,
        image: NDArray[Any],
        grad_output: NDArray[Any],
        pool_size: IntOrPair,
        strides: IntOrPair | None,
        padding: Padding,
    ) -> None:
        pixels, delta = as_map("image", image), as_map("grad_output", grad_output)
        self.size = (pixels.shape[0], pixels.shape[1])
        self.window, steps, self.borders = pooling_geometry(self.size, pool_size, strides, padding)
        self.positions = output_size(self.size, self.window, steps, self.borders)
        check_gradient(delta, self.positions)
        self.padded_size = (
            self.size[0] + sum(self.borders[0]),
            self.size[1] + sum(self.borders[1]),
        )
        check_links(
            delta.size * self.window[0] * self.window[1],
            self.padded_size[0] * self.padded_size[1],
        )
        self.pixels, self.image_precision = settle(pixels)
        self.delta, self.delta_precision = settle(delta)
        self.reads = window_cells(self.padded_size, self.positions, self.window, steps, (1, 1), 1)

    def inner_index(self) -> IntArray:
        """Return for each cell of the padded image its index in the image, -1 in the border."""
        index = np.full(self.padded_size, -1)
        (top, _), (left, _) = self.borders
        index[top : top + self.size[0], left : left + self.size[1]] = np.arange(
            self.size[0] * self.size[1]
        ).reshape(self.size)
        return index.ravel()


def place_input_gradient(
    place: Placer,
    values: FloatArray,
    precision: Precision,
    extremes: FloatArray,
    **properties: Any,
) -> int:
    """Append the gradient of the pooled image and return its first id."""
    return place(
        values,
        key="grad-input",
        title="Input gradient",
        role="output",
        family="Input gradient",
        scale=Scale.signed(values, extremes),
        precision=precision,
        **properties,
    )
