"""Memory and receptive fields of a network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cnn_lab.network.spec import Layer, LayerSummary
from cnn_lab.ops.sizes import ReceptiveField
from cnn_lab.ops.types import Pair

FLOAT_BYTES = 4  # single precision
ADAM_COPIES = 3  # per weight: its gradient and two running averages

Fields = tuple[ReceptiveField, ReceptiveField]


@dataclass(frozen=True)
class Memory:
    """Bytes in single precision.

    Attributes
    ----------
    weights : int
    image : int
        The largest sum of a layer's input and output: the memory for one image at inference.
    training : int
        The weights, their gradients, Adam's running averages, and every layer's output for each
        image of a batch, which the backward pass needs.
    """

    weights: int
    image: int
    training: int


def memory(layers: Sequence[Layer], rows: Sequence[LayerSummary], batch_size: int) -> Memory:
    """Return the memory that layers need.

    Parameters
    ----------
    layers : sequence of Layer
    rows : sequence of LayerSummary
        Of the layers that fit, from the first.
    batch_size : int
        Images of a training batch.

    Notes
    -----
    Counted from shapes only. A library also needs working memory, and may keep less where a layer
    works in place.
    """
    weights = sum(row.parameters for row in rows)
    learned = sum(
        math.prod(shape)
        for layer, row in zip(layers, rows, strict=False)
        for weight, shape in layer.weight_shapes(row.input_shape).items()
        if weight not in layer.untrained
    )
    shapes = [rows[0].input_shape, *(row.output_shape for row in rows)] if rows else []
    kept = sum(map(math.prod, shapes))
    at_once = [math.prod(row.input_shape) + math.prod(row.output_shape) for row in rows]
    return Memory(
        weights=FLOAT_BYTES * weights,
        image=FLOAT_BYTES * max(at_once, default=0),
        training=FLOAT_BYTES * (weights + ADAM_COPIES * learned + batch_size * kept),
    )


def fields(layers: Sequence[Layer], rows: Sequence[LayerSummary]) -> list[Fields]:
    """Return the receptive field of each layer's units, along rows and columns.

    Parameters
    ----------
    layers, rows
        As for `memory`.

    Notes
    -----
    A unit of a dense layer sees everything that the units of the last maps see together. A field
    that includes padding may be wider than the image.

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
        if layer.reads_all(row.input_shape):
            down, right = down.through(size[0]), right.through(size[1])
            size = (1, 1)  # from here on, one number depends on the whole map
        elif window := layer.window(row.input_shape):
            down = down.through(window.size[0], window.strides[0])
            right = right.through(window.size[1], window.strides[1])
        seen.append((down, right))
    return seen
