"""Convolution: a kernel slides over an image, and each output value is a sum of products."""

from typing import NamedTuple

import numpy as np

from cnn_lab.ops.correlation import (
    bias_gradient,
    correlate,
    correlate_input_gradient,
    correlate_kernel_gradient,
)
from cnn_lab.ops.padding import pad_images, unpad_gradient
from cnn_lab.ops.settings import ConvolutionSettings, Geometry
from cnn_lab.ops.types import (
    Array,
    IntOrPair,
    Padding,
    PadMode,
    ShapeError,
    as_bias,
    as_float,
    as_gradient,
    as_images,
)


class Conv2DGradients(NamedTuple):
    """Gradients of a convolution with respect to its arguments.

    Attributes
    ----------
    images : ndarray, shape (n, height, width, channels_in)
    kernel : ndarray, shape (kernel_height, kernel_width, channels_in / groups, filters)
    bias : ndarray, shape (filters,)
    """

    images: Array
    kernel: Array
    bias: Array


def conv2d(
    images: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    strides: IntOrPair = 1,
    padding: Padding = "valid",
    dilation_rate: IntOrPair = 1,
    groups: int = 1,
    flip_kernel: bool = False,
    pad_mode: PadMode = "zeros",
) -> Array:
    """Cross-correlate images with a bank of kernels.

    This is what deep-learning libraries call convolution: the kernel is not flipped unless
    `flip_kernel` asks for mathematical convolution.

    Parameters
    ----------
    images : ndarray of float, shape (n, height, width, channels_in)
        Channels last, any finite range.
    kernel : ndarray of float, shape (kernel_height, kernel_width, channels_in / groups, filters)
    bias : ndarray of float, shape (filters,), optional
        Added to every pixel of its filter's map.
    strides : int or (int, int)
        Step of the window in pixels, (down, right). At least 1.
    padding : {"valid", "same", "full"}, int or ((top, bottom), (left, right))
        Border added before the window slides, see `resolve_padding`.
    dilation_rate : int or (int, int)
        Distance in pixels between neighbouring kernel cells. At least 1.
    groups : int
        Channels and filters are split into this many independent groups.
    flip_kernel : bool
        Rotate each kernel by 180 degrees first.
    pad_mode : {"zeros", "reflect", "edge", "wrap"}
        What the border is filled with.

    Returns
    -------
    ndarray, shape (n, out_height, out_width, filters)

    Raises
    ------
    ShapeError
        If channels, groups or bias do not match or the window does not fit; names the shapes.
    ValueError
        If a stride, dilation, group count, padding or mode is out of range.

    Notes
    -----
    n * out_height * out_width * kernel.size multiply-adds, as one matrix product (one per
    group) on a copy of the windows. A copy of more than 3 MB is processed in parts, so that
    each part stays in the processor's cache.

    References
    ----------
    .. [1] Dumoulin and Visin (2016), arXiv:1603.07285, relationship 6.
    .. [2] Chellapilla, Puri and Simard (2006), "High performance convolutional neural
       networks for document processing": convolution as a matrix product.

    Examples
    --------
    >>> import numpy as np
    >>> conv2d(np.ones((1, 3, 3, 1)), np.ones((2, 2, 1, 1)))[0, ..., 0]
    array([[4., 4.],
           [4., 4.]])
    """
    settings = ConvolutionSettings(strides, padding, dilation_rate, groups, flip_kernel, pad_mode)
    images, kernel, geometry = checked_convolution(images, kernel, settings)
    bias = as_bias(bias, kernel.shape[3], "filter")
    maps = correlate(
        pad_images(images, geometry.borders, pad_mode),
        kernel[::-1, ::-1] if flip_kernel else kernel,
        geometry.strides,
        geometry.dilation_rate,
        groups,
    )
    if bias is None:
        return maps
    in_place = np.result_type(maps, bias) == maps.dtype
    return np.asarray(np.add(maps, bias, out=maps if in_place else None))


