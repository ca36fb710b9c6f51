"""Equations of pooling in LaTeX, with the numbers of the page."""

from cnn_lab.concepts.layer_call import PoolingSettings
from cnn_lab.ops.types import Pair


def read_cell_latex(settings: PoolingSettings, size: Pair) -> str:
    r"""Return the image cell under cell (m, n) of window (i, j).

    Examples
    --------
    >>> print(read_cell_latex(PoolingSettings((3, 2), strides=(2, 1), padding=1), (6, 6)))
    I(2i + m - 1,\, j + n - 1)
    """
    _, steps = settings.window
    borders = settings.borders(size)
    row, column = (
        f"{'' if step == 1 else step}{position} + {cell}{f' - {before}' if before else ''}"
        for position, cell, step, (before, _) in zip("ij", "mn", steps, borders, strict=True)
    )
    return rf"I({row},\, {column})"


def divisor_latex(settings: PoolingSettings, size: Pair) -> str:
    """Return the divisor of a mean: one number, or N_ij if it depends on the window.

    Examples
    --------
    >>> divisor_latex(PoolingSettings((3, 2)), (6, 6))
    '6'
    >>> divisor_latex(PoolingSettings(3, padding="same"), (7, 7))
    'N_{ij}'
    """
    if divides_differently(settings, size):
        return "N_{ij}"
    (rows, columns), _ = settings.window
    return str(rows * columns)


def divides_differently(settings: PoolingSettings, size: Pair) -> bool:
    """Return whether means of one map may divide by different numbers of cells."""
    rows, columns = settings.borders(size)
    return any(rows + columns) and not settings.count_include_pad
