"""Lessons: each a file with front matter and a section of text for every step.

The files are `content/en/lessons/NAME.md`: TOML between two lines `+++`, then one `# section` for
each step, whose first line is the step's title.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zlib import crc32

import numpy as np
from numpy.random import RandomState
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from cnn_lab.content import sections_of
from cnn_lab.network.checked import Checked, plain_error
from cnn_lab.teaching.questions import QUESTIONS
from cnn_lab.teaching.questions.case import Case, Level

MAX_STEPS = 30
MAX_DRAWS = 1_000  # of numbers, until they are those that a step allows
MIN_MINUTES, MAX_MINUTES = 10, 15
# Cells of the stage, as the links in a page's prose name them after "#cells-".
_CELLS = r"^(step-\d+|(input|kernel|bias|output|activated|padding)(--?\d+--?\d+)?|window)$"
_FRONT_MATTER = re.compile(r"\+\+\+\n(.*)\n\+\+\+", re.DOTALL)
_ARRAYS = frozenset(
    ("input", "kernel", "grad_output", "scores", "sums", "map")
)  # settings of questions
_FOLDER = Path(__file__).parents[1] / "content" / "en" / "lessons"

Done = Literal["next", "answered", "played", "changed"]


class LessonError(ValueError):
    """A lesson's file that is not a lesson; the message names the file and the field."""


