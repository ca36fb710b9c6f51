"""A layer by its name: where it stands, and what may be asked of it."""

from typing import Any

import numpy as np

from cnn_lab.network.spec import LayerSummary, NetworkSpec
from cnn_lab.ops.types import Array, ShapeError


def find(spec: NetworkSpec, layer: str) -> tuple[int, LayerSummary]:
    """Return a layer's place in the network, from 0, and its row in the table of layers.

    Raises
    ------
    ValueError
        If the network has no such layer.
    """
    rows = spec.summary()
    for place, row in enumerate(rows):
        if row.name == layer:
            return place, row
    names = ", ".join(row.name for row in rows)
    raise ValueError(f"`layer` must be one of: {names}. Received: layer={layer!r}")


def find_maps(spec: NetworkSpec, layer: str) -> LayerSummary:
    """Return the row of a layer that makes maps.

    Raises
    ------
    ValueError
        If the network has no such layer.
    ShapeError
        If the layer makes a row of numbers.
    """
    row = find(spec, layer)[1]
    if len(row.output_shape) != 3:
        raise ShapeError(
            "`layer` must make maps, of shape (rows, columns, channels). "
            f"Received: {layer}, which makes {row.output_shape}"
        )
    return row


def one_image(spec: NetworkSpec, image: Any) -> Array:
    """Return an image as float32, having checked that the network can read it.

    Raises
    ------
    ShapeError
        If it is not of the network's input shape.
    """
    values = np.asarray(image, np.float32)
    if values.shape != spec.input_shape:
        raise ShapeError(
            f"`image` must have shape {spec.input_shape}. Received: image.shape={values.shape}"
        )
    return values
