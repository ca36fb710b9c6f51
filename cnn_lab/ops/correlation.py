"""Three matrix products behind every convolution, its gradients and its transpose.

The windows become the rows of one matrix. It is kernel_height * kernel_width times as large as
the image, so it is copied in parts small enough for the cache. Each group of channels has its
own products. Arguments are already checked; the public operations are in `conv` and
`transposed`.
"""

import math
from collections.abc import Iterator

import numpy as np

from cnn_lab.ops.types import Array, Pair
from cnn_lab.ops.windows import cell_view, window_view

PART_BYTES = 3 * 2**20

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
    maps = np.empty((*windows.shape[:3], kernel.shape[3]), np.result_type(padded, kernel))
    for channels, filters in _groups(padded.shape[3], kernel.shape[3], groups):
        bank = kernel[..., filters].reshape(-1, filters.stop - filters.start)
        for part, rows in _rows(windows[..., channels], PART_BYTES):
            np.matmul(rows, bank, out=_positions(maps[part])[:, filters])
    return maps


def correlate_kernel_gradient(
    padded: Array,
    grad_output: Array,
    kernel_size: Pair,
    strides: Pair,
    dilation_rate: Pair,
    groups: int,
) -> Array:
    """Return for each kernel cell the sum of (pixel read) * (gradient of the output written).

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
    depth, n_filters = padded.shape[3] // groups, grad_output.shape[3]
    dtype = np.result_type(padded, grad_output)
    grad_kernel = np.zeros((*kernel_size, depth, n_filters), dtype)
    # Parts so large that adding up their kernels costs little compared with the products.
    part_bytes = max(PART_BYTES, 4 * grad_kernel.nbytes // groups)
    for channels, filters in _groups(padded.shape[3], n_filters, groups):
        bank = _positions(grad_kernel)[:, filters]
        for part, rows in _rows(windows[..., channels], part_bytes):
            bank += rows.T @ _positions(grad_output[part])[:, filters]
    return grad_kernel


def correlate_input_gradient(
    grad_output: Array,
    kernel: Array,
    padded_size: Pair,
    strides: Pair,
    dilation_rate: Pair,
    groups: int,
) -> Array:
    """Send each output gradient back to the pixels of its window, times the kernel.

    Parameters
    ----------
    grad_output : ndarray of float, shape (n, out_height, out_width, filters)
    kernel : ndarray of float, shape (kernel_height, kernel_width, channels / groups, filters)
    padded_size : (int, int)
        Rows and columns of the padded images; pixels that no window reads get zero.
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
    window_shape = (*grad_output.shape[:3], height, width, depth)
    for channels, filters in _groups(depth * groups, kernel.shape[3], groups):
        bank = kernel[..., filters].reshape(-1, filters.stop - filters.start)
        memory: Array | None = None
        for part in _parts(window_shape, PART_BYTES // padded.itemsize):
            delta = _positions(grad_output[part])[:, filters]
            if memory is None:  # the first part is the largest
                memory = np.empty((len(delta), len(bank)), dtype)
            shares = np.matmul(delta, bank.T, out=memory[: len(delta)])
            of_cells = shares.reshape(*grad_output[part].shape[:3], height, width, depth)
            for row, column in np.ndindex(height, width):
                cell = (row * dilation_rate[0], column * dilation_rate[1])
                pixels = cell_view(padded, cell, grad_output.shape[1:3], strides)[part]
                pixels[..., channels] += of_cells[:, :, :, row, column]
    return padded


def _groups(n_channels: int, n_filters: int, groups: int) -> Iterator[tuple[slice, slice]]:
    """Return the channels and the filters of each group."""
    depth, bank = n_channels // groups, n_filters // groups
    for group in range(groups):
        yield slice(group * depth, (group + 1) * depth), slice(group * bank, (group + 1) * bank)


def _rows(windows: Array, part_bytes: int) -> Iterator[tuple[Part, Array]]:
    """Copy windows into the rows of a matrix, in parts that share the same memory."""
    memory: Array | None = None
    for part in _parts(windows.shape, part_bytes // windows.itemsize):
        some = windows[part]
        if memory is None:  # the first part is the largest
            memory = np.empty(some.size, windows.dtype)
        n_positions = math.prod(some.shape[:3])
        rows = memory[: some.size].reshape(n_positions, -1)
        np.copyto(rows.reshape(some.shape), some)
        yield part, rows


def _parts(window_shape: tuple[int, ...], n_numbers: int) -> Iterator[Part]:
    """Cut (images, rows of results) so that the windows of a part are about `n_numbers`.

    `window_shape` is that of `window_view`: (n, out_height, out_width, ...).
    """
    n, n_rows = window_shape[:2]
    rows = max(1, n_numbers // max(1, math.prod(window_shape[2:])))
    if rows >= n_rows:
        step = rows // n_rows
        for first in range(0, n, step):
            yield slice(first, first + step), slice(None)
    else:
        for image in range(n):
            for top in range(0, n_rows, rows):
                yield slice(image, image + 1), slice(top, top + rows)


def _positions(values: Array) -> Array:
    """Return a view with all axes but the last merged; the values must be contiguous."""
    return values.reshape(-1, values.shape[-1])