def _address_text(value: object) -> object:
    """Return a value as an address has it, so that a file may say 2 or true without quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else value


Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Cells = Annotated[str, Field(pattern=_CELLS)]
AddressText = Annotated[str, BeforeValidator(_address_text)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]


class Outcome(Checked):
    """What must come out at a step, with its settings; a test computes it.

    Attributes
    ----------
    measure : str
        Name of a function of the step's settings in `tests.unit.teaching.outcomes`.
    equals : number, text, or list of them, optional
        In a file `is`: the very value.
    above, below : float, optional
        Limits that the value is not at.
    """

    measure: Name
    equals: Any = Field(default=None, alias="is")
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.equals is None and self.above is None and self.below is None:
            raise ValueError("An outcome needs `is`, `above` or `below`.")
        return self


class Step(Checked):
    """One step of a lesson.

    Attributes
    ----------
    page : str
        Where it takes place.
    name : str
        The section with its text.
    settings : mapping of str to str
        Of the page, as its address has them; all others have their defaults.
    step : int, optional
        The step of the stage that is shown first, from 1.
    light : tuple of str
        Cells that are lit on the stage, such as "window" or "output-0-2".
    lock, hide : tuple of str
        Keys of controls that cannot be changed, and of what is not shown.
    question : str, optional
        Name in `QUESTIONS`.
    question_settings : mapping, optional
        What the question is about; otherwise the learner's seed draws its numbers.
    question_only : mapping
        What numbers that are drawn must have, so that a lesson asks only for what it has taught:
        settings of the question by name, an array by its shape.
    lesson : str
        That it belongs to. The reader of the file fills it in.
    level : {"example", "one gap", "three gaps", "alone"}
    outcome : Outcome, optional
    done : {"next", "answered", "played", "changed"}
        When the step is done: at once, when its question is answered, when the stage has been
        played to its end, or when a control was changed.
    change : str, optional
        The key of that control.
    """

    page: Name
    name: Name
    settings: dict[Key, AddressText] = Field(default_factory=dict)
    step: int | None = Field(default=None, ge=1)
    light: tuple[Cells, ...] = ()
    lock: tuple[Key, ...] = ()
    hide: tuple[Key, ...] = ()
    question: str | None = None
    question_settings: dict[str, Any] | None = None
    question_only: dict[str, Any] = Field(default_factory=dict)
    lesson: str = ""
    level: Level = "alone"
    outcome: Outcome | None = None
    done: Done = "next"
    change: Key | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.question is not None and self.question not in QUESTIONS:
            raise ValueError(f"There is no such question. Received: {self.question!r}")
        if self.question is None and (self.done == "answered" or self.question_settings):
            raise ValueError("Without a question there is nothing to answer.")
        if (self.done == "changed") != (self.change is not None):
            raise ValueError('`change` names the control of a step that is done when "changed".')
        return self

    def case(self, seed: int) -> Case | None:
        """Return the step's question with its numbers, None if it has none.

        Parameters
        ----------
        seed : int
            The learner's, from 0 to 2**31 - 1. No two steps of the same question have the same
            numbers.

        Raises
        ------
        ValueError
            If no numbers are drawn that the step allows; the tests try many seeds.
        """
        if self.question is None:
            return None
        question = QUESTIONS[self.question]
        if self.question_settings is not None:
            settings = {
                name: np.array(value, float) if name in _ARRAYS else _as_tuples(value)
                for name, value in self.question_settings.items()
            }
            return question.about(settings, level=self.level)
        numbers = RandomState(crc32(f"{self.lesson}/{self.name}/{seed}".encode()))
        for _ in range(MAX_DRAWS):
            drawn = question.draw(numbers, self.level)
            if all(_has(drawn[name], value) for name, value in self.question_only.items()):
                return question.about(drawn, level=self.level)
        raise ValueError(f"No numbers of {self.question} are like this: {self.question_only}")


def _as_tuples(value: Any) -> Any:
    """Return lists of a file as the tuples that questions take."""
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def _has(drawn: Any, wanted: Any) -> bool:
    """Return whether a drawn setting is the one wanted, an array if it has that shape."""
    if isinstance(drawn, np.ndarray):
        return bool(drawn.shape == _as_tuples(wanted))
    return bool(drawn == _as_tuples(wanted))


class Lesson(Checked):
    """A lesson of 10 to 15 minutes.

    Attributes
    ----------
    name : str
        Of its file.
    number : int
        Its place among the lessons, from 1.
    title : str
    minutes : int
    for_whom : str
    needs : tuple of str
        Pages or lessons that come before.
    goals : tuple of str
        What a learner can do afterwards.
    wrong : tuple of str
        Misconceptions that are usual here.
    steps : tuple of Step
    sections : mapping of str to str
        The texts of the steps by their names; the first line of each is the step's title.
    """

    name: Name
    number: int = Field(ge=1)
    title: str = Field(min_length=1, max_length=60)
    minutes: int = Field(ge=MIN_MINUTES, le=MAX_MINUTES)
    for_whom: str = Field(min_length=1)
    needs: tuple[Name, ...]
    goals: tuple[str, ...] = Field(min_length=1)
    wrong: tuple[Name, ...]
    steps: tuple[Step, ...] = Field(min_length=2, max_length=MAX_STEPS)
    sections: dict[str, str] = Field(repr=False)

    @model_validator(mode="after")
    def _has_every_section(self) -> Self:
        for number, step in enumerate(self.steps, start=1):
            heading, _, words = self.sections.get(step.name, "").partition("\n\n")
            if not (heading and words):
                raise ValueError(
                    f"Step {number} needs a section # {step.name}: a title, an empty line, a text."
                )
        return self

    def step_title(self, number: int) -> str:
        """Return the title of a step, counted from 1."""
        return self._section(number)[0]

    def step_text(self, number: int) -> str:
        """Return the text of a step, counted from 1, as Markdown."""
        return self._section(number)[1]

    def _section(self, number: int) -> tuple[str, str]:
        heading, words = self.sections[self.steps[number - 1].name].split("\n\n", 1)
        return heading, words


def read_lesson(name: str, text: str) -> Lesson:
    """Return the lesson that a file describes.

    Parameters
    ----------
    name : str
        Of the file, without its ending.
    text : str
        All of it.

    Raises
    ------
    LessonError
        If a section or a field is missing, unknown or not allowed.
    """
    head, *sections = sections_of(text).items()
    fenced = _FRONT_MATTER.fullmatch(head[1])
    if fenced is None:
        raise LessonError(f"{name}.md: It must begin with TOML between two lines +++.")
    try:
        fields = tomllib.loads(fenced[1])
        for step in fields.get("steps", ()):
            step["lesson"] = name
        return Lesson.model_validate({**fields, "name": name, "sections": dict(sections)})
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise LessonError(f"{name}.md: {plain_error(error)}") from error


@lru_cache(maxsize=64)
def lesson(name: str) -> Lesson:
    """Return the lesson of that name; its file is read once.

    Raises
    ------
    KeyError
        If there is none.
    LessonError
        If its file is not a lesson.
    """
    if name not in _names():
        raise KeyError(f"There is no such lesson. Received: {name!r}")
    return read_lesson(name, (_FOLDER / f"{name}.md").read_text(encoding="utf-8"))


@cache
def _names() -> frozenset[str]:
    return frozenset(path.stem for path in _FOLDER.glob("*.md"))


class _Lessons(Mapping[str, Lesson]):
    """All lessons by name, in their order; a file is read when its lesson is first asked for."""

    def __getitem__(self, name: str) -> Lesson:
        return lesson(name)

    def __contains__(self, name: object) -> bool:
        return name in _names()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(_names(), key=lambda name: lesson(name).number))

    def __len__(self) -> int:
        return len(_names())


LESSONS: Mapping[str, Lesson] = _Lessons()


def lesson_after(name: str) -> Lesson | None:
    """Return the lesson that follows one in their order, None after the last."""
    names = list(LESSONS)
    following = names[names.index(name) + 1 :]
    return LESSONS[following[0]] if following else None
