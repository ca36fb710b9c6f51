"""Winning cells of pooling windows, which receive the gradient of max pooling."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.concepts.layer_call import PoolingSettings
from cnn_lab.ops import average_pool2d_gradient, max_pool2d_gradient
from cnn_lab.ops.padding import pad_images
from cnn_lab.ops.pooling import cells_inside, pooling_geometry
from cnn_lab.ops.types import Array
from cnn_lab.ops.windows import window_view

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Routes:
    """Counts of windows and of the cells under them.

    Attributes
    ----------
    won : ndarray of int, shape (height, width)
        Number of windows that each cell wins; of equal cells the first one wins.
    covered : ndarray of int, shape (height, width)
        Number of windows that each cell lies in.
    largest : ndarray of int, shape (out_height, out_width)
        Number of cells in each window that share the largest value.
    """

    won: Counts
    covered: Counts
    largest: Counts

    @cached_property
    def n_windows(self) -> int:
        """Number of windows, which is the number of pooled cells."""
        return self.largest.size

    @cached_property
    def n_ties(self) -> int:
        """Number of windows with more than one largest cell."""
        return int((self.largest > 1).sum())

    @cached_property
    def n_won_twice(self) -> int:
        """Number of cells that win more than one window."""
        return int((self.won > 1).sum())

    @cached_property
    def n_covered_twice(self) -> int:
        """Number of cells that lie in more than one window."""
        return int((self.covered > 1).sum())

    @cached_property
    def n_unread(self) -> int:
        """Number of cells that lie in no window."""
        return int((self.covered == 0).sum())


def routes(image: Array, settings: PoolingSettings) -> Routes:
    """Count the windows that each cell of one map wins.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        Finite numbers.
    settings : PoolingSettings
        The divisor is ignored.

    Raises
    ------
    ShapeError, ValueError
        As `cnn_lab.ops.max_pool2d`.

    Notes
    -----
    A gradient of ones through max pooling gives one to each winner, so its sum at a cell is the
    count. Average pooling gives the same if each window's gradient is the number of its cells.

    Examples
    --------
    >>> counts = routes(np.array([[0.0, 3, 0], [3, 0, 3]]), PoolingSettings(2, strides=1))
    >>> counts.won.tolist(), counts.covered.tolist(), counts.largest.tolist()
    ([[0, 2, 0], [0, 0, 0]], [[1, 2, 1], [1, 2, 1]], [[2, 2]])
    """
    images = np.asarray(image, np.float64)[np.newaxis, ..., np.newaxis]
    size = (images.shape[1], images.shape[2])
    window, steps = settings.window
    pool = (window, steps, settings.padding)
    inside = cells_inside(size, *pool)[np.newaxis, ..., np.newaxis]
    plain: dict[str, Any] = {"pool_size": window, "strides": steps, "padding": settings.padding}
    won = max_pool2d_gradient(images, np.ones_like(inside), **plain)
    covered = average_pool2d_gradient(images, inside, **plain)
    _, _, borders = pooling_geometry(size, *pool)
    windows = window_view(pad_images(images, borders, fill=-np.inf), window, steps)
    highest = windows.max(axis=(3, 4), keepdims=True)
    largest = (windows == highest).sum(axis=(3, 4))
    return Routes(*(_counts(each) for each in (won, covered, largest)))


def _counts(values: NDArray[np.floating[Any]] | NDArray[np.int64]) -> Counts:
    return np.round(values[0, ..., 0]).astype(np.int64)
