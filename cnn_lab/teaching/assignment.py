"""What a link can ask of learners: a lesson, numbers for all, locked controls, a class room.

Everything stands in the address. An address may be typed by hand, cut off or changed; what it
brings is checked, and each value that is not allowed is answered with a sentence.
"""

import re
from base64 import b32encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar
from urllib.parse import quote, unquote

from cnn_lab.teaching.lesson import LESSONS, lesson
from cnn_lab.teaching.questions import QUESTIONS
from cnn_lab.teaching.questions.case import MAX_SEED

PARAMETERS = ("lesson", "at", "seed", "lock", "hide", "ask", "room", "seal")
DEFAULT_SEED = 1
MAX_LOCKS = 40
MAX_ASKED = 10
MAX_VALUE = 500  # characters of a locked value
N_ROOM = 5
N_SEAL = 6
MAX_QUOTED = 30  # characters of what is not allowed
_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
_ROOM = re.compile(rf"[A-Z]{{{N_ROOM}}}")

_Part = TypeVar("_Part")


@dataclass(frozen=True)
class Assignment:
    """What a link asks for.

    Attributes
    ----------
    lesson : str or None
        Name of a lesson.
    at : int or None
        Its step, from 1; None where the learner left off.
    seed : int
        The same seed, the same numbers in questions: a class shares one.
    lock : mapping of str to (str or None)
        Keys of controls that cannot be changed -> the value as the address would have it, None
        for that of the lesson's step, or else the control's default.
    hide : tuple of str
        Keys of controls that are not shown, "tabs" for all tabs, and titles of tabs as keys.
    ask : tuple of str
        Questions that are asked on a page without a lesson.
    room : str or None
        Code of the class room that counts the answers.
    is_sealed : bool
        Whether the link says by a digest what it was when it was made.
    """

    lesson: str | None = None
    at: int | None = None
    seed: int = DEFAULT_SEED
    lock: Mapping[str, str | None] = field(default_factory=dict)
    hide: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    room: str | None = None
    is_sealed: bool = False

    @property
    def seal(self) -> str:
        """Digest of all but the step: six letters and digits.

        Anybody who reads this module can compute it. It shows that a link was changed by hand or
        lost its end; it does not prove who made it.
        """
        text = "&".join(f"{name}={value}" for name, value in self._texts().items() if name != "at")
        return b32encode(sha256(text.encode()).digest()).decode()[:N_SEAL].lower()

    def to_query(self) -> dict[str, str]:
        """Return the parameters of an address that say this."""
        return {**self._texts(), **({"seal": self.seal} if self.is_sealed else {})}

    def _texts(self) -> dict[str, str]:
        locks = [
            key if value is None else f"{key}:{_escaped(value)}" for key, value in self.lock.items()
        ]
        texts = {
            "lesson": self.lesson,
            "at": None if self.at is None else str(self.at),
            "seed": None if self.seed == DEFAULT_SEED else str(self.seed),
            "lock": ",".join(locks),
            "hide": ",".join(self.hide),
            "ask": ",".join(self.ask),
            "room": self.room,
        }
        return {name: text for name, text in texts.items() if text}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple["Assignment | None", list[str]]:
        """Return what an address asks for, and a sentence for each value that is not allowed.

        Parameters
        ----------
        query : mapping of str to str
            All parameters of the address; others than `PARAMETERS` are not looked at.

        Returns
        -------
        Assignment or None
            None if the address asks for nothing, or for nothing that exists.
        list of str
            Plain text, parts of which come from the address: never to be shown as Markdown.
        """
        texts = {name: query[name].strip() for name in PARAMETERS if query.get(name, "").strip()}
        reading = _Reading(texts)
        name = reading.one("lesson", _lesson_name, _LESSON_ALLOWED, "The page is shown without one")
        at = _step(reading, name)
        seed = reading.one("seed", _seed, f"a whole number from 0 to {MAX_SEED}", _SEED_INSTEAD)
        made = cls(
            lesson=name,
            at=at,
            seed=DEFAULT_SEED if seed is None else seed,
            lock=dict(reading.several("lock", _locked, MAX_LOCKS, _LOCK_ALLOWED)),
            hide=tuple(dict.fromkeys(reading.several("hide", _key, MAX_LOCKS, _KEY_ALLOWED))),
            ask=tuple(dict.fromkeys(reading.several("ask", _asked, MAX_ASKED, _ASK_ALLOWED))),
            room=reading.one("room", _room, f"{N_ROOM} letters", "Answers are not counted"),
            is_sealed="seal" in texts,
        )
        if made.is_sealed and texts["seal"].lower() != made.seal:
            reading.problems.append(_CHANGED if name else _CHANGED_WITHOUT_LESSON)
            made = cls(lesson=made.lesson, at=made.at)
        asks_for_something = made.lesson or made.lock or made.hide or made.ask
        return (made if asks_for_something else None), reading.problems


