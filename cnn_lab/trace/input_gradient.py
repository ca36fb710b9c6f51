"""Trace of the gradient of an input: what each pixel receives through the kernel."""

from typing import Any

from numpy.typing import NDArray

from cnn_lab.ops.types import IntOrPair, Padding
from cnn_lab.trace.backward import BackwardLayer
from cnn_lab.trace.grid import Scale
from cnn_lab.trace.model import Trace
from cnn_lab.trace.scatter import Form, check_form
from cnn_lab.trace.spread import spread_trace


def input_gradient_trace(
    image: NDArray[Any],
    kernel: NDArray[Any],
    grad_output: NDArray[Any],
    *,
    strides: IntOrPair = 1,
    padding: Padding = "valid",
    dilation_rate: IntOrPair = 1,
    form: Form = "gather",
    name: str | None = None,
) -> Trace:
    """Trace the gradient of a convolution with respect to one channel of its input.

    Gathered, it is the recursion of the source paper: a correlation of the output gradient with
    the kernel rotated by 180 degrees. With a stride above 1, zeros are first inserted between
    the rows and columns of the gradient.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        Only its shape matters.
    kernel : ndarray, shape (kernel_height, kernel_width)
        Finite numbers.
    grad_output : ndarray, shape (out_height, out_width)
    strides, padding, dilation_rate, form, name
        As in `kernel_gradient_trace`; scattered, each output gradient adds its multiple of the
        kernel to its window.

    Returns
    -------
    Trace
        Grids "grad-output", "kernel" and "grad-input". Scattered, "grad-input" has the border
        of the forward pass, whose gradient is dropped.

    Raises
    ------
    ShapeError, ValueError, TraceTooLarge
        As `kernel_gradient_trace`.

    References
    ----------
    .. [1] Dumoulin and Visin (2016), arXiv:1603.07285, relationship 14.

    Examples
    --------
    >>> import numpy as np
    >>> trace = input_gradient_trace(np.eye(3), np.array([[1, 2], [3, 4]]), np.eye(2))
    >>> trace.grid("grad-input").values
    array([[1., 2., 0.],
           [3., 5., 2.],
           [0., 3., 4.]])
    """
    check_form(form)
    layer = BackwardLayer(image, kernel, grad_output, strides, padding, dilation_rate)
    result, precision = layer.settled("images", layer.weight_precision)
    return spread_trace(
        layer.delta,
        layer.weights,
        result,
        precisions=(layer.delta_precision, layer.weight_precision, precision),
        scale=Scale.signed(layer.delta),
        borders=layer.borders,
        strides=layer.strides,
        dilation_rate=layer.dilation,
        form=form,
        name=name or f"Input gradient, {form}ed",
        source=("grad-output", "Output gradient"),
        target=("grad-input", "Input gradient"),
        outside="On the padding",
    )
