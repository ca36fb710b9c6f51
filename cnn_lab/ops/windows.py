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
