"""A lesson by keyboard on a phone, its locks, and the browser's history."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from cnn_lab.teaching.lesson import LESSONS, Step, lesson
from tests.browser.player import stage

NAME, SEED = "strides", 3
MAX_TABS = 80
STEPS = lesson(NAME).steps
IN_FIELDS = ("number", "size", "sides")  # answers with a field for each number
# The element that the keyboard is at, inside a component too.
FOCUSED = """(element) => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at === element;
}"""

# Keeps the addresses that a page gives itself until a test lets them go.
HELD_ADDRESSES = """
  window.heldAddresses = [];
  for (const kind of ["pushState", "replaceState"]) {
    const set = History.prototype[kind];
    History.prototype[kind] = function (...what) {
      window.heldAddresses.push(() => set.apply(this, what));
    };
  }
"""
LOOK_MS = 700  # more than twice what the frame waits before it looks at a page that has changed


def next_button(page: Page) -> Locator:
    return page.locator(".st-key-lesson_next button")


def tab_to(page: Page, place: Locator) -> None:
    """Go to an element with the Tab key."""
    expect(place).to_be_visible()
    for _ in range(MAX_TABS):
        if place.evaluate(FOCUSED):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"The Tab key does not lead to {place}")


def do_task(page: Page, number: int, step: Step) -> None:
    """Answer the step's question, or play its stage to the end, with the keyboard."""
    case = step.case(SEED)
    if case is not None:
        fields = page.locator(
            f'[class*="st-key-lesson_{step.lesson}_{SEED}_{number}_answer"] input'
        )
        texts = [f"{value:g}" for value in np.ravel(case.key)]
        if case.form == "choice":
            tab_to(page, fields.first)
            page.keyboard.press("Space")
            for _ in range(1, int(texts[0])):
                page.keyboard.press("ArrowDown")
            tab_to(page, page.locator(".st-key-lesson").get_by_role("button", name="Check"))
        else:
            for at, text in enumerate(texts if case.form in IN_FIELDS else [" ".join(texts)]):
                tab_to(page, fields.nth(at))
                page.keyboard.type(text)
        page.keyboard.press("Enter")
        expect(page.locator(".st-key-lesson [data-testid='stAlert']")).to_contain_text("✓")
    elif step.done == "played":
        tab_to(page, page.locator(".stage .picture").first)
        page.keyboard.press("End")


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_is_done_by_keyboard_alone_on_a_phone(
    name: str,
    open_page: Callable[..., Page],
    wait_ready: Callable[[Page], None],
    assert_accessible: Callable[[Page], None],
) -> None:
    made = lesson(name)
    page = open_page(f"/?lesson={name}&seed={SEED}", width=390)
    for number, step in enumerate(made.steps, start=1):
        expect(page).to_have_url(re.compile(rf"/{step.page}\?.*\bat={number}\b"))
        title = page.locator(".st-key-lesson h3")
        expect(title).to_have_text(made.step_title(number))
        if number > 1:  # Next leads to the title, which is not below what covers the page
            expect(title).to_be_focused()
            expect(title).to_be_in_viewport()
        elif name == NAME:
            assert_accessible(page)
        wait_ready(page)
        if step.step is not None:
            expect(stage(page)).to_have_attribute("data-step", str(step.step - 1))
        if any(f"(#cells-{cells})" in made.step_text(number) for cells in step.light):
            expect(page.locator('a[data-cells="held"]').first).to_be_visible()
        do_task(page, number, step)
        if step.done != "changed":
            expect(next_button(page)).to_have_attribute("kind", "primary")
        tab_to(page, next_button(page))
        page.keyboard.press("Enter")
    results = page.locator(".st-key-lesson")
    n_asked = sum(step.question is not None for step in made.steps)
    expect(results).to_contain_text(f"{n_asked} of {n_asked} questions")
    if name == NAME:
        assert_accessible(page)


def test_an_answer_is_typed_while_the_address_of_its_step_is_still_to_come(
    new_context: Callable[..., BrowserContext], app_url: str
) -> None:
    """The keyboard goes to the title of a new step, but not again once something is typed."""
    page = new_context().new_page()
    page.add_init_script(HELD_ADDRESSES)
    page.goto(f"{app_url}/?lesson={NAME}&seed={SEED}&at=2")
    title = page.locator(".st-key-lesson h3")
    expect(title).to_have_text(lesson(NAME).step_title(2))
    next_button(page).click()
    expect(title).to_have_text(lesson(NAME).step_title(3))
    expect(title).to_be_focused()
    field = page.locator(f'[class*="st-key-lesson_{NAME}_{SEED}_3_answer"] input').first
    tab_to(page, field)
    page.keyboard.type("1")
    page.evaluate("window.heldAddresses.forEach((go) => go())")
    expect(page).to_have_url(re.compile("at=3"))
    page.evaluate("document.dispatchEvent(new Event('change'))")  # has the frame look again
    page.wait_for_timeout(LOOK_MS)
    expect(field).to_be_focused()


