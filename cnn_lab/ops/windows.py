"""Every position of a sliding window as one strided view, without copying pixels."""

import numpy as np

from cnn_lab.ops.sizes import conv_output_length
from cnn_lab.ops.types import Array, Borders, Pair


def output_size(
    size: Pair, kernel_size: Pair, strides: Pair, borders: Borders, dilation_rate: Pair = (1, 1)
) -> Pair:
    """Return the (rows, columns) of window positions; see `conv_output_length`."""
    rows, columns = (
        conv_output_length(*axis)
        for axis in zip(size, kernel_size, strides, borders, dilation_rate, strict=True)
    )
    return rows, columns


def window_view(
    padded: Array, kernel_size: Pair, strides: Pair, dilation_rate: Pair = (1, 1)
) -> Array:
    """Return the pixels of every window.

    Parameters
    ----------
    padded : ndarray, shape (n, height, width, channels)
        Images with their borders.
    kernel_size, strides, dilation_rate : (int, int)
        At least 1 each.

    Returns
    -------
    ndarray, shape (n, out_height, out_width, kernel_height, kernel_width, channels)
        A read-only view.

    Raises
    ------
    ShapeError
        If the window does not fit.

    Notes
    -----
    Constant time. Only callers that need contiguous rows (the matrix product of a
    convolution) make a copy.
    """
    n, height, width, channels = padded.shape
    borders = ((0, 0), (0, 0))
    # Raises if the window does not fit, so that no view reaches beyond the image's memory.
    out_size = output_size((height, width), kernel_size, strides, borders, dilation_rate)
    image, row, column, channel = padded.strides
    return np.lib.stride_tricks.as_strided(
        padded,
        (n, *out_size, *kernel_size, channels),
        (
            image,
            row * strides[0],
            column * strides[1],
            row * dilation_rate[0],
            column * dilation_rate[1],
            channel,
        ),
        writeable=False,
    )


def cell_view(padded: Array, cell: Pair, out_size: Pair, strides: Pair) -> Array:
    """Return the pixels under one cell of the window, position by position.

    Parameters
    ----------
    padded : ndarray, shape (n, height, width, channels)
    cell : (int, int)
        Distance of the cell in pixels from the first row and column of the window.
    out_size : (int, int)
        Positions of the window, see `output_size`.
    strides : (int, int)

    Returns
    -------
    ndarray, shape (n, out_height, out_width, channels)
        A view; adding to it adds to `padded`.
    """
    rows, columns = (
        slice(first, first + (count - 1) * step + 1, step)
        for first, count, step in zip(cell, out_size, strides, strict=True)
    )
    return padded[:, rows, columns]
