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


GO_BACK_AND_HEAR = """(late) => new Promise((done) => {
  addEventListener("popstate", () => {
    for (const [how, address] of late) history[how]({}, "", address);
    done(location.pathname + location.search);
  }, { once: true });
  history.back();
})"""


def test_what_the_page_that_back_has_left_still_says_changes_no_address(
    open_page: Open, wait_ready: Callable[[Page], None]
) -> None:
    """A busy browser hears it after Back: the page's name, and settings that it has kept."""
    page = open_page("/convolution?conv_stride=2")
    choose(page, "Pooling")
    wait_ready(page)
    choose(page, "Padding and strides")
    wait_ready(page)
    n_entries = page.evaluate("history.length")
    late = [
        ["pushState", "/padding?pad_stride=3"],
        ["pushState", "?pad_stride=3"],
        ["replaceState", "?pad_stride=3&pad_rows=9"],
    ]
    assert page.evaluate(GO_BACK_AND_HEAR, late) == "/pooling"
    # Once more, before Pooling has come.
    late = [["pushState", "/padding"], ["pushState", "/pooling"], ["pushState", "?pool_size=3"]]
    assert page.evaluate(GO_BACK_AND_HEAR, late) == "/convolution?conv_stride=2"
    expect(page.get_by_role("heading", level=1, name="Convolution")).to_be_visible()
    expect(number(page, "conv_stride")).to_have_value("2")
    wait_ready(page)
    assert page.url.endswith("/convolution?conv_stride=2")
    assert page.evaluate("history.length") == n_entries
    for title, path in (("Pooling", "/pooling"), ("Padding and strides", "/padding")):
        page.go_forward()
        expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
        expect(page).to_have_url(re.compile(f"{path}$"))


def test_settings_told_after_a_click_are_no_visit_of_their_own(
    open_page: Open, wait_ready: Callable[[Page], None]
) -> None:
    """A run may tell what the address is while the reader already goes on."""
    page = open_page("/pooling")
    wait_ready(page)
    n_entries = page.evaluate("history.length")
    page.evaluate(
        """() => {
          const app = document.querySelector("[data-test-script-state]");
          app.dataset.testScriptState = "running";
          document.body.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
          app.dataset.testScriptState = "notRunning";
          history.pushState({}, "", "/pooling?pool_size=3");
        }"""
    )
    assert page.url.endswith("/pooling?pool_size=3")
    assert page.evaluate("history.length") == n_entries


def test_back_leads_out_of_a_link_to_a_lesson(open_page: Open) -> None:
    """D2: its first page, which leads to that of the step, is no visit."""
    page = open_page("/lessons")
    page.get_by_test_id("stMain").get_by_role("link", name="Strides and the floor").click()
    expect(page).to_have_url(re.compile("/padding.*at=1"))
    page.go_back()
    expect(page).to_have_url(re.compile("/lessons"))  # with the lesson, which is under way
    expect(page.get_by_role("heading", level=1, name="Lessons")).to_be_visible()


@pytest.mark.parametrize(
    ("opened", "shown"),
    [
        ("/lessons?lesson=strides", "/padding"),
        ("/pooling?pool_size=3&pool_stride=nan&pool_padding=no", "/pooling"),
    ],
)
def test_an_address_opened_from_elsewhere_is_one_visit(
    opened: str, shown: str, open_page: Open
) -> None:
    page = open_page("/glossary")
    url, n_entries = page.url, page.evaluate("history.length")
    page.goto(url.replace("/glossary", opened))
    expect(page).to_have_url(re.compile(f"{shown}[?](lesson=strides&at=1|pool_size=3$)"))
    assert page.evaluate("history.length") == n_entries + 1
    page.go_back()
    expect(page).to_have_url(url)


def test_back_brings_the_place_of_a_page_that_was_set(
    open_page: Open, wait_ready: Callable[[Page], None]
) -> None:
    """The address that a place is noted for is the one the page has when it is left."""
    page = open_page("/pooling", height=500)
    number(page, "pool_size").fill("3")
    number(page, "pool_size").press("Enter")
    expect(page).to_have_url(re.compile("pool_size=3"))
    wait_ready(page)
    main = page.get_by_test_id("stMain")
    main.evaluate("main => main.scrollTo(0, 400)")
    choose(page, "Convolution")
    page.go_back()
    expect(number(page, "pool_size")).to_have_value("3")
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop === 400")


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
