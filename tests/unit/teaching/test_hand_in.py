"""Hand-ins: what comes through a mail program, and what is said of those that did not."""

import csv
import json
import textwrap
import zlib
from base64 import b32encode
from hashlib import sha256
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_lab.teaching.assignment import Assignment
from cnn_lab.teaching.hand_in import (
    MARK,
    MAX_HAND_INS,
    MAX_JSON,
    MAX_NAME,
    MAX_PASTED,
    HandIn,
    HandInError,
    decode,
    decode_all,
    encode,
    marks,
    plain_name,
    table,
    table_csv,
)
from cnn_lab.teaching.lesson import LESSONS, lesson
from cnn_lab.teaching.questions import QUESTIONS
from cnn_lab.teaching.questions.case import MAX_SEED, answer_text

ASKED = ("conv-output-size",)
LINK = Assignment(seed=42, ask=ASKED, lock={"conv_stride": "2"}, room="ABCDE", is_sealed=True)
MADE = HandIn(None, 42, "Ada", {1: ("3 × 4", "3 3")}, LINK)


def with_checksum(parts: Any) -> str:
    """Return a forged hand-in: whatever parts, with the checksum that belongs to them."""
    plain = parts if isinstance(parts, bytes) else json.dumps(parts).encode()
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = deflate.compress(plain) + deflate.flush()
    whole = len(packed).to_bytes(3, "big") + sha256(packed).digest()[:5] + packed
    return MARK + b32encode(whole).decode().rstrip("=")


def outcome(text: str) -> HandIn | Any:
    """Return what is read from a text, or that it was answered with a sentence."""
    try:
        return decode(text)
    except HandInError as error:
        return "a sentence" if str(error).endswith(".") else str(error)


@given(
    name=st.sampled_from([None, *LESSONS]),
    seed=st.integers(0, MAX_SEED),
    learner=st.text(max_size=60),
    first=st.text(max_size=40),
    latest=st.none() | st.text(max_size=40),
)
def test_what_is_handed_in_is_what_is_read(
    name: str | None, seed: int, learner: str, first: str, latest: str | None
) -> None:
    link = Assignment(lesson=name, seed=seed, ask=ASKED, lock={"conv_stride": "2"})
    place = (
        1 if name is None else next(n for n, s in enumerate(lesson(name).steps, 1) if s.question)
    )
    texts = (first,) if latest is None else (first, latest)
    made = HandIn(name, seed, learner, {place: texts}, link)
    read = decode(encode(made))
    assert (read.lesson, read.seed, read.answers, read.assignment) == (
        name,
        seed,
        {place: texts},
        link,
    )
    assert read.name == plain_name(learner)
    assert read.problems == ()


@given(
    breaks=st.lists(
        st.tuples(
            st.floats(0, 1),
            st.sampled_from([" ", "\n", "\r\n> ", "\n>> ", "=\n", "\u00a0", "|", "*"]),
        ),
        max_size=12,
    ),
    is_small=st.booleans(),
    around=st.sampled_from([("", ""), ("Hello, here is mine:\n", "\nBest wishes, Ada (class 7b)")]),
)
def test_a_mail_program_does_no_harm(
    breaks: list[tuple[float, str]], is_small: bool, around: tuple[str, str]
) -> None:
    text = encode(MADE)
    for where, inserted in breaks:
        at = int(where * len(text))
        text = text[:at] + inserted + text[at:]
    text = around[0] + (text.lower() if is_small else text) + around[1]
    assert decode(text) == MADE


@given(kept=st.integers(0, len(encode(MADE)) - 1))
def test_a_text_that_was_cut_off_is_a_sentence(kept: int) -> None:
    with pytest.raises(HandInError, match=r"[.]$"):
        decode(encode(MADE)[:kept])


@given(at=st.integers(len(MARK), len(encode(MADE)) - 1), letter=st.sampled_from("AZ27"))
def test_a_text_that_was_changed_is_a_sentence(at: int, letter: str) -> None:
    text = encode(MADE)
    changed = text[:at] + letter + text[at + 1 :]
    # Either the letter was that one, or the bits in which they differ are not used.
    assert outcome(changed) in (MADE, "a sentence")


@given(st.text(max_size=300))
def test_any_text_is_a_hand_in_or_a_sentence(text: str) -> None:
    for each in (text, MARK + text, encode(MADE)[:40] + text):
        with pytest.raises(HandInError):
            decode(each)


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(ANYTHING | st.tuples(*[ANYTHING] * 5).map(list))
def test_a_forged_text_is_a_sentence_or_harmless(parts: Any) -> None:
    read = outcome(with_checksum(parts))
    assert read == "a sentence" or table([read])[0]["Right at first"].startswith("0 of")


