"""A class: a teacher's link with a lock, five learners, and what the projector shows."""

import re
from collections.abc import Callable

import numpy as np
from playwright.sync_api import Page, expect

from cnn_lab.teaching.lesson import lesson
from cnn_lab.teaching.questions.case import answer_text, misconception_title
from tests.browser.player import on_page

NAME, SEED, LOCKED = "strides", 42, "pad_padding"
LOCK = "Padding and strides: Padding"  # as the page names it
MADE = lesson(NAME)
CASE = MADE.steps[0].case(SEED)


def answer(page: Page, value: object) -> None:
    """Answer the first question of the lesson."""
    fields = page.locator(f'[class*="st-key-lesson_{NAME}_{SEED}_1_answer"] input')
    for at, number in enumerate(np.ravel(value)):
        fields.nth(at).fill(f"{number:g}")
    page.keyboard.press("Enter")


def test_a_class_answers_a_locked_lesson_and_the_projector_counts_the_answers(
    open_page: Callable[..., Page], app_url: str, wait_ready: Callable[[Page], None]
) -> None:
    assert CASE is not None
    teacher = open_page(
        f"/teach?teach_lesson={MADE.number} {MADE.title}&teach_seed={SEED}&teach_lock_{NAME}={LOCK}"
    )
    teacher.get_by_role("button", name="Open a class room").click()
    shown = teacher.get_by_test_id("stCode").first
    expect(shown).to_contain_text(re.compile(r"room=[A-Z]{5}"))
    link = shown.inner_text().strip()
    assert link.startswith(app_url)
    assert len(link) <= 150

    wrong = dict(list(CASE.misconceptions.items())[:2])
    for value in (CASE.key, *wrong.values(), CASE.key, CASE.key):
        learner = open_page(link.removeprefix(app_url), width=390)
        answer(learner, value)
        verdict = CASE.check(value)
        said = learner.locator(".st-key-lesson [data-testid='stAlert']")
        expect(said).to_contain_text("✓" if verdict.right else "✗")
        if not verdict.right:
            first_words = re.sub(r"[*\s]+", " ", verdict.explanation)[:40]
            expect(said).to_contain_text(first_words)

    control = learner.locator(f".st-key-{LOCKED}").get_by_role("radio").first
    expect(control).to_be_disabled()
    learner.goto(f"{learner.url}&{LOCKED}=same")
    wait_ready(learner)
    expect(control).to_be_disabled()
    expect(learner).not_to_have_url(re.compile(f"{LOCKED}=same"))

    teacher.get_by_role("tab", name="Class room").click()
    rows = teacher.locator(".answers li")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("3 of 5")
    expect(rows.first).to_contain_text(answer_text(CASE.key, CASE.form))
    assert [row.count("1 of 5") for row in rows.all_inner_texts()] == [0, 1, 1]
    on_page(teacher, "Reveal the answer").click()
    expect(rows.first).to_contain_text("✓")
    for name in wrong:
        expect(teacher.locator(".answers")).to_contain_text(misconception_title(name))
