"""The Learn pages as a course: the way through it, its tabs and its experiments."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from cnn_lab.app.widgets.story import CHAPTERS
from tests.browser.player import stage

Open = Callable[..., Page]


def number(page: Page, key: str):
    return page.locator(f".st-key-{key} input")


def test_next_leads_from_home_through_the_course_to_the_paper(open_page: Open) -> None:
    page = open_page("/")
    page.get_by_role("link", name=re.compile("^Start here")).click()
    for chapter in CHAPTERS:
        expect(page.get_by_role("heading", level=1)).to_have_text(
            f"{chapter.number} {chapter.title}"
        )
        expect(page).to_have_url(re.compile(rf"/{chapter.page}(\?|$)"))
        page.get_by_role("link", name=re.compile("^Next: ")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The paper")


def test_tabs_follow_a_control_of_the_instrument(open_page: Open) -> None:
    """The page itself does not run again: the stage first, then the tabs."""
    page = open_page("/convolution?conv_tab=Code")
    code = page.get_by_test_id("stCode").first
    expect(code).to_contain_text("Conv2D(1, 3")
    expect(code).not_to_contain_text("strides=2")
    number(page, "conv_stride").fill("2")
    number(page, "conv_stride").press("Enter")
    expect(stage(page)).to_have_attribute("data-steps", "4")
    expect(code).to_contain_text("strides=2")


def test_a_click_counts_while_the_tabs_ask_to_follow(open_page: Open) -> None:
    """A busy browser does both before Streamlit sends either."""
    page = open_page("/convolution?conv_tab=Code")
    same = page.get_by_role("radio", name="same")
    expect(same).to_be_visible()
    same.evaluate(
        """(button) => {
            const detail = { of: "conv", count: 1000 };
            window.dispatchEvent(new CustomEvent("cnn-lab-instrument", { detail }));
            button.click();
        }"""
    )
    expect(stage(page)).to_have_attribute("data-steps", "36")
    expect(page).to_have_url(re.compile("conv_padding=same"))


def test_an_experiment_sets_what_it_names_and_nothing_else_stays(open_page: Open) -> None:
    page = open_page("/convolution?conv_stride=2&conv_padding=same&conv_tab=Try this")
    experiment = page.get_by_test_id("stPageLink").filter(has_text="Find an edge").first
    expect(experiment).to_be_visible()
    experiment.get_by_role("link").click()
    expect(number(page, "conv_stride")).to_have_value("1")
    expect(page).not_to_have_url(re.compile("conv_stride|conv_padding|only="))
    steps = stage(page).get_attribute("data-steps")
    # What the browser remembers of the old settings does not come back with the next change.
    page.get_by_role("radio", name="relu").click()
    expect(page).to_have_url(re.compile("conv_activation=relu"))
    expect(number(page, "conv_stride")).to_have_value("1")
    expect(stage(page)).to_have_attribute("data-steps", steps or "")
    expect(page).not_to_have_url(re.compile("conv_stride|conv_padding"))
