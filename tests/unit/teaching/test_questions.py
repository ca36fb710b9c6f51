from functools import cache

import numpy as np
import pytest

from cnn_lab.content import _sections
from cnn_lab.teaching import QUESTIONS
from cnn_lab.teaching.questions.case import LEVELS, answer_text, misconception_title

SEEDS = range(25)


@pytest.fixture(params=sorted(QUESTIONS))
def question(request):
    return QUESTIONS[request.param]


@cache
def cases(question):
    return [question.make(seed=seed, level=level) for seed in SEEDS for level in LEVELS]


def test_the_key_is_right_also_as_it_is_written(question):
    for case in cases(question):
        assert case.check(case.key).right
        assert case.check(answer_text(case.key, case.form)).right


def test_each_wrong_answer_is_wrong_and_known_by_its_name(question):
    for case in cases(question):
        for name, wrong in case.misconceptions.items():
            verdict = case.check(wrong)
            assert (verdict.right, verdict.misconception) == (False, name)
            assert verdict.explanation


def test_most_cases_have_a_misconception_that_shows(question):
    found = [bool(case.misconceptions) for case in cases(question)]
    assert np.mean(found) > 0.5


def test_the_text_is_short_and_the_solution_ends_in_the_key(question):
    for case in cases(question):
        assert len(case.ask) < 300
        assert case.lines
        if case.form not in ("choice", "order", "points"):
            assert case.check(case.lines[-1].value).right


def test_a_seed_gives_the_same_case_and_seeds_differ(question):
    once, again = cases(question), cases.__wrapped__(question)
    for one, other in zip(once, again, strict=True):
        assert one.ask == other.ask
        assert answer_text(one.key, one.form) == answer_text(other.key, other.form)
    assert len({str(case.settings) for case in once}) > len(SEEDS)


@pytest.mark.parametrize(
    "text", ["", "what", "1e400", "1 2 3 4 5 6 7 8 9 10 11", "x" * 10_000, "nan"]
)
def test_what_is_no_answer_is_no_attempt(question, text):
    verdict = question.make(seed=0).check(text)
    assert not verdict.right
    assert verdict.misconception is None
    assert verdict.explanation


@pytest.mark.parametrize("text", ["−2,5", " -2.5 ", "- 2.5", "–2.50"])
def test_a_phone_s_minus_and_a_decimal_comma_are_understood(text):
    questions = [each for each in QUESTIONS.values() if each.form == "number"]
    for question in questions:
        assert question.make(seed=1).read(text) == -2.5


@pytest.mark.parametrize(
    ("seed", "level"), [(-1, "alone"), (2**31, "alone"), (1.5, "alone"), (1, "hard")]
)
def test_a_seed_or_level_that_does_not_exist_is_refused(question, seed, level):
    with pytest.raises(ValueError, match="Received"):
        question.make(seed=seed, level=level)


def test_every_question_and_misconception_has_its_words_and_is_used():
    assert set(_sections("questions")) - {""} == set(QUESTIONS)
    used = {
        name
        for question in QUESTIONS.values()
        for case in cases(question)
        for name in case.misconceptions
    }
    assert set(_sections("misconceptions")) - {""} == used
    assert all(misconception_title(name) for name in used)
