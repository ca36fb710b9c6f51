"""Transposed convolution: the backward pass of a convolution, used as a layer."""

from cnn_lab.ops.correlation import correlate_input_gradient
from cnn_lab.ops.padding import unpad_gradient
from cnn_lab.ops.settings import ConvolutionSettings, Geometry
from cnn_lab.ops.sizes import conv_transpose_output_length
from cnn_lab.ops.types import (
    Array,
    IntOrPair,
    Padding,
    Pair,
    ShapeError,
    as_bias,
    as_float,
    as_images,
)


def conv2d_transpose(
    images: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    strides: IntOrPair = 1,
    padding: Padding = "valid",
) -> Array:
    """Add a copy of the kernel, scaled by the pixel, to the output for each pixel.

    This is the path of the gradient from the output of a convolution to its images, so it
    enlarges by the stride. It reverses the shape of a convolution, not its values.

    Parameters
    ----------
    images : ndarray of float, shape (n, height, width, channels_in)
        Channels last, any finite range.
    kernel : ndarray of float, shape (kernel_height, kernel_width, channels_in, filters)
        Same axes as in `conv2d`. Keras stores the kernel of this layer as (rows, columns,
        filters, channels_in): swap its last two axes.
    bias : ndarray of float, shape (filters,), optional
        Added to every pixel of its filter's map.
    strides : int or (int, int)
        Distance in the output between the copies of neighbouring pixels. At least 1.
    padding : {"valid", "same"}, int or ((top, bottom), (left, right))
        Padding of the convolution that this reverses: it is cut off the output.

    Returns
    -------
    ndarray, shape (n, out_height, out_width, filters)
        Sizes as in `conv_transpose_output_length`.

    Raises
    ------
    ShapeError
        If channels or bias do not match or the padding leaves nothing; names the shapes.
    ValueError
        If a stride or padding is out of range.

    Notes
    -----
    n * height * width * kernel.size multiply-adds, as one matrix product for each
    cell of the kernel, in parts of 3 MB.

    References
    ----------
    .. [1] Dumoulin and Visin (2016), arXiv:1603.07285, section 4.

    Examples
    --------
    Copies of the kernel two columns apart overlap in the middle column:

    >>> import numpy as np
    >>> pixels = np.array([1.0, 10.0]).reshape(1, 1, 2, 1)
    >>> conv2d_transpose(pixels, np.ones((1, 3, 1, 1)), strides=(1, 2))[0, ..., 0]
    array([[ 1.,  1., 11., 10., 10.]])
    """
    images = as_images(images)
    kernel = as_float("kernel", kernel, ndim=4, axes="(rows, columns, channels, filters)")
    if images.shape[3] != kernel.shape[2]:
        raise ShapeError(
            "The kernel must have as many channels as the image. "
            f"Received: images.shape={images.shape}, kernel.shape={kernel.shape}"
        )
    bias = as_bias(bias, kernel.shape[3], "filter")
    geometry = transposed_geometry(images.shape[1:3], kernel.shape[:2], strides, padding)
    stamped = correlate_input_gradient(
        images,
        kernel.swapaxes(2, 3),
        geometry.padded_size,
        geometry.strides,
        geometry.dilation_rate,
        groups=1,
    )
    maps = unpad_gradient(stamped, geometry.borders)
    return maps if bias is None else maps + bias


def transposed_geometry(
    size: Pair, kernel_size: Pair, strides: IntOrPair, padding: Padding
) -> Geometry:
    """Return the geometry of the convolution that a transposed convolution reverses.

    Its image is the output, its positions are the pixels, and its padding is cut off.

    Parameters
    ----------
    size, kernel_size : (int, int)
        Images and kernel, rows before columns.
    strides, padding
        As in `conv2d_transpose`.

    Raises
    ------
    ShapeError
        If the padding leaves nothing.
    ValueError
        If a stride or padding is out of range.
    """
    settings = ConvolutionSettings(strides, padding)
    axes = zip(size, kernel_size, settings.strides, strict=True)
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise ValueError(
                '`padding` must be "valid", "same", a whole number, or '
                f"((top, bottom), (left, right)). Received: padding={padding!r}"
            )
        rows, columns = (conv_transpose_output_length(*axis, padding) for axis in axes)
    else:
        borders = settings.borders(size, kernel_size)
        rows, columns = (
            conv_transpose_output_length(*axis, border)
            for axis, border in zip(axes, borders, strict=True)
        )
    return settings.geometry((rows, columns), kernel_size)
