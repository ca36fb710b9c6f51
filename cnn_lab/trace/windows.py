"""Shared parts of convolution and pooling traces: checked images, windows and grids."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.sizes import effective_kernel_size
from cnn_lab.ops.types import Borders, Pair, ShapeError, as_float
from cnn_lab.trace.grid import PADDING, UNREAD, Grid, IntArray, Scale
from cnn_lab.trace.model import MAX_LINKS, TraceTooLarge
from cnn_lab.trace.numbers import FloatArray, Precision

PADDING_CAPTION = " Cells in the padding: {padding}."


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


def check_finite(name: str, array: NDArray[np.floating[Any]]) -> None:
    """Raise ValueError if a value is infinite or not a number."""
    if not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` must hold finite numbers. Received: {int((~np.isfinite(array)).sum())} "
            "values that are infinite or not a number"
        )


def check_links(n_links: int, n_cells: int) -> None:
    """Raise TraceTooLarge before anything too large is built."""
    if n_links > MAX_LINKS or n_cells > MAX_LINKS:
        raise TraceTooLarge(
            f"An animation may have at most {MAX_LINKS:,} cells and links between them. Use a "
            f"smaller image, or fewer channels or filters. Received: {n_cells:,} cells, "
            f"{n_links:,} links"
        )


def window_cells(
    size: Pair, positions: Pair, window: Pair, strides: Pair, dilation_rate: Pair, channels: int
) -> IntArray:
    """Return the ids of the cells that each window reads; inputs are the first grids.

    Parameters
    ----------
    size : (int, int)
        The padded image.
    positions : (int, int)
        Rows and columns of the result.
    window, strides, dilation_rate : (int, int)
    channels : int

    Returns
    -------
    ndarray of int, shape (positions, channels * window cells)
        Window positions row by row; in each, channel by channel, row by row.
    """
    rows, columns = (
        (np.arange(n) * stride)[:, np.newaxis] + np.arange(k) * dilation
        for n, k, stride, dilation in zip(positions, window, strides, dilation_rate, strict=True)
    )
    height, width = size
    channel = np.arange(channels)[:, np.newaxis, np.newaxis] * (height * width)
    cells = rows[:, np.newaxis, np.newaxis, :, np.newaxis] * width + (
        columns[np.newaxis, :, np.newaxis, np.newaxis, :] + channel
    )
    return cells.reshape(positions[0] * positions[1], -1).astype(np.int64)


def input_grids(
    padded: FloatArray,
    borders: Borders,
    reads: IntArray,
    *,
    precision: Precision,
    scale: Scale,
    parts: tuple[str, ...],
) -> list[Grid]:
    """Return one grid per channel of the padded image, with its unread cells marked."""
    height, width, channels = padded.shape
    (top, bottom), (left, right) = borders
    inner = (height - top - bottom, width - left - right)
    note = size_note(inner)
    if inner != (height, width):
        note += f", padded to {size_note((height, width))}"
    unread = np.ones(channels * height * width, dtype=bool)
    unread[reads] = False
    mask = np.full((height, width), PADDING, dtype=np.uint8)
    mask[top : top + inner[0], left : left + inner[1]] = 0
    return [
        Grid(
            key="input" if channels == 1 else f"input-{channel + 1}",
            title="Input",
            part=parts[channel],
            note=note,
            role="input",
            values=padded[:, :, channel],
            mask=mask | (UNREAD * channel_unread).astype(np.uint8),
            first_id=channel * height * width,
            row_labels=tuple(range(-top, height - top)),
            column_labels=tuple(range(-left, width - left)),
            scale=scale,
            precision=precision,
            channel=channel,
        )
        for channel, channel_unread in enumerate(unread.reshape(channels, height, width))
    ]


def plain_grid(values: FloatArray, **properties: Any) -> Grid:
    """Return a grid, by default without padding and with rows and columns counted from 0."""
    rows, columns = values.shape
    plain: dict[str, Any] = {
        "values": values,
        "mask": np.zeros((rows, columns), np.uint8),
        "row_labels": tuple(range(rows)),
        "column_labels": tuple(range(columns)),
        "note": size_note((rows, columns)),
    }
    return Grid(**plain | properties)


def size_note(size: Pair) -> str:
    """Return "6 × 6"."""
    return f"{size[0]} × {size[1]}"


def span_words(window: Pair, dilation_rate: Pair) -> str:
    """Return the part of a caption that says where the window is."""
    rows, columns = (
        effective_kernel_size(k, d) for k, d in zip(window, dilation_rate, strict=True)
    )
    return (
        ("rows {top} to {bottom}" if rows > 1 else "row {top}")
        + " and "
        + ("columns {left} to {right}" if columns > 1 else "column {left}")
    )
