"""Padding to the same size in Keras, and the symmetric padding usual in PyTorch."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cnn_lab.concepts.layer_call import ConvolutionSettings
from cnn_lab.ops.sizes import conv_output_length, effective_kernel_size
from cnn_lab.ops.types import Array, Borders, Pair

KERAS, PYTORCH = "Keras", "PyTorch"


def conventions(kernel_size: Pair, settings: ConvolutionSettings) -> dict[str, ConvolutionSettings]:
    """Return the settings with the padding of each library.

    Parameters
    ----------
    kernel_size : (int, int)
    settings : ConvolutionSettings
        Strides and dilation; their padding is replaced.

    Returns
    -------
    dict of str to ConvolutionSettings
        "Keras": ``padding="same"``, ``ceil(size / stride)`` positions, with an odd pixel
        after. "PyTorch": ``padding=k // 2``, where k is the span of a dilated kernel:
        the same before and after, for any size and stride.

    References
    ----------
    .. [1] Keras, `keras.layers.Conv2D`: `padding`.
    .. [2] PyTorch, `torch.nn.Conv2d`: `padding`.

    Examples
    --------
    >>> both = conventions((3, 3), ConvolutionSettings(strides=2))
    >>> {name: each.borders((6, 6), (3, 3))[0] for name, each in both.items()}
    {'Keras': (0, 1), 'PyTorch': (1, 1)}
    """
    halves = [
        effective_kernel_size(k, d) // 2
        for k, d in zip(kernel_size, settings.steps[1], strict=True)
    ]
    symmetric: Borders = ((halves[0], halves[0]), (halves[1], halves[1]))
    return {
        KERAS: replace(settings, padding="same"),
        PYTORCH: replace(settings, padding=symmetric),
    }


@dataclass(frozen=True)
class Ruler:
    """Positions of the windows along one axis.

    Attributes
    ----------
    length, before, after : int
        Pixels of the image and of its padding.
    windows : tuple of tuple of int
        The pixels that each window reads; 0 is the first of the image, padding lies outside.
    """

    length: int
    before: int
    after: int
    windows: tuple[tuple[int, ...], ...]


def ruler(axis: int, size: Pair, kernel_size: Pair, settings: ConvolutionSettings) -> Ruler:
    """Return the windows along an axis: 0 for rows, 1 for columns.

    Raises
    ------
    ShapeError
        If no window fits.

    Examples
    --------
    >>> ruler(0, (4, 4), (2, 2), ConvolutionSettings(strides=2, padding="same")).windows
    ((0, 1), (2, 3))
    """
    steps, dilation = (step[axis] for step in settings.steps)
    before, after = settings.borders(size, kernel_size)[axis]
    length, cells = size[axis], kernel_size[axis]
    positions = conv_output_length(length, cells, steps, (before, after), dilation)
    return Ruler(
        length,
        before,
        after,
        tuple(
            tuple(position * steps - before + cell * dilation for cell in range(cells))
            for position in range(positions)
        ),
    )


@dataclass(frozen=True)
class Disagreement:
    """Differences between two outputs that should be equal.

    Attributes
    ----------
    differs : ndarray of bool, shape (rows, columns)
        Cell by cell, within the size that both have.
    row, column : int
        Where the difference is largest.
    first, second : float
        The two values there.
    """

    differs: NDArray[np.bool_]
    row: int
    column: int
    first: float
    second: float


def disagreement(first: Array, second: Array) -> Disagreement:
    """Compare two outputs cell by cell, within the size that both have.

    Parameters
    ----------
    first, second : ndarray, shape (rows, columns)
        Their sizes may differ.

    Notes
    -----
    Rounding, up to 1e-9 of the largest number, does not count as a difference.
    """
    rows, columns = (min(sizes) for sizes in zip(first.shape, second.shape, strict=True))
    here, there = first[:rows, :columns], second[:rows, :columns]
    differences = np.abs(here - there)
    row, column = (int(i) for i in np.unravel_index(differences.argmax(), differences.shape))
    rounding = 1e-9 * max(1.0, float(np.abs(here).max()), float(np.abs(there).max()))
    return Disagreement(
        differences > rounding, row, column, float(here[row, column]), float(there[row, column])
    )
