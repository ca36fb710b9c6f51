"""Reads: how many windows read each pixel of an image, and each row and column of its padding."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.padding import check_copies, unpad_gradient
from cnn_lab.ops.settings import Axis, Geometry
from cnn_lab.ops.sizes import unread_length
from cnn_lab.ops.types import PadMode

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LineReads:
    """Reads of the rows of an image and its padding, or of the columns.

    Attributes
    ----------
    padded : ndarray of int, shape (before + length + after,)
        Number of window positions along this axis that read each line of the padded image.
    image : ndarray of int, shape (length,)
        The same for the lines of the image; reading a copy of a line in the padding counts
        towards that line.
    before, after : int
        Lines of padding.
    beyond : int
        Lines of the padded image beyond the last window: the remainder of the size formula.
    """

    padded: Counts
    image: Counts
    before: int
    after: int
    beyond: int

    @property
    def image_beyond(self) -> int:
        """Number of lines of the image beyond the last window."""
        return max(0, self.beyond - self.after)

    @property
    def padding_beyond(self) -> int:
        """Number of lines of the padding beyond the last window."""
        return min(self.beyond, self.after)

    @property
    def only_copied(self) -> int:
        """Number of lines of the image beyond the last window that are read as copies."""
        return int((self.image[len(self.image) - self.image_beyond :] > 0).sum())

    @property
    def skipped(self) -> int:
        """Number of lines of the image, up to the end of the last window, that are never read."""
        return int((self.image[: len(self.image) - self.image_beyond] == 0).sum())


def line_reads(geometry: Geometry, mode: PadMode = "zeros") -> tuple[LineReads, LineReads]:
    """Return the reads of rows and of columns.

    Parameters
    ----------
    geometry : Geometry
    mode : {"zeros", "reflect", "edge", "wrap"}
        What the padding contains, as in `cnn_lab.ops.padding.pad_images`.

    Raises
    ------
    CopyError
        If the padding copies more pixels than the image has.

    Notes
    -----
    Rows and columns do not influence each other: a pixel is read as often as its row times as
    often as its column.

    Examples
    --------
    Six rows, three rows at a time in steps of two: the last one is left over.

    >>> from cnn_lab.ops.settings import ConvolutionSettings
    >>> rows, _ = line_reads(ConvolutionSettings(strides=2).geometry((6, 6), (3, 3)))
    >>> rows.image, rows.beyond
    (array([1, 1, 2, 1, 1, 0]), 1)

    A padding that wraps around holds a copy of it:

    >>> wrapped = ConvolutionSettings(strides=3, padding=((1, 0), (0, 0)))
    >>> rows, _ = line_reads(wrapped.geometry((6, 6), (3, 3)), "wrap")
    >>> rows.padded, rows.image, rows.beyond
    (array([1, 1, 1, 1, 1, 1, 0]), array([1, 1, 1, 1, 1, 1]), 1)
    """
    check_copies(geometry.size, geometry.borders, mode)
    rows, columns = (
        _line_reads(axis, n, mode)
        for axis, n in zip(geometry.axes, geometry.positions, strict=True)
    )
    return rows, columns


def _line_reads(axis: Axis, n_positions: int, mode: PadMode) -> LineReads:
    length, kernel_size, stride, (before, after), dilation_rate = axis
    windows = np.arange(n_positions)[:, np.newaxis] * stride
    lines = windows + np.arange(kernel_size) * dilation_rate
    padded = np.bincount(lines.ravel(), minlength=before + length + after)
    column = padded.astype(np.float64).reshape(1, -1, 1, 1)
    image = unpad_gradient(column, ((before, after), (0, 0)), mode)
    return LineReads(padded, image.ravel().astype(np.int64), before, after, unread_length(*axis))


def read_counts(geometry: Geometry, mode: PadMode = "zeros") -> Counts:
    """Return how many windows read each pixel of an image, shape `geometry.size`.

    Reading a copy of a pixel in the padding counts towards that pixel.

    Parameters
    ----------
    geometry : Geometry
    mode : {"zeros", "reflect", "edge", "wrap"}
        What the padding contains.

    Raises
    ------
    CopyError
        If the padding copies more pixels than the image has.

    Notes
    -----
    With a kernel of ones and an output gradient of ones, each window adds one to every pixel
    that it reads: the counts are the gradient of the image.

    Examples
    --------
    >>> from cnn_lab.ops.settings import ConvolutionSettings
    >>> read_counts(ConvolutionSettings().geometry((3, 3), (2, 2)))
    array([[1, 2, 1],
           [2, 4, 2],
           [1, 2, 1]])
    """
    rows, columns = line_reads(geometry, mode)
    return np.asarray(np.outer(rows.image, columns.image))