def test_back_and_forward_go_from_step_to_step_and_leaving_can_be_undone(
    open_page: Callable[..., Page],
) -> None:
    page = open_page(f"/lessons?lesson={NAME}&seed={SEED}")
    count = page.locator(".st-key-lesson p").first
    for number in (1, 2, 3):
        expect(count).to_contain_text(f"{number} of {len(STEPS)}")
        next_button(page).click()
    expect(count).to_contain_text("4 of")
    expect(page).to_have_url(re.compile("at=4"))  # which may change after the panel
    for number in (3, 2):
        page.go_back()
        expect(count).to_contain_text(f"{number} of")
        expect(page).to_have_url(re.compile(f"at={number}&"))
        for key, text in STEPS[number - 1].settings.items():
            assert f"{key}={text}" in page.url
    page.go_forward()
    expect(count).to_contain_text("3 of")
    page.get_by_role("button", name="Leave the lesson").click()
    expect(page.locator(".st-key-lesson")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("lesson="))
    page.go_back()
    expect(count).to_contain_text("3 of")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Morph").click()
    expect(page).to_have_url(re.compile(rf"/morph\?lesson={NAME}&at=3&seed={SEED}"))
    page.get_by_role("button", name="Back to the lesson").click()
    expect(count).to_contain_text("3 of")
    expect(stage(page)).to_be_visible()


def test_an_address_that_comes_late_does_not_undo_back(
    open_page: Callable[..., Page], wait_ready: Callable[[Page], None]
) -> None:
    """The run of the step that is left may still be telling the browser what its address is."""
    page = open_page(f"/lessons?lesson={NAME}&seed={SEED}")
    count = page.locator(".st-key-lesson p").first
    for number in (1, 2):
        expect(count).to_contain_text(f"{number} of {len(STEPS)}")
        next_button(page).click()
    expect(count).to_contain_text("3 of")
    expect(page).to_have_url(re.compile("at=3&"))
    wait_ready(page)
    late = page.url
    page.go_back()
    page.evaluate("address => history.pushState({}, '', address)", late)
    expect(count).to_contain_text("2 of")
    expect(page).to_have_url(re.compile("at=2&"))
    next_button(page).click()
    expect(count).to_contain_text("3 of")
    expect(page).to_have_url(re.compile("at=3&"))


def test_a_locked_control_cannot_be_changed_in_the_browser(open_page: Callable[..., Page]) -> None:
    page = open_page(
        "/convolution?lock=conv_stride:2,conv_weights:0 0 0; 0 1 0; 0 0 0&hide=code&conv_stride=4"
    )
    stride = page.get_by_label("Stride", exact=True)
    expect(stride).to_be_disabled()
    expect(stride).to_have_value("2")
    expect(page).not_to_have_url(re.compile("conv_stride=4"))
    steps = stage(page).get_attribute("data-steps")
    page.get_by_role("tab", name="Try this").click()
    page.locator(".st-key-experiments .stPageLink a").nth(1).click()  # ReLU
    expect(page).to_have_url(re.compile("conv_activation=relu"))
    expect(page).to_have_url(re.compile("lock=conv_stride"))
    expect(stride).to_have_value("2")
    expect(stage(page)).to_have_attribute("data-steps", steps or "")
    expect(page.get_by_role("tab", name="Code")).to_have_count(0)
    page.goto(page.url.replace("conv_stride%3A2%2C", "") + "&conv_stride=4")  # without its lock
    expect(page.get_by_label("Stride", exact=True)).to_have_value("4")


def test_answers_are_there_after_a_reload_and_forged_ones_are_not(
    open_page: Callable[..., Page], wait_ready: Callable[[Page], None]
) -> None:
    page = open_page(f"/?lesson={NAME}&seed={SEED}")
    verdict = page.locator(".st-key-lesson [data-testid='stAlert']")
    do_task(page, 1, STEPS[0])
    page.wait_for_function("Object.values(sessionStorage).some((kept) => kept.includes('\"1\"'))")
    page.reload()
    expect(verdict).to_contain_text("✓")
    expect(next_button(page)).to_have_attribute("kind", "primary")
    for forged in ('{"1": ["x", "y"], "2": 3}', '{"1": ["1", "1", "1"]}', "[" * 9999, '"1"'):
        page.evaluate(
            "text => sessionStorage.setItem(Object.keys(sessionStorage)[0], text)", forged
        )
        page.reload()
        wait_ready(page)
        expect(next_button(page)).to_have_attribute("kind", "secondary")
        expect(verdict).to_have_count(0)
