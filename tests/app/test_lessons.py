"""Every lesson, walked to its end: each step is on its page and shows what it promises."""

from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.app.widgets.story import CHAPTERS, Chapter
from cnn_lab.teaching.lesson import LESSONS, Step, lesson
from cnn_lab.teaching.questions.case import Case
from tests.app.elements import address, errors, grids, said
from tests.app.lesson_walk import arrived, press
from tests.prose import wording

SEED = 7


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.page)
def test_a_chapter_points_to_lessons_on_its_page(
    chapter: Chapter, open_page: Callable[..., AppTest]
) -> None:
    page = open_page(chapter.page)
    links = [link.proto.query_string for link in page.get("page_link")]
    offered = [link.removeprefix("lesson=") for link in links if link.startswith("lesson=")]
    assert offered == [*chapter.lessons]
    assert all(chapter.page in {step.page for step in lesson(name).steps} for name in offered)
    other = arrived(open_page("home", {"lesson": offered[0]})).run()
    assert not any("lesson=" in link.proto.query_string for link in other.get("page_link"))


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_is_walked_to_its_end_with_every_answer_right(
    name: str, open_page: Callable[..., AppTest]
) -> None:
    made = lesson(name)
    page = arrived(open_page("home", {"lesson": name, "seed": str(SEED)}))
    for number, step in enumerate(made.steps, start=1):
        page.run()
        assert f"{number} of {len(made.steps)}" in said(page)
        _shows(page, step)
        case = step.case(SEED)
        if case is not None:
            _answer(page, f"lesson_{name}_{SEED}_{number}", case)
        if step.done in ("next", "answered"):
            assert page.button(key="lesson_next").proto.type == "primary"
        if number < len(made.steps):
            press(page, "lesson_next")
    page.button(key="lesson_next").click().run()
    assert not page.exception
    asked = sum(step.question is not None for step in made.steps)
    counts = {"answered": asked, "questions": asked, "right": asked}
    assert wording("lesson", "results", **counts).search(said(page))


def _shows(page: AppTest, step: Step) -> None:
    """Assert that the page has the step's settings, complains of none, and shows the outcome."""
    assert not page.exception
    assert not errors(page)
    assert not page.warning
    for key, text in step.settings.items():
        assert _same(address(page, key), text), key
    heeded = page.session_state["guidance"]
    assert {*step.lock} <= heeded.seen
    assert not heeded.refused
    assert not heeded.settings, "none of the page's controls"
    promised = step.outcome
    if promised is None:
        return
    if promised.measure == "output":
        np.testing.assert_allclose(grids(page)["output-1"], promised.equals)
    if promised.measure == "both-outputs":
        for trace, values in enumerate(promised.equals):
            np.testing.assert_allclose(grids(page, trace)["output-1"], values)
    if promised.measure == "gradient":
        key = f"grad-{step.settings.get('back_what', 'kernel')}"
        np.testing.assert_allclose(grids(page)[key], promised.equals)


def _same(shown: str | None, text: str) -> bool:
    """Return whether an address says what a step does: a field writes 2 as 2.0."""
    try:
        return shown is not None and float(shown) == float(text)
    except ValueError:
        return shown == text


def _answer(page: AppTest, key: str, case: Case) -> None:
    fields = [f"{key}_answer"]
    if case.form == "choice":
        page.radio(key=fields[0]).set_value(chr(ord("A") + int(case.key) - 1))
    else:
        numbers = [f"{number:g}" for number in np.ravel(case.key)]
        if case.form in ("size", "sides"):
            fields += [f"{fields[0]}_{n}" for n in range(2, len(numbers) + 1)]
        else:
            numbers = [" ".join(numbers)]
        for field, number in zip(fields, numbers, strict=True):
            page.text_input(key=field).set_value(number)
    page.button(key=f"{key}_check").click().run()
    assert not page.exception