@pytest.mark.parametrize(
    "parts",
    [
        ["no-such-lesson", 1, "", {}, {}],
        [None, -1, "", {}, {}],
        [None, 2**31, "", {}, {}],
        [None, True, "", {}, {}],
        [None, 1, "", {"1": ["x" * 1001]}, {}],
        [None, 1, "", {"1": []}, {}],
        [None, 1, "", {"²": ["1"]}, {}],
        [None, 1, "", {str(n): ["1"] for n in range(100)}, {}],
        [None, 1, "", {}, {"ask": 3}],
        b"not json",
        b" " * (MAX_JSON + 1),
        b"[" * 90_000,
    ],
)
def test_parts_that_no_lab_has_made_are_refused(parts: Any) -> None:
    with pytest.raises(HandInError, match=r"[.]$"):
        decode(with_checksum(parts))


def test_answers_to_questions_that_do_not_exist_are_said_and_left_out() -> None:
    read = decode(with_checksum([None, 42, "", {"9": ["1"], "1": ["3 4"]}, LINK.to_query()]))
    assert read.answers == {1: ("3 4",)}
    (problem,) = read.problems
    assert "1 question" in problem


def test_a_link_with_another_seed_is_said() -> None:
    read = decode(with_checksum([None, 7, "", {}, LINK.to_query()]))
    assert read.seed == 7
    assert len(read.problems) == 1


def test_a_hand_in_is_short_and_holds_no_sign_that_a_chat_makes_bold() -> None:
    name = next(iter(LESSONS))
    steps = [n for n, step in enumerate(lesson(name).steps, 1) if step.question]
    answers = {n: ("3 × 4", "4 × 4") for n in steps}
    link = Assignment(lesson=name, seed=42, lock={"conv_stride": "2"}, room="ABCDE", is_sealed=True)
    text = encode(HandIn(name, 42, "Ada Lovelace", answers, link))
    assert len(text) <= 400
    assert text.isalnum()
    assert text.isupper()


def test_answers_are_checked_again_when_they_are_read() -> None:
    case = QUESTIONS[ASKED[0]].make(seed=42)
    misconception, value = next(iter(case.misconceptions.items()))
    right, wrong = answer_text(case.key), answer_text(value)
    made = [HandIn(None, 42, "", {1: texts}, LINK) for texts in ((right,), (wrong, right))]
    marked = [marks(decode(encode(each)))[0] for each in made]
    assert [(m.right_at_first, m.right_in_the_end, m.misconceptions) for m in marked] == [
        (True, True, ()),
        (False, True, (misconception,)),
    ]
    rows = table([*made, HandIn(None, 42, "", {}, LINK)])
    assert [row["Right at first"] for row in rows] == ["1 of 1", "0 of 1", "0 of 1"]
    assert [row["Right in the end"] for row in rows] == ["1 of 1", "1 of 1", "0 of 1"]


def test_a_bad_line_has_its_sentence_and_the_others_are_read() -> None:
    text = encode(MADE)
    pasted = f"{text}\n\n{text[:60]}\n> {text[:50]}\n> {text[50:]}\nsent from my phone\n"
    first, second, third = decode_all(pasted)
    assert first == third == MADE
    assert isinstance(second, HandInError)
    rows = table([first, second, third])
    assert [row["Name"] for row in rows] == ["Ada", "", "Ada"]
    assert rows[1]["Problems"] == str(second)
    assert decode_all(" \n") == []
    assert [type(each) for each in decode_all(f"{text[30:]}\n{text}\n{text[40:]}")] == [
        HandInError,
        HandIn,
        HandInError,
    ]
    assert isinstance(decode_all("hello")[0], HandInError)


def test_what_is_pasted_has_limits() -> None:
    with pytest.raises(HandInError, match=f"{MAX_PASTED:,}"):
        decode_all("x" * (MAX_PASTED + 1))
    with pytest.raises(HandInError, match=str(MAX_HAND_INS)):
        decode_all(f"{MARK} " * (MAX_HAND_INS + 1))


@pytest.mark.parametrize("typed", ["=HYPERLINK(1)", "+1", "-1", "@x", "\uff1d1", "\t=1"])
def test_no_name_and_no_answer_becomes_a_formula(typed: str) -> None:
    rows = table([HandIn(None, 42, plain_name(typed), {1: (typed,)}, LINK)])
    (row,) = csv.DictReader(StringIO(table_csv(rows)))
    for cell in row.values():
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"))
    assert row["Name"].endswith(typed.strip())


def test_names_are_one_short_line() -> None:
    assert plain_name("a\u202eb\x07\n\n c") == "ab c"
    assert len(plain_name("é" * 10_000)) == MAX_NAME
    assert decode(encode(HandIn(None, 1, "x" * 900, {}, LINK))).name == "x" * MAX_NAME


def test_wrapped_text_is_read() -> None:
    assert decode("\n".join(textwrap.wrap(encode(MADE), 30))) == MADE
