"""Links to a moment of what plays on the stage."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.player import stage


def test_a_copied_link_shows_the_very_moment(
    open_page: Callable[..., Page], wait_ready: Callable[[Page], None]
) -> None:
    page = open_page("/convolution?conv_stride=2&conv_padding=same")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_label("Speed").select_option("2")
    for _ in range(10):  # as fast as it goes; the trace has 9 steps
        page.get_by_label("Step forward").click()
    page.get_by_label("Step back").click()
    expect(stage(page)).to_have_attribute("data-step", "7")
    assert "conv_step" not in page.url
    page.get_by_role("button", name="Copy link to this moment").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    query = parse_qs(urlsplit(link).query)
    assert query["conv_step"] == ["8"]
    assert query["conv_speed"] == ["2"]

    page.goto(link)
    wait_ready(page)
    expect(stage(page)).to_have_attribute("data-step", "7")
    expect(stage(page)).to_have_attribute("data-steps", "9")
    expect(stage(page)).to_have_attribute("data-playing", "false")
    expect(page.get_by_label("Speed")).to_have_value("2")
    # A reader who goes on has an address without the moment again, and what was set stays set.
    expect(page).not_to_have_url(re.compile("conv_(step|speed)"))
    page.get_by_label("Stride", exact=True).fill("1")
    page.get_by_label("Stride", exact=True).press("Enter")
    expect(stage(page)).to_have_attribute("data-steps", "36")
    expect(page.get_by_label("Speed")).to_have_value("2")
    expect(page).not_to_have_url(re.compile("conv_(step|speed)"))


@pytest.mark.parametrize(
    ("step", "shown", "says_so"),
    [("999999", "15", True), ("-3", "0", True), ("nan", "0", False), ("x", "0", False)],
)
def test_a_moment_that_does_not_exist_is_near_one_that_does(
    step: str, shown: str, says_so: bool, stage_url: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"/?stage_small_step={step}&stage_small_speed={step}", url=stage_url)
    expect(stage(page)).to_have_attribute("data-step", shown)
    expect(page.get_by_label("Speed")).to_have_value("1")
    note = page.locator(".stage .note")
    expect(note).to_have_text(re.compile(r"16\D") if says_so else "")
    page.get_by_label("Step forward").click()
    page.get_by_label("Step back").click()
    expect(note).to_have_text("")


def test_without_a_clipboard_the_link_comes_in_a_field(open_stage: Callable[..., Page]) -> None:
    page = open_stage("small", start=4)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_role("button", name="Copy link to this moment").click()
    field = page.get_by_label("Link to this moment", exact=True)
    expect(field).to_have_value(re.compile("stage_small_step=5&stage_small_speed=1$"))
    expect(field).to_be_focused()
