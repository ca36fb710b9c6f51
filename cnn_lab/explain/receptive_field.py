"""What a unit deep in a network can see of the image."""

from dataclasses import dataclass

from cnn_lab.explain.layers import find
from cnn_lab.network.spec import (
    Activation,
    AveragePooling2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    LayerSummary,
    MaxPooling2D,
    NetworkSpec,
    Softmax,
)
from cnn_lab.ops.padding import resolve_padding
from cnn_lab.ops.types import Borders, Pair


@dataclass(frozen=True)
class Patch:
    """The rectangle of the input that a unit's windows span, padding included.

    Attributes
    ----------
    first_row, first_column : int
        Of its upper left pixel; below 0 where it lies in padding.
    rows, columns : int
        How many it spans; the same for every unit of a layer.
    read_rows, read_columns : int
        Rows and columns of the image that any unit of the layer can see: what a floor dropped
        at the lower and right border lies behind them.
    """

    first_row: int
    first_column: int
    rows: int
    columns: int
    read_rows: int
    read_columns: int

    def clipped(self, height: int, width: int) -> "Patch":
        """Return the part that lies in an image of this size and is really read.

        Where the steps of a window are longer than the window is wide, pixels between two
        windows lie in the rectangle and are not read.
        """
        top, left = max(self.first_row, 0), max(self.first_column, 0)
        bottom = min(self.first_row + self.rows, self.read_rows, height)
        right = min(self.first_column + self.columns, self.read_columns, width)
        return Patch(top, left, bottom - top, right - left, self.read_rows, self.read_columns)


@dataclass
class _Span:
    """A stretch of one axis on its way back to the image: first to last, and what exists."""

    first: int
    last: int
    end: int  # the last that can be read at all

    def widen(self, window: int, stride: int, before: int, length: int) -> None:
        """Go back from a layer's result to what its windows read, of which `length` exist."""
        self.first = self.first * stride - before
        self.last = self.last * stride - before + window - 1
        self.end = min(self.end * stride - before + window, length) - 1

    def spread(self, length: int) -> None:
        """Go back to the whole of a map that one number stands for."""
        self.first, self.last, self.end = 0, length - 1, length - 1


def seen_by(spec: NetworkSpec, layer: str, row: int, column: int) -> Patch:
    """Return the pixels of the input that a unit of a layer can see.

    Parameters
    ----------
    spec : NetworkSpec
    layer : str
        By name.
    row, column : int
        Of the unit, from 0. In a layer that makes one row of numbers, `row` is 0 and `column`
        counts along it.

    Returns
    -------
    Patch
        Not clipped: `.clipped(height, width)` leaves what lies in the image.

    Raises
    ------
    ValueError
        If there is no such layer, or no such unit in it.

    Notes
    -----
    Which of the pixels matter, and how much, is another question: those in the middle take
    part in more sums [1]_.

    References
    ----------
    .. [1] Luo, Li, Urtasun and Zemel (2016), arXiv:1701.04128.
    .. [2] Araujo, Norris and Sim (2019), "Computing receptive fields of convolutional
       neural networks", Distill, doi:10.23915/distill.00021.

    Examples
    --------
    Two convolutions of 3 x 3, each with a border of zeros:

    >>> layers = [Conv2D(name=n, filters=1, kernel_size=(3, 3), padding="same") for n in "ab"]
    >>> spec = NetworkSpec(name="two", input_shape=(9, 9, 1), layers=tuple(layers))
    >>> patch = seen_by(spec, "b", 0, 4)
    >>> patch.first_row, patch.first_column, patch.rows, patch.columns
    (-2, 2, 5, 5)
    >>> patch.clipped(9, 9).rows
    3
    """
    place, found = find(spec, layer)
    size = found.output_shape[:2] if len(found.output_shape) == 3 else (1, *found.output_shape)
    if not (0 <= row < size[0] and 0 <= column < size[1]):
        raise ValueError(
            f"A unit of {layer} must have a row from 0 to {size[0] - 1} and a column from 0 to "
            f"{size[1] - 1}. Received: row={row}, column={column}"
        )
    down, right = _Span(row, row, size[0] - 1), _Span(column, column, size[1] - 1)
    behind = list(zip(spec.layers, spec.summary(), strict=True))[: place + 1]
    for one, summary in reversed(behind):
        _back(one, summary, down, right)
    return Patch(
        down.first,
        right.first,
        down.last - down.first + 1,
        right.last - right.first + 1,
        down.end + 1,
        right.end + 1,
    )


def _back(layer: Layer, summary: LayerSummary, down: _Span, right: _Span) -> None:
    """Go back through one layer, along both axes."""
    shape = summary.input_shape
    if len(shape) == 1:
        if isinstance(layer, Dense) or _is_softmax(layer):
            right.spread(shape[0])
        return
    size = shape[0], shape[1]
    match layer:
        case Flatten():
            _unflatten(size, shape[2], down, right)
        case GlobalAveragePooling2D():
            down.spread(size[0])
            right.spread(size[1])
        case Conv2D() | DepthwiseConv2D() | MaxPooling2D() | AveragePooling2D():
            window, strides, borders = _window(layer, size)
            for span, reach, stride, border, length in zip(
                (down, right), window, strides, borders, size, strict=True
            ):
                span.widen(reach, stride, border[0], length)


def _unflatten(size: Pair, channels: int, down: _Span, right: _Span) -> None:
    """Go back from a row of numbers to the map it was; from several numbers to all of it."""
    if right.first == right.last:
        down.first = down.last = right.first // channels // size[1]
        right.first = right.last = right.first // channels % size[1]
        down.end, right.end = size[0] - 1, size[1] - 1
    else:
        down.spread(size[0])
        right.spread(size[1])


def _window(
    layer: Conv2D | DepthwiseConv2D | MaxPooling2D | AveragePooling2D, size: Pair
) -> tuple[Pair, Pair, Borders]:
    if isinstance(layer, Conv2D | DepthwiseConv2D):
        window, strides = layer.kernel_size, layer.strides
    else:
        window, strides = layer.pool_size, layer.strides or layer.pool_size
    return window, strides, resolve_padding(layer.padding, size, window, strides)


def _is_softmax(layer: Layer) -> bool:
    return isinstance(layer, Softmax) or (
        isinstance(layer, Activation) and layer.activation == "softmax"
    )
