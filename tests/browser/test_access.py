"""The pages without a mouse or a screen: a page's summary, keys at random, a lesson by touch."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from cnn_lab.app.widgets.story import CHAPTERS
from cnn_lab.teaching.lesson import lesson
from tests.browser.player import stage

LESSON, SEED = "borders", 3
N_KEYS = 100
# What a hand or a cat may press: the stage's own keys, those of its fields, and some of no meaning.
KEYS = (
    *("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"),
    *("Enter", "Escape", "Space", "Backspace", "Delete", "Control+z", "Control+y", "Control+Home"),
    *"efg0159+-.,rcqx",
)


def test_the_summary_comes_first_and_says_how_the_page_stands(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/convolution")
    words = page.get_by_role("region", name="Summary of this page").get_by_role("paragraph")
    expect(words).to_contain_text("Step 1 of 16")
    expect(words).to_contain_text("Stride 1")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Go to the stage")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("application")).to_be_focused()
    page.keyboard.press("End")
    expect(words).to_contain_text("Step 16 of 16")
    page.get_by_label("Stride", exact=True).fill("2")
    page.get_by_label("Stride", exact=True).press("Enter")
    expect(words).to_contain_text("stride 2")
    expect(words).to_contain_text("Stride 2")
    expect(words).to_contain_text("of 4")
    page.get_by_role("tab", name="Cost").click()
    expect(words).to_contain_text("Open tab: Cost")


@pytest.mark.parametrize(
    ("name", "figures"),
    [("network", ["Layers 11.", "Parameters 1,134,426."]), ("training", ["Errors", "of 10,000."])],
)
def test_the_summary_tells_a_pages_figures(
    name: str, figures: list[str], open_page: Callable[..., Page]
) -> None:
    page = open_page(f"/{name}")
    words = page.get_by_role("region", name="Summary of this page").get_by_role("paragraph")
    for figure in figures:
        expect(words).to_contain_text(figure)


def test_a_new_answer_is_spoken(open_page: Callable[..., Page]) -> None:
    page = open_page("/draw")
    region = page.get_by_role("region", name="Summary of this page")
    spoken = region.locator("[aria-live]")
    expect(spoken).to_be_empty()
    page.get_by_role("button", name="Sample").click()
    answer = page.get_by_role("heading", level=3).first
    expect(answer).to_contain_text("%")
    expect(spoken).to_have_text(answer.inner_text())
    expect(region.get_by_role("paragraph")).to_contain_text(answer.inner_text())


@pytest.mark.parametrize("name", [chapter.page for chapter in CHAPTERS])
def test_keys_at_random_do_no_harm(name: str, open_page: Callable[..., Page]) -> None:
    """The console and the server's log are watched as in every test."""
    page = open_page(f"/{name}?back_what=kernel")  # without it, Backpropagation has no stage
    expect(stage(page)).to_be_visible()
    picture = page.get_by_role("application").first
    keys = np.random.default_rng(len(name)).choice(KEYS, size=N_KEYS)
    for number, key in enumerate(keys):
        if number % 25 == 0:
            picture.focus()
        page.keyboard.press(str(key))
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    picture.focus()
    page.keyboard.press("End")
    page.keyboard.press("Home")
    expect(stage(page)).to_have_attribute("data-step", "0")
    assert f"/{name}" in page.url


def test_a_lesson_is_done_by_touch_on_a_phone(open_page: Callable[..., Page]) -> None:
    made = lesson(LESSON)
    page = open_page(f"/?lesson={LESSON}&seed={SEED}", width=390, height=844, touch=True)
    panel = page.locator(".st-key-lesson")
    for number, step in enumerate(made.steps, start=1):
        expect(panel.get_by_role("heading", level=3)).to_have_text(made.step_title(number))
        case = step.case(SEED)
        if case is not None:
            fields = page.locator(f'[class*="st-key-lesson_{LESSON}_{SEED}_{number}_answer"] input')
            for at, value in enumerate(np.ravel(case.key)):
                fields.nth(at).tap()
                page.keyboard.type(f"{value:g}")  # as a phone's keyboard does
            panel.get_by_role("button", name="Check").tap()
            expect(panel.get_by_test_id("stAlert")).to_contain_text("✓")
        elif step.done == "played":
            stage(page).get_by_role("button", name="Last step").tap()
            expect(panel.locator(".st-key-lesson_next button")).to_have_attribute("kind", "primary")
        panel.locator(".st-key-lesson_next button").tap()
    n_asked = sum(step.question is not None for step in made.steps)
    expect(panel).to_contain_text(f"{n_asked} of {n_asked} questions")
