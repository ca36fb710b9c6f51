"""Reading order of digits on a page: rows, and the numbers in each row."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Frame = tuple[int, int, int, int]  # left, top, right and lower edge

MAX_SLOPE = 0.14  # 8 degrees; a page turned further is no longer read in rows
N_SLOPES = 29  # tried between both ends; half a degree apart
CORE_SHARE = 0.5  # of a digit's height, around its middle, by which rows are told apart
SLOPE_PRICE = 0.5  # of the rise along the slope; a straight page is the more probable one
ROW_SHARE = 0.5  # of a digit's height; further below its row, a digit begins the next one
MAX_STEP_SHARE = 1.4  # of a digit's height from middle to middle within a number


def in_rows(frames: Sequence[Frame]) -> list[list[list[int]]]:
    """Put digits into rows from top to bottom, and into numbers from left to right.

    Parameters
    ----------
    frames : sequence of (int, int, int, int)
        Left, top, right and lower edge of each digit, in pixels.

    Returns
    -------
    list of list of list of int
        Rows, the numbers in each, and the positions in `frames` of a number's digits. Each
        digit is in exactly one number.

    Notes
    -----
    A page may be turned by up to 8 degrees: of several slopes, the one is taken along which the
    digits' middles cover the least height.

    Examples
    --------
    >>> in_rows([(0, 0, 10, 20), (14, 1, 24, 21), (60, 0, 70, 20), (0, 40, 10, 60)])
    [[[0, 1], [2]], [[3]]]
    """
    if not frames:
        return []
    edges = np.array(frames, float)
    across = edges[:, 0::2].mean(axis=1)
    height = float(np.median(edges[:, 3] - edges[:, 1]))
    down = edges[:, 1::2].mean(axis=1)
    level = down - _slope(across, down, height) * across
    rows: list[list[int]] = []
    for digit in np.argsort(level, kind="stable").tolist():
        if rows and level[digit] - level[rows[-1]].mean() <= ROW_SHARE * height:
            rows[-1].append(digit)
        else:
            rows.append([digit])
    return [_numbers(sorted(row, key=lambda digit: across[digit]), frames, height) for row in rows]


def _slope(across: NDArray[np.float64], down: NDArray[np.float64], height: float) -> float:
    """Return the slope of the rows, as pixels down for each pixel to the right."""
    slopes = np.linspace(-MAX_SLOPE, MAX_SLOPE, N_SLOPES)
    span = float(np.ptp(across))

    def price(slope: float) -> float:
        middles = np.sort(down - slope * across)
        covered = np.minimum(np.diff(middles), CORE_SHARE * height).sum()
        return float(covered) + SLOPE_PRICE * abs(slope) * span

    return float(min(sorted(slopes, key=abs), key=price))


def _numbers(row: list[int], frames: Sequence[Frame], height: float) -> list[list[int]]:
    """Split a row, sorted from the left, where two digits are far apart."""
    numbers = [row[:1]]
    for before, digit in pairwise(row):
        step = sum(frames[digit][0::2]) / 2 - sum(frames[before][0::2]) / 2
        if step > MAX_STEP_SHARE * height:
            numbers.append([])
        numbers[-1].append(digit)
    return numbers
