"""Trace of a transposed convolution: each pixel adds its multiple of the kernel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.transposed import conv2d_transpose, transposed_geometry
from cnn_lab.ops.types import IntOrPair, Padding
from cnn_lab.trace.grid import Scale
from cnn_lab.trace.model import Trace
from cnn_lab.trace.numbers import MAX_SHOWN_DECIMALS, settle
from cnn_lab.trace.scatter import Form, as_map, check_form
from cnn_lab.trace.spread import spread_trace
from cnn_lab.trace.windows import check_links


def transposed_convolution_trace(
    image: NDArray[Any],
    kernel: NDArray[Any],
    *,
    strides: IntOrPair = 1,
    padding: Padding = "valid",
    form: Form = "scatter",
    name: str | None = None,
) -> Trace:
    """Trace a transposed convolution of one channel and one filter.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        Finite numbers.
    kernel : ndarray, shape (kernel_height, kernel_width)
    strides, padding
        As in `cnn_lab.ops.conv2d_transpose`.
    form : {"gather", "scatter"}
        Scattered, each pixel adds its multiple of the kernel to the result, which is how the
        operation is usually described. Gathered, the pixels are spread with zeros between
        them and correlated with the rotated kernel.
    name : str, optional
        Name of the operation when several are compared.

    Returns
    -------
    Trace
        Grids "input", "kernel" and "output". Scattered, "output" has the border that the
        padding cuts off.

    Raises
    ------
    ShapeError
        If there are several channels.
    ValueError
        If an argument is out of range or a value is not finite.
    TraceTooLarge
        If the browser could not play it well.

    Examples
    --------
    >>> trace = transposed_convolution_trace(np.eye(2), np.ones((2, 2)), strides=2)
    >>> trace.grid("output").values
    array([[1., 1., 0., 0.],
           [1., 1., 0., 0.],
           [0., 0., 1., 1.],
           [0., 0., 1., 1.]])
    """
    check_form(form)
    pixels, pixel_precision = settle(as_map("image", image))
    weights, weight_precision = settle(as_map("kernel", kernel))
    size, window = (pixels.shape[0], pixels.shape[1]), (weights.shape[0], weights.shape[1])
    stride_pair, borders, out_size = transposed_geometry(size, window, strides, padding)
    check_links(pixels.size * weights.size, out_size[0] * out_size[1] * weights.size)
    result = conv2d_transpose(
        pixels[np.newaxis, ..., np.newaxis],
        weights[..., np.newaxis, np.newaxis],
        strides=strides,
        padding=padding,
    )[0, ..., 0]
    decimals = pixel_precision.decimals + weight_precision.decimals
    exact = decimals <= MAX_SHOWN_DECIMALS and pixel_precision.exact and weight_precision.exact
    result, precision = settle(result, decimals, exact=exact)
    return spread_trace(
        pixels,
        weights,
        result,
        precisions=(pixel_precision, weight_precision, precision),
        scale=Scale.for_image(pixels),
        borders=borders,
        strides=stride_pair,
        dilation_rate=(1, 1),
        form=form,
        name=name or f"Transposed convolution, {form}ed",
        source=("input", "Input"),
        target=("output", "Output"),
        outside="Cut off",
    )
