"""A layer's units, or places of a covering square, brought back onto the pixels of the image."""

import numpy as np
from numpy.typing import NDArray

from cnn_lab.explain.attribution import Occlusion
from cnn_lab.explain.receptive_field import seen_by
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array


def over_image(spec: NetworkSpec, layer: str, values: Array) -> Array:
    """Give each pixel the value of the unit whose field has its middle nearest to it.

    Parameters
    ----------
    spec : NetworkSpec
    layer : str
        One that makes maps.
    values : ndarray, shape (rows, columns) of these maps

    Returns
    -------
    ndarray, shape (height, width) of the image
    """
    rows, columns = values.shape
    first, last = seen_by(spec, layer, 0, 0), seen_by(spec, layer, rows - 1, columns - 1)
    height, width, _ = spec.input_shape
    down = _nearest(
        height,
        first.first_row + (first.rows - 1) / 2,
        last.first_row + (last.rows - 1) / 2,
        rows,
    )
    right = _nearest(
        width,
        first.first_column + (first.columns - 1) / 2,
        last.first_column + (last.columns - 1) / 2,
        columns,
    )
    return values[np.ix_(down, right)]


def drop_over_image(found: Occlusion, size: tuple[int, int]) -> Array:
    """Return how much less sure the network is with the square's middle at or near each pixel.

    Parameters
    ----------
    found : Occlusion
    size : (int, int)
        Rows and columns of the image.

    Returns
    -------
    ndarray, shape (rows, columns)
        Above 0 where covering hurts.
    """
    rows, columns = found.probabilities.shape
    down = _nearest(size[0], 0, (rows - 1) * found.step, rows)
    right = _nearest(size[1], 0, (columns - 1) * found.step, columns)
    return np.asarray(found.before - found.probabilities[np.ix_(down, right)])


def _nearest(length: int, first: float, last: float, n: int) -> NDArray[np.int64]:
    """Return for each pixel of an axis which of evenly spaced middles lies nearest."""
    step = (last - first) / max(n - 1, 1) or 1
    at = np.floor((np.arange(length) - first) / step + 0.5)
    return np.asarray(np.clip(at, 0, n - 1), np.int64)
