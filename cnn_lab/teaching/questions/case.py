"""Questions: a generator of cases, each with its key, its wrong answers and what they mean."""

import math
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.random import RandomState

from cnn_lab.content import prose, title
from cnn_lab.ops.types import Pair

Answer = float | tuple[Any, ...] | np.ndarray[Any, Any]
Level = Literal["example", "one gap", "three gaps", "alone"]
Form = Literal["number", "size", "sides", "cells", "choice", "order", "points"]
LEVELS: tuple[Level, ...] = get_args(Level)

MAX_ANSWER_TEXT = 1_000  # characters; the longest key is a grid of 36 numbers
MAX_SEED = 2**31 - 1
_GAPS: dict[Level, int] = {"one gap": 1, "three gaps": 3}
_WHOLE: frozenset[Form] = frozenset({"size", "sides", "order", "points"})  # no decimals
_MINUS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "-"))
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:[eE][+-]?\d+)?")
_SIDES = re.compile(r"top|bottom|left|right", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s;:×x*/()\[\]]|,(?!\d)|,(?=\s)", re.IGNORECASE)


class AnswerError(ValueError):
    """A text that is no answer to the question; the message says what to write."""


class Line(NamedTuple):
    """One line of a worked solution: what is computed, and what comes out.

    Attributes
    ----------
    text : str
        Such as "(8 − 3) / 2, rounded down"; plain characters, no Markdown.
    value : number, tuple or array
    """

    text: str
    value: Answer


class Wrong(NamedTuple):
    """What a misconception answers, and the numbers that its explanation names.

    Attributes
    ----------
    value : number, tuple or array
    slots : mapping of str to object
        For the slots of the misconception's prose.
    """

    value: Answer
    slots: Mapping[str, object] = {}


@dataclass(frozen=True, kw_only=True)
class Solution:
    """What a question's settings lead to.

    Attributes
    ----------
    key : number, tuple or array
        Computed by the tested operators; for a choice, its number from 1; for an order, the
        numbers of the choices in that order; for points, pairs (row, column) from 0.
    lines : tuple of Line
        The way there; the last one's value is the key, unless the key is a choice.
    wrong : mapping of str to Wrong
        Misconception -> what it answers. Those that agree with the key, or with an earlier one,
        are left out of the case.
    slots : mapping of str to object
        For the slots of the question's prose.
    choices : tuple of str
        What a choice or an order chooses from.
    tolerance : float
        How far a number of an answer may be from the key's: half a unit of the last decimal where
        the key is rounded, nothing where it is exact.
    field : (int, int) or None
        Rows and columns of the grid that points are chosen from, where a learner may point at it.
    """

    key: Answer
    lines: tuple[Line, ...]
    wrong: Mapping[str, Wrong]
    slots: Mapping[str, object] = default(default_factory=dict)
    choices: tuple[str, ...] = ()
    tolerance: float = 1e-9
    field: Pair | None = None


