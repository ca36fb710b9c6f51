"""Receptive fields of units in the image."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_lab.network.spec import Layer, LayerSummary, NetworkSpec
from cnn_lab.ops.sizes import Span
from cnn_lab.ops.types import Array, Pair


@dataclass(frozen=True)
class Patch:
    """Rectangle of the input that a unit's windows span, padding included.

    Attributes
    ----------
    first_row, first_column : int
        Of its upper left pixel; below 0 in padding.
    rows, columns : int
        Its size; the same for every unit of a layer.
    read_rows, read_columns : int
        Rows and columns of the image that any unit of the layer can see, without those dropped by
        rounding down at the lower and right border.
    """

    first_row: int
    first_column: int
    rows: int
    columns: int
    read_rows: int
    read_columns: int

    @property
    def size(self) -> Pair:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def middle(self) -> tuple[float, float]:
        """Row and column of the middle, between two pixels for an even size."""
        return self.first_row + (self.rows - 1) / 2, self.first_column + (self.columns - 1) / 2

    def clipped(self, height: int, width: int) -> "Patch":
        """Return the part inside an image of this size that is really read.

        If strides are larger than the window, pixels between two windows are inside the rectangle
        but are not read.
        """
        top, left = max(self.first_row, 0), max(self.first_column, 0)
        bottom = min(self.first_row + self.rows, self.read_rows, height)
        right = min(self.first_column + self.columns, self.read_columns, width)
        return Patch(top, left, bottom - top, right - left, self.read_rows, self.read_columns)


def seen_by(spec: NetworkSpec, layer: str, row: int, column: int) -> Patch:
    """Return the pixels of the input that a unit of a layer can see.

    Parameters
    ----------
    spec : NetworkSpec
    layer : str
        By name.
    row, column : int
        Of the unit, from 0. In a layer that outputs a row of numbers, `row` is 0 and `column` is
        the index.

    Returns
    -------
    Patch
        Not clipped; `.clipped(height, width)` returns the part inside the image.

    Raises
    ------
    ValueError
        If the layer or the unit does not exist.

    Notes
    -----
    The pixels do not all matter equally: those in the middle take part in more sums [1]_.

    References
    ----------
    .. [1] Luo, Li, Urtasun and Zemel (2016), arXiv:1701.04128.
    .. [2] Araujo, Norris and Sim (2019), "Computing receptive fields of convolutional
       neural networks", Distill, doi:10.23915/distill.00021.

    Examples
    --------
    Two convolutions of 3 x 3, each with a border of zeros:

    >>> from cnn_lab.network.spec import Conv2D
    >>> layers = [Conv2D(name=n, filters=1, kernel_size=(3, 3), padding="same") for n in "ab"]
    >>> spec = NetworkSpec(name="two", input_shape=(9, 9, 1), layers=tuple(layers))
    >>> patch = seen_by(spec, "b", 0, 4)
    >>> patch.first_row, patch.first_column, patch.rows, patch.columns
    (-2, 2, 5, 5)
    >>> patch.clipped(9, 9).rows
    3
    """
    place, found = spec.find(layer)
    size = found.output_shape[:2] if len(found.output_shape) == 3 else (1, *found.output_shape)
    if not (0 <= row < size[0] and 0 <= column < size[1]):
        raise ValueError(
            f"A unit of {layer} must have a row from 0 to {size[0] - 1} and a column from 0 to "
            f"{size[1] - 1}. Received: row={row}, column={column}"
        )
    down, right = Span(row, row, size[0] - 1), Span(column, column, size[1] - 1)
    behind = list(zip(spec.layers, spec.summary(), strict=True))[: place + 1]
    for one, summary in reversed(behind):
        down, right = _before(one, summary, down, right)
    return Patch(
        down.first,
        right.first,
        down.last - down.first + 1,
        right.last - right.first + 1,
        down.end + 1,
        right.end + 1,
    )


def _before(layer: Layer, summary: LayerSummary, down: Span, right: Span) -> tuple[Span, Span]:
    """Return the field before one layer, along both axes."""
    shape = summary.input_shape
    rows, columns = shape[:2] if len(shape) == 3 else (1, shape[0])
    if layer.reads_all(shape):
        return Span.whole(rows), Span.whole(columns)
    if len(summary.output_shape) < len(shape):
        # A flattened row: one number has its place in the maps, several cover all of them.
        if right.first != right.last:
            return Span.whole(rows), Span.whole(columns)
        _, row, column = layer.origin((right.first, 0, 0), shape)
        return Span(row, row, rows - 1), Span(column, column, columns - 1)
    if window := layer.window(shape):
        down = down.before(window.size[0], window.strides[0], window.borders[0], rows)
        right = right.before(window.size[1], window.strides[1], window.borders[1], columns)
    return down, right


def growing_fields(spec: NetworkSpec, layer: str, row: int, column: int) -> list[tuple[str, Patch]]:
    """Return the receptive fields of a unit and of units before it around the same middle.

    Parameters
    ----------
    spec : NetworkSpec
    layer : str
    row, column : int
        Of the unit; 0 and the index for a row of numbers.

    Returns
    -------
    list of (str, Patch)
        Name and field, within the image, of each layer up to this one with a larger field than
        the layer before it, for the unit closest to the middle of the last field. The layer
        itself comes last.
    """
    height, width, _ = spec.input_shape
    whole = seen_by(spec, layer, row, column).clipped(height, width)
    found: list[tuple[str, Patch]] = []
    for summary in spec.summary():
        if summary.name == layer:
            break
        patch = _around(spec, summary, whole).clipped(height, width)
        if not found or patch.size != found[-1][1].size:
            found.append((summary.name, patch))
    while found and found[-1][1].size == whole.size:
        found.pop()
    return [*found, (layer, whole)]


def _around(spec: NetworkSpec, summary: LayerSummary, whole: Patch) -> Patch:
    """Return the field of a layer's unit that is closest to the middle of another field."""
    if len(summary.output_shape) != 3:
        return seen_by(spec, summary.name, 0, 0)
    size = summary.output_shape[0], summary.output_shape[1]
    row, column = (
        int(nearest_place(middle, *ends, n))
        for middle, ends, n in zip(
            whole.middle, _middles(spec, summary.name, size), size, strict=True
        )
    )
    return seen_by(spec, summary.name, row, column)


