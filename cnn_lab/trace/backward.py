"""The convolution behind a gradient trace: rounded numbers and window layout."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.conv import conv2d_gradients
from cnn_lab.ops.padding import pad_images, resolve_padding
from cnn_lab.ops.types import IntOrPair, Padding, pair
from cnn_lab.ops.windows import output_size
from cnn_lab.trace.grid import Grid, Scale
from cnn_lab.trace.layer import Placer
from cnn_lab.trace.numbers import MAX_SHOWN_DECIMALS, FloatArray, Precision, settle
from cnn_lab.trace.scatter import as_map, check_gradient, place_gradient
from cnn_lab.trace.windows import check_links, input_grids, window_cells


class BackwardLayer:
    """A convolution of one channel and one filter, with rounded numbers and its window layout."""

    def __init__(
        self,
        image: NDArray[Any],
        kernel: NDArray[Any],
        grad_output: NDArray[Any],
        strides: IntOrPair,
        padding: Padding,
        dilation_rate: IntOrPair,
    ) -> None:
        pixels, weights = as_map("image", image), as_map("kernel", kernel)
        delta = as_map("grad_output", grad_output)
        self.size, self.window = _shape(pixels), _shape(weights)
        self.strides, self.dilation = pair("strides", strides), pair("dilation_rate", dilation_rate)
        self.borders = resolve_padding(padding, self.size, self.window, self.strides, self.dilation)
        self.positions = output_size(
            self.size, self.window, self.strides, self.borders, self.dilation
        )
        check_gradient(delta, self.positions)
        padded_size = (
            self.size[0] + sum(self.borders[0]),
            self.size[1] + sum(self.borders[1]),
        )
        check_links(delta.size * weights.size, padded_size[0] * padded_size[1])
        self.pixels, self.image_precision = settle(pixels)
        self.weights, self.weight_precision = settle(weights)
        self.delta, self.delta_precision = settle(delta)
        self.padded = pad_images(self.pixels[np.newaxis, ..., np.newaxis], self.borders)[0]
        self.reads = window_cells(
            padded_size, self.positions, self.window, self.strides, self.dilation, 1
        )

    def settled(self, quantity: str, other: Precision) -> tuple[FloatArray, Precision]:
        """Return the gradient of the "kernel" or the "images", and its digits."""
        gradients = conv2d_gradients(
            self.pixels[np.newaxis, ..., np.newaxis],
            self.weights[..., np.newaxis, np.newaxis],
            self.delta[np.newaxis, ..., np.newaxis],
            strides=self.strides,
            padding=self.borders,
            dilation_rate=self.dilation,
        )
        found = gradients.kernel[..., 0, 0] if quantity == "kernel" else gradients.images[0, ..., 0]
        decimals = self.delta_precision.decimals + other.decimals
        exact = decimals <= MAX_SHOWN_DECIMALS and self.delta_precision.exact and other.exact
        return settle(found, decimals, exact=exact)

    def input_grids(self) -> list[Grid]:
        """Return the padded image as grids, its unread cells marked."""
        return input_grids(
            self.padded,
            self.borders,
            self.reads,
            precision=self.image_precision,
            scale=Scale.for_image(self.pixels),
            parts=("",),
        )

    def place_delta(self, place: Placer) -> NDArray[np.int64]:
        """Append the output gradient; return its cells."""
        first = place_gradient(place, self.delta, self.delta_precision)
        return np.arange(first, first + self.delta.size)


def _shape(array: NDArray[Any]) -> tuple[int, int]:
    return array.shape[0], array.shape[1]
