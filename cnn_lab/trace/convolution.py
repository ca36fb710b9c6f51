"""Trace of a convolution: every product, every channel's partial result, every output."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.padding import pad_images, resolve_padding
from cnn_lab.ops.types import (
    IntOrPair,
    Padding,
    PadMode,
    ShapeError,
    as_float,
    check_at_least,
    pair,
)
from cnn_lab.ops.windows import output_size
from cnn_lab.trace.grid import Scale
from cnn_lab.trace.layer import Layer, Placer, part_names
from cnn_lab.trace.model import Trace
from cnn_lab.trace.numbers import settle
from cnn_lab.trace.windows import (
    PADDING_CAPTION,
    as_image,
    check_finite,
    check_links,
    input_grids,
    span_words,
    window_cells,
)


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
    channel_names : sequence of str, optional
        Names of the channels; "channel 1", "channel 2", ... by default.
    name : str, optional
        Name of the operation when several are compared.

    Returns
    -------
    Trace
        Grids "input" (or "input-1", ... per channel), "kernel-F-C" and "bias-F" per filter,
        with several channels "partial-F-C", and "output-F". Numbers count from 1; with groups
        C counts the channels of the filter's own group.

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
    pixels = as_image(image)
    bank = as_float("kernel", kernel, ndim=4, axes="(rows, columns, channels, filters)")
    check_finite("kernel", bank)
    check_at_least(1, groups=groups)
    kernel_height, kernel_width, depth, filters = bank.shape
    channels = pixels.shape[2]
    if channels != depth * groups or filters % groups:
        raise ShapeError(
            "The kernel must have as many channels as the image (divided by groups), and filters "
            f"must be divisible by groups. Received: image.shape={pixels.shape}, "
            f"kernel.shape={bank.shape}, groups={groups}"
        )
    parts = part_names("channel", channels, channel_names)
    window, size = (kernel_height, kernel_width), (pixels.shape[0], pixels.shape[1])
    steps, dilation = pair("strides", strides), pair("dilation_rate", dilation_rate)
    borders = resolve_padding(padding, size, window, steps, dilation)
    positions = output_size(size, window, steps, borders, dilation)
    n_positions = positions[0] * positions[1]
    padded_size = (size[0] + sum(borders[0]), size[1] + sum(borders[1]))
    check_links(n_positions * bank.size, padded_size[0] * padded_size[1] * channels)

    pixels, image_precision = settle(pixels)
    padded = pad_images(pixels[np.newaxis], borders, pad_mode)
    reads = window_cells(padded_size, positions, window, steps, dilation, channels)
    groups_read = reads.reshape(n_positions, groups, -1).transpose(1, 0, 2)
    grids = input_grids(
        padded[0],
        borders,
        reads,
        precision=image_precision,
        scale=Scale.for_image(pixels),
        parts=parts,
    )
    layer = Layer(
        bank,
        bias,
        padded.astype(np.float64),
        image_precision,
        strides=steps,
        dilation_rate=dilation,
        groups=groups,
        flip_kernel=flip_kernel,
    )
    place = Placer(grids)
    kernels = layer.place_kernels(place, parts)
    biases = layer.place_biases(place)
    partials = layer.place_partials(place, parts)
    outputs = layer.place_outputs(place)

    n_weights = kernel_height * kernel_width
    pairing = np.arange(n_weights)[::-1] if flip_kernel else np.arange(n_weights)
    weights = (kernels[:, :, np.newaxis] + pairing).reshape(filters, 1, -1)
    cells = np.arange(n_positions)
    return Trace(
        name=name or ("Convolution" if flip_kernel else "Cross-correlation"),
        grids=tuple(grids),
        term="product_sum",
        step_starts=np.arange(filters * n_positions + 1) * (depth * n_weights),
        reads=np.repeat(groups_read, filters // groups, axis=0).ravel(),
        weights=np.repeat(weights, n_positions, axis=1).ravel(),
        writes=(outputs[:, np.newaxis] + cells).ravel(),
        biases=np.repeat(biases, n_positions),
        partials=(partials[:, np.newaxis, :] + cells[:, np.newaxis]).reshape(
            filters * n_positions, -1
        ),
        channels=depth,
        window_columns=kernel_width,
        caption_template=_caption(
            span_words(window, dilation), depth * n_weights, has_bias=bias is not None
        ),
        padding_template=PADDING_CAPTION,
    ).checked()


def _caption(span: str, n_products: int, *, has_bias: bool) -> str:
    products = "{count} products" if n_products > 1 else "one product"
    if has_bias:
        sentence = f"{products} and the bias {{bias}} add up to"
    else:
        sentence = f"{products} add up to" if n_products > 1 else "the product is"
    return (
        "{output}, row {row}, column {column}: "
        f"the window covers {span}; {sentence} {{about}}{{result}}."
    )
