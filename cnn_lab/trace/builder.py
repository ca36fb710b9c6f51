"""Shared parts of the trace builders: checked arrays, windows, grids and running totals."""

from math import prod
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from cnn_lab.content.words import shape_words
from cnn_lab.ops.padding import pad_images
from cnn_lab.ops.settings import Geometry
from cnn_lab.ops.sizes import effective_kernel_size
from cnn_lab.ops.types import PadMode, Pair, ShapeError, as_float
from cnn_lab.trace.grid import PADDING, UNREAD, Grid, IntArray, Role, Scale
from cnn_lab.trace.model import MAX_LINKS, Form, TraceTooLarge
from cnn_lab.trace.numbers import FloatArray, Precision, Rounded, round_to, round_values

CELL = "{output}, row {row}, column {column}"
PADDING_CAPTION = " Cells in the padding: {padding}."
DROPPED_CAPTION = " Cells outside, where it is dropped: {padding}."


def as_image(image: Any) -> NDArray[np.floating[Any]]:
    """Return the image as finite numbers of shape (height, width, channels).

    Raises
    ------
    ShapeError
        If it has neither two nor three dimensions.
    ValueError
        If a value is not finite.
    """
    array = np.asarray(image)
    array = array[:, :, np.newaxis] if array.ndim == 2 else array
    array = as_float("image", array, ndim=3, axes="(height, width) or (height, width, channels)")
    if 0 in array.shape:
        raise ShapeError(
            f"`image` must have at least one pixel. Received: image.shape={array.shape}"
        )
    check_finite("image", array)
    return array


def as_map(name: str, values: NDArray[Any]) -> NDArray[np.floating[Any]]:
    """Return one channel of finite numbers, shape (rows, columns), from two or three axes.

    Raises
    ------
    ShapeError
        If there are several channels.
    """
    array = as_image(values) if name == "image" else as_float(name, values, ndim=2, axes="(r, c)")
    if array.ndim == 3:
        if array.shape[2] != 1:
            raise ShapeError(
                "This operation is traced one channel at a time; pass one, shape (height, width). "
                f"Received: {name}.shape={array.shape}"
            )
        array = array[:, :, 0]
    check_finite(name, array)
    return array


def as_output_gradient(values: NDArray[Any], geometry: Geometry) -> Rounded:
    """Return the gradient that arrives from the next layer, rounded as it is shown.

    Raises
    ------
    ShapeError
        If there is not one number for each position of the window.
    TraceTooLarge
        If there are too many links between it and the windows.
    """
    delta = as_map("grad_output", values)
    if delta.shape != geometry.positions:
        raise ShapeError(
            "`grad_output` must have one number for each output of the forward pass, shape "
            f"{geometry.positions}. Received: grad_output.shape={delta.shape}"
        )
    check_links(geometry.n_reads, prod(geometry.padded_size))
    return round_values(delta)


