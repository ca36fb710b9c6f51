"""Digits that a number needs, and how it is written.

The products on screen must add up to the sum on screen. So values that are short decimals are
kept as exactly those decimals, and everything computed from other values is marked as rounded.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MAX_GIVEN_DECIMALS = 4
MAX_SHOWN_DECIMALS = 6
MINUS = "−"
_FLOAT32_NOISE = 2e-7


@dataclass(frozen=True)
class Precision:
    """Digits of the values of a grid.

    Attributes
    ----------
    decimals : int
        Digits after the point in the cells. The arithmetic line shows one more if the values are
        rounded.
    exact : bool
        Whether these digits are exact.
    """

    decimals: int
    exact: bool

    @property
    def fine_decimals(self) -> int:
        """Digits after the point in the arithmetic line and in captions."""
        return self.decimals if self.exact else self.decimals + 1

    def times(self, other: "Precision") -> "Precision":
        """Return the digits of products."""
        decimals = self.decimals + other.decimals
        exact = self.exact and other.exact and decimals <= MAX_SHOWN_DECIMALS
        return Precision(decimals, exact)

    def plus(self, other: "Precision") -> "Precision":
        """Return the digits of sums."""
        return Precision(max(self.decimals, other.decimals), self.exact and other.exact)

    @property
    def longest(self) -> "Precision":
        """As many digits as are ever shown, for a quotient or a long sum."""
        return Precision(MAX_SHOWN_DECIMALS, self.exact)

    def writes(self, value: float) -> bool:
        """Return whether the fine digits write this value exactly.

        Examples
        --------
        >>> precision = Precision(2, exact=False)
        >>> precision.writes(0.2), precision.writes(100 / 255)
        (True, False)
        """
        scaled = abs(value) * 10**self.fine_decimals
        return self.exact or abs(scaled - round(scaled)) <= _FLOAT32_NOISE * scaled


def decimals_needed(values: NDArray[np.floating[Any]], most: int) -> int | None:
    """Return the fewest decimals, up to `most`, that write all values; None if more are needed.

    A float32 value counts as the short decimal it was made from.

    Examples
    --------
    >>> decimals_needed(np.array([1.0, -0.25]), 4)
    2
    >>> decimals_needed(np.array([1 / 3]), 4) is None
    True
    """
    tolerance = 3e-7 if values.dtype == np.float32 else 1e-10
    for decimals in range(most + 1):
        scaled = values.astype(np.float64) * 10**decimals
        if np.all(np.abs(scaled - np.rint(scaled)) <= tolerance * np.maximum(1, np.abs(scaled))):
            return decimals
    return None


class Rounded(NamedTuple):
    """Values as the stage holds them, and the digits they are shown with."""

    values: FloatArray
    precision: Precision


def round_values(
    values: NDArray[np.floating[Any]], most: int = MAX_GIVEN_DECIMALS, *, exact: bool = True
) -> Rounded:
    """Round values to the digits that the stage shows them with.

    Short decimals become the nearest float64 of that decimal. Anything else, and everything
    if `exact` is false, becomes float32, which is how it is sent.

    Examples
    --------
    >>> round_values(np.array([0.1, 2.0], dtype=np.float32))
    Rounded(values=array([0.1, 2. ]), precision=Precision(decimals=1, exact=True))
    >>> round_values(np.array([1 / 3])).precision
    Precision(decimals=2, exact=False)
    """
    decimals = decimals_needed(values, most) if exact else None
    if decimals is not None:
        scaled = np.rint(values.astype(np.float64) * 10**decimals) + 0.0
        return Rounded(scaled / 10**decimals, Precision(decimals, exact=True))
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max(initial=0.0))
    magnitude = int(np.floor(np.log10(largest))) if largest > 0 else 0
    shown = min(max(2 - magnitude - (magnitude < 0), 1), MAX_SHOWN_DECIMALS)
    rounded = values.astype(np.float32).astype(np.float64) + 0.0
    return Rounded(rounded, Precision(shown, exact=False))


def round_to(values: NDArray[np.floating[Any]], precision: Precision) -> Rounded:
    """Round values computed from others, whose digits make `precision`."""
    return round_values(values, precision.decimals, exact=precision.exact)


def format_number(value: float, precision: Precision) -> str:
    """Return one value as text, as in captions and the arithmetic line.

    Values that the digits write exactly lose their trailing zeros. A half is rounded away from
    zero, as by JavaScript's `toFixed`, so that the browser writes the same digits.

    Examples
    --------
    >>> format_number(-0.50, Precision(2, exact=True))
    '−0.5'
    >>> format_number(0.125, Precision(1, exact=False))
    '0.13'
    """
    if value == 0:
        return "0"
    quantum = Decimal(1).scaleb(-precision.fine_decimals)
    digits = f"{Decimal(abs(value)).quantize(quantum, rounding=ROUND_HALF_UP):f}"
    if precision.writes(value) and "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return MINUS + digits if value < 0 and digits.strip("0.") else digits


def number_text(value: float | np.floating[Any]) -> str:
    """Return a number as text, as the stage writes it in a cell.

    Examples
    --------
    >>> number_text(-0.5), number_text(12.0)
    ('−0.5', '12')
    """
    values, precision = round_values(np.array([float(value)]))
    return format_number(float(values[0]), precision)
