"""Pooling: replacing each window of a map by its largest value or its mean."""

import numpy as np

from cnn_lab.ops.padding import pad_images, unpad_gradient
from cnn_lab.ops.settings import Geometry, PoolingSettings
from cnn_lab.ops.types import Array, IntOrPair, Padding, as_gradient, as_images
from cnn_lab.ops.windows import cell_view, window_view


def max_pool2d(
    images: Array,
    *,
    pool_size: IntOrPair = 2,
    strides: IntOrPair | None = None,
    padding: Padding = "valid",
) -> Array:
    """Keep the largest value of each window, channel by channel.

    Parameters
    ----------
    images : ndarray of float, shape (n, height, width, channels)
    pool_size : int or (int, int)
        Window in pixels, (rows, columns). At least 1.
    strides : int, (int, int) or None
        Step of the window; None means `pool_size`.
    padding : {"valid", "same", "full"}, int or ((top, bottom), (left, right))
        Smaller than the window. The border counts as minus infinity, so it never wins.

    Returns
    -------
    ndarray, shape (n, out_height, out_width, channels)

    Raises
    ------
    ShapeError
        If the images are not four-dimensional or the window does not fit.
    ValueError
        If a size, stride or padding is out of range.

    Notes
    -----
    n * out_height * out_width * channels * window comparisons, in window - 1 passes over
    whole maps.

    Examples
    --------
    >>> max_pool2d(np.arange(16.0).reshape(1, 4, 4, 1))[0, ..., 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    images, geometry = _prepare(images, PoolingSettings(pool_size, strides, padding))
    return _largest(pad_images(images, geometry.borders, fill=-np.inf), geometry)


def _largest(padded: Array, geometry: Geometry) -> Array:
    windows = window_view(padded, geometry.window, geometry.strides)
    largest = windows[:, :, :, 0, 0].copy()
    for row, column in np.ndindex(windows.shape[3:5]):
        if (row, column) != (0, 0):
            np.maximum(largest, windows[:, :, :, row, column], out=largest)
    return largest


def max_pool2d_gradient(
    images: Array,
    grad_output: Array,
    *,
    pool_size: IntOrPair = 2,
    strides: IntOrPair | None = None,
    padding: Padding = "valid",
) -> Array:
    """Send each window's gradient to the pixel that won it.

    Of equal pixels the first wins, row by row, as in TensorFlow. A pixel that wins several
    overlapping windows gets the sum of their gradients; one that wins none gets zero.

    Parameters
    ----------
    images, pool_size, strides, padding
        As given to `max_pool2d`.
    grad_output : ndarray of float, shape (n, out_height, out_width, channels)
        Gradient of the loss with respect to the output of `max_pool2d`.

    Returns
    -------
    ndarray, shape (n, height, width, channels)

    Raises
    ------
    ShapeError, ValueError
        As `max_pool2d`, and if `grad_output` does not have the shape of its output.

    Notes
    -----
    Two passes over whole maps for each cell of the window.

    Examples
    --------
    >>> image = np.array([[1.0, 3.0], [3.0, 2.0]]).reshape(1, 2, 2, 1)
    >>> max_pool2d_gradient(image, np.array([[[[5.0]]]]))[0, ..., 0]
    array([[0., 5.],
           [0., 0.]])
    """
    images, geometry = _prepare(images, PoolingSettings(pool_size, strides, padding))
    padded = pad_images(images, geometry.borders, fill=-np.inf)
    largest = _largest(padded, geometry)
    grad_output = as_gradient("grad_output", grad_output, largest.shape)
    gradient = np.zeros(padded.shape, np.result_type(images, grad_output))
    window, strides = geometry.window, geometry.strides
    apart = strides[0] >= window[0] and strides[1] >= window[1]
    unclaimed = np.ones(largest.shape, bool)
    for cell in np.ndindex(window):
        wins = cell_view(padded, cell, geometry.positions, strides) == largest
        wins &= unclaimed
        unclaimed ^= wins
        pixels = cell_view(gradient, cell, geometry.positions, strides)
        if apart:  # no pixel is in two windows
            np.multiply(grad_output, wins, out=pixels)
        else:
            pixels += wins * grad_output
    return unpad_gradient(gradient, geometry.borders)


def average_pool2d(
    images: Array,
    *,
    pool_size: IntOrPair = 2,
    strides: IntOrPair | None = None,
    padding: Padding = "valid",
    count_include_pad: bool = False,
) -> Array:
    """Replace each window by its mean, channel by channel.

    Parameters
    ----------
    images : ndarray of float, shape (n, height, width, channels)
    pool_size, strides, padding
        As in `max_pool2d`; the border counts as zero.
    count_include_pad : bool
        False divides by the cells inside the image, as Keras does; True by the size
        of the whole window, as PyTorch does by default.

    Returns
    -------
    ndarray, shape (n, out_height, out_width, channels)

    Raises
    ------
    ShapeError, ValueError
        As in `max_pool2d`.

    Notes
    -----
    n * out_height * out_width * channels * window additions, in window passes over whole maps.

    Examples
    --------
    >>> average_pool2d(np.arange(16.0).reshape(1, 4, 4, 1))[0, ..., 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    settings = PoolingSettings(pool_size, strides, padding, count_include_pad)
    images, geometry = _prepare(images, settings)
    padded = pad_images(images, geometry.borders)
    windows = window_view(padded, geometry.window, geometry.strides)
    total = np.zeros(windows.shape[:3] + windows.shape[5:], windows.dtype)
    for row, column in np.ndindex(geometry.window):
        total += windows[:, :, :, row, column]
    return total / _divisors(settings, geometry).astype(total.dtype)


def average_pool2d_gradient(
    images: Array,
    grad_output: Array,
    *,
    pool_size: IntOrPair = 2,
    strides: IntOrPair | None = None,
    padding: Padding = "valid",
    count_include_pad: bool = False,
) -> Array:
    """Divide each window's gradient equally among the pixels that it averages.

    Parameters
    ----------
    images, pool_size, strides, padding, count_include_pad
        As given to `average_pool2d`. Only the shape of the images matters: the gradient
        of a mean does not depend on the values.
    grad_output : ndarray of float, shape (n, out_height, out_width, channels)
        Gradient of the loss with respect to the output of `average_pool2d`.

    Returns
    -------
    ndarray, shape (n, height, width, channels)
        Pixels in several windows get the sum of their shares.

    Raises
    ------
    ShapeError, ValueError
        As `average_pool2d`, and if `grad_output` does not have the shape of its output.

    Notes
    -----
    One pass over whole maps for each cell of the window.

    Examples
    --------
    >>> average_pool2d_gradient(np.zeros((1, 2, 2, 1)), np.array([[[[8.0]]]]))[0, ..., 0]
    array([[2., 2.],
           [2., 2.]])
    """
    settings = PoolingSettings(pool_size, strides, padding, count_include_pad)
    images, geometry = _prepare(images, settings)
    n, _, _, channels = images.shape
    grad_output = as_gradient("grad_output", grad_output, (n, *geometry.positions, channels))
    share = grad_output / _divisors(settings, geometry).astype(grad_output.dtype)
    padded_shape = (n, *geometry.padded_size, channels)
    gradient = np.zeros(padded_shape, np.result_type(images, grad_output))
    for cell in np.ndindex(geometry.window):
        pixels = cell_view(gradient, cell, geometry.positions, geometry.strides)
        pixels += share
    return unpad_gradient(gradient, geometry.borders)


def global_average_pool2d(images: Array) -> Array:
    """Replace each map by its mean.

    Parameters
    ----------
    images : ndarray of float, shape (n, height, width, channels)

    Returns
    -------
    ndarray, shape (n, channels)

    Raises
    ------
    ShapeError
        If the images do not have four axes.

    References
    ----------
    .. [1] Lin, Chen and Yan (2013), arXiv:1312.4400, section 3.2.

    Examples
    --------
    >>> global_average_pool2d(np.arange(4.0).reshape(1, 2, 2, 1))
    array([[1.5]])
    """
    images = as_images(images)
    return np.asarray(images.mean(axis=(1, 2)))


def global_average_pool2d_gradient(images: Array, grad_output: Array) -> Array:
    """Divide each map's gradient equally among its pixels.

    Parameters
    ----------
    images : ndarray of float, shape (n, height, width, channels)
        As given to `global_average_pool2d`; only the shape matters.
    grad_output : ndarray of float, shape (n, channels)
        Gradient of the loss with respect to the output of `global_average_pool2d`.

    Returns
    -------
    ndarray, shape (n, height, width, channels)

    Raises
    ------
    ShapeError
        As `global_average_pool2d`, and if `grad_output` does not have the shape of its output.

    Examples
    --------
    >>> global_average_pool2d_gradient(np.zeros((1, 1, 2, 1)), np.array([[3.0]])).ravel()
    array([1.5, 1.5])
    """
    images = as_images(images)
    n, height, width, channels = images.shape
    grad_output = as_gradient("grad_output", grad_output, (n, channels))
    shares = grad_output / grad_output.dtype.type(height * width)
    return np.repeat(shares[:, None], height * width, axis=1).reshape(images.shape)


def cells_inside(geometry: Geometry) -> Array:
    """Return how many cells of each window lie inside the image.

    Returns
    -------
    ndarray of float, shape (out_height, out_width)
    """
    inside = pad_images(np.ones((1, *geometry.size, 1)), geometry.borders)
    windows = window_view(inside, geometry.window, geometry.strides)
    return np.asarray(windows.sum(axis=(3, 4))[0, ..., 0])


def _divisors(settings: PoolingSettings, geometry: Geometry) -> Array:
    """Return what the sum of each window is divided by, shape (out_height, out_width, 1)."""
    if settings.count_include_pad:
        return np.full((*geometry.positions, 1), geometry.window[0] * geometry.window[1], float)
    return cells_inside(geometry)[..., np.newaxis]


def _prepare(images: Array, settings: PoolingSettings) -> tuple[Array, Geometry]:
    images = as_images(images)
    return images, settings.geometry(images.shape[1:3])
