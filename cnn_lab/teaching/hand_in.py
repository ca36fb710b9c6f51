"""Answers handed in without an account: a short text to paste into a mail, a form or a chat.

The text holds what a learner answered, and nothing else about them than a name they may have typed.
Whether an answer is right is not in it: the answers are checked again when it is read.
"""

import csv
import json
import re
import unicodedata
import zlib
from base64 import b32decode, b32encode
from binascii import Error as NotBase32Error
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from io import StringIO
from itertools import pairwise
from typing import Any

from cnn_lab.content.words import counted, inert
from cnn_lab.teaching.assignment import Assignment
from cnn_lab.teaching.lesson import LESSONS, lesson
from cnn_lab.teaching.questions import QUESTIONS
from cnn_lab.teaching.questions.case import MAX_ANSWER_TEXT, MAX_SEED, Case, misconception_title

MAX_NAME = 40  # characters
MAX_ANSWERS = 60
MAX_JSON = 100_000  # bytes, unpacked
MAX_HAND_INS = 300  # in one pasted text
MAX_PASTED = 1_000_000  # characters
# The digit 1 is in no text of base 32, so that no packed answer looks like the beginning of
# another; and the lab's name is never written like that.
MARK = "CNN1LAB"
_N_LENGTH, _N_DIGEST = 3, 5  # bytes
_MARK = re.compile(r"[\W_]*".join(MARK), re.IGNORECASE)
_PACKED = re.compile(r"[A-Z2-7]{24}")  # what looks like the middle of a hand-in
_COLUMNS = ("Name", "Lesson", "Seed", "Right at first", "Right in the end", "Answers", "Problems")


class HandInError(ValueError):
    """A text that is not a hand-in as it was made; the message says what to do about it."""


@dataclass(frozen=True)
class HandIn:
    """What a learner hands in.

    Attributes
    ----------
    lesson : str or None
        Name of the lesson; None if the questions stand in the assignment.
    seed : int
        That the questions' numbers were drawn with.
    name : str
        What the learner typed, as `plain_name` leaves it; may be empty. Never to be shown as
        Markdown or HTML.
    answers : mapping of int to tuple of str
        Step of the lesson, or place of the question in the assignment, both from 1 -> the first
        answer and, if there was another, the latest; as they were typed.
    assignment : Assignment, optional
        The link's, with its locks.
    problems : tuple of str
        What is odd about it, a sentence each; found when it is read.
    """

    lesson: str | None
    seed: int
    name: str
    answers: Mapping[int, tuple[str, ...]]
    assignment: Assignment | None = None
    problems: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Mark:
    """What an answer is worth.

    Attributes
    ----------
    place : int
        Step of the lesson, or place in the assignment, from 1.
    question : str
        Its name in `QUESTIONS`.
    answers : tuple of str
        The first, and the latest if there was another.
    right_at_first, right_in_the_end : bool
    misconceptions : tuple of str
        Those that lead to these answers.
    """

    place: int
    question: str
    answers: tuple[str, ...]
    right_at_first: bool
    right_in_the_end: bool
    misconceptions: tuple[str, ...]


def plain_name(typed: str) -> str:
    r"""Return a name as it may be kept: one line of at most 40 printable characters.

    Examples
    --------
    >>> plain_name("  Ada\n  Lovelace "), len(plain_name("x" * 1000))
    ('Ada Lovelace', 40)
    """
    spaced = " ".join(unicodedata.normalize("NFC", typed[: 10 * MAX_NAME]).split())
    shown = "".join(letter for letter in spaced if letter.isprintable())
    return shown[:MAX_NAME].strip()


def encode(hand_in: HandIn) -> str:
    """Return a hand-in as a text of capital letters and digits, some 100 to 400 of them.

    Of a name and of the answers, only as many characters are kept as `decode` allows.

    Parameters
    ----------
    hand_in : HandIn

    Notes
    -----
    The text begins with `MARK`. Then, in base 32: the length of the packed part, five bytes of
    its SHA-256, and the packed part, which is JSON compressed by deflate. The checksum finds a text
    that was cut off or changed; it does not prove who made it.
    """
    query = hand_in.assignment.to_query() if hand_in.assignment else {}
    answers = {
        str(place): [text[:MAX_ANSWER_TEXT] for text in (texts[0], *texts[1:][-1:])]
        for place, texts in list(hand_in.answers.items())[:MAX_ANSWERS]
        if texts
    }
    parts = [hand_in.lesson, hand_in.seed, plain_name(hand_in.name), answers, query]
    plain = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflate.compress(plain) + deflate.flush()
    head = len(packed).to_bytes(_N_LENGTH, "big") + _digest(packed)
    return MARK + b32encode(head + packed).decode().rstrip("=")