_LESSON_ALLOWED = "the name of a lesson, as the page Lessons lists them"
_SEED_INSTEAD = f"Seed {DEFAULT_SEED} is used instead"
_KEY_ALLOWED = "names of controls as addresses have them, such as conv_stride"
_LOCK_ALLOWED = f"{_KEY_ALLOWED}, each with a value after a colon if it has one"
_ASK_ALLOWED = "names of questions, such as conv-output-size"
_CHANGED = (
    "This link was changed after it had been made, or has lost its end. The lesson is shown as "
    "the lab has it, without the settings of the link."
)
_CHANGED_WITHOUT_LESSON = (
    "This link was changed after it had been made, or has lost its end. The page is shown without "
    "the tasks of the link."
)


class _Reading:
    """The texts of an address, and what is wrong with them."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self.problems: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self._texts

    def one(
        self, name: str, read: Callable[[str], _Part | None], allowed: str, instead: str
    ) -> _Part | None:
        """Return what a parameter says, None if it is missing or not allowed."""
        if name not in self:
            return None
        value = read(self._texts[name])
        if value is None:
            self._refuse(name, self._texts[name], allowed, instead)
        return value

    def several(
        self, name: str, read: Callable[[str], _Part | None], most: int, allowed: str
    ) -> list[_Part]:
        """Return what the parts of a parameter say, without those that are not allowed."""
        found = []
        parts = [part.strip() for part in self._texts.get(name, "").split(",")]
        wrong = []
        for part in filter(None, parts[:most]):
            value = read(part)
            if value is None:
                wrong.append(part)
            else:
                found.append(value)
        if wrong:
            self._refuse(name, ", ".join(wrong), allowed, "It is left out")
        if len(parts) > most:
            self.problems.append(
                f"The link has more than {most} parts in {name}. The rest is left out."
            )
        return found

    def _refuse(self, name: str, text: str, allowed: str, instead: str) -> None:
        shown = text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}…"
        self.problems.append(
            f"The link says {name}={shown}, which is not allowed. Allowed: {allowed}. {instead}."
        )


def _lesson_name(text: str) -> str | None:
    return text if text in LESSONS else None


def _step(reading: _Reading, name: str | None) -> int | None:
    if name is None:
        return None
    n_steps = len(lesson(name).steps)
    return reading.one(
        "at",
        lambda text: _whole(text, 1, n_steps),
        f"a step of this lesson, 1 to {n_steps}",
        "The lesson begins at step 1",
    )


def _seed(text: str) -> int | None:
    return _whole(text, 0, MAX_SEED)


def _whole(text: str, minimum: int, maximum: int) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(maximum))):
        return None
    return int(text) if minimum <= int(text) <= maximum else None


def _key(text: str) -> str | None:
    return text if _KEY.fullmatch(text) else None


def _locked(text: str) -> tuple[str, str | None] | None:
    key, colon, value = text.partition(":")
    value = unquote(value)
    if not _KEY.fullmatch(key) or len(value) > MAX_VALUE or not value.isprintable():
        return None
    return key, value if colon else None


def _asked(text: str) -> str | None:
    return text if text in QUESTIONS else None


def _room(text: str) -> str | None:
    return text.upper() if _ROOM.fullmatch(text.upper()) else None


def _escaped(value: str) -> str:
    """Return a value of which no comma ends the list that it stands in."""
    return quote(value, safe=" ;:.!?()/+-=*'|\"[]{}<>^~$@#&")
