"""Lessons as files: each is whole, and a file that is not says where."""

import pytest

from cnn_lab.content import title
from cnn_lab.teaching.lesson import LESSONS, LessonError, lesson, lesson_after, read_lesson
from tools.server import ROOT

WHOLE = """+++
number = 1
title = "A title"
minutes = 12
for_whom = "Anyone."
needs = []
goals = ["Count."]
wrong = ["plus-one-forgotten"]

[[steps]]
page = "convolution"
name = "first"
settings = { conv_stride = 2, conv_apart = true, conv_bias = 0.5, conv_padding = "same" }
light = ["window", "output-0--1", "step-3"]
outcome = { measure = "size", is = [3, 3] }

[[steps]]
page = "pooling"
name = "second"
question = "conv-output-size"
done = "answered"
+++

# first

First

Text.

# second

Second

Text.
"""


@pytest.mark.parametrize("name", LESSONS)
def test_every_lesson_is_whole_and_on_pages_that_exist(name: str) -> None:
    made = lesson(name)
    pages = {path.stem for path in (ROOT / "pages").glob("*.py")}
    assert {step.page for step in made.steps} <= pages
    assert {*made.needs} <= pages | {*LESSONS}
    for wrong in made.wrong:
        assert title("misconceptions", wrong)
    for number, step in enumerate(made.steps, start=1):
        assert made.step_title(number)
        assert made.step_text(number)
        assert (step.case(7) is None) == (step.question is None)


def test_lessons_have_an_order() -> None:
    numbers = [each.number for each in LESSONS.values()]
    assert numbers == sorted(set(numbers))
    names = list(LESSONS)
    assert [lesson_after(name) for name in names] == [*map(lesson, names[1:]), None]


def test_settings_are_texts_as_in_an_address() -> None:
    made = read_lesson("written", WHOLE)
    assert made.steps[0].settings == {
        "conv_stride": "2",
        "conv_apart": "true",
        "conv_bias": "0.5",
        "conv_padding": "same",
    }
    assert made.steps[0].outcome.equals == [3, 3]
    assert made.steps[1].case(3).key == made.steps[1].case(3).key


def test_lists_of_a_file_are_settings_of_a_question() -> None:
    about = """question_settings = { input_size = [7, 8], kernel_size = [3, 3], strides = [2, 2], \
padding = "valid", dilation_rate = [1, 1] }"""
    made = read_lesson("written", WHOLE.replace('done = "answered"', f'done = "answered"\n{about}'))
    case = made.steps[1].case(3)
    assert case.settings["input_size"] == (7, 8)
    assert case.check((3, 3)).right


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("# second", "# another", "second"),
        ("Second\n\nText.", "Second", "second"),
        ('title = "A title"\n', "", "title"),
        ("minutes = 12", "minutes = 40", "minutes"),
        ('goals = ["Count."]', "goals = []", "goals"),
        ('page = "pooling"\n', "", "steps.1.page"),
        ('"window"', '"no cell"', "steps.0.light"),
        ('"conv-output-size"', '"no-such"', "no-such"),
        ('done = "answered"', 'done = "changed"', "change"),
        (", is = [3, 3]", "", "steps.0.outcome"),
        ("number = 1", "number = ", "written.md"),
        ("+++\nnumber", "number", "written.md"),
    ],
)
def test_a_file_with_something_missing_says_what(old: str, new: str, named: str) -> None:
    assert WHOLE.count(old) == 1
    with pytest.raises(LessonError, match=r"written\.md") as caught:
        read_lesson("written", WHOLE.replace(old, new))
    assert named in str(caught.value)


@pytest.mark.parametrize("name", ["no-such", "", "../home", "strides.md", "x" * 10_000])
def test_there_is_no_other_lesson(name: str) -> None:
    assert name not in LESSONS
    with pytest.raises(KeyError):
        lesson(name)
