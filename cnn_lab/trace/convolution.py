"""The trace of a convolution: every product, every channel's share, every result."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.arithmetic import ShapeError
from cnn_lab.ops.conv import conv2d
from cnn_lab.ops.padding import (
    IntOrPair,
    Padding,
    PadMode,
    as_float,
    pad_images,
    pair,
    resolve_padding,
)
from cnn_lab.ops.windows import output_size
from cnn_lab.trace.model import Grid, IntArray, Scale, Trace
from cnn_lab.trace.numbers import MOST_SHOWN_DECIMALS, settle
from cnn_lab.trace.windows import (
    PADDING_CAPTION,
    as_image,
    check_finite,
    check_links,
    input_grids,
    plain_grid,
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
    flip_kernel: bool = False,
    pad_mode: PadMode = "zeros",
    channel_names: Sequence[str] | None = None,
) -> Trace:
    """Trace a convolution filter by filter, row by row.

    Parameters
    ----------
    image : ndarray, shape (height, width) or (height, width, channels)
        Finite numbers.
    kernel : ndarray, shape (kernel_height, kernel_width, channels, filters)
    bias : ndarray, shape (filters,), optional
    strides, padding, dilation_rate, flip_kernel, pad_mode
        As in `cnn_lab.ops.conv2d`. With `flip_kernel` the kernel is shown as given and paired
        with the window turned by 180 degrees.
    channel_names : sequence of str, optional
        What to call the channels; "channel 1", "channel 2", ... by default.

    Returns
    -------
    Trace
        Grids "input" (or "input-1", ... per channel), "kernel-F-C" and "bias-F" per filter,
        with several channels "partial-F-C", and "output-F". Numbers count from 1.

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
    pixels, image_precision = settle(as_image(image))
    bank = as_float("kernel", kernel, ndim=4, axes="(rows, columns, channels, filters)")
    check_finite("kernel", bank)
    weights, kernel_precision = settle(bank)
    kernel_height, kernel_width, channels, filters = weights.shape
    if channels != pixels.shape[2]:
        raise ShapeError(
            "The kernel must have as many channels as the image. "
            f"Received: image.shape={pixels.shape}, kernel.shape={weights.shape}"
        )
    window, size = (kernel_height, kernel_width), (pixels.shape[0], pixels.shape[1])
    steps, dilation = pair("strides", strides), pair("dilation_rate", dilation_rate)
    borders = resolve_padding(padding, size, window, steps, dilation)
    positions = output_size(size, window, steps, borders, dilation)
    n_positions = positions[0] * positions[1]
    padded_size = (size[0] + sum(borders[0]), size[1] + sum(borders[1]))
    check_links(n_positions * weights.size, padded_size[0] * padded_size[1] * channels)

    padded = pad_images(pixels[np.newaxis], borders, pad_mode)
    offsets, bias_precision = settle(np.zeros(filters) if bias is None else _as_bias(bias, filters))
    convolve = partial(
        conv2d, strides=steps, dilation_rate=dilation, flip_kernel=flip_kernel, padding="valid"
    )
    result = convolve(padded, weights, offsets)[0]
    shares = np.stack(
        [convolve(padded[..., c : c + 1], weights[:, :, c : c + 1])[0] for c in range(channels)]
    )
    product_decimals = image_precision.decimals + kernel_precision.decimals
    decimals = max(product_decimals, bias_precision.decimals)
    exact = decimals <= MOST_SHOWN_DECIMALS and (
        image_precision.exact and kernel_precision.exact and bias_precision.exact
    )
    result, result_precision = settle(result, decimals, exact=exact)
    shares, share_precision = settle(shares, decimals, exact=exact)
    result_scale = Scale.signed(result, shares) if channels > 1 else Scale.signed(result)

    parts = _parts("channel", channels, channel_names)
    filter_parts = _parts("filter", filters, None)
    reads = window_cells(padded_size, positions, window, steps, dilation, channels)
    grids = input_grids(
        padded[0],
        borders,
        reads,
        precision=image_precision,
        scale=Scale.for_image(pixels),
        parts=parts,
    )
    place = _Placer(grids)
    kernel_ids = [
        place(
            weights[:, :, c, f],
            key=f"kernel-{f + 1}-{c + 1}",
            title="Kernel" if filters == 1 else f"Filter {f + 1}",
            part=parts[c],
            role="kernel",
            scale=Scale.signed(weights),
            precision=kernel_precision,
            filter=f,
            channel=c,
        )
        for f in range(filters)
        for c in range(channels)
    ]
    bias_ids = [
        place(
            offsets[f : f + 1, np.newaxis],
            key=f"bias-{f + 1}",
            title="Bias",
            note="",
            role="bias",
            scale=result_scale,
            precision=bias_precision,
            filter=f,
        )
        for f in range(filters if bias is not None else 0)
    ]
    partial_ids = [
        place(
            shares[c, :, :, f],
            key=f"partial-{f + 1}-{c + 1}",
            title="Per channel",
            part=parts[c],
            note=filter_parts[f],
            role="partial",
            scale=result_scale,
            precision=share_precision,
            filter=f,
            channel=c,
        )
        for f in range(filters if channels > 1 else 0)
        for c in range(channels)
    ]
    output_ids = [
        place(
            result[:, :, f],
            key=f"output-{f + 1}",
            title="Output",
            part=filter_parts[f],
            role="output",
            scale=result_scale,
            precision=result_precision,
            filter=f,
        )
        for f in range(filters)
    ]

    n_weights = kernel_height * kernel_width
    pairing = np.arange(n_weights)[::-1] if flip_kernel else np.arange(n_weights)
    paired = np.array(kernel_ids).reshape(filters, channels, 1) + pairing
    cell = np.arange(n_positions)
    return Trace(
        name="Convolution" if flip_kernel else "Cross-correlation",
        grids=tuple(grids),
        term="product_sum",
        step_starts=np.arange(filters * n_positions + 1) * (channels * n_weights),
        reads=np.tile(reads.ravel(), filters),
        weights=np.repeat(paired.reshape(filters, 1, -1), n_positions, axis=1).ravel(),
        writes=_cells(output_ids, cell),
        biases=np.repeat(np.array(bias_ids, np.int64), n_positions),
        partials=(
            _cells(partial_ids, cell)
            .reshape(filters, channels, n_positions)
            .transpose(0, 2, 1)
            .reshape(filters * n_positions, channels)
            if partial_ids
            else np.empty((0, 0), np.int64)
        ),
        channels=channels,
        window_columns=kernel_width,
        caption_template=_caption(
            span_words(window, dilation),
            channels * n_weights,
            bias is not None,
            result_precision.exact,
        ),
        padding_template=PADDING_CAPTION,
    ).checked()


