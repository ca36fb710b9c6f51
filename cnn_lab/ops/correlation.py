"""The three matrix products behind every convolution, its gradients and its transpose.

Each copies what the windows read into the rows of one matrix. The copy is kernel_height *
kernel_width times the image, so it is made a part at a time, small enough for the cache.
Arguments come checked; the public operations are in `conv` and `transposed`.
"""

import math
from collections.abc import Iterator

import numpy as np

from cnn_lab.ops.padding import Array, Pair
from cnn_lab.ops.windows import cell_view, window_view

PART_BYTES = 2 * 2**20

Part = tuple[slice, slice]


def correlate(
    padded: Array, kernel: Array, strides: Pair, dilation_rate: Pair, groups: int
) -> Array:
    """Return the sum of products of every window.

    Parameters
    ----------
    padded : ndarray of float, shape (n, height, width, channels)
    kernel : ndarray of float, shape (kernel_height, kernel_width, channels / groups, filters)
    strides, dilation_rate : (int, int)
    groups : int

    Returns
    -------
    ndarray, shape (n, out_height, out_width, filters)
    """
    windows = window_view(padded, kernel.shape[:2], strides, dilation_rate)
    banks = _banks(kernel, groups)
    maps = np.empty((*windows.shape[:3], kernel.shape[3]), np.result_type(padded, kernel))
    for part in _parts(windows.shape, maps.itemsize):
        sums = _columns(windows[part], groups) @ banks
        maps[part] = sums.transpose(1, 0, 2).reshape(maps[part].shape)
    return maps


def correlate_kernel_gradient(
    padded: Array,
    grad_output: Array,
    kernel_size: Pair,
    strides: Pair,
    dilation_rate: Pair,
    groups: int,
) -> Array:
    """Return each kernel cell's sum of (pixel it read) * (gradient of the result it wrote).

    Parameters
    ----------
    padded : ndarray of float, shape (n, height, width, channels)
    grad_output : ndarray of float, shape (n, out_height, out_width, filters)
    kernel_size, strides, dilation_rate : (int, int)
    groups : int

    Returns
    -------
    ndarray, shape (kernel_height, kernel_width, channels / groups, filters)
    """
    windows = window_view(padded, kernel_size, strides, dilation_rate)
    depth, filters = padded.shape[3] // groups, grad_output.shape[3]
    n_cells = kernel_size[0] * kernel_size[1] * depth
    dtype = np.result_type(padded, grad_output)
    banks = np.zeros((groups, n_cells, filters // groups), dtype)
    for part in _parts(windows.shape, padded.itemsize):
        columns = _columns(windows[part], groups)
        banks += columns.transpose(0, 2, 1) @ _grouped(grad_output[part], groups)
    return banks.transpose(1, 0, 2).reshape(*kernel_size, depth, filters)


def correlate_input_gradient(
    grad_output: Array,
    kernel: Array,
    padded_size: Pair,
    strides: Pair,
    dilation_rate: Pair,
    groups: int,
) -> Array:
    """Send each result's gradient back to the pixels it was made of, weighed by the kernel.

    Parameters
    ----------
    grad_output : ndarray of float, shape (n, out_height, out_width, filters)
    kernel : ndarray of float, shape (kernel_height, kernel_width, channels / groups, filters)
    padded_size : (int, int)
        Rows and columns of the padded images; what no window reads gets zero.
    strides, dilation_rate : (int, int)
    groups : int

    Returns
    -------
    ndarray, shape (n, height, width, channels)
        The gradient of the padded images.
    """
    height, width, depth = kernel.shape[:3]
    dtype = np.result_type(grad_output, kernel)
    padded = np.zeros((len(grad_output), *padded_size, depth * groups), dtype)
    banks = kernel.reshape(height, width, depth, groups, -1).transpose(3, 0, 1, 4, 2)
    window_shape = (*grad_output.shape[:3], height, width, depth * groups)
    for part in _parts(window_shape, padded.itemsize):
        delta = _grouped(grad_output[part], groups)
        shares = delta[:, np.newaxis, np.newaxis] @ banks
        for row, column in np.ndindex(height, width):
            cell = (row * dilation_rate[0], column * dilation_rate[1])
            pixels = cell_view(padded, cell, grad_output.shape[1:3], strides)[part]
            pixels += shares[:, row, column].transpose(1, 0, 2).reshape(pixels.shape)
    return padded


def _parts(window_shape: tuple[int, ...], itemsize: int) -> Iterator[Part]:
    """Cut (images, rows of results) so that the copied windows of a part fill PART_BYTES.

    `window_shape` is that of `window_view`: (n, out_height, out_width, ...).
    """
    n, n_rows = window_shape[:2]
    row_bytes = math.prod(window_shape[2:]) * itemsize
    rows = max(1, PART_BYTES // max(1, row_bytes))
    if rows >= n_rows:
        step = rows // n_rows
        for first in range(0, n, step):
            yield slice(first, first + step), slice(None)
    else:
        for image in range(n):
            for top in range(0, n_rows, rows):
                yield slice(image, image + 1), slice(top, top + rows)


def _columns(windows: Array, groups: int) -> Array:
    """Copy windows into shape (groups, positions, window cells * channels / groups)."""
    n, rows, columns, height, width, channels = windows.shape
    depth = channels // groups
    grouped = windows.reshape(n, rows, columns, height, width, groups, depth)
    return grouped.transpose(5, 0, 1, 2, 3, 4, 6).reshape(
        groups, n * rows * columns, height * width * depth
    )


def _banks(kernel: Array, groups: int) -> Array:
    """Return the kernel in shape (groups, window cells * channels / groups, filters / groups)."""
    filters = kernel.shape[3]
    return kernel.reshape(-1, groups, filters // groups).transpose(1, 0, 2)


def _grouped(maps: Array, groups: int) -> Array:
    """Return maps in shape (groups, positions, filters / groups)."""
    n, rows, columns, filters = maps.shape
    return maps.reshape(n * rows * columns, groups, filters // groups).transpose(1, 0, 2)
