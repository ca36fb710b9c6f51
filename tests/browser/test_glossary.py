"""Terms in a page's text: what they mean, and where they can be seen, in the same session."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from cnn_lab.content.glossary import glossary

Open = Callable[..., Page]
STRIDE = glossary()["stride"]


def word(page: Page) -> Locator:
    return page.locator('a[href^="glossary?term=stride"]').first


def expect_explained(page: Page) -> Locator:
    note = page.get_by_role("dialog", name=STRIDE.title)
    expect(note).to_be_visible()
    expect(note).to_contain_text(STRIDE.sentence)
    expect(word(page)).to_have_accessible_description(STRIDE.sentence)
    box, width = note.bounding_box(), page.evaluate("innerWidth")
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    return note


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_term_is_explained_under_the_pointer_and_at_the_focus(
    scheme: str, open_page: Open, assert_accessible: Callable[[Page], None]
) -> None:
    page = open_page("/convolution", scheme=scheme)
    assert word(page).get_attribute("title") == f"{STRIDE.title}: {STRIDE.sentence}"
    word(page).hover()
    note = expect_explained(page)
    assert_accessible(page)
    page.mouse.move(2, 2)
    expect(note).to_be_hidden()

    page.locator('a[href^="glossary?term=weight"]').first.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    while not word(page).evaluate("(a) => a === document.activeElement"):
        page.keyboard.press("Escape")
        page.keyboard.press("Tab")
    expect_explained(page)
    page.keyboard.press("Tab")
    expect(note.get_by_role("link", name="See it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(note).to_be_hidden()
    expect(word(page)).to_be_focused()


def test_a_tap_explains_and_the_links_stay_in_the_session(open_page: Open) -> None:
    page = open_page("/padding?pad_stride=2", width=390, height=844, touch=True)
    page.evaluate("window.session = 1")
    word(page).tap()
    note = expect_explained(page)
    assert page.url.endswith("/padding?pad_stride=2")
    note.get_by_role("link", name="Glossary").tap()
    expect(page.locator("#asked")).to_contain_text(STRIDE.sentence)
    expect(page).to_have_url(re.compile(r"/glossary\?term=stride$"))
    page.locator("#asked a").tap()
    expect(page.get_by_role("heading", level=1, name="Convolution")).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape(STRIDE.address) + "$"))
    page.go_back()
    page.go_back()
    expect(page.get_by_role("heading", level=1, name="Padding and strides")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/padding\?pad_stride=2$"))
    assert page.evaluate("window.session") == 1


def test_a_term_leads_out_of_a_classs_task_and_back_to_it(open_page: Open) -> None:
    page = open_page("/padding?ask=conv-output-size&lock=pad_stride:2&seed=5")
    stride = page.locator(".st-key-pad_stride input")
    expect(stride).to_be_disabled()
    word(page).click()
    expect(page.locator("#asked")).to_contain_text(STRIDE.sentence)
    for name in ("ask=conv-output-size", "lock=pad_stride(:|%3A)2", "seed=5"):
        expect(page).to_have_url(re.compile(rf"/glossary\?.*\b{name}\b"))
    page.go_back()
    expect(page.get_by_role("heading", level=1, name="Padding and strides")).to_be_visible()
    expect(stride).to_be_disabled()
    expect(stride).to_have_value("2")