def decode(text: str) -> HandIn:
    """Return the hand-in that a text holds.

    Parameters
    ----------
    text : str
        What `encode` returned, perhaps with line breaks, spaces and marks of quoting in it, in
        small letters, and with other words before and after it.

    Raises
    ------
    HandInError
        If it holds none, or one that was cut off or changed.
    """
    return _decoded(text)[0]


def _decoded(text: str) -> tuple[HandIn, str]:
    """Return the first hand-in of a text, and what follows it."""
    found = _MARK.search(text)
    if found is None:
        raise _without_beginning()
    places = [
        place
        for place in range(found.end(), len(text))
        if text[place].isascii() and text[place].isalnum()
    ]
    letters = "".join(text[place] for place in places).upper()
    head = _bytes(letters, _N_LENGTH + _N_DIGEST)
    n_bytes = len(head) + int.from_bytes(head[:_N_LENGTH], "big")
    packed = _bytes(letters, n_bytes)[len(head) :]
    if _digest(packed) != head[_N_LENGTH:]:
        raise HandInError("This hand-in was changed after it had been made. Ask for it again.")
    return _read(_unpacked(packed)), text[places[_letters(n_bytes) - 1] + 1 :]


def _letters(n_bytes: int) -> int:
    """Return how many letters of base 32 hold so many bytes."""
    return -(-n_bytes * 8 // 5)


def _bytes(letters: str, n_bytes: int) -> bytes:
    """Return the first bytes that letters of base 32 hold."""
    n_letters = _letters(n_bytes)
    if len(letters) < n_letters:
        raise HandInError("The end of this hand-in is missing. Ask for the whole text.")
    padded = letters[:n_letters] + "=" * (-n_letters % 8)
    try:
        return b32decode(padded)[:n_bytes]
    except NotBase32Error:
        raise HandInError(
            "This hand-in has letters or digits that were not in it. Ask for it again."
        ) from None


def _digest(packed: bytes) -> bytes:
    return sha256(packed).digest()[:_N_DIGEST]


_FORGED = "This text was not made by the lab: it has the right checksum, but"


def _unpacked(packed: bytes) -> Any:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflate.decompress(packed, MAX_JSON)
        if not inflate.eof:
            raise HandInError(f"{_FORGED} it is too long.")
        return json.loads(plain)
    except (zlib.error, ValueError, RecursionError) as error:
        if isinstance(error, HandInError):
            raise
        raise HandInError(f"{_FORGED} cannot be unpacked.") from None


def _read(parts: Any) -> HandIn:
    match parts:
        case [str() | None as name, int() as seed, str() as learner, dict() as texts, dict() as of]:
            pass
        case _:
            raise HandInError(f"{_FORGED} holds something other than answers.")
    if isinstance(seed, bool) or not 0 <= seed <= MAX_SEED:
        raise HandInError(f"{_FORGED} its seed is not from 0 to {MAX_SEED}.")
    if name is not None and name not in LESSONS:
        raise HandInError("This hand-in belongs to a lesson that this lab does not have.")
    if not all(isinstance(value, str) for value in of.values()):
        raise HandInError(f"{_FORGED} its link is not a link.")
    assignment, problems = Assignment.from_query(of)
    if assignment and not (assignment.lesson == name and assignment.seed == seed):
        problems = [*problems, "The link in it is of another lesson or seed."]
    answers = dict(_answers(texts))
    made = HandIn(name, seed, plain_name(learner), answers, assignment)
    unknown = answers.keys() - {place for place, _ in _cases(made)}
    if unknown:
        problems = [*problems, f"It answers {counted(len(unknown), 'question')} that do not exist."]
    known = {place: texts for place, texts in sorted(answers.items()) if place not in unknown}
    return replace(made, answers=known, problems=tuple(problems))


def _answers(texts: Mapping[str, Any]) -> Iterator[tuple[int, tuple[str, ...]]]:
    if len(texts) > MAX_ANSWERS:
        raise HandInError(f"{_FORGED} it has more than {MAX_ANSWERS} answers.")
    for place, each in texts.items():
        if not (
            place.isascii()
            and place.isdigit()
            and len(place) <= 3
            and isinstance(each, list)
            and 1 <= len(each) <= 2
            and all(isinstance(text, str) and len(text) <= MAX_ANSWER_TEXT for text in each)
        ):
            raise HandInError(f"{_FORGED} holds something other than answers.")
        yield int(place), tuple(each)


def _cases(hand_in: HandIn) -> Iterator[tuple[int, Case]]:
    """Yield the questions with their numbers, each with its place."""
    if hand_in.lesson is not None:
        for place in range(1, len(lesson(hand_in.lesson).steps) + 1):
            case = lesson(hand_in.lesson).steps[place - 1].case(hand_in.seed)
            if case is not None:
                yield place, case
    elif hand_in.assignment is not None:
        for place, name in enumerate(hand_in.assignment.ask, start=1):
            yield place, QUESTIONS[name].make(seed=hand_in.seed)


def marks(hand_in: HandIn) -> list[Mark]:
    """Return what each question's answers are worth; those without an answer are left out."""
    found = []
    for place, case in _cases(hand_in):
        texts = hand_in.answers.get(place)
        if texts is None:
            continue
        verdicts = [case.check(text) for text in texts]
        misconceptions = [each.misconception for each in verdicts if each.misconception]
        found.append(
            Mark(
                place,
                case.question,
                texts,
                verdicts[0].right,
                verdicts[-1].right,
                tuple(dict.fromkeys(misconceptions)),
            )
        )
    return found


def n_questions(hand_in: HandIn) -> int:
    """Return how many questions there were."""
    return sum(1 for _ in _cases(hand_in))


def decode_all(pasted: str) -> list[HandIn | HandInError]:
    """Return all hand-ins of a pasted text; one that cannot be read is its error.

    Parameters
    ----------
    pasted : str
        One hand-in after the other, such as a column of a spreadsheet or an inbox. Other words
        are left out, unless there is nothing else.

    Raises
    ------
    HandInError
        If the text is too long, or holds too many.
    """
    if len(pasted) > MAX_PASTED:
        raise HandInError(f"At most {MAX_PASTED:,} characters can be read at a time.")
    starts = [found.start() for found in _MARK.finditer(pasted)]
    if len(starts) > MAX_HAND_INS:
        raise HandInError(f"At most {MAX_HAND_INS} hand-ins can be read at a time.")
    found: list[HandIn | HandInError] = []
    bounds = [0, *starts, len(pasted)]
    before, *pieces = (pasted[start:end] for start, end in pairwise(bounds))
    if (not pieces and before.strip()) or _PACKED.search(before):
        found.append(_without_beginning())
    for piece in pieces:
        try:
            hand_in, rest = _decoded(piece)
        except HandInError as error:
            found.append(error)
            continue
        found.append(hand_in)
        if _PACKED.search(rest):
            found.append(_without_beginning())
    return found


def _without_beginning() -> HandInError:
    return HandInError(f"This is not a whole hand-in: one begins with {MARK}.")


def table(hand_ins: Sequence[HandIn | HandInError]) -> list[dict[str, str]]:
    """Return a row for each hand-in: column -> text, never to be shown as Markdown or HTML."""
    return [
        {name: "" for name in _COLUMNS} | {"Problems": str(each)}
        if isinstance(each, HandInError)
        else _row(each)
        for each in hand_ins
    ]


def _row(hand_in: HandIn) -> dict[str, str]:
    marked, n = marks(hand_in), n_questions(hand_in)
    said = (
        f"{each.place}: {' → '.join(each.answers)} {'✓' if each.right_in_the_end else '✗'}"
        + "".join(f" ({misconception_title(name)})" for name in each.misconceptions)
        for each in marked
    )
    values = (
        hand_in.name,
        "" if hand_in.lesson is None else lesson(hand_in.lesson).title,
        str(hand_in.seed),
        f"{sum(each.right_at_first for each in marked)} of {n}",
        f"{sum(each.right_in_the_end for each in marked)} of {n}",
        "; ".join(said),
        " ".join(hand_in.problems),
    )
    return dict(zip(_COLUMNS, values, strict=True))


def table_csv(rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows of `table` as CSV with a line of headings; no text becomes a formula."""
    file = StringIO(newline="")
    writer = csv.DictWriter(file, _COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: inert(text) for name, text in row.items()} for row in rows)
    return file.getvalue()