def conv2d_gradients(
    images: Array,
    kernel: Array,
    grad_output: Array,
    *,
    strides: IntOrPair = 1,
    padding: Padding = "valid",
    dilation_rate: IntOrPair = 1,
    groups: int = 1,
    flip_kernel: bool = False,
    pad_mode: PadMode = "zeros",
) -> Conv2DGradients:
    """Return how a loss changes with the images, the kernel and the bias of `conv2d`.

    Each output value is a sum of products. Its gradient times one factor of a product is
    the contribution to the other factor's gradient. Contributions add up over all positions
    for a kernel cell, and over all windows that read it for a pixel. Pixels beyond the last
    window get zero.

    Parameters
    ----------
    images, kernel, strides, padding, dilation_rate, groups, flip_kernel, pad_mode
        As given to `conv2d`.
    grad_output : ndarray of float, shape (n, out_height, out_width, filters)
        Gradient of the loss with respect to the output of `conv2d`.

    Returns
    -------
    Conv2DGradients
        ``images``, ``kernel`` and ``bias``, each with the shape of its argument. The
        gradient of a border that copies pixels is added to those pixels.

    Raises
    ------
    ShapeError
        As `conv2d`, and if `grad_output` does not have the shape of its output.
    ValueError
        As `conv2d`.

    Notes
    -----
    Twice the multiply-adds of `conv2d`, half of them for the kernel and half for the images, in
    parts as in `conv2d`. With stride 1 and no dilation, the gradient of the images is the full
    correlation of `grad_output` with the kernel rotated by 180 degrees; with stride s, s - 1
    zeros are first inserted between the values of `grad_output`. It is computed so if the
    convolution keeps the size of the images. Otherwise each output's gradient is sent back to
    its window, which needs no zeros.

    References
    ----------
    .. [1] LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to
       document recognition".
    .. [2] Dumoulin and Visin (2016), arXiv:1603.07285, section 4.

    Examples
    --------
    The corner pixels are read once, the middle one four times:

    >>> import numpy as np
    >>> ones = np.ones((1, 2, 2, 1))
    >>> gradients = conv2d_gradients(np.ones((1, 3, 3, 1)), np.ones((2, 2, 1, 1)), ones)
    >>> gradients.images[0, ..., 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    >>> gradients.kernel[..., 0, 0], gradients.bias
    (array([[4., 4.],
           [4., 4.]]), array([4.]))
    """
    settings = ConvolutionSettings(strides, padding, dilation_rate, groups, flip_kernel, pad_mode)
    images, kernel, geometry = checked_convolution(images, kernel, settings)
    grad_kernel, grad_bias = _weight_gradients(images, kernel, grad_output, settings, geometry)
    delta = np.asarray(grad_output, grad_bias.dtype)
    used = kernel[::-1, ::-1] if flip_kernel else kernel
    # As a convolution of `delta`, no number is written twice; but its windows are copied, which
    # takes longer than what it saves if there are many more filters than channels.
    if _keeps_size(geometry, pad_mode) and kernel.shape[3] <= 2 * images.shape[3]:
        (top, bottom), (left, right) = geometry.borders
        grad_images = correlate(
            pad_images(delta, ((bottom, top), (right, left))),
            _turned(used, groups),
            (1, 1),
            geometry.dilation_rate,
            groups,
        )
    else:
        grad_padded = correlate_input_gradient(
            delta, used, geometry.padded_size, geometry.strides, geometry.dilation_rate, groups
        )
        grad_images = unpad_gradient(grad_padded, geometry.borders, pad_mode)
    return Conv2DGradients(grad_images, grad_kernel, grad_bias)


def _keeps_size(geometry: Geometry, pad_mode: PadMode) -> bool:
    """Return whether there is one window for each pixel, and zeros around the image."""
    return (
        pad_mode == "zeros" and geometry.strides == (1, 1) and geometry.positions == geometry.size
    )


def _turned(kernel: Array, groups: int) -> Array:
    """Return a kernel turned by 180 degrees, with channels and filters exchanged in each group."""
    height, width, depth, filters = kernel.shape
    banks = kernel[::-1, ::-1].reshape(height, width, depth, groups, filters // groups)
    return banks.transpose(0, 1, 4, 3, 2).reshape(height, width, filters // groups, groups * depth)


def conv2d_weight_gradients(
    images: Array,
    kernel: Array,
    grad_output: Array,
    *,
    strides: IntOrPair = 1,
    padding: Padding = "valid",
    dilation_rate: IntOrPair = 1,
    groups: int = 1,
    flip_kernel: bool = False,
    pad_mode: PadMode = "zeros",
) -> tuple[Array, Array]:
    """Return the gradients of kernel and bias alone, at half the cost of `conv2d_gradients`.

    This is all that a first layer needs: no layer before it uses the gradient of its images.
    """
    settings = ConvolutionSettings(strides, padding, dilation_rate, groups, flip_kernel, pad_mode)
    images, kernel, geometry = checked_convolution(images, kernel, settings)
    return _weight_gradients(images, kernel, grad_output, settings, geometry)


def checked_convolution(
    images: Array, kernel: Array, settings: ConvolutionSettings
) -> tuple[Array, Array, Geometry]:
    """Return the arrays of a convolution as floating arrays, and the geometry of its windows.

    Raises
    ------
    ShapeError
        If channels or groups do not match or the window does not fit; names the shapes.
    """
    images = as_images(images)
    kernel = as_float("kernel", kernel, ndim=4, axes="(rows, columns, channels / groups, filters)")
    depth, filters = kernel.shape[2:]
    if images.shape[3] != depth * settings.groups or filters % settings.groups:
        raise ShapeError(
            "The kernel must have as many channels as the image (divided by groups), and filters "
            f"must be divisible by groups. Received: images.shape={images.shape}, "
            f"kernel.shape={kernel.shape}, groups={settings.groups}"
        )
    return images, kernel, settings.geometry(images.shape[1:3], kernel.shape[:2])


def _weight_gradients(
    images: Array,
    kernel: Array,
    grad_output: Array,
    settings: ConvolutionSettings,
    geometry: Geometry,
) -> tuple[Array, Array]:
    shape = (len(images), *geometry.positions, kernel.shape[3])
    grad_output = as_gradient("grad_output", grad_output, shape)
    grad_kernel = correlate_kernel_gradient(
        pad_images(images, geometry.borders, settings.pad_mode),
        grad_output,
        geometry.window,
        geometry.strides,
        geometry.dilation_rate,
        settings.groups,
    )
    return (
        grad_kernel[::-1, ::-1] if settings.flip_kernel else grad_kernel,
        bias_gradient(grad_output),
    )