@dataclass(frozen=True)
class Verdict:
    """What there is to say about an answer.

    Attributes
    ----------
    right : bool
    misconception : str or None
        Name of the one that leads to this very answer.
    explanation : str
        Markdown: the mistake, or the way to the key; for a text that is no answer, what to write.
    readable : bool
        Whether the text was an answer at all. One that was not is no attempt.
    """

    right: bool
    misconception: str | None
    explanation: str
    readable: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One question with its numbers.

    Attributes
    ----------
    question : str
        Its name in `QUESTIONS`.
    level : str
        How much of the solution is shown: all of it ("example"), all but one or three values
        ("one gap", "three gaps"), nothing ("alone").
    form : str
        What an answer is: one "number"; a "size", (rows, columns); the "sides" of a border,
        ((top, bottom), (left, right)); the "cells" of a grid; the number of a "choice" from 1; an
        "order" of the choices; "points", pairs (row, column).
    settings : mapping of str to object
        The numbers and arrays that the question is about, by the operators' argument names.
    ask : str
        The question in Markdown, under 300 characters; `settings` are shown beside it.
    key : number, tuple or array
    misconceptions : mapping of str to number, tuple or array
        Name -> the wrong answer it leads to, each different from the key and from the others.
    lines : tuple of Line
        The worked solution.
    choices : tuple of str
    tolerance : float
    field : (int, int) or None
        Rows and columns of the grid that is filled in, or that points are chosen from.
    """

    question: str
    level: Level
    form: Form
    settings: Mapping[str, Any]
    ask: str
    key: Answer
    misconceptions: Mapping[str, Answer]
    lines: tuple[Line, ...]
    choices: tuple[str, ...]
    tolerance: float
    field: Pair | None
    _slots: Mapping[str, Mapping[str, object]]

    @property
    def shown(self) -> int:
        """How many lines of the solution are shown with their values at the case's level."""
        if self.level == "example":
            return len(self.lines)
        if self.level == "alone":
            return 0
        return max(0, len(self.lines) - _GAPS[self.level])

    def check(self, answer: object) -> Verdict:
        """Return whether an answer is right, and what to say about it.

        Parameters
        ----------
        answer : number, tuple, array or str
            A text is read by `read`.
        """
        if isinstance(answer, str):
            try:
                answer = self.read(answer)
            except AnswerError as error:
                return Verdict(False, None, str(error), readable=False)
        if self._agree(answer, self.key):
            return Verdict(True, None, self.way)
        for name, wrong in self.misconceptions.items():
            if self._agree(answer, wrong):
                return Verdict(False, name, _words("misconceptions", name, **self._slots[name]))
        return Verdict(False, None, self.way)

    def read(self, text: str) -> Answer:
        """Return what a learner typed as an answer of the case's form.

        A comma may stand for the point, and any dash for a minus sign. Numbers are separated by
        spaces, semicolons, "×" or "x", or by a comma and a space.

        Raises
        ------
        AnswerError
            If the text is too long, is not made of numbers, or has too few or too many of them.
        """
        wanted = self.wanted
        if len(text) > MAX_ANSWER_TEXT:
            raise AnswerError(f"That is too long for an answer. {wanted}")
        if self.form == "choice" and re.fullmatch(r"\s*[a-zA-Z]\s*", text):
            text = str(ord(text.strip().upper()) - ord("A") + 1)
        plain = text.translate(_MINUS).replace("- ", "-")
        if self.form in _WHOLE:
            plain = plain.replace(",", " ")
        if self.form == "sides":
            plain = _SIDES.sub(" ", plain)
        words = [word for word in _BETWEEN.split(plain) if word]
        if not words:
            raise AnswerError(wanted)
        if not all(_NUMBER.fullmatch(word) for word in words):
            raise AnswerError(f"Only numbers can be checked. {wanted}")
        numbers = [float(word.replace(",", ".")) for word in words]
        if not all(math.isfinite(number) for number in numbers):
            raise AnswerError(f"That number is too large. {wanted}")
        return self._shaped(numbers, wanted)

    def _shaped(self, numbers: list[float], wanted: str) -> Answer:
        if self.form == "order":
            return tuple(numbers)
        if self.form == "points":
            if len(numbers) % 2:
                raise AnswerError(wanted)
            return tuple(zip(numbers[::2], numbers[1::2], strict=True))
        if len(numbers) != np.size(self.key):
            raise AnswerError(wanted)
        shaped = np.reshape(numbers, np.shape(self.key))
        if self.form == "cells":
            return shaped
        answer: Answer = _as_tuple(shaped.tolist())
        return answer

    @property
    def wanted(self) -> str:
        """What to write, with an example."""
        shape = np.shape(self.key)
        return {
            "number": "Write one number, such as −2.5.",
            "size": "Write two whole numbers, rows × columns, such as 3 × 4.",
            "sides": "Write four whole numbers: top, bottom, left, right, such as 0 1 0 1.",
            "cells": f"Write {np.size(self.key)} numbers, row by row"
            + (f", {shape[0]} rows of {shape[1]}." if len(shape) == 2 else "."),
            "choice": "Write the letter of a choice, such as A.",
            "order": "Write the numbers of the choices in order, such as 2 1 3.",
            "points": "Write pairs of row and column, such as 0 1; 2 2.",
        }[self.form]

    def _agree(self, one: object, other: Answer) -> bool:
        return agree(one, other, self.tolerance, is_set=self.form == "points")

    @property
    def way(self) -> str:
        """The worked solution as Markdown, a line each."""
        return "  \n".join(f"{text} = **{answer_text(value)}**" for text, value in self.lines)