def over_image(spec: NetworkSpec, layer: str, values: Array) -> Array:
    """Spread values over the image: each pixel gets that of the unit with the closest middle.

    Parameters
    ----------
    spec : NetworkSpec
    layer : str
        A layer that outputs maps.
    values : ndarray, shape (rows, columns) of these maps

    Returns
    -------
    ndarray, shape (height, width) of the image
    """
    size = values.shape[0], values.shape[1]
    down, right = (
        nearest_place(np.arange(length), *ends, n)
        for length, ends, n in zip(
            spec.input_shape[:2], _middles(spec, layer, size), size, strict=True
        )
    )
    return values[np.ix_(down, right)]


def _middles(spec: NetworkSpec, layer: str, size: Pair) -> list[tuple[float, float]]:
    """Return the middles of the first and the last unit's fields, along rows and columns."""
    first = seen_by(spec, layer, 0, 0).middle
    last = seen_by(spec, layer, size[0] - 1, size[1] - 1).middle
    return list(zip(first, last, strict=True))


def nearest_place(at: Any, first: float, last: float, n: int) -> Any:
    """Return the index of the closest of `n` middles, evenly spaced from `first` to `last`."""
    step = (last - first) / max(n - 1, 1) or 1
    return np.clip(np.floor((at - first) / step + 0.5), 0, n - 1).astype(np.int64)


def strongest_place(
    spec: NetworkSpec, layer: str, image: Array, maps: Array, channel: int | None = None
) -> tuple[int, int, int]:
    """Return the place of the largest number in a layer's maps that sees anything of the image.

    Parameters
    ----------
    spec : NetworkSpec
    layer : str
    image : ndarray, shape (height, width, channels)
        The input; pixels that are not 0 count.
    maps : ndarray, shape (rows, columns, maps)
        The layer's output; a layer of units has one row and one column.
    channel : int, optional
        The map to look in; by default all.

    Returns
    -------
    (int, int, int)
        Map, row and column; the first of equals. If no number sees anything, all are compared.

    Notes
    -----
    A bias can make an empty window the strongest, which would explain nothing.
    """
    rows, columns, _ = maps.shape
    sees = np.ones((rows, columns), bool)
    if rows * columns > 1:
        ink = np.pad((image != 0).any(axis=-1).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        first, last = seen_by(spec, layer, 0, 0), seen_by(spec, layer, rows - 1, columns - 1)
        # Fields are equally large and equally far apart.
        tops = np.rint(np.linspace(first.first_row, last.first_row, rows)).astype(int)
        lefts = np.rint(np.linspace(first.first_column, last.first_column, columns)).astype(int)
        top, bottom = np.clip([tops, tops + first.rows], 0, image.shape[0])
        left, right = np.clip([lefts, lefts + first.columns], 0, image.shape[1])
        n_pixels = ink[np.ix_(bottom, right)] + ink[np.ix_(top, left)]
        sees = n_pixels > ink[np.ix_(top, right)] + ink[np.ix_(bottom, left)]
    chosen = maps if channel is None else maps[..., channel : channel + 1]
    found = np.where(sees[..., np.newaxis], chosen, -np.inf) if sees.any() else chosen
    row, column, at = np.unravel_index(int(np.argmax(found)), found.shape)
    return int(at) if channel is None else channel, int(row), int(column)
