"""Changes of an image and its pooled maps when the picture moves."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops import average_pool2d, max_pool2d
from cnn_lab.ops.types import Array, IntOrPair, Padding

Direction = Literal["right", "down"]


@dataclass(frozen=True)
class ShiftResponse:
    """Relative changes of an image and its pooled maps when the picture moves.

    Attributes
    ----------
    shifts : ndarray of int, shape (n,)
        Pixels, from 0.
    image, max_pooled, average_pooled : ndarray of float, shape (n,)
        Length of the difference to the unshifted numbers over the length of those: 0 means
        nothing changed, 1 means that the change is as large as the picture itself.
    """

    shifts: NDArray[np.int64]
    image: Array
    max_pooled: Array
    average_pooled: Array


def shift_response(
    image: Array,
    *,
    most: int,
    direction: Direction = "right",
    pool_size: IntOrPair = 2,
    strides: IntOrPair | None = None,
    padding: Padding = "valid",
    count_include_pad: bool = False,
) -> ShiftResponse:
    """Shift a picture pixel by pixel and measure what changes.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        Pixels that leave are lost; zeros enter on the other side.
    most : int
        Largest shift in pixels.
    direction : {"right", "down"}
    pool_size, strides, padding, count_include_pad
        As in `cnn_lab.ops.average_pool2d`.

    Returns
    -------
    ShiftResponse
        For 0, 1, ..., `most` pixels.
    """
    axis = {"down": 0, "right": 1}[direction]
    shifted = np.stack([_shift(image, pixels, axis) for pixels in range(most + 1)])[..., np.newaxis]
    pool: dict[str, Any] = {"pool_size": pool_size, "strides": strides, "padding": padding}
    return ShiftResponse(
        np.arange(most + 1),
        _change(shifted),
        _change(max_pool2d(shifted, **pool)),
        _change(average_pool2d(shifted, **pool, count_include_pad=count_include_pad)),
    )


def _shift(image: Array, pixels: int, axis: int) -> Array:
    moved = np.zeros_like(image)
    source, target = np.moveaxis(image, axis, 0), np.moveaxis(moved, axis, 0)
    target[pixels:] = source[: len(source) - pixels]
    return moved


def _change(maps: Array) -> Array:
    difference = np.sqrt(np.square(maps - maps[0]).sum(axis=(1, 2, 3)))
    size = float(np.sqrt(np.square(maps[0]).sum()))
    return np.asarray(difference / size if size else np.zeros(len(maps)))
