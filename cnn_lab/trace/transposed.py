"""Trace of a transposed convolution and of other numbers spread through a kernel."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.content.words import shape_words
from cnn_lab.ops.settings import Geometry
from cnn_lab.ops.transposed import conv2d_transpose, transposed_geometry
from cnn_lab.ops.types import IntOrPair, Padding
from cnn_lab.trace.builder import (
    CELL,
    DROPPED_CAPTION,
    Grids,
    as_map,
    check_form,
    check_links,
    final_totals,
    padded,
    product_words,
    scatter_totals,
    span_words,
    unread_mask,
    window_cells,
)
from cnn_lab.trace.grid import PADDING, IntArray, Scale
from cnn_lab.trace.model import Form, Trace
from cnn_lab.trace.numbers import Rounded, round_to, round_values


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
    pixels, weights = (
        round_values(as_map(name, values))
        for name, values in (("image", image), ("kernel", kernel))
    )
    geometry = transposed_geometry(pixels.values.shape, weights.values.shape, strides, padding)
    check_links(geometry.n_reads, prod(geometry.size) * weights.values.size)
    result = conv2d_transpose(
        pixels.values[np.newaxis, ..., np.newaxis],
        weights.values[..., np.newaxis, np.newaxis],
        strides=geometry.strides,
        padding=padding,
    )[0, ..., 0]
    return spread_trace(
        pixels,
        weights,
        round_to(result, pixels.precision.times(weights.precision)),
        geometry,
        scale=Scale.for_image(pixels.values),
        form=form,
        name=name or f"Transposed convolution, {form}ed",
        source=("input", "Input"),
        target=("output", "Output"),
        outside="Cut off",
    )


def spread_trace(
    given: Rounded,
    kernel: Rounded,
    result: Rounded,
    geometry: Geometry,
    *,
    scale: Scale,
    form: Form,
    name: str,
    source: tuple[str, str],
    target: tuple[str, str],
    outside: str,
) -> Trace:
    """Trace how each given number times the kernel is added to the result.

    Parameters
    ----------
    given : Rounded, shape (rows, columns)
        One number for each position of the kernel.
    kernel : Rounded, shape (kernel_height, kernel_width)
    result : Rounded, shape (height, width)
    geometry : Geometry
        Where the kernel lies on the result; its borders are dropped.
    scale : Scale
        Of the given numbers.
    form : {"gather", "scatter"}
    name : str
    source, target : (str, str)
        Key and title of the given grid and of the result.
    outside : str
        Legend name of the border.

    Notes
    -----
    A position p places weight m on row ``strides * p + dilation_rate * m`` of the padded
    result. Read backwards: the padded row q takes its numbers from the spread rows
    ``q - dilation_rate * m``, the last weight first, which is the rotated kernel.
    """
    grids = Grids()
    of_source: dict[str, Any] = {
        "key": source[0],
        "title": source[1],
        "family": source[1],
        "role": "input",
        "scale": scale,
    }
    of_target = {"key": target[0], "title": target[1], "family": target[1], "role": "output"}
    of_kernel = {"key": "kernel", "role": "kernel", "scale": Scale.signed(kernel.values)}
    n_weights = kernel.values.size
    span = span_words(geometry.window, geometry.dilation_rate)
    if form == "gather":
        labels, lines, reads = _spread(geometry)
        spread = np.zeros((len(labels[0]), len(labels[1])))
        spread[lines] = given.values
        mask = np.full(spread.shape, PADDING, np.uint8)
        mask[lines] = 0
        note = shape_words(geometry.positions)
        if spread.shape != geometry.positions:
            note += f", spread to {shape_words(spread.shape)}"
        grids.add(
            Rounded(spread, given.precision),
            **of_source,
            note=note,
            mask=mask | unread_mask(reads, spread.shape),
            row_labels=labels[0],
            column_labels=labels[1],
        )
        rotated = grids.add(
            Rounded(kernel.values[::-1, ::-1], kernel.precision),
            **of_kernel,
            title="Kernel, rotated",
            row_labels=tuple(range(geometry.window[0]))[::-1],
            column_labels=tuple(range(geometry.window[1]))[::-1],
        )
        first = grids.add(result, **of_target, scale=Scale.signed(result.values))
        return Trace(
            name=name,
            grids=tuple(grids),
            term="product_sum",
            step_starts=np.arange(len(reads) + 1) * n_weights,
            reads=reads.ravel(),
            weights=np.tile(rotated + np.arange(n_weights), len(reads)),
            writes=first + np.arange(len(reads)),
            window_columns=geometry.window[1],
            padding_name="Inserted zeros",
            caption_template=f"{CELL}: the rotated kernel covers {span} of the spread values; "
            f"{product_words(n_weights)} {{about}}{{result}}.",
            padding_template=" Inserted zeros among them: {padding}.",
        ).checked()
    landing = window_cells(geometry)
    n_steps = len(landing)
    sources = grids.add(given, **of_source) + np.arange(n_steps)
    weights = grids.add(kernel, **of_kernel, title="Kernel") + np.arange(n_weights)
    amounts = np.outer(given.values, kernel.values).ravel()
    totals, extremes = scatter_totals(landing.ravel(), amounts, result.precision)
    note = shape_words(geometry.size)
    if geometry.size != geometry.padded_size:
        note += f" of {shape_words(geometry.padded_size)}"
    first = grids.add(
        Rounded(final_totals(landing.ravel(), totals, geometry.padded_size), result.precision),
        **of_target,
        **padded(geometry),
        note=note,
        scale=Scale.signed(result.values, extremes),
    )
    return Trace(
        name=name,
        grids=tuple(grids),
        term="scatter_add",
        step_starts=np.arange(n_steps + 1) * n_weights,
        reads=np.tile(weights, n_steps),
        weights=np.repeat(sources, n_weights),
        sources=sources,
        targets=first + landing.ravel(),
        totals=totals,
        window_columns=geometry.window[1],
        padding_name=outside,
        span="targets",
        caption_template=f"{CELL}, is {{result}}: {{result}} times the kernel is added to {span} "
        "of the result.",
        padding_template=DROPPED_CAPTION,
    ).checked()


def _spread(
    geometry: Geometry,
) -> tuple[list[tuple[int, ...]], tuple[IntArray, ...], IntArray]:
    """Return the positions of the given numbers among the zeros between and around them.

    Returns
    -------
    labels : list of tuple of int
        Of rows and of columns. Row label 0 is the first given row; the padded result uses the
        same row numbers.
    lines : tuple of ndarray
        Index of the rows and columns that hold given numbers.
    reads : ndarray of int, shape (result cells, weights)
        Cells under the rotated kernel.
    """
    labels: list[tuple[int, ...]] = []
    lines, starts = [], []
    for n, stride, dilation, k, length, (before, _) in zip(
        geometry.positions,
        geometry.strides,
        geometry.dilation_rate,
        geometry.window,
        geometry.size,
        geometry.borders,
        strict=True,
    ):
        first_read = before - (k - 1) * dilation
        first = min(0, first_read)
        last = max((n - 1) * stride, before + length - 1)
        labels.append(tuple(range(first, last + 1)))
        lines.append(np.arange(n) * stride - first)
        starts.append(first_read - first)
    none = ((0, 0), (0, 0))
    width = len(labels[1])
    spread = geometry._replace(
        size=(len(labels[0]), width), strides=(1, 1), borders=none, positions=geometry.size
    )
    return labels, np.ix_(*lines), window_cells(spread) + starts[0] * width + starts[1]
