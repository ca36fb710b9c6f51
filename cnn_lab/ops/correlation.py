"""Matrix products behind every convolution, its gradients and its transpose.

For a result and for the gradient of the kernel, the windows become the rows of one matrix. It is
kernel_height * kernel_width times as large as the image, so it is copied in parts small enough
for the cache. The gradient of the image has a product for each cell of the kernel, which is
added to the pixels under that cell. Each group of channels has its own products. Arguments are
already checked; the public operations are in `conv` and `transposed`.
"""

import math
from collections.abc import Iterator

import numpy as np
from threadpoolctl import threadpool_info

from cnn_lab.ops.types import Array, Pair
from cnn_lab.ops.windows import cell_view, window_view

PART_BYTES = 3 * 2**20
# Multiply-adds up to which OpenBLAS multiplies two matrices where they are, on processors that it
# knows under these names. For a larger product it first copies both into an order of its own,
# which few filters do not pay back.
SMALL_PRODUCT = 10**6 * any(
    library.get("architecture") in ("SkylakeX", "Cooperlake", "SapphireRapids")
    for library in threadpool_info()
)
# Windows below which such a product gains nothing: one of results, one of kernel gradients.
MIN_WINDOWS, MIN_WINDOWS_SUMMED = 12, 128
# Columns of a product below which it joins several cells of the kernel.
MIN_COLUMNS = 16

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
            results = _positions(maps[part])[:, filters]
            for some, n in _products(len(rows), bank.size, MIN_WINDOWS):
                np.matmul(_stack(rows[some], n), bank, out=_stack(results[some], n))
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
    # A small product for each cell needs fewer sums than one of the same size for all cells.
    length = SMALL_PRODUCT // max(1, grad_kernel[0, 0].size // groups)
    by_cell = depth >= MIN_COLUMNS and length >= MIN_WINDOWS_SUMMED
    n_cells = math.prod(kernel_size)
    n_banks, n_rows = (n_cells, depth) if by_cell else (1, n_cells * depth)
    # Parts so large that adding up their kernels costs little compared with the products.
    part_bytes = max(PART_BYTES, 4 * grad_kernel.nbytes // groups)
    for channels, filters in _groups(padded.shape[3], n_filters, groups):
        banks = grad_kernel[..., filters].reshape(n_banks, n_rows, filters.stop - filters.start)
        for part, rows in _rows(windows[..., channels], part_bytes):
            delta = _positions(grad_output[part])[:, filters]
            for some, n in _products(len(rows), banks[0].size, MIN_WINDOWS_SUMMED):
                pixels = _stack(rows[some], n)
                columns = pixels.reshape(n, pixels.shape[1], n_banks, n_rows)
                products = columns.transpose(0, 2, 3, 1) @ _stack(delta[some], n)[:, np.newaxis]
                for shares in products:
                    banks += shares
    return grad_kernel


def bias_gradient(grad_output: Array) -> Array:
    """Return the sum over all images and positions, shape (filters,).

    Each image is summed first, because short sums lose less in single precision; as a product
    with ones, which takes an eighth of the time of a sum over two axes.
    """
    n, height, width, n_filters = grad_output.shape
    ones = np.ones(height * width, grad_output.dtype)
    return np.asarray((ones @ grad_output.reshape(n, height * width, n_filters)).sum(axis=0))


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
    cells = [
        (row * dilation_rate[0], column * dilation_rate[1])
        for row, column in np.ndindex(height, width)
    ]
    together = min(max(1, MIN_COLUMNS // max(1, depth)), len(cells))  # cells in one product
    dtype = np.result_type(grad_output, kernel)
    padded = np.zeros((len(grad_output), *padded_size, depth * groups), dtype)
    window_shape = (*grad_output.shape[:3], together * depth)
    for channels, filters in _groups(depth * groups, kernel.shape[3], groups):
        weights = kernel[..., filters].reshape(len(cells), depth, filters.stop - filters.start)
        banks = [
            (some, np.ascontiguousarray(np.concatenate(weights[some]).T))
            for some in (slice(i, i + together) for i in range(0, len(cells), together))
        ]
        memory: Array | None = None
        for part in _parts(window_shape, PART_BYTES // padded.itemsize):
            delta = _positions(grad_output[part])[:, filters]
            if memory is None:  # the first part is the largest
                memory = np.empty(len(delta) * together * depth, dtype)
            for some, bank in banks:
                shares = memory[: len(delta) * bank.shape[1]].reshape(len(delta), bank.shape[1])
                for rows, n in _products(len(delta), bank.size, MIN_WINDOWS):
                    np.matmul(_stack(delta[rows], n), bank, out=_stack(shares[rows], n))
                n_cells = len(cells[some])
                of_cells = shares.reshape(*grad_output[part].shape[:3], n_cells, depth)
                for index, cell in enumerate(cells[some]):
                    pixels = cell_view(padded, cell, grad_output.shape[1:3], strides)[part]
                    pixels[..., channels] += of_cells[:, :, :, index]
    return padded


def _groups(n_channels: int, n_filters: int, groups: int) -> Iterator[tuple[slice, slice]]:
    """Return the channels and the filters of each group."""
    depth, bank = n_channels // groups, n_filters // groups
    for group in range(groups):
        yield slice(group * depth, (group + 1) * depth), slice(group * bank, (group + 1) * bank)


def _products(n_windows: int, n_weights: int, fewest: int) -> Iterator[tuple[slice, int]]:
    """Split the windows of a part among products: some windows, and among how many products.

    Parameters
    ----------
    n_windows, n_weights : int
        A product of all windows has n_windows * n_weights multiply-adds.
    fewest : int
        Windows of the shortest small product worth computing.
    """
    length = SMALL_PRODUCT // max(1, n_weights)
    if not fewest <= length < n_windows:
        yield slice(None), 1
        return
    whole = n_windows - n_windows % length
    yield slice(whole), whole // length
    if whole < n_windows:
        yield slice(whole, None), 1


def _stack(rows: Array, n: int) -> Array:
    """Return a view of the rows of a matrix as n matrices of equally many rows."""
    return rows.reshape(n, len(rows) // n, rows.shape[1])


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
