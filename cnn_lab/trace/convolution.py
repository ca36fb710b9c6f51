"""Traces of a convolution and its gradients with respect to kernel, input and bias.

Both forms of a gradient give the same numbers. Gather takes a step for each number of the
gradient and sums the products that it took part in. Scatter takes a step for each output and
adds its share to everything that contributed to it.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.activations import ACTIVATIONS, Activation
from cnn_lab.ops.conv import checked_convolution, conv2d_gradients
from cnn_lab.ops.correlation import correlate
from cnn_lab.ops.padding import pad_images
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import IntOrPair, Padding, PadMode, as_bias
from cnn_lab.trace.builder import (
    CELL,
    PADDING_CAPTION,
    Grids,
    as_image,
    as_map,
    as_output_gradient,
    check_finite,
    check_form,
    check_links,
    product_words,
    scatter_totals,
    span_words,
    window_cells,
)
from cnn_lab.trace.grid import IntArray, Scale
from cnn_lab.trace.model import Form, Trace
from cnn_lab.trace.numbers import FloatArray, Rounded, round_to, round_values
from cnn_lab.trace.transposed import spread_trace

ACTIVATION_NAMES: dict[Activation, str] = {"relu": "ReLU", "sigmoid": "sigmoid", "tanh": "tanh"}


def convolution_trace(
    image: NDArray[Any],
    kernel: NDArray[Any],
    bias: NDArray[Any] | None = None,
    *,
    strides: IntOrPair = 1,
    padding: Padding = "valid",
    dilation_rate: IntOrPair = 1,
    groups: int = 1,
    flip_kernel: bool = False,
    pad_mode: PadMode = "zeros",
    activation: Activation | None = None,
    channel_names: Sequence[str] | None = None,
    name: str | None = None,
) -> Trace:
    """Trace a convolution filter by filter, row by row.

    Parameters
    ----------
    image : ndarray, shape (height, width) or (height, width, channels)
        Finite numbers.
    kernel : ndarray, shape (kernel_height, kernel_width, channels / groups, filters)
    bias : ndarray, shape (filters,), optional
    strides, padding, dilation_rate, groups, flip_kernel, pad_mode
        As in `cnn_lab.ops.conv2d`. With `flip_kernel` the kernel is shown as given and paired
        with the window rotated by 180 degrees.
    activation : {"relu", "sigmoid", "tanh"}, optional
        What each output goes through in the same step.
    channel_names : sequence of str, optional
        Names of the channels; "channel 1", "channel 2", ... by default.
    name : str, optional
        Name of the operation when several are compared.

    Returns
    -------
    Trace
        Grids "input" (or "input-1", ... per channel), "kernel-F-C" and "bias-F" per filter,
        with several channels "partial-F-C", "output-F", and with an activation "activated-F".
        Numbers count from 1; with groups C counts the channels of the filter's own group.

    Raises
    ------
    ShapeError
        If the shapes do not match or the window does not fit.
    ValueError
        If an argument is out of range or a value is not finite.
    TraceTooLarge
        If the browser could not play it well.

    Notes
    -----
    One link per product: out_height * out_width * kernel.size.

    Examples
    --------
    >>> trace = convolution_trace(np.eye(3), np.ones((2, 2, 1, 1)), np.array([0.5]))
    >>> len(trace), trace.grid("output-1").values
    (4, array([[2.5, 1.5],
           [1.5, 2.5]]))
    >>> trace.caption(0)
    'Output, row 0, column 0: the window covers rows 0 to 1 and columns 0 to 1; 4 products and the
    bias 0.5 add up to 2.5.'
    """
    settings = ConvolutionSettings(strides, padding, dilation_rate, groups, flip_kernel, pad_mode)
    numbers = ConvolutionNumbers(image, kernel, bias, settings, activation)
    return numbers.trace(channel_names=channel_names, name=name)


class ConvolutionNumbers:
    """Every number of a convolution of one image; convolved once, for its result and its trace.

    Parameters
    ----------
    image, kernel, bias
        As in `convolution_trace`.
    settings : ConvolutionSettings
    activation : {"relu", "sigmoid", "tanh"}, optional

    Attributes
    ----------
    image, kernel, bias : Rounded
        As the stage shows them; a bias that is not given is zero.
    geometry : Geometry

    Raises
    ------
    ShapeError, ValueError
        As in `convolution_trace`.
    """

    def __init__(
        self,
        image: NDArray[Any],
        kernel: NDArray[Any],
        bias: NDArray[Any] | None = None,
        settings: ConvolutionSettings | None = None,
        activation: Activation | None = None,
    ) -> None:
        self.settings = settings or ConvolutionSettings()
        if activation is not None and activation not in ACTIVATIONS:
            raise ValueError(
                f"`activation` must be one of {list(ACTIVATIONS)} or None. "
                f"Received: activation={activation!r}"
            )
        self.activation = activation
        images, kernel, self.geometry = checked_convolution(
            as_image(image)[np.newaxis], kernel, self.settings
        )
        check_finite("kernel", kernel)
        self.depth, self.filters = kernel.shape[2:]
        self.has_bias = bias is not None
        offsets = as_bias(np.zeros(self.filters) if bias is None else bias, self.filters, "filter")
        assert offsets is not None
        check_finite("bias", offsets)
        self.image, self.kernel, self.bias = map(round_values, (images[0], kernel, offsets))

    @cached_property
    def padded(self) -> FloatArray:
        """The image with its padding, shape (height, width, channels)."""
        images = self.image.values[np.newaxis]
        return np.asarray(pad_images(images, self.geometry.borders, self.settings.pad_mode)[0])

    @cached_property
    def shares(self) -> FloatArray:
        """Partial results of the channels, shape (out_height, out_width, slices, filters).

        A grouped convolution in which every channel is a group gives them all at once.
        """
        groups, depth, bank = self.settings.groups, self.depth, self.filters // self.settings.groups
        rows, columns = self.geometry.window
        kernel = self.kernel.values
        kernel = kernel[::-1, ::-1] if self.settings.flip_kernel else kernel
        each = kernel.reshape(rows, columns, depth, groups, bank).swapaxes(2, 3)
        maps = correlate(
            self.padded[np.newaxis],
            each.reshape(rows, columns, 1, -1),
            self.geometry.strides,
            self.geometry.dilation_rate,
            groups * depth,
        )[0]
        split = maps.reshape(*self.geometry.positions, groups, depth, bank).swapaxes(2, 3)
        return np.asarray(split.reshape(*self.geometry.positions, depth, self.filters))

    @cached_property
    def result(self) -> FloatArray:
        """The result, shape (out_height, out_width, filters)."""
        return np.asarray(self.shares.sum(axis=2) + self.bias.values)

    @cached_property
    def activated(self) -> FloatArray:
        """The result after the activation, shape (out_height, out_width, filters)."""
        if self.activation is None:
            return self.result
        return np.asarray(ACTIVATIONS[self.activation](self.result), np.float64)

    def trace(
        self, *, channel_names: Sequence[str] | None = None, name: str | None = None
    ) -> Trace:
        """Trace the convolution, as `convolution_trace` does."""
        geometry, groups, depth = self.geometry, self.settings.groups, self.depth
        channels, n_weights = groups * depth, prod(geometry.window)
        parts = _part_names("channel", channels, channel_names)
        n_links = geometry.n_reads * depth * self.filters
        check_links(n_links, prod(geometry.padded_size) * channels)

        reads = window_cells(geometry, channels)
        n_positions = len(reads)
        grids = Grids()
        scale = Scale.for_image(self.image.values)
        padded = Rounded(self.padded, self.image.precision)
        grids.add_input(
            padded, geometry, reads, parts=parts, scale=scale, pad_mode=self.settings.pad_mode
        )
        kernels, biases, partials, outputs, activated = self._place(grids, parts)

        pairing = np.arange(n_weights)[:: -1 if self.settings.flip_kernel else 1]
        weights = (kernels[:, :, np.newaxis] + pairing).reshape(self.filters, 1, -1)
        grouped = reads.reshape(n_positions, groups, -1).transpose(1, 0, 2)
        cells = np.arange(n_positions)
        return Trace(
            name=name or ("Convolution" if self.settings.flip_kernel else "Cross-correlation"),
            grids=tuple(grids),
            term="product_sum",
            step_starts=np.arange(self.filters * n_positions + 1) * (depth * n_weights),
            reads=np.repeat(grouped, self.filters // groups, axis=0).ravel(),
            weights=np.repeat(weights, n_positions, axis=1).ravel(),
            writes=(outputs[:, np.newaxis] + cells).ravel(),
            biases=np.repeat(biases, n_positions),
            partials=(partials[:, np.newaxis, :] + cells[:, np.newaxis]).reshape(
                self.filters * n_positions, -1
            ),
            activated=(activated[:, np.newaxis] + cells).ravel(),
            activation=ACTIVATION_NAMES[self.activation] if self.activation else "",
            channels=depth,
            window_columns=geometry.window[1],
            caption_template=f"{CELL}: the window covers "
            f"{span_words(geometry.window, geometry.dilation_rate)}; "
            f"{self._sum_words(depth * n_weights)} {{about}}{{result}}{self._activation_words()}.",
            padding_template=PADDING_CAPTION,
        ).checked()

    def _sum_words(self, n_products: int) -> str:
        if not self.has_bias:
            return product_words(n_products)
        products = "{count} products" if n_products > 1 else "one product"
        return f"{products} and the bias {{bias}} add up to"

    def _activation_words(self) -> str:
        if not self.activation:
            return ""
        return f"; {ACTIVATION_NAMES[self.activation]} gives {{about_activated}}{{activated}}"

    def _place(
        self, grids: Grids, parts: tuple[str, ...]
    ) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
        """Add the grids of kernels, biases, partial results, outputs and activated outputs.

        Returns
        -------
        kernels, partials : ndarray of int, shape (filters, slices)
            First ids; without partials, shape (filters, 0).
        biases, outputs, activated : ndarray of int, shape (filters,)
            First ids; without biases or activation, shape (0,).
        """
        precision = self.image.precision.times(self.kernel.precision).plus(self.bias.precision)
        result, shares = round_to(self.result, precision), round_to(self.shares, precision)
        n_shares = self.depth if self.depth > 1 else 0
        compared = [result.values, self.bias.values, *([shares.values] if n_shares else [])]
        scale = Scale.signed(*compared)
        kernel_scale = Scale.signed(self.kernel.values)
        filter_parts = _part_names("filter", self.filters)

        def channel(f: int, c: int) -> int:
            """Return the image channel that the c-th slice of a filter reads."""
            return int(f // (self.filters // self.settings.groups) * self.depth + c)

        def add(
            numbers: Rounded, f: int, key: str, title: str, scale: Scale, **properties: Any
        ) -> int:
            role = key.partition("-")[0]
            return grids.add(
                numbers, key=key, title=title, role=role, scale=scale, filter=f, **properties
            )

        def add_slices(
            numbers: Rounded, n_slices: int, role: str, title: Callable[[int], str], scale: Scale
        ) -> IntArray:
            return np.array(
                [
                    [
                        add(
                            Rounded(numbers.values[:, :, c, f], numbers.precision),
                            f,
                            f"{role}-{f + 1}-{c + 1}",
                            title(f),
                            scale,
                            part=parts[channel(f, c)],
                            channel=channel(f, c),
                        )
                        for c in range(n_slices)
                    ]
                    for f in range(self.filters)
                ],
                np.int64,
            )

        kernels = add_slices(
            self.kernel,
            self.depth,
            "kernel",
            lambda f: "Kernel" if self.filters == 1 else f"Filter {f + 1}",
            kernel_scale,
        )
        biases = [
            add(
                Rounded(self.bias.values[f : f + 1, np.newaxis], self.bias.precision),
                f,
                f"bias-{f + 1}",
                "Bias",
                scale,
                note="",
            )
            for f in range(self.filters if self.has_bias else 0)
        ]
        partials = add_slices(shares, n_shares, "partial", lambda f: "Per channel", scale)
        outputs = [
            add(
                Rounded(result.values[:, :, f], result.precision),
                f,
                f"output-{f + 1}",
                "Output",
                scale,
                part=filter_parts[f],
            )
            for f in range(self.filters)
        ]
        activated = []
        if self.activation:
            # Rectified values keep the digits and the colours of the output.
            is_relu = self.activation == "relu"
            after = (
                round_to(self.activated, precision)
                if is_relu
                else round_values(self.activated, exact=False)
            )
            title = f"After {ACTIVATION_NAMES[self.activation]}"
            activated = [
                add(
                    Rounded(after.values[:, :, f], after.precision),
                    f,
                    f"activated-{f + 1}",
                    title,
                    scale if is_relu else Scale("signed", 1.0),
                    part=filter_parts[f],
                    family="" if is_relu else title,
                )
                for f in range(self.filters)
            ]
        biases_at, outputs_at, activated_at = (
            np.array(each, np.int64) for each in (biases, outputs, activated)
        )
        return kernels, biases_at, partials, outputs_at, activated_at


def _part_names(noun: str, count: int, names: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the names of the channels or filters; a single one needs no name."""
    if names is not None:
        if len(names) != count:
            raise ValueError(
                f"`channel_names` must name {count} channels. Received: channel_names={names!r}"
            )
        return tuple(names)
    return ("",) if count == 1 else tuple(f"{noun} {n + 1}" for n in range(count))


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
    layer = _Backward(image, kernel, grad_output, strides, padding, dilation_rate)
    result = layer.gradient("kernel")
    reads = window_cells(layer.geometry)
    n_outputs, n_weights = reads.shape
    weights = np.arange(n_weights)
    targets = np.tile(weights, n_outputs)
    pixels = pad_images(layer.image.values[np.newaxis, ..., np.newaxis], layer.geometry.borders)[0]
    totals = extremes = result.values
    if form == "scatter":
        amounts = pixels.ravel()[reads] * layer.delta.values.reshape(-1, 1)
        totals, extremes = scatter_totals(targets, amounts.ravel(), result.precision)
    grids = Grids()
    grids.add_input(Rounded(pixels, layer.image.precision), layer.geometry, reads)
    delta = grids.add_gradient("output", layer.delta, role="kernel") + np.arange(n_outputs)
    deltas = np.repeat(delta, n_weights).reshape(reads.shape)
    first = grids.add_gradient("kernel", result, extremes)
    if form == "gather":
        return Trace(
            name=name or "Kernel gradient, gathered",
            grids=tuple(grids),
            term="product_sum",
            step_starts=np.arange(n_weights + 1) * n_outputs,
            reads=reads.T.ravel(),
            weights=deltas.T.ravel(),
            writes=first + weights,
            window_columns=layer.geometry.positions[1],
            caption_template=f"{CELL}: the output gradient covers "
            f"{span_words(layer.geometry.positions, layer.geometry.strides)} of the input; "
            f"{product_words(n_outputs)} {{about}}{{result}}.",
            padding_template=PADDING_CAPTION,
        ).checked()
    return Trace(
        name=name or "Kernel gradient, scattered",
        grids=tuple(grids),
        term="scatter_add",
        step_starts=np.arange(n_outputs + 1) * n_weights,
        reads=reads.ravel(),
        weights=deltas.ravel(),
        sources=delta,
        targets=first + targets,
        totals=totals,
        window_columns=layer.geometry.window[1],
        caption_template=f"{CELL}, is {{result}}: it is multiplied by "
        f"{span_words(layer.geometry.window, layer.geometry.dilation_rate)} of the input, and "
        "each product is added to the gradient of its weight.",
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
    layer = _Backward(image, kernel, grad_output, strides, padding, dilation_rate)
    return spread_trace(
        layer.delta,
        layer.kernel,
        layer.gradient("images"),
        layer.geometry,
        scale=Scale.signed(layer.delta.values),
        form=form,
        name=name or f"Input gradient, {form}ed",
        source=("grad-output", "Output gradient"),
        target=("grad-input", "Input gradient"),
        outside="On the padding",
    )


class _Backward:
    """A convolution of one channel and one filter, and the gradient of its output."""

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
        self.settings = ConvolutionSettings(strides, padding, dilation_rate)
        self.geometry = self.settings.geometry(pixels.shape, weights.shape)
        self.delta = as_output_gradient(grad_output, self.geometry)
        self.image, self.kernel = round_values(pixels), round_values(weights)

    def gradient(self, of: str) -> Rounded:
        """Return the gradient of the "kernel" or of the "images"."""
        gradients = conv2d_gradients(
            self.image.values[np.newaxis, ..., np.newaxis],
            self.kernel.values[..., np.newaxis, np.newaxis],
            self.delta.values[np.newaxis, ..., np.newaxis],
            **vars(self.settings),
        )
        if of == "kernel":
            found, factor = gradients.kernel[..., 0, 0], self.image
        else:
            found, factor = gradients.images[0, ..., 0], self.kernel
        return round_to(found, self.delta.precision.times(factor.precision))


def bias_gradient_trace(
    grad_output: NDArray[Any], *, form: Form = "gather", name: str | None = None
) -> Trace:
    """Trace the gradient of one filter's bias, the sum of its output gradient.

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
    delta = round_values(as_map("grad_output", grad_output))
    n = delta.values.size
    check_links(n, n)
    result = round_to(delta.values.sum(keepdims=True), delta.precision.longest)
    grids = Grids()
    sources = grids.add_gradient("output", delta, role="input") + np.arange(n)
    totals = extremes = result.values
    if form == "scatter":
        alike = np.zeros(n, np.int64)
        totals, extremes = scatter_totals(alike, delta.values.ravel(), result.precision)
    target = grids.add_gradient("bias", result, extremes, note="")
    if form == "gather":
        return Trace(
            name=name or "Bias gradient, gathered",
            grids=tuple(grids),
            term="sum",
            step_starts=np.array([0, n]),
            reads=sources,
            writes=np.array([target]),
            window_columns=delta.values.shape[1],
            caption_template="{output}: all {count} cells of the output gradient add up to "
            "{about}{result}.",
        ).checked()
    return Trace(
        name=name or "Bias gradient, scattered",
        grids=tuple(grids),
        term="scatter_add",
        step_starts=np.arange(n + 1),
        reads=sources,
        sources=sources,
        targets=np.full(n, target),
        totals=totals,
        caption_template=f"{CELL}: {{result}} is added to the gradient of the bias.",
    ).checked()
