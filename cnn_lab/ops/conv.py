"""Convolution: a kernel slides over an image, and each result is a sum of products."""

from cnn_lab.arithmetic import ShapeError, check_at_least
from cnn_lab.ops.padding import (
    Array,
    IntOrPair,
    Padding,
    PadMode,
    as_float,
    pad_images,
    pair,
    resolve_padding,
)
from cnn_lab.ops.windows import output_size, window_view


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

    What deep-learning libraries call convolution: the kernel is not flipped unless
    `flip_kernel` asks for the mathematician's convolution.

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
        Distance between the pixels that neighbouring kernel cells read. At least 1.
    groups : int
        Channels and filters are cut into this many groups that do not see each other.
    flip_kernel : bool
        Turn each kernel by 180 degrees first.
    pad_mode : {"zeros", "reflect", "edge", "wrap"}
        What the border holds.

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
    group), on a copy of the windows that is kernel_height * kernel_width times the image.

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
    images = as_float("images", images, ndim=4, axes="(n, height, width, channels)")
    kernel = as_float("kernel", kernel, ndim=4, axes="(rows, columns, channels / groups, filters)")
    stride_pair = pair("strides", strides)
    dilation_pair = pair("dilation_rate", dilation_rate)
    check_at_least(1, groups=groups)
    kernel_height, kernel_width, depth, filters = kernel.shape
    channels = images.shape[3]
    if channels != depth * groups or filters % groups:
        raise ShapeError(
            "The kernel must have as many channels as the image (divided by groups), and filters "
            f"must be divisible by groups. Received: images.shape={images.shape}, "
            f"kernel.shape={kernel.shape}, groups={groups}"
        )
    if bias is not None:
        bias = as_float("bias", bias, ndim=1, axes="(filters,)")
        if bias.shape != (filters,):
            raise ShapeError(
                f"`bias` must hold one number per filter, {filters}. "
                f"Received: bias.shape={bias.shape}"
            )
    if flip_kernel:
        kernel = kernel[::-1, ::-1]

    kernel_size, size = (kernel_height, kernel_width), (images.shape[1], images.shape[2])
    borders = resolve_padding(padding, size, kernel_size, stride_pair, dilation_pair)
    out_height, out_width = output_size(size, kernel_size, stride_pair, borders, dilation_pair)
    padded = pad_images(images, borders, pad_mode)
    windows = window_view(padded, kernel_size, stride_pair, dilation_pair)

    n_positions = images.shape[0] * out_height * out_width
    if groups == 1:
        result: Array = windows.reshape(n_positions, -1) @ kernel.reshape(-1, filters)
    else:
        cells = windows.reshape(n_positions, kernel_height * kernel_width, groups, depth)
        columns = cells.transpose(2, 0, 1, 3).reshape(groups, n_positions, -1)
        banks = kernel.reshape(-1, groups, filters // groups).transpose(1, 0, 2)
        result = (columns @ banks).transpose(1, 0, 2)
    maps: Array = result.reshape(images.shape[0], out_height, out_width, filters)
    return maps if bias is None else maps + bias
