"""Trace of the gradient of a kernel, gathered and scattered.

Both forms give the same numbers. Gather takes a step for each weight and sums the products that
the weight took part in. Scatter takes a step for each output and adds its share to every weight.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.types import IntOrPair, Padding
from cnn_lab.trace.backward import BackwardLayer
from cnn_lab.trace.grid import Scale
from cnn_lab.trace.layer import Placer
from cnn_lab.trace.model import Trace
from cnn_lab.trace.scatter import Form, check_form, scatter_totals
from cnn_lab.trace.windows import PADDING_CAPTION, span_words


def kernel_gradient_trace(
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
    """Trace the gradient of a convolution with respect to one slice of its kernel.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        One channel; finite numbers.
    kernel : ndarray, shape (kernel_height, kernel_width)
        Only its shape matters.
    grad_output : ndarray, shape (out_height, out_width)
        Gradient of the loss with respect to the output of one filter.
    strides, padding, dilation_rate
        Of the forward pass, as in `cnn_lab.ops.conv2d`.
    form : {"gather", "scatter"}
        A step for each weight, which sums the products it took part in, or a step for each
        output, which adds its share to every weight.
    name : str, optional
        Name of the operation when several are compared.

    Returns
    -------
    Trace
        Grids "input", "grad-output" and "grad-kernel".

    Raises
    ------
    ShapeError
        If a shape does not match or there are several channels: each slice of a kernel has its
        own trace.
    ValueError
        If an argument is out of range or a value is not finite.
    TraceTooLarge
        If the browser could not play it well.

    References
    ----------
    .. [1] Parth Doshi, "Convolutional Neural Networks", equations (4) to (6).

    Examples
    --------
    >>> trace = kernel_gradient_trace(np.eye(3), np.ones((2, 2)), np.array([[1, 2], [3, 4]]))
    >>> trace.grid("grad-kernel").values
    array([[5., 3.],
           [2., 5.]])
    """
    check_form(form)
    layer = BackwardLayer(image, kernel, grad_output, strides, padding, dilation_rate)
    result, precision = layer.settled("kernel", layer.image_precision)
    grids = layer.input_grids()
    place = Placer(grids)
    delta = layer.place_delta(place)
    links = layer.reads
    deltas = np.repeat(delta, links.shape[1]).reshape(links.shape)
    weights = np.arange(links.shape[1])
    targets = np.tile(weights, len(links))
    totals = extremes = result
    if form == "scatter":
        amounts = layer.padded.ravel()[links] * layer.delta.ravel()[:, np.newaxis]
        totals, extremes = scatter_totals(targets, amounts.ravel(), precision)
    first = place(
        result,
        key="grad-kernel",
        title="Kernel gradient",
        role="output",
        family="Kernel gradient",
        scale=Scale.signed(result, extremes),
        precision=precision,
    )
    if form == "gather":
        return Trace(
            name=name or "Kernel gradient, gathered",
            grids=tuple(grids),
            term="product_sum",
            step_starts=np.arange(links.shape[1] + 1) * len(links),
            reads=links.T.ravel(),
            weights=deltas.T.ravel(),
            writes=first + weights,
            window_columns=layer.positions[1],
            caption_template="{output}, row {row}, column {column}: the output gradient covers "
            f"{span_words(layer.positions, layer.strides)} of the input; "
            f"{_products(len(links))} {{about}}{{result}}.",
            padding_template=PADDING_CAPTION,
        ).checked()
    return Trace(
        name=name or "Kernel gradient, scattered",
        grids=tuple(grids),
        term="scatter_add",
        step_starts=np.arange(len(links) + 1) * links.shape[1],
        reads=links.ravel(),
        weights=deltas.ravel(),
        sources=delta,
        targets=first + targets,
        totals=totals,
        window_columns=layer.window[1],
        caption_template="{output}, row {row}, column {column}, is {result}: it is multiplied by "
        f"{span_words(layer.window, layer.dilation)} of the input, and each product is added to "
        "the gradient of its weight.",
        padding_template=PADDING_CAPTION,
    ).checked()


def _products(count: int) -> str:
    return "{count} products add up to" if count > 1 else "the product is"
