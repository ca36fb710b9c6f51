"""The twelve lessons: what they promise comes out, and each asks before it shows."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from cnn_lab.teaching import QUESTIONS
from cnn_lab.teaching.lesson import LESSONS, Lesson, Step, lesson
from cnn_lab.teaching.questions.case import MAX_SEED
from tests.unit.teaching.outcomes import MEASURES

N_MIXED = 3  # questions at the end of a lesson
MIN_STEPS, MAX_STEPS = 7, 10
N_SEEDS = 40
HALF_TURN = 180.0  # degrees by which a kernel is turned
MAX_WORDS = 75  # of a step: half a phone's screen
NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?")
LINK = re.compile(r"\(#[^)]*\)")
ORDER = [
    "sliding",
    "borders",
    "strides",
    "libraries",
    "channels",
    "flip",
    "max-or-average",
    "backpropagation",
    "learn-a-kernel",
    "failures",
    "misread",
    "paper",
]


def _promises() -> Iterator[Any]:
    for made in LESSONS.values():
        for number, step in enumerate(made.steps, start=1):
            if step.outcome is not None:
                yield pytest.param(step, id=f"{made.name}-{number}")


def test_there_are_twelve_lessons_in_this_order() -> None:
    assert [*LESSONS] == ORDER


@pytest.mark.parametrize("step", [*_promises()])
def test_what_a_step_promises_comes_out(step: Step) -> None:
    promised = step.outcome
    assert promised is not None
    found = MEASURES[promised.measure](step.settings)
    if promised.equals is not None:
        assert _flat(found) == pytest.approx(_flat(promised.equals), abs=1e-9)
    if promised.above is not None:
        assert found > promised.above
    if promised.below is not None:
        assert found < promised.below


@pytest.mark.parametrize("name", LESSONS)
def test_every_number_in_a_text_is_set_asked_or_promised(name: str) -> None:
    """So that no number can be wrong: each is a setting, a key or an outcome of this step or of
    one before it."""
    made = lesson(name)
    known = {HALF_TURN}
    for number, step in enumerate(made.steps, start=1):
        known |= set(_numbers_of(step))
        written = {_value(text) for text in NUMBER.findall(LINK.sub("", made.step_text(number)))}
        assert not written - known, f"step {number}: {sorted(written - known)}"


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_asks_in_half_of_its_steps_and_ends_with_what_is_known(name: str) -> None:
    made = lesson(name)
    assert MIN_STEPS <= len(made.steps) <= MAX_STEPS
    asking = [step for step in made.steps if step.question]
    assert 2 * len(asking) >= len(made.steps)
    mixed, before = made.steps[-N_MIXED:], made.steps[:-N_MIXED]
    assert all(step.question and step.question_settings is None for step in mixed)
    assert len({step.question for step in mixed}) >= 2
    earlier = {step.question for each in _before(made) for step in each.steps}
    assert made.number == 1 or {step.question for step in mixed} & earlier
    taught = {_topic(step) for step in before} | {
        _topic(step) for each in _before(made) for step in each.steps
    }
    assert {_topic(step) for step in mixed} <= taught


@pytest.mark.parametrize("name", LESSONS)
def test_a_step_draws_numbers_for_every_learner(name: str) -> None:
    """None of them is that of another step, although the learner has one seed for all."""
    for step in lesson(name).steps:
        for seed in (*range(N_SEEDS), MAX_SEED):
            case = step.case(seed)
            again = step.case(seed)
            assert (case is None) == (step.question is None)
            assert case is None or _flat(dict(case.settings)) == _flat(dict(again.settings))
    asked = [step.case(1) for step in lesson(name).steps]
    drawn = [(case.question, *_flat(dict(case.settings))) for case in asked if case is not None]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("name", LESSONS)
def test_a_text_is_short_and_lights_cells_that_exist(name: str) -> None:
    made = lesson(name)
    for number in range(1, len(made.steps) + 1):
        words = made.step_text(number)
        assert len(words.split()) <= MAX_WORDS, f"step {number}: {len(words.split())} words"
        for link in re.findall(r"\(#([^)]*)\)", words):
            assert re.fullmatch(
                r"cells-(step-\d+|window|(input|kernel|bias|output|activated|padding)(-\d+-\d+)?)",
                link,
            )


def _before(made: Lesson) -> list[Lesson]:
    return [each for each in LESSONS.values() if each.number < made.number]


def _topic(step: Step) -> str:
    return QUESTIONS[step.question].topic if step.question else ""


def _numbers_of(step: Step) -> Iterator[float]:
    """Every number that a step is made of."""
    for text in step.settings.values():
        yield from map(_value, NUMBER.findall(text))
    if step.question_settings is not None:
        yield from _flat(list(step.question_settings.values()))
        case = step.case(0)
        assert case is not None
        yield from _flat(case.key)
    if step.outcome is not None:
        yield from _flat([step.outcome.equals, step.outcome.above, step.outcome.below])


def _value(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def _flat(value: Any) -> list[float]:
    """Every number in a nest of lists, tuples, arrays and mappings."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [number for each in value for number in _flat(each)]
    return [] if value is None or isinstance(value, str) else [float(value)]
