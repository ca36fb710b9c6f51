"""Where two outputs that are compared differ."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.types import Array


@dataclass(frozen=True, eq=False)
class Differences:
    """Differences between two outputs.

    Attributes
    ----------
    differs : ndarray of bool
        Cell by cell, within the size that both have. Rounding, up to 1e-9 of the largest number,
        does not count.
    cell : tuple of int
        Where the difference is largest; the first in case of ties.
    first, second : float
        The two values there.
    """

    differs: NDArray[np.bool_]
    cell: tuple[int, ...]
    first: float
    second: float


def differences(first: Array, second: Array) -> Differences:
    """Compare two outputs cell by cell, within the size that both have.

    Parameters
    ----------
    first, second : ndarray
        With equally many axes; their sizes may differ.

    Examples
    --------
    >>> differences(np.array([1.0, 2.0]), np.array([1.0, 5.0, 7.0])).cell
    (1,)
    """
    common = tuple(slice(min(sizes)) for sizes in zip(first.shape, second.shape, strict=True))
    here, there = first[common], second[common]
    sizes = np.abs(here - there)
    cell = tuple(int(i) for i in np.unravel_index(int(sizes.argmax()), sizes.shape))
    rounding = 1e-9 * max(1.0, float(np.abs(here).max()), float(np.abs(there).max()))
    return Differences(sizes > rounding, cell, float(here[cell]), float(there[cell]))
