"""What a network takes: memory, how far each unit sees, and how many connections a layer has."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cnn_lab.network.spec import (
    AveragePooling2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    GlobalAveragePooling2D,
    Layer,
    LayerSummary,
    MaxPooling2D,
    Shape,
)
from cnn_lab.ops.padding import resolve_padding
from cnn_lab.ops.sizes import ReceptiveField, conv_output_length
from cnn_lab.ops.types import Pair

FLOAT_BYTES = 4  # single precision
ADAM_COPIES = 3  # of each weight, besides itself: its gradient and two running averages
_MOVING = ("moving_mean", "moving_variance")

Fields = tuple[ReceptiveField, ReceptiveField]


@dataclass(frozen=True)
class Memory:
    """Bytes in single precision.

    Attributes
    ----------
    weights : int
    image : int
        The largest layer's input and result: all that one image needs at a time on its way
        through a trained network.
    training : int
        The weights, their gradients, what Adam remembers, and every layer's result for each
        image of a batch, which the way back needs again.
    """

    weights: int
    image: int
    training: int


def memory(layers: Sequence[Layer], rows: Sequence[LayerSummary], batch_size: int) -> Memory:
    """Return what layers take in memory.

    Parameters
    ----------
    layers : sequence of Layer
    rows : sequence of LayerSummary
        Of the first of these layers, as many as fit.
    batch_size : int
        Images of a training batch.

    Notes
    -----
    Counted from shapes alone. A library needs working space besides, and may keep less where
    a layer can do its work in place.
    """
    weights = sum(row.parameters for row in rows)
    learned = sum(trained(layer, row) for layer, row in zip(layers, rows, strict=False))
    shapes = [rows[0].input_shape, *(row.output_shape for row in rows)] if rows else []
    kept = sum(map(math.prod, shapes))
    at_once = [math.prod(row.input_shape) + math.prod(row.output_shape) for row in rows]
    return Memory(
        weights=FLOAT_BYTES * weights,
        image=FLOAT_BYTES * max(at_once, default=0),
        training=FLOAT_BYTES * (weights + ADAM_COPIES * learned + batch_size * kept),
    )


def trained(layer: Layer, row: LayerSummary) -> int:
    """Return how many of a layer's numbers descent changes: all but moving averages."""
    shapes = layer.weight_shapes(row.input_shape)
    return sum(math.prod(shape) for name, shape in shapes.items() if name not in _MOVING)


def fields(layers: Sequence[Layer], rows: Sequence[LayerSummary]) -> list[Fields]:
    """Return how far a unit of each layer sees, along rows and along columns.

    Parameters
    ----------
    layers, rows
        As for `memory`.

    Notes
    -----
    A unit of a dense layer sees all that the units of the last maps see together. A field
    may be wider than the image where padding lies within it.

    References
    ----------
    .. [1] Araujo, Norris and Sim (2019), "Computing receptive fields of convolutional
       neural networks", Distill, doi:10.23915/distill.00021.
    """
    down, right = ReceptiveField(), ReceptiveField()
    size: Pair = (1, 1)
    seen: list[Fields] = []
    for layer, row in zip(layers, rows, strict=False):
        if len(row.input_shape) == 3:
            size = (row.input_shape[0], row.input_shape[1])
        window, strides = _window(layer, size)
        down, right = down.through(window[0], strides[0]), right.through(window[1], strides[1])
        if isinstance(layer, Dense | GlobalAveragePooling2D):
            size = (1, 1)  # one number now stands for the whole map
        seen.append((down, right))
    return seen


def _window(layer: Layer, size: Pair) -> tuple[Pair, Pair]:
    """Return the window that a unit reads, and the step between neighbours."""
    match layer:
        case Conv2D() | DepthwiseConv2D():
            return layer.kernel_size, layer.strides
        case MaxPooling2D() | AveragePooling2D():
            return layer.pool_size, layer.strides or layer.pool_size
        case Dense() | GlobalAveragePooling2D():
            return size, (1, 1)
    return (1, 1), (1, 1)


@dataclass(frozen=True)
class Connections:
    """A convolution's threads between pixels and results, and a dense layer's in its place.

    Attributes
    ----------
    sparse : int
        Pairs of an input number and a result that it takes part in, padding left out.
    dense : int
        The same if every result saw every input number.
    shared : int
        Weights that all those connections of the convolution share; without biases.
    reach : int
        Input numbers that one result sees, padding included.
    """

    sparse: int
    dense: int
    shared: int
    reach: int

    @property
    def uses(self) -> float:
        """How often each weight is used for one image, on average."""
        return self.sparse / self.shared


def connections(layer: Conv2D, input_shape: Shape) -> Connections:
    """Count the connections of a convolution for one image.

    Examples
    --------
    The paper's first layer; the last of its 28 windows along an axis has one pixel inside:

    >>> paper = Conv2D(name="conv1", filters=16, kernel_size=(2, 2), padding="same")
    >>> connections(paper, (28, 28, 1))
    Connections(sparse=48400, dense=9834496, shared=64, reach=4)
    """
    rows, columns, channels = input_shape
    size = (rows, columns)
    borders = resolve_padding(layer.padding, size, layer.kernel_size, layer.strides)
    inside = math.prod(
        _reads(*axis) for axis in zip(size, layer.kernel_size, layer.strides, borders, strict=True)
    )
    reach = math.prod(layer.kernel_size) * channels
    return Connections(
        sparse=inside * channels * layer.filters,
        dense=math.prod(input_shape) * math.prod(layer.output_shape(input_shape)),
        shared=reach * layer.filters,
        reach=reach,
    )


def _reads(length: int, kernel_size: int, stride: int, border: Pair) -> int:
    """Return how many pixels all windows along an axis read, padding left out."""
    starts = range(conv_output_length(length, kernel_size, stride, border))
    firsts = (start * stride - border[0] for start in starts)
    return sum(min(first + kernel_size, length) - max(first, 0) for first in firsts)


def bytes_in_words(count: int) -> str:
    """Return a number of bytes to three digits, in units of 1,000.

    Examples
    --------
    >>> bytes_in_words(512), bytes_in_words(4_537_704), bytes_in_words(1_250_000_000)
    ('512 B', '4.54 MB', '1.25 GB')
    """
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.3g} {unit}"
