"""A number that is typed counts, and so does what is clicked or tapped next, in this order."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.player import stage

Open = Callable[..., Page]
Ready = Callable[[Page], None]
SLOWER = [1, 12]  # times the processor, with clicks that last no time, as a touchpad's do


@contextmanager
def slowed(page: Page, times: float) -> Iterator[None]:
    """Have the page's processor be so many times slower in this block."""
    developer = page.context.new_cdp_session(page)
    developer.send("Emulation.setCPUThrottlingRate", {"rate": times})
    yield
    developer.send("Emulation.setCPUThrottlingRate", {"rate": 1})


def typed(page: Page, key: str, value: str) -> Locator:
    """Type a number into a field, which still has the focus and has sent nothing; return it."""
    field = page.locator(f".st-key-{key} input")
    field.fill(value)
    return field


def menu(page: Page, title: str) -> Locator:
    return page.get_by_test_id("stSidebarNavLink").filter(has_text=title)


@pytest.mark.parametrize("slower", SLOWER)
def test_a_link_is_followed_and_the_number_kept(
    slower: int, open_page: Open, wait_ready: Ready
) -> None:
    page = open_page("/features")
    field = typed(page, "features_digit", "7")
    with slowed(page, slower):
        menu(page, "3 Pooling").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("3 Pooling")
    wait_ready(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("3 Pooling")
    menu(page, "Feature maps").click()
    expect(field).to_have_value("7")


def test_a_link_is_followed_and_the_network_changed(open_page: Open, wait_ready: Ready) -> None:
    """What is taken only when a run begins, and not from the address."""
    page = open_page("/network")
    size = page.get_by_label("Kernel size")
    size.fill("5")
    menu(page, "3 Pooling").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("3 Pooling")
    wait_ready(page)
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Network")
    expect(size).to_have_value("5")


@pytest.mark.parametrize("slower", SLOWER)
def test_back_is_followed_and_the_number_kept(slower: int, open_page: Open) -> None:
    page = open_page("/pooling?pool_size=3")
    menu(page, "Feature maps").click()
    field = typed(page, "features_digit", "7")
    with slowed(page, slower):
        field.press("Enter")
        page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("3 Pooling")
    expect(stage(page)).to_have_attribute("data-steps", "4")
    expect(page).to_have_url(re.compile(r"/pooling\?pool_size=3$"))
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_have_text("Feature maps")
    expect(field).to_have_value("7")


@pytest.mark.parametrize("slower", SLOWER)
@pytest.mark.parametrize("touch", [False, True])
def test_a_tab_opens_and_the_stage_has_the_number(
    touch: bool, slower: int, open_page: Open
) -> None:
    page = open_page("/pooling", touch=touch)
    typed(page, "pool_size", "3")
    tab = page.get_by_role("tab", name="Try this")
    tab.scroll_into_view_if_needed()
    with slowed(page, slower):
        tab.tap() if touch else tab.click()
    expect(page.locator(".st-key-experiments")).to_be_visible()
    expect(stage(page)).to_have_attribute("data-steps", "4")
    expect(page).to_have_url(re.compile("pool_size=3"))


@pytest.mark.parametrize("slower", SLOWER)
def test_a_button_leads_on_and_the_number_is_kept(
    slower: int, open_page: Open, wait_ready: Ready
) -> None:
    page = open_page("/padding?lesson=strides&at=2&seed=3")
    menu(page, "3 Pooling").click()
    wait_ready(page)
    field = typed(page, "pool_size", "3")
    with slowed(page, slower):
        page.get_by_role("button", name="Back to the lesson").click()
    expect(page).to_have_url(re.compile("/padding.*at=2"))
    expect(page.get_by_role("heading", level=1)).to_have_text("2 Padding and strides")
    menu(page, "3 Pooling").click()
    expect(field).to_have_value("3")
