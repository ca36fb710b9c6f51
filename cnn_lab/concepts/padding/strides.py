"""Losses of a map and its image at increasing strides."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnn_lab.concepts.layer_call import ConvolutionSettings
from cnn_lab.concepts.padding.read_counts import read_counts
from cnn_lab.ops import conv2d
from cnn_lab.ops.types import Array


@dataclass(frozen=True, eq=False)
class StridedMap:
    """A map made with one stride, and its losses.

    Attributes
    ----------
    stride : int
    values : ndarray, shape (rows, columns)
    unread_ink : float
        Share of the image's magnitude on pixels that no window reads, 0 to 1.
    error : float
        Reconstruction error of the map at stride 1, by linear interpolation between the
        remaining values: length of the difference over the length of the map.
    """

    stride: int
    values: Array
    unread_ink: float
    error: float


def strided_maps(
    image: Array, kernel: Array, strides: Sequence[int] = (1, 2, 3, 4, 5)
) -> list[StridedMap]:
    """Slide a kernel over an image with several strides, without padding.

    Parameters
    ----------
    image : ndarray, shape (height, width)
    kernel : ndarray, shape (kernel_height, kernel_width)
    strides : sequence of int

    Raises
    ------
    ShapeError
        If the kernel does not fit.

    Examples
    --------
    A window of one pixel leaves out three of four pixels at stride 2:

    >>> [one.unread_ink for one in strided_maps(np.ones((4, 4)), np.ones((1, 1)), (1, 2))]
    [0.0, 0.75]
    """
    size, window = (image.shape[0], image.shape[1]), (kernel.shape[0], kernel.shape[1])
    whole = conv2d(image[np.newaxis, ..., np.newaxis], kernel[..., np.newaxis, np.newaxis])
    dense: Array = whole[0, ..., 0]
    ink = float(np.abs(image).sum())
    results = []
    for stride in strides:
        counts = read_counts(size, window, ConvolutionSettings(strides=stride))
        unread = float(np.abs(image[counts == 0]).sum())
        kept = dense[::stride, ::stride]
        results.append(
            StridedMap(stride, kept, unread / ink if ink else 0.0, _error(dense, kept, stride))
        )
    return results


def _error(dense: Array, kept: Array, stride: int) -> float:
    """Return the reconstruction error of `dense` from every `stride`-th number."""
    rows, columns = (_lines(length, stride) for length in dense.shape)
    drawn = rows @ kept @ columns.T
    size = float(np.sqrt(np.square(dense).sum()))
    return float(np.sqrt(np.square(dense - drawn).sum())) / size if size else 0.0


def _lines(length: int, stride: int) -> Array:
    """Return the weights of every `stride`-th number in the linear interpolation."""
    places = np.arange(0, length, stride)
    units = np.eye(len(places))
    return np.stack([np.interp(np.arange(length), places, unit) for unit in units], axis=1)
