"""Sliding windows in the words and numbers that several questions share."""

from typing import Any, NamedTuple

import numpy as np
from numpy.random import RandomState

from cnn_lab.content.words import listed
from cnn_lab.ops.padding import resolve_padding
from cnn_lab.ops.settings import Geometry
from cnn_lab.ops.sizes import effective_kernel_size
from cnn_lab.ops.types import Array, Borders, Padding, Pair
from cnn_lab.teaching.questions.case import Line, Wrong, answer_text

MAX_SPELLED_OUT = 12  # numbers that a line of a solution writes out one by one

Slots = dict[str, object]


def two_decimals(value: float) -> tuple[float, float]:
    """Return a number rounded to two decimals, and the tolerance that an answer to it needs.

    Examples
    --------
    >>> two_decimals(0.25), two_decimals(1 / 3)
    ((0.25, 1e-09), (0.33, 0.006))
    """
    rounded = round(float(value), 2) + 0.0
    return rounded, 1e-9 if abs(rounded - value) < 1e-6 else 0.006


def rounded(wrong: Wrong) -> Wrong:
    """Return a wrong number with two decimals, as a learner would write it."""
    return wrong._replace(value=two_decimals(float(np.asarray(wrong.value)))[0])


def rounding_words(tolerance: float) -> str:
    """Return what a question adds when its answer is rounded."""
    return " Round to two decimals." if tolerance > 1e-9 else ""


def bracketed(value: float) -> str:
    """Return a number as it stands after a sign: a negative one in brackets."""
    text = answer_text(float(value))
    return f"({text})" if value < 0 else text


def sum_words(values: Array) -> str:
    """Return numbers as a sum, such as "3 + (−1) + 2".

    Examples
    --------
    >>> sum_words(np.array([3.0, -1.0]))
    '3 + (−1)'
    """
    first, *rest = np.ravel(values).tolist()
    return " + ".join([answer_text(float(first)), *map(bracketed, rest)])


def list_words(values: Array) -> str:
    """Return numbers as a list, or how many they are.

    Examples
    --------
    >>> list_words(np.array([3.0, -1.0, 2.0])), list_words(np.ones(25))
    ('3, −1 and 2', '25 numbers')
    """
    if not 0 < np.size(values) <= MAX_SPELLED_OUT:
        return f"{np.size(values)} numbers"
    return listed([answer_text(float(value)) for value in np.ravel(values)])


def same_twice(numbers: Pair) -> str:
    """Return a pair as one number where both are the same, such as strides.

    Examples
    --------
    >>> same_twice((2, 2)), same_twice((2, 1))
    ('2', '2 × 1')
    """
    return str(numbers[0]) if numbers[0] == numbers[1] else answer_text(numbers)


def padding_words(padding: Padding) -> str:
    """Return a padding in words.

    Examples
    --------
    >>> padding_words("valid"), padding_words(((1, 1), (1, 1)))
    ('no padding (valid)', 'a padding of 1 on every side')
    >>> padding_words(((0, 1), (0, 1)))
    'padding top 0, bottom 1, left 0, right 1'
    """
    if padding == "valid":
        return "no padding (valid)"
    if isinstance(padding, str):
        return f'padding "{padding}"'
    borders = resolve_padding(padding, (1, 1), (1, 1))
    sides = {*borders[0], *borders[1]}
    if len(sides) == 1:
        return f"a padding of {sides.pop()} on every side"
    return f"padding {answer_text(borders)}"


def sliding_words(strides: Pair, padding: Padding, dilation_rate: Pair = (1, 1)) -> str:
    """Return how a window slides, such as "stride 2, dilation 2 and no padding (valid)"."""
    spread = "" if tuple(dilation_rate) == (1, 1) else f", dilation {same_twice(dilation_rate)}"
    return f"stride {same_twice(strides)}{spread} and {padding_words(padding)}"


def spans(kernel_size: Pair, dilation_rate: Pair = (1, 1)) -> Pair:
    """Return how many pixels a window spans, gaps included, as (rows, columns)."""
    rows, columns = map(effective_kernel_size, kernel_size, dilation_rate)
    return rows, columns


