"""The traces of a convolution's gradients, each as a gathering and as a scattering.

Both forms show the same numbers. Gathering asks of each weight, or pixel: what did you take part
in? Scattering asks of each result: whom do you owe your error to?
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.conv import conv2d_gradients
from cnn_lab.ops.padding import IntOrPair, Padding, pad_images, pair, resolve_padding
from cnn_lab.ops.windows import output_size
from cnn_lab.trace.grid import Grid, Scale
from cnn_lab.trace.layer import Placer
from cnn_lab.trace.model import Trace
from cnn_lab.trace.numbers import MOST_SHOWN_DECIMALS, FloatArray, Precision, settle
from cnn_lab.trace.scatter import (
    Form,
    as_map,
    check_form,
    check_gradient,
    place_gradient,
    scatter_totals,
)
from cnn_lab.trace.spread import spread_trace
from cnn_lab.trace.windows import (
    PADDING_CAPTION,
    check_links,
    input_grids,
    span_words,
    window_cells,
)


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
        The loss's gradient with respect to one filter's results.
    strides, padding, dilation_rate
        Of the forward pass, as in `cnn_lab.ops.conv2d`.
    form : {"gather", "scatter"}
        A step for each weight, which sums the products it took part in; or a step for each
        result, which adds its share to every weight.
    name : str, optional
        What to call the operation where several are compared.

    Returns
    -------
    Trace
        Grids "input", "grad-output" and "grad-kernel".

    Raises
    ------
    ShapeError
        If a shape does not match or there are several channels: each slice of a kernel has a
        trace of its own.
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
    layer = _Layer(image, kernel, grad_output, strides, padding, dilation_rate)
    result, precision = layer.settled("kernel", layer.image_precision)
    grids = layer.input_grids()
    place = Placer(grids)
    delta = layer.place_delta(place)
    links = layer.reads
    deltas = np.repeat(delta, links.shape[1]).reshape(links.shape)
    weights = np.arange(links.shape[1])
    totals, extremes = scatter_totals(
        np.tile(weights, len(links)),
        (layer.padded.ravel()[links] * layer.delta.ravel()[:, np.newaxis]).ravel(),
        precision,
    )
    first = place(
        result,
        key="grad-kernel",
        title="Kernel gradient",
        role="output",
        family="Kernel gradient",
        scale=Scale.signed(result, extremes if form == "scatter" else result),
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
            caption_template="{output}, row {row}, column {column}: the output gradient lies over "
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
        targets=first + np.tile(weights, len(links)),
        totals=totals,
        window_columns=layer.window[1],
        caption_template="{output}, row {row}, column {column}, is {result}: it weighs "
        f"{span_words(layer.window, layer.dilation)} of the input, and each product is added to "
        "the weight that made it.",
        padding_template=PADDING_CAPTION,
    ).checked()


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

    Gathered, it is what the source paper's recursion says: a correlation of the output gradient
    with the kernel turned by 180 degrees. With a stride above 1, zeros come between the
    gradient's rows and columns first.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        Only its shape matters.
    kernel : ndarray, shape (kernel_height, kernel_width)
        Finite numbers.
    grad_output : ndarray, shape (out_height, out_width)
    strides, padding, dilation_rate, form, name
        As in `kernel_gradient_trace`; scattered, each result adds its multiple of the kernel to
        the window that it came from.

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
    >>> trace = input_gradient_trace(np.eye(3), np.array([[1, 2], [3, 4]]), np.eye(2))
    >>> trace.grid("grad-input").values
    array([[1., 2., 0.],
           [3., 5., 2.],
           [0., 3., 4.]])
    """
    check_form(form)
    layer = _Layer(image, kernel, grad_output, strides, padding, dilation_rate)
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
        outside="Falls on the padding",
    )


