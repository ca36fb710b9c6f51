"""What pooling keeps of one map, and how well the map can be reconstructed from it."""

from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cnn_lab.concepts.layer_call import PoolingSettings
from cnn_lab.concepts.pooling.routes import Routes, routes
from cnn_lab.ops import average_pool2d, average_pool2d_gradient
from cnn_lab.ops.pooling import cells_inside
from cnn_lab.ops.types import Array


@dataclass(frozen=True)
class Remains:
    """Losses of one kind of pooling on a map.

    Attributes
    ----------
    n_traceless : int
        Cells that contribute to no output: they won no window, or lie in none.
    magnitude : float
        Share of the map's magnitude (the sum of its absolute values) on all other cells.
    error : float
        Reconstruction error: length of the difference over the length of the map. 0 means
        nothing was lost.
    """

    n_traceless: int
    magnitude: float
    error: float


def remains(
    image: Array, settings: PoolingSettings, found: Routes | None = None
) -> tuple[Remains, Remains]:
    """Return what max pooling and average pooling keep of one map.

    The map is reconstructed from what each kind kept: the maxima in their places and zeros
    elsewhere, or each mean spread over the cells of its window (averaged where windows
    overlap).

    Parameters
    ----------
    image : ndarray, shape (height, width)
        Finite numbers.
    settings : PoolingSettings
    found : Routes, optional
        Result of `routes` for these, if already computed.

    Raises
    ------
    ShapeError, ValueError
        As `cnn_lab.ops.average_pool2d`.

    Examples
    --------
    >>> remains(np.array([[3.0, 0], [0, 1]]), PoolingSettings(2))[0].magnitude
    0.75
    >>> remains(np.ones((4, 4)), PoolingSettings(2))[1]
    Remains(n_traceless=0, magnitude=1.0, error=0.0)
    """
    image = np.asarray(image, np.float64)
    found = found or routes(image, settings)
    winners = found.won > 0
    return (
        _weigh(image, winners, np.where(winners, image, 0.0)),
        _weigh(image, found.covered > 0, _spread_means(image, settings, found)),
    )


def _spread_means(image: Array, settings: PoolingSettings, found: Routes) -> Array:
    """Return the means spread over their windows; pixels that no window reads stay zero."""
    images = image[np.newaxis, ..., np.newaxis]
    means = average_pool2d(images, **asdict(settings))
    window, steps = settings.window
    inside = cells_inside((image.shape[0], image.shape[1]), window, steps, settings.padding)
    # The gradient gives each cell its share of a number; times the cells, it is the number.
    total = average_pool2d_gradient(
        images,
        means * inside[np.newaxis, ..., np.newaxis],
        **asdict(replace(settings, count_include_pad=False)),
    )[0, ..., 0]
    return np.asarray(total / np.maximum(found.covered, 1))


def _weigh(image: Array, counts: NDArray[np.bool_], again: Array) -> Remains:
    magnitude, length = float(np.abs(image).sum()), float(np.linalg.norm(image))
    return Remains(
        int((~counts).sum()),
        float(np.abs(image)[counts].sum()) / magnitude if magnitude else 1.0,
        float(np.linalg.norm(image - again)) / length if length else 0.0,
    )
