"""Means of windows across the border, with both divisors."""

from dataclasses import asdict, dataclass, replace

import numpy as np

from cnn_lab.concepts.layer_call import PoolingSettings
from cnn_lab.ops import average_pool2d
from cnn_lab.ops.pooling import cells_inside
from cnn_lab.ops.types import Array


@dataclass(frozen=True)
class DivisorContrast:
    """The cell where the two means differ most.

    Attributes
    ----------
    row, column : int
        Position in the pooled map.
    n_inside, n_window : int
        Cells of its window inside the image, and in total.
    by_inside, by_window : float
        The mean with each divisor.
    n_different, n_results : int
        Pooled cells whose two means differ, and in total.
    """

    row: int
    column: int
    n_inside: int
    n_window: int
    by_inside: float
    by_window: float
    n_different: int
    n_results: int


def contrast_divisors(image: Array, settings: PoolingSettings) -> DivisorContrast:
    """Compare average pooling of one map with both divisors.

    Parameters
    ----------
    image : ndarray, shape (height, width)
    settings : PoolingSettings
        Its own divisor is ignored.

    Returns
    -------
    DivisorContrast
        The first in case of ties, row by row.

    Raises
    ------
    ShapeError, ValueError
        As `cnn_lab.ops.average_pool2d`.

    References
    ----------
    .. [1] Keras, `keras.layers.AveragePooling2D`.
    .. [2] PyTorch, `torch.nn.AvgPool2d`: `count_include_pad`.

    Examples
    --------
    >>> found = contrast_divisors(np.full((3, 3), 8.0), PoolingSettings(2, padding="same"))
    >>> found.row, found.column, found.by_inside, found.by_window
    (1, 1, 8.0, 2.0)
    """
    images = np.asarray(image, np.float64)[np.newaxis, ..., np.newaxis]
    by_inside, by_window = (
        average_pool2d(images, **asdict(replace(settings, count_include_pad=counted)))[0, ..., 0]
        for counted in (False, True)
    )
    window, steps = settings.window
    inside = cells_inside((images.shape[1], images.shape[2]), window, steps, settings.padding)
    different = by_inside != by_window
    row, column = np.unravel_index(np.abs(by_inside - by_window).argmax(), inside.shape)
    return DivisorContrast(
        int(row),
        int(column),
        round(float(inside[row, column])),
        window[0] * window[1],
        float(by_inside[row, column]),
        float(by_window[row, column]),
        int(different.sum()),
        inside.size,
    )