def bias_gradient_trace(
    grad_output: NDArray[Any], *, form: Form = "gather", name: str | None = None
) -> Trace:
    """Trace the gradient of one filter's bias: all of its output gradient, added up.

    Parameters
    ----------
    grad_output : ndarray, shape (out_height, out_width)
        Finite numbers.
    form : {"gather", "scatter"}
        One step that adds everything, or one for each cell.
    name : str, optional

    Returns
    -------
    Trace
        Grids "grad-output" and "grad-bias".

    Raises
    ------
    ShapeError, ValueError, TraceTooLarge
        As `kernel_gradient_trace`.

    Examples
    --------
    >>> bias_gradient_trace(np.array([[1, 2], [3, -4]])).grid("grad-bias").values
    array([[2.]])
    """
    check_form(form)
    delta, delta_precision = settle(as_map("grad_output", grad_output))
    check_links(delta.size, delta.size)
    result, precision = settle(
        np.array([[delta.sum()]]), MOST_SHOWN_DECIMALS, exact=delta_precision.exact
    )
    grids: list[Grid] = []
    place = Placer(grids)
    sources = place_gradient(place, delta, delta_precision, role="input") + np.arange(delta.size)
    totals, extremes = scatter_totals(np.zeros(delta.size, np.int64), delta.ravel(), precision)
    target = place(
        result,
        key="grad-bias",
        title="Bias gradient",
        note="",
        role="output",
        family="Bias gradient",
        scale=Scale.signed(result, extremes if form == "scatter" else result),
        precision=precision,
    )
    if form == "gather":
        return Trace(
            name=name or "Bias gradient, gathered",
            grids=tuple(grids),
            term="sum",
            step_starts=np.array([0, delta.size]),
            reads=sources,
            writes=np.array([target]),
            window_columns=delta.shape[1],
            caption_template="{output}: all {count} cells of the output gradient add up to "
            "{about}{result}.",
        ).checked()
    return Trace(
        name=name or "Bias gradient, scattered",
        grids=tuple(grids),
        term="scatter_add",
        step_starts=np.arange(delta.size + 1),
        reads=sources,
        sources=sources,
        targets=np.full(delta.size, target),
        totals=totals,
        caption_template="{output}, row {row}, column {column}: {result} is added to the bias's "
        "gradient.",
    ).checked()


class _Layer:
    """A convolution of one channel and one filter, its numbers settled, its windows laid out."""

    def __init__(
        self,
        image: NDArray[Any],
        kernel: NDArray[Any],
        grad_output: NDArray[Any],
        strides: IntOrPair,
        padding: Padding,
        dilation_rate: IntOrPair,
    ) -> None:
        pixels, weights = as_map("image", image), as_map("kernel", kernel)
        delta = as_map("grad_output", grad_output)
        self.size, self.window = _shape(pixels), _shape(weights)
        self.strides, self.dilation = pair("strides", strides), pair("dilation_rate", dilation_rate)
        self.borders = resolve_padding(padding, self.size, self.window, self.strides, self.dilation)
        self.positions = output_size(
            self.size, self.window, self.strides, self.borders, self.dilation
        )
        check_gradient(delta, self.positions)
        padded_size = (
            self.size[0] + sum(self.borders[0]),
            self.size[1] + sum(self.borders[1]),
        )
        check_links(delta.size * weights.size, padded_size[0] * padded_size[1])
        self.pixels, self.image_precision = settle(pixels)
        self.weights, self.weight_precision = settle(weights)
        self.delta, self.delta_precision = settle(delta)
        self.padded = pad_images(self.pixels[np.newaxis, ..., np.newaxis], self.borders)[0]
        self.reads = window_cells(
            padded_size, self.positions, self.window, self.strides, self.dilation, 1
        )

    def settled(self, quantity: str, other: Precision) -> tuple[FloatArray, Precision]:
        """Return the gradient of the "kernel" or the "images", and its digits."""
        gradients = conv2d_gradients(
            self.pixels[np.newaxis, ..., np.newaxis],
            self.weights[..., np.newaxis, np.newaxis],
            self.delta[np.newaxis, ..., np.newaxis],
            strides=self.strides,
            padding=self.borders,
            dilation_rate=self.dilation,
        )
        found = gradients.kernel[..., 0, 0] if quantity == "kernel" else gradients.images[0, ..., 0]
        decimals = self.delta_precision.decimals + other.decimals
        exact = decimals <= MOST_SHOWN_DECIMALS and self.delta_precision.exact and other.exact
        return settle(found, decimals, exact=exact)

    def input_grids(self) -> list[Grid]:
        """Return the padded image as grids, its unread cells marked."""
        return input_grids(
            self.padded,
            self.borders,
            self.reads,
            precision=self.image_precision,
            scale=Scale.for_image(self.pixels),
            parts=("",),
        )

    def place_delta(self, place: Placer) -> NDArray[np.int64]:
        """Append the output gradient; return its cells."""
        first = place_gradient(place, self.delta, self.delta_precision)
        return np.arange(first, first + self.delta.size)


def _shape(array: NDArray[Any]) -> tuple[int, int]:
    return array.shape[0], array.shape[1]


def _products(count: int) -> str:
    return "{count} products add up to" if count > 1 else "the product is"