@dataclass(frozen=True, kw_only=True)
class Question:
    """A generator of cases.

    Its words stand in `content/en/questions.md` under its name: a line that is its title, an empty
    line, what it asks.

    Attributes
    ----------
    name : str
    topic : str
        What it belongs to: a heading of worksheets and of the teacher's list.
    page : str
        The page on which its settings can be played.
    form : str
        As `Case.form`.
    draw : callable
        (numbers, level) -> settings; `numbers` is a `RandomState`, whose stream NumPy has frozen,
        so that a seed gives the same case for ever.
    solve : callable
        Called with the settings by name -> Solution.
    """

    name: str
    topic: str
    page: str
    form: Form
    draw: Callable[[RandomState, Level], dict[str, Any]]
    solve: Callable[..., Solution]

    @property
    def title(self) -> str:
        """What it is about, in a few words."""
        return title("questions", self.name)

    def make(self, *, seed: int, level: Level = "alone") -> Case:
        """Return the case of a seed: the same seed and level, the same case, for ever.

        Parameters
        ----------
        seed : int
            From 0 to 2**31 - 1.
        level : {"example", "one gap", "three gaps", "alone"}
            The levels of one seed have different numbers: an example does not give the answer.

        Raises
        ------
        ValueError
            If the seed or the level is not one of these.
        """
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
            raise ValueError(
                f"`seed` must be a whole number from 0 to {MAX_SEED}. Received: seed={seed!r}"
            )
        if level not in LEVELS:
            raise ValueError(f"`level` must be one of {LEVELS}. Received: level={level!r}")
        numbers = RandomState(zlib.crc32(f"{self.name}/{level}/{seed}".encode()))
        return self.about(self.draw(numbers, level), level=level)

    def about(self, settings: Mapping[str, Any], *, level: Level = "alone") -> Case:
        """Return the case of given settings, such as those that a page shows."""
        solution = self.solve(**settings)
        is_set = self.form == "points"
        wrong: dict[str, Wrong] = {}
        for name, each in solution.wrong.items():
            taken = [solution.key, *(other.value for other in wrong.values())]
            if not any(
                agree(each.value, other, 2 * solution.tolerance, is_set=is_set) for other in taken
            ):
                wrong[name] = each
        return Case(
            question=self.name,
            level=level,
            form=self.form,
            settings=dict(settings),
            ask=_words("questions", self.name, **solution.slots),
            key=solution.key,
            misconceptions={name: each.value for name, each in wrong.items()},
            lines=solution.lines,
            choices=solution.choices,
            tolerance=solution.tolerance,
            field=_as_pair(np.shape(solution.key)) if self.form == "cells" else solution.field,
            _slots={name: each.slots for name, each in wrong.items()},
        )


def misconception_title(name: str) -> str:
    """Return a misconception in a few words, such as "the + 1 forgotten".

    Raises
    ------
    KeyError
        If it does not exist.
    """
    return title("misconceptions", name)


def agree(one: object, other: Answer, tolerance: float, *, is_set: bool = False) -> bool:
    """Return whether two answers have the same shape, and numbers as close as `tolerance`."""
    try:
        first, second = np.asarray(one, float), np.asarray(other, float)
    except (TypeError, ValueError):
        return False
    if first.shape != second.shape:
        return False
    if is_set:
        return sorted(first.tolist()) == sorted(second.tolist())
    return bool(np.all(np.abs(first - second) <= tolerance))


def answer_text(answer: Answer, form: Form | None = None) -> str:
    """Return an answer as people write it.

    Parameters
    ----------
    answer : number, tuple or array
    form : str, optional
        As `Case.form`; by default an array is cells, pairs of pairs are sides, a tuple is a size.

    Examples
    --------
    >>> answer_text(-2.50), answer_text((3, 4)), answer_text(((0, 1), (1, 2)))
    ('−2.5', '3 × 4', 'top 0, bottom 1, left 1, right 2')
    >>> answer_text(np.array([[1.0, 0.25], [0.0, 3.0]]))
    '1 0.25; 0 3'
    >>> answer_text(2, "choice"), answer_text((3, 1, 2), "order"), answer_text(((0, 1),), "points")
    ('B', '3, 1, 2', '(0, 1)')
    """
    if form == "choice":
        return chr(ord("A") + round(float(np.asarray(answer))) - 1)
    if isinstance(answer, np.ndarray) and answer.ndim:
        rows = np.atleast_2d(answer).tolist()
        return "; ".join(" ".join(map(_number_text, row)) for row in rows)
    if not isinstance(answer, tuple):
        return _number_text(float(answer))
    if form == "points":
        return ", ".join(f"({row:g}, {column:g})" for row, column in answer)
    if answer and isinstance(answer[0], tuple):
        names = ("top", "bottom", "left", "right")
        sides = zip(names, np.ravel(answer).tolist(), strict=True)
        return ", ".join(f"{name} {_number_text(number)}" for name, number in sides)
    return (", " if form == "order" else " × ").join(map(_number_text, answer))


def _number_text(number: float) -> str:
    return f"{round(float(number), 4) + 0.0:.10g}".replace("-", "−")


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def _as_pair(shape: tuple[int, ...]) -> Pair:
    """Return rows and columns of an array with one or two axes."""
    rows, columns = shape if len(shape) == 2 else (1, shape[0])
    return rows, columns


def _words(chapter: str, section: str, **slots: object) -> str:
    """Return what follows the title of a section, which is its first line."""
    return prose(chapter, section, **slots).split("\n\n", 1)[1]
