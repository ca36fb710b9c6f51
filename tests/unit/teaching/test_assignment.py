"""Links of a class: what they ask for, and what happens to those that are not as they were made."""

from dataclasses import replace
from urllib.parse import urlencode

import numpy as np
import pytest

from cnn_lab.teaching.assignment import PARAMETERS, Assignment
from cnn_lab.teaching.lesson import LESSONS, lesson
from tests.addresses import NASTY

HOST = "https://cnn-lab.school-of-longfield.example.org"
FULL = Assignment(
    lesson="strides",
    at=3,
    seed=42,
    lock={"conv_stride": "2", "conv_kernel": None, "conv_weights": "1 0,5; 50% :x", "conv_x": ""},
    hide=("conv_bias", "tabs"),
    ask=("conv-output-size",),
    room="ABCDE",
    is_sealed=True,
)


def test_what_goes_into_an_address_comes_out_of_it() -> None:
    for made in (FULL, replace(FULL, is_sealed=False, at=None), Assignment(lock={"conv_a": "1"})):
        assert Assignment.from_query(made.to_query()) == (made, [])
    assert {*FULL.to_query()} == {*PARAMETERS}
    assert Assignment.from_query({"lesson": "strides", "seed": "0"})[0].seed == 0


def test_an_address_without_an_assignment_asks_for_nothing() -> None:
    for query in ({}, {"conv_stride": "2"}, {"room": "ABCDE", "seed": "4"}, {"lesson": ""}):
        assert Assignment.from_query(query) == (None, [])


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ({"lesson": "no-such"}, None),
        ({"lesson": "strides", "at": "99"}, Assignment(lesson="strides")),
        ({"lesson": "strides", "at": "0"}, Assignment(lesson="strides")),
        ({"lesson": "strides", "at": "1.5"}, Assignment(lesson="strides")),
        ({"lesson": "strides", "seed": "-1"}, Assignment(lesson="strides")),
        ({"lesson": "strides", "seed": str(2**31)}, Assignment(lesson="strides")),
        ({"lesson": "strides", "room": "AB1DE"}, Assignment(lesson="strides")),
        ({"lock": "conv_stride:3,CONV,../x"}, Assignment(lock={"conv_stride": "3"})),
        ({"hide": "tabs,<b>x"}, Assignment(hide=("tabs",))),
        ({"ask": "conv-output-size,why"}, Assignment(ask=("conv-output-size",))),
    ],
)
def test_each_bad_value_is_one_sentence_and_the_rest_counts(
    query: dict[str, str], kept: Assignment | None
) -> None:
    found, problems = Assignment.from_query(query)
    assert found == kept
    (problem,) = problems
    bad = list(query)[-1]
    assert bad in problem
    assert "Allowed: " in problem


@pytest.mark.parametrize("value", [each for each in NASTY if isinstance(each, str)])
@pytest.mark.parametrize("name", PARAMETERS)
def test_no_value_breaks_anything(name: str, value: str) -> None:
    found, problems = Assignment.from_query({"lesson": "strides", name: value})
    assert all(len(problem) < 300 for problem in problems)
    if found is not None:
        assert Assignment.from_query(found.to_query()) == (found, [])


def test_locks_have_a_bound() -> None:
    query = {"lock": ",".join(f"conv_{n}" for n in range(10_000))}
    found, problems = Assignment.from_query(query)
    assert len(found.lock) < 100
    assert len(problems) == 1


@pytest.mark.parametrize(
    "change",
    [{"lock": "conv_stride:3"}, {"lock": ""}, {"seed": "43"}, {"hide": "tabs"}, {"room": "ABCDF"}],
)
def test_a_sealed_link_that_was_changed_gives_the_lesson_alone(change: dict[str, str]) -> None:
    found, problems = Assignment.from_query(FULL.to_query() | change)
    assert found == Assignment(lesson="strides", at=3)
    assert len(problems) == 1


def test_going_on_in_a_lesson_leaves_the_seal_whole() -> None:
    assert Assignment.from_query(FULL.to_query() | {"at": "4"}) == (replace(FULL, at=4), [])


def test_seals_differ() -> None:
    seals = {replace(FULL, seed=int(seed)).seal for seed in np.arange(300)}
    assert len(seals) == 300
    assert {len(seal) for seal in seals} == {6}


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_s_link_is_short(name: str) -> None:
    made = Assignment(
        lesson=name, at=len(lesson(name).steps), seed=2**31 - 1, room="ABCDE", is_sealed=True
    )
    assert len(f"{HOST}/?{urlencode(made.to_query())}") <= 150
