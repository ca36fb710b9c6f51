"""Every position of a sliding window as one strided view: no pixel is copied."""

import numpy as np

from cnn_lab.arithmetic import conv_output_length, effective_kernel_size
from cnn_lab.ops.padding import Array, Borders, Pair


def output_size(
    size: Pair, kernel_size: Pair, strides: Pair, borders: Borders, dilation_rate: Pair = (1, 1)
) -> Pair:
    """Return (rows, columns) of positions that the window takes; see `conv_output_length`."""
    rows, columns = (
        conv_output_length(*axis)
        for axis in zip(size, kernel_size, strides, borders, dilation_rate, strict=True)
    )
    return rows, columns


def window_view(
    padded: Array, kernel_size: Pair, strides: Pair, dilation_rate: Pair = (1, 1)
) -> Array:
    """Return what every window reads.

    Parameters
    ----------
    padded : ndarray, shape (n, height, width, channels)
        Images with their borders; the window must fit.
    kernel_size, strides, dilation_rate : (int, int)
        At least 1 each.

    Returns
    -------
    ndarray, shape (n, out_height, out_width, kernel_height, kernel_width, channels)
        A read-only view.

    Notes
    -----
    Constant time. Only a reader that needs contiguous rows (the matrix product of a
    convolution) pays for a copy.
    """
    spans = tuple(
        effective_kernel_size(k, d) for k, d in zip(kernel_size, dilation_rate, strict=True)
    )
    view = np.lib.stride_tricks.sliding_window_view(padded, spans, axis=(1, 2))
    view = view[:, :: strides[0], :: strides[1], :, :: dilation_rate[0], :: dilation_rate[1]]
    return view.transpose(0, 1, 2, 4, 5, 3)


def cell_view(padded: Array, cell: Pair, out_size: Pair, strides: Pair) -> Array:
    """Return the pixels that one cell of the window lies on, position by position.

    Parameters
    ----------
    padded : ndarray, shape (n, height, width, channels)
    cell : (int, int)
        The cell's distance in pixels from the window's first row and column.
    out_size : (int, int)
        Positions that the window takes, see `output_size`.
    strides : (int, int)

    Returns
    -------
    ndarray, shape (n, out_height, out_width, channels)
        A view; what is added to it is added to `padded`.
    """
    rows, columns = (
        slice(first, first + (count - 1) * step + 1, step)
        for first, count, step in zip(cell, out_size, strides, strict=True)
    )
    return padded[:, rows, columns]
