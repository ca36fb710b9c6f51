"""Depthwise convolution: each channel has its own kernels, and channels are not mixed."""

import numpy as np

from cnn_lab.ops.conv import Conv2DGradients
from cnn_lab.ops.correlation import bias_gradient
from cnn_lab.ops.padding import pad_images, unpad_gradient
from cnn_lab.ops.settings import ConvolutionSettings, Geometry
from cnn_lab.ops.types import (
    Array,
    IntOrPair,
    Padding,
    ShapeError,
    as_bias,
    as_float,
    as_gradient,
    as_images,
)
from cnn_lab.ops.windows import cell_view


def depthwise_conv2d(
    images: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    strides: IntOrPair = 1,
    padding: Padding = "valid",
) -> Array:
    """Cross-correlate each channel with its own kernels.

    The same as `conv2d` with one group per channel, without a matrix product for each group.

    Parameters
    ----------
    images : ndarray of float, shape (n, height, width, channels)
        Channels last, any finite range.
    kernel : ndarray of float, shape (kernel_height, kernel_width, channels, depth_multiplier)
    bias : ndarray of float, shape (channels * depth_multiplier,), optional
        Added to every pixel of its map.
    strides : int or (int, int)
        Step of the window in pixels, (down, right). At least 1.
    padding : {"valid", "same", "full"}, int or ((top, bottom), (left, right))
        Border of zeros added before the window slides, see `resolve_padding`.

    Returns
    -------
    ndarray, shape (n, out_height, out_width, channels * depth_multiplier)
        The maps of the first channel come first.

    Raises
    ------
    ShapeError
        If channels or bias do not match or the window does not fit; names the shapes.
    ValueError
        If a stride or padding is out of range.

    Notes
    -----
    n * out_height * out_width * kernel.size multiply-adds, one pass over whole maps for each
    cell of the kernel.

    References
    ----------
    .. [1] Howard et al. (2017), arXiv:1704.04861, section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.ones((1, 2, 2, 2)) * [1.0, 10.0]
    >>> depthwise_conv2d(images, np.ones((2, 2, 2, 1)))[0, 0, 0]
    array([ 4., 40.])
    """
    images, kernel, geometry = _prepare(images, kernel, strides, padding)
    filters = kernel.shape[2] * kernel.shape[3]
    bias = as_bias(bias, filters, "map")
    padded = pad_images(images, geometry.borders)
    maps: Array | None = None
    for cell in np.ndindex(kernel.shape[0], kernel.shape[1]):
        pixels = cell_view(padded, cell, geometry.positions, geometry.strides)
        products = pixels[..., np.newaxis] * kernel[cell]
        maps = products if maps is None else np.add(maps, products, out=maps)
    result = np.asarray(maps).reshape(len(images), *geometry.positions, filters)
    return result if bias is None else result + bias


def depthwise_conv2d_gradients(
    images: Array,
    kernel: Array,
    grad_output: Array,
    *,
    strides: IntOrPair = 1,
    padding: Padding = "valid",
) -> Conv2DGradients:
    """Return how a loss changes with the images, the kernel and the bias of `depthwise_conv2d`.

    Parameters
    ----------
    images, kernel, strides, padding
        As given to `depthwise_conv2d`.
    grad_output : ndarray of float, shape (n, out_height, out_width, channels * depth_multiplier)
        Gradient of the loss with respect to the output of `depthwise_conv2d`.

    Returns
    -------
    Conv2DGradients
        ``images``, ``kernel`` and ``bias``, each with the shape of its argument.

    Raises
    ------
    ShapeError
        As `depthwise_conv2d`, and if `grad_output` does not have the shape of its output.
    ValueError
        As `depthwise_conv2d`.

    Notes
    -----
    Twice the multiply-adds of `depthwise_conv2d`.

    Examples
    --------
    >>> import numpy as np
    >>> gradients = depthwise_conv2d_gradients(
    ...     np.ones((1, 1, 2, 1)), np.full((1, 1, 1, 1), 3.0), np.ones((1, 1, 2, 1))
    ... )
    >>> gradients.images.ravel(), gradients.kernel.ravel(), gradients.bias
    (array([3., 3.]), array([2.]), array([2.]))
    """
    images, kernel, geometry = _prepare(images, kernel, strides, padding)
    channels, multiplier = kernel.shape[2:]
    out_shape = (len(images), *geometry.positions)
    grad_output = as_gradient("grad_output", grad_output, (*out_shape, channels * multiplier))
    felt = grad_output.reshape(*out_shape, channels, multiplier)
    padded = pad_images(images, geometry.borders)
    grad_padded = np.zeros(padded.shape, np.result_type(images, kernel, grad_output))
    grad_kernel = np.zeros(kernel.shape, grad_padded.dtype)
    for cell in np.ndindex(kernel.shape[0], kernel.shape[1]):
        pixels = cell_view(padded, cell, geometry.positions, geometry.strides)
        grad_kernel[cell] = np.einsum("nhwc,nhwcm->cm", pixels, felt)
        shares = cell_view(grad_padded, cell, geometry.positions, geometry.strides)
        shares += np.einsum("nhwcm,cm->nhwc", felt, kernel[cell])
    return Conv2DGradients(
        unpad_gradient(grad_padded, geometry.borders),
        grad_kernel,
        bias_gradient(grad_output),
    )


def _prepare(
    images: Array, kernel: Array, strides: IntOrPair, padding: Padding
) -> tuple[Array, Array, Geometry]:
    images = as_images(images)
    axes = "(rows, columns, channels, depth_multiplier)"
    kernel = as_float("kernel", kernel, ndim=4, axes=axes)
    if images.shape[3] != kernel.shape[2]:
        raise ShapeError(
            "The kernel must have as many channels as the image. "
            f"Received: images.shape={images.shape}, kernel.shape={kernel.shape}"
        )
    settings = ConvolutionSettings(strides, padding)
    return images, kernel, settings.geometry(images.shape[1:3], kernel.shape[:2])