class Place(NamedTuple):
    """One position of a window, rows and columns counted from 0 on the image.

    Attributes
    ----------
    geometry : Geometry
    row, column : int
        The output cell that the window belongs to.
    """

    geometry: Geometry
    row: int
    column: int

    @property
    def start(self) -> Pair:
        """Row and column of the image where the window starts; below 0 in the padding."""
        (top, _), (left, _) = self.geometry.borders
        down, right = self.geometry.strides
        return self.row * down - top, self.column * right - left

    def start_words(self) -> tuple[str, str]:
        """Return how the first row and the first column of the window are computed."""
        (top, _), (left, _) = self.geometry.borders
        words = []
        for index, stride, before in zip(
            (self.row, self.column), self.geometry.strides, (top, left), strict=True
        ):
            words.append(f"{index} · {stride}" + (f" − {before}" if before else ""))
        return words[0], words[1]

    def read(self, padded: Array, start: Pair | None = None) -> Array:
        """Return what a window reads.

        Parameters
        ----------
        padded : ndarray, shape (top + height + bottom, left + width + right, ...)
            The image with its padding.
        start : (int, int), optional
            Where the window starts on the image, by default where this one does.

        Returns
        -------
        ndarray, shape (*window, ...)
        """
        (top, _), (left, _) = self.geometry.borders
        rows, columns = (
            np.arange(cells) * step + at + before
            for cells, step, at, before in zip(
                self.geometry.window,
                self.geometry.dilation_rate,
                self.start if start is None else start,
                (top, left),
                strict=True,
            )
        )
        return np.asarray(padded[np.ix_(rows, columns)])

    def misplaced(self) -> dict[str, Pair]:
        """Return where misconceptions put the window's start, by their names."""
        (top, _), (left, _) = self.geometry.borders
        (down, right), (height, width) = self.geometry.strides, self.geometry.window
        row, column = self.row, self.column
        starts = {
            "stride-left-out": (row - top, column - left),
            "padding-left-out": (row * down, column * right),
            "windows-side-by-side": (row * height - top, column * width - left),
            "counted-from-one": ((row - 1) * down - top, (column - 1) * right - left),
            "row-and-column-swapped": (column * down - top, row * right - left),
        }
        return {name: start for name, start in starts.items() if self._fits(start)}

    def _fits(self, start: Pair) -> bool:
        """Return whether a window that starts there lies within the image and its padding."""
        span = spans(self.geometry.window, self.geometry.dilation_rate)
        return start != self.start and all(
            -before <= at <= size + after - width
            for at, width, size, (before, after) in zip(
                start, span, self.geometry.size, self.geometry.borders, strict=True
            )
        )

    def slots(self, start: Pair) -> Slots:
        """Return the slots of a misconception that puts the window's start in a wrong place."""
        words = self.start_words()
        return {
            "wrong": place_words(start),
            "row": f"{words[0]} = {answer_text(self.start[0])}",
            "column": f"{words[1]} = {answer_text(self.start[1])}",
        }


def start_lines(place: Place) -> tuple[Line, Line]:
    """Return the lines of a solution that say where a window starts."""
    row, column = place.start_words()
    return (
        Line(f"first row of the window: {row}", place.start[0]),
        Line(f"first column of the window: {column}", place.start[1]),
    )


def place_words(place: Pair) -> str:
    """Return a cell in words.

    Examples
    --------
    >>> place_words((-1, 2))
    'row −1, column 2'
    """
    return f"row {answer_text(place[0])}, column {answer_text(place[1])}"


def draw_place(numbers: RandomState, positions: Pair, among: Array | None = None) -> dict[str, int]:
    """Return the row and column of an output cell other than the first, where there is one.

    Parameters
    ----------
    numbers : RandomState
    positions : (int, int)
        Rows and columns of the output.
    among : ndarray of bool, shape `positions`, optional
        Cells to prefer, if any of them is true.
    """
    cells = np.ones(positions, bool) if among is None or not among.any() else among.copy()
    if cells.sum() > 1:
        cells[0, 0] = False
    rows, columns = np.nonzero(cells)
    chosen = numbers.randint(len(rows))
    return {"row": int(rows[chosen]), "column": int(columns[chosen])}


def pick(numbers: RandomState, choices: dict[Any, int]) -> Any:
    """Return one of the choices, each as often as its weight says."""
    ladder = [choice for choice, weight in choices.items() for _ in range(weight)]
    return ladder[numbers.randint(len(ladder))]


def all_sides(pixels: int) -> Borders:
    """Return a padding of the same number of pixels on every side."""
    return (pixels, pixels), (pixels, pixels)
