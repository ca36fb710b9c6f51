"""A whole sheet of digits, read in rows with its doubts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.digits.answer import Answer, answer_for
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.photograph import FoundDigits
from cnn_lab.network import Network

UNREADABLE = "?"


@dataclass(frozen=True, eq=False)
class ReadDigit:
    """Digit of a sheet and what a network answers.

    Attributes
    ----------
    answer : Answer or None
        None if its ink is too faint to be prepared.
    probabilities : ndarray of float32, shape (10,), or None
    frame : (int, int, int, int)
        Left, top, right and lower edge in the view of the sheet, in pixels.
    """

    answer: Answer | None
    probabilities: NDArray[np.floating[Any]] | None
    frame: tuple[int, int, int, int]

    @property
    def is_doubtful(self) -> bool:
        """Whether the answer is not sure."""
        return self.answer is None or self.answer.kind != "sure"

    @property
    def text(self) -> str:
        """What it is read as: "7", "4/9" if either may be right, "?" if it is not a digit."""
        if self.answer is None or self.answer.kind == "no_digit":
            return UNREADABLE
        if self.answer.kind == "unsure":
            return f"{self.answer.digit}/{self.answer.runner_up}"
        return f"{self.answer.digit}"


@dataclass(frozen=True, eq=False)
class ReadSheet:
    """All digits of a sheet as a network reads them.

    Attributes
    ----------
    digits : sequence of ReadDigit
        In reading order, as in the `FoundDigits` they were read from.
    rows : list of list of list of int
        Rows, the numbers in each, and the index of each of their digits.
    is_better_turned : bool
        Whether fewer digits are doubtful if the sheet is turned upside down.
    """

    digits: Sequence[ReadDigit]
    rows: list[list[list[int]]]
    is_better_turned: bool

    @property
    def n_doubtful(self) -> int:
        """Number of digits whose answer is not sure."""
        return sum(digit.is_doubtful for digit in self.digits)

    @property
    def lines(self) -> list[str]:
        """A line of text for each row, with a space between two numbers."""

        def written(number: list[int]) -> str:
            texts = [self.digits[place].text for place in number]
            # In a number, the brackets show where two candidates begin and end.
            return "".join(f"({text})" if len(text) > 1 < len(number) else text for text in texts)

        return [" ".join(map(written, row)) for row in self.rows]


def read_sheet(found: FoundDigits, network: Network) -> ReadSheet:
    """Read all digits found in a picture.

    Parameters
    ----------
    found : FoundDigits
    network : Network
        For 28x28 images and ten digits.

    Returns
    -------
    ReadSheet

    Notes
    -----
    One answer for each digit, which takes a few milliseconds. If any of them is doubtful,
    all are read upside down too. A sheet is never turned on its own, and one of digits that look
    the same upside down, such as 8 and 0, is not recognised.
    """
    images = [prepare_digit(digit.rgba) for digit in found.digits]
    answers = [_read(network, image) for image in images]
    digits = [
        ReadDigit(answer, probabilities, digit.frame)
        for (answer, probabilities), digit in zip(answers, found.digits, strict=True)
    ]
    n_doubtful = sum(digit.is_doubtful for digit in digits)
    is_better_turned = False
    if n_doubtful:
        turned = (None if image is None else np.rot90(image, 2) for image in images)
        others = [_read(network, image)[0] for image in turned]
        is_better_turned = sum(one is None or one.kind != "sure" for one in others) < n_doubtful
    return ReadSheet(digits, found.rows, is_better_turned)


def _read(
    network: Network, image: NDArray[np.float32] | None
) -> tuple[Answer, NDArray[np.floating[Any]]] | tuple[None, None]:
    return (None, None) if image is None else answer_for(network, image)