def check_finite(name: str, array: NDArray[np.floating[Any]]) -> None:
    """Raise ValueError if a value is infinite or not a number."""
    if not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` must hold finite numbers. Received: {int((~np.isfinite(array)).sum())} "
            "values that are infinite or not a number"
        )


def check_form(form: str) -> None:
    """Raise ValueError unless it is "gather" or "scatter"."""
    if form not in get_args(Form):
        raise ValueError(f'`form` must be "gather" or "scatter". Received: form={form!r}')


def check_links(n_links: int, n_cells: int) -> None:
    """Raise TraceTooLarge before anything too large is built."""
    if n_links > MAX_LINKS or n_cells > MAX_LINKS:
        raise TraceTooLarge(
            f"An animation may have at most {MAX_LINKS:,} cells and links between them. Use a "
            f"smaller image, or fewer channels or filters. Received: {n_cells:,} cells, "
            f"{n_links:,} links"
        )


def window_cells(geometry: Geometry, channels: int = 1) -> IntArray:
    """Return the ids of the cells that each window reads; inputs are the first grids.

    Returns
    -------
    ndarray of int, shape (positions, channels * window cells)
        Window positions row by row; in each, channel by channel, row by row.
    """
    rows, columns = (
        (np.arange(n) * stride)[:, np.newaxis] + np.arange(k) * dilation
        for n, k, stride, dilation in zip(
            geometry.positions,
            geometry.window,
            geometry.strides,
            geometry.dilation_rate,
            strict=True,
        )
    )
    height, width = geometry.padded_size
    channel = np.arange(channels)[:, np.newaxis, np.newaxis] * (height * width)
    cells = rows[:, np.newaxis, np.newaxis, :, np.newaxis] * width + (
        columns[np.newaxis, :, np.newaxis, np.newaxis, :] + channel
    )
    return cells.reshape(len(rows) * len(columns), -1).astype(np.int64)


def inner_index(geometry: Geometry) -> IntArray:
    """Return for each cell of the padded image its index in the image, -1 in the border."""
    height, width = geometry.size
    index = np.arange(height * width).reshape(height, width)
    return np.pad(index, geometry.borders, constant_values=-1).ravel()


def unread_mask(reads: IntArray, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return a mask of this shape that marks the cells not among `reads`."""
    mask = np.full(shape, UNREAD, np.uint8)
    mask.ravel()[reads] = 0
    return mask


def copied_from(geometry: Geometry, pad_mode: PadMode) -> IntArray:
    """Return the index in the padded image of the pixel that each of its cells copies.

    Parameters
    ----------
    geometry : Geometry
    pad_mode : {"reflect", "edge", "wrap"}

    Returns
    -------
    ndarray of int, shape of the padded image
        Pixels copy themselves.
    """
    (top, _), (left, _) = geometry.borders
    height, width = geometry.size
    rows, columns = np.arange(height) + top, np.arange(width) + left
    index = (rows[:, np.newaxis] * geometry.padded_size[1] + columns)[np.newaxis, ..., np.newaxis]
    return pad_images(index.astype(float), geometry.borders, pad_mode)[0, ..., 0].astype(np.int64)


def padded(geometry: Geometry) -> dict[str, Any]:
    """Return mask and labels of a grid of the padded size; padding counts down from -1."""
    rows, columns = (
        tuple(range(-before, length + after))
        for length, (before, after) in zip(geometry.size, geometry.borders, strict=True)
    )
    mask = np.pad(np.zeros(geometry.size, np.uint8), geometry.borders, constant_values=PADDING)
    return {"mask": mask, "row_labels": rows, "column_labels": columns}


class Grids(list[Grid]):
    """The grids of a trace; each new one takes the next free cell ids."""

    def add(self, rounded: Rounded, **properties: Any) -> int:
        """Append a grid and return its first id.

        By default it has no padding, and rows and columns are counted from 0.
        """
        rows, columns = rounded.values.shape
        plain: dict[str, Any] = {
            "values": rounded.values,
            "precision": rounded.precision,
            "mask": np.zeros((rows, columns), np.uint8),
            "row_labels": tuple(range(rows)),
            "column_labels": tuple(range(columns)),
            "note": shape_words((rows, columns)),
            "first_id": sum(grid.values.size for grid in self),
        }
        self.append(Grid(**plain | properties))
        return self[-1].first_id

    def add_input(
        self,
        image: Rounded,
        geometry: Geometry,
        reads: IntArray,
        *,
        parts: tuple[str, ...] = ("",),
        scale: Scale | None = None,
        pad_mode: PadMode = "zeros",
        **properties: Any,
    ) -> None:
        """Append a grid per channel of the padded image, shape (height, width, channels).

        `reads` are the cells that windows read; all others are marked, except for pixels of which
        the padding has a copy that is read.
        """
        note = shape_words(geometry.size)
        if geometry.size != geometry.padded_size:
            note += f", padded to {shape_words(geometry.padded_size)}"
        channels = np.moveaxis(image.values, 2, 0)
        unread = unread_mask(reads, channels.shape)
        ring = padded(geometry)
        if pad_mode != "zeros" and geometry.size != geometry.padded_size:
            origins = copied_from(geometry, pad_mode)
            properties = {"origins": origins} | properties
            for marks in unread:
                marks.ravel()[origins[marks == 0]] = 0
        for channel, values in enumerate(channels):
            self.add(
                Rounded(values, image.precision),
                key="input" if len(channels) == 1 else f"input-{channel + 1}",
                title="Input",
                part=parts[channel],
                role="input",
                scale=scale or Scale.for_image(image.values),
                channel=channel,
                **ring | {"note": note, "mask": ring["mask"] | unread[channel]} | properties,
            )

    def add_gradient(
        self, of: str, rounded: Rounded, *extremes: FloatArray, role: Role = "output", **more: Any
    ) -> int:
        """Append the gradient of the "output", "kernel", "bias" or "input"; return its first id.

        `extremes` are numbers that the colour scale must hold in addition to its own.
        """
        title = f"{of.capitalize()} gradient"
        scale = Scale.signed(rounded.values, *extremes)
        return self.add(
            rounded, key=f"grad-{of}", title=title, role=role, family=title, scale=scale, **more
        )


def scatter_totals(
    targets: IntArray, amounts: FloatArray, precision: Precision
) -> tuple[FloatArray, FloatArray]:
    """Return the total in each target after each addition, and the extremes of all totals.

    Parameters
    ----------
    targets : ndarray of int, shape (links,)
    amounts : ndarray of float64, shape (links,)
        Numbers added, in the order of the steps.
    precision : Precision
        Digits of the result.

    Returns
    -------
    totals : ndarray of float64, shape (links,)
    extremes : ndarray of float64
        The largest and the smallest total, for a colour scale that holds them all.
    """
    order = np.argsort(targets, kind="stable")
    running = np.cumsum(amounts[order])
    is_first = np.r_[True, np.diff(targets[order]) != 0][: len(order)]
    before = np.where(is_first, running - amounts[order], 0.0)
    firsts = np.flatnonzero(is_first)
    sizes = np.diff(np.r_[firsts, len(order)])
    totals = np.empty_like(amounts)
    totals[order] = running - np.repeat(before[firsts], sizes)
    totals = round_to(totals, precision).values
    return totals, np.array([totals.max(initial=0.0), totals.min(initial=0.0)])


def final_totals(targets: IntArray, totals: FloatArray, shape: Pair) -> FloatArray:
    """Return the last total of each target, shape `shape`; zero where nothing was added."""
    complete = np.zeros(shape)
    complete.ravel()[targets] = totals  # the last one written is the final total
    return complete


def gather_order(receivers: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """Return the links sorted by their target cell, and the start of each of the n cells."""
    sizes = np.bincount(receivers, minlength=n)
    return np.argsort(receivers, kind="stable"), np.r_[0, np.cumsum(sizes)]


def span_words(window: Pair, dilation_rate: Pair = (1, 1)) -> str:
    """Return the part of a caption that says where the window is."""
    rows, columns = (
        effective_kernel_size(k, d) for k, d in zip(window, dilation_rate, strict=True)
    )
    return (
        ("rows {top} to {bottom}" if rows > 1 else "row {top}")
        + " and "
        + ("columns {left} to {right}" if columns > 1 else "column {left}")
    )


def product_words(count: int) -> str:
    """Return the part of a caption that counts the products."""
    return "{count} products add up to" if count > 1 else "the product is"