class _Placer:
    """Appends plain grids and hands out their first cell ids."""

    def __init__(self, grids: list[Grid]) -> None:
        self._grids = grids
        self._next = sum(grid.values.size for grid in grids)

    def __call__(self, values: NDArray[np.float64], **properties: Any) -> int:
        first_id = self._next
        self._grids.append(plain_grid(values, first_id=first_id, **properties))
        self._next += values.size
        return first_id


def _as_bias(bias: NDArray[Any], filters: int) -> NDArray[np.floating[Any]]:
    array = as_float("bias", bias, ndim=1, axes="(filters,)")
    check_finite("bias", array)
    if array.shape != (filters,):
        raise ShapeError(
            f"`bias` must hold one number per filter, {filters}. Received: bias.shape={array.shape}"
        )
    return array


def _parts(noun: str, count: int, names: Sequence[str] | None) -> tuple[str, ...]:
    if names is not None:
        if len(names) != count:
            raise ValueError(
                f"`channel_names` must name {count} channels. Received: channel_names={names!r}"
            )
        return tuple(names)
    return ("",) if count == 1 else tuple(f"{noun} {n + 1}" for n in range(count))


def _cells(first_ids: list[int], cell: IntArray) -> IntArray:
    return (np.array(first_ids, np.int64)[:, np.newaxis] + cell).ravel()


def _caption(span: str, n_products: int, has_bias: bool, exact: bool) -> str:
    about = "" if exact else "about "
    products = "{count} products" if n_products > 1 else "one product"
    if has_bias:
        sentence = f"{products} and the bias {{bias}} add up to {about}{{result}}"
    elif n_products > 1:
        sentence = f"{products} add up to {about}{{result}}"
    else:
        sentence = f"the product is {about}{{result}}"
    return f"{{output}}, row {{row}}, column {{column}}: the window covers {span}; {sentence}."
