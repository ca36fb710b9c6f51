"""Addresses in a real browser: its history, and what bad or foreign ones bring."""

import re
from collections.abc import Callable
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.addresses import MARKDOWN
from tests.browser.player import on_page

Open = Callable[..., Page]
# Title in the menu -> a parameter that is a number field, its value, the page's path.
VISITS = {
    "Convolution": ("conv_stride", "2", "/convolution"),
    "Padding and strides": ("pad_stride", "2", "/padding"),
    "Pooling": ("pool_size", "3", "/pooling"),
    "Network": ("network_digit", "4", "/network"),
    "Feature maps": ("features_digit", "7", "/features"),
}
# As an address typed by hand: not through Streamlit's own way of changing it.
ENTER_ADDRESS = "(url) => History.prototype.pushState.call(history, {}, '', url)"


def number(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key} input")


def choose(page: Page, title: str) -> None:
    page.get_by_test_id("stSidebarNavLink").filter(has_text=title).click()
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()


def expect_visit(page: Page, title: str) -> None:
    """The page shows its setting, and the address has it and nothing else."""
    key, value, path = VISITS[title]
    expect(page).to_have_url(re.compile(rf"\w{path}\?{key}={value}$"))
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    expect(number(page, key)).to_have_value(value)


def test_back_and_forward_restore_each_pages_settings(
    open_page: Open, wait_ready: Callable[[Page], None]
) -> None:
    """D2: through five pages and home, one entry of the history for each visit."""
    page = open_page("/")
    for title, (key, value, _) in VISITS.items():
        choose(page, title)
        number(page, key).fill(value)
        number(page, key).press("Enter")
        expect_visit(page, title)
        wait_ready(page)
    for title in [*VISITS][-2::-1]:
        page.go_back()
        expect_visit(page, title)
    page.go_back()
    expect(number(page, "home_digit")).to_be_visible()
    assert urlsplit(page.url).query == ""
    for title in VISITS:
        page.go_forward()
        expect_visit(page, title)

    # The menu restores what the session has kept, and that is one entry as well.
    n_entries = page.evaluate("history.length")
    for n_visits, title in enumerate(("Pooling", "Convolution", "Pooling"), start=1):
        choose(page, title)
        expect_visit(page, title)
        assert page.evaluate("history.length") == n_entries + n_visits
    for title in ("Convolution", "Pooling", "Feature maps"):
        page.go_back()
        expect_visit(page, title)


def test_a_link_shows_the_same_example_in_each_session(open_page: Open) -> None:
    """D2: what the session has kept of a page does not overrule the address of a link to it."""
    page = open_page("/convolution?conv_stride=3&conv_padding=same")
    choose(page, "The paper")
    page.get_by_role("tab", name="Corrections and details").click()
    page.get_by_role("link", name="Both side by side").click()
    expect(page).to_have_url(re.compile(r"/convolution\?conv_flip=Both\+in\+step$"))
    expect(number(page, "conv_stride")).to_have_value("1")
    choose(page, "The paper")
    choose(page, "Convolution")
    expect(page).to_have_url(re.compile(r"/convolution\?conv_flip=Both\+in\+step$"))


def test_a_link_to_a_digits_maps_shows_that_digit(open_page: Open) -> None:
    """D2: even if the session has kept a drawing, or another section, of Feature maps."""
    page = open_page("/features?features_input=drawing&features_view=surgery")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Home").click()
    page.get_by_role("link", name="Convolution 10 × 10 × 256").click()
    expect(page).to_have_url(re.compile("/features"))
    expect(number(page, "features_digit")).to_have_value("0")
    expect(page).not_to_have_url(re.compile("features_input|features_view"))


def test_a_bad_address_leaves_the_defaults_and_a_page_that_can_be_used(open_page: Open) -> None:
    """R1, R2: opened anew, and brought by Back into the open page."""
    bad = "/convolution?conv_channels=&conv_stride=inf&conv_bias=1e400&conv_flip=nan&conv_rows=-1"
    page = open_page(bad)
    expect(page).to_have_url(re.compile("/convolution$"))
    expect_usable(page, "2")
    page.evaluate(ENTER_ADDRESS, bad)
    page.evaluate(ENTER_ADDRESS, "/convolution?conv_stride=4")
    page.go_back()
    expect(page).to_have_url(re.compile("/convolution$"))
    expect_usable(page, "3")


def expect_usable(page: Page, stride: str) -> None:
    """The widgets have their defaults, and one that is changed writes into the address."""
    field = number(page, "conv_stride")
    expect(field).to_have_value("1")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    field.fill(stride)
    field.press("Enter")
    expect(page).to_have_url(re.compile(rf"/convolution\?conv_stride={stride}$"))
    expect(field).to_have_value(stride)


@pytest.mark.parametrize(
    "path",
    [
        "/training?run={text}&sweep={text}&training_preset=own&training_network={text}",
        "/network?network_preset={text}&network_layer={text}&network_token={text}",
        "/draw?draw_model={text}",
    ],
)
def test_nothing_foreign_is_rendered(path: str, open_page: Open) -> None:
    """R9: an address shows no link, no picture and no icon of its own."""
    page = open_page(path.format(text=quote(MARKDOWN)))
    for foreign in ("a[href*=evil]", "img[src*=evil]", "[data-testid=stMain] .katex:text-is('x')"):
        expect(page.locator(foreign)).to_have_count(0)
    expect(on_page(page, "bug_report")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
