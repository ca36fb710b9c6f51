"""Guessing the two tallest bars of a drawing."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.player import on_page
from tests.prose import wording


def test_the_answer_comes_after_the_guess_and_waits_again_for_the_next_drawing(
    open_page: Callable[..., Page], assert_accessible: Callable[[Page], None]
) -> None:
    page = open_page("/draw?draw_guess=true", width=390, height=844, touch=True)
    page.get_by_role("button", name="Sample").tap()
    said = on_page(page, wording("draw", "guess_was", guessed="3 and 8", rendered=True))
    digits = page.locator(".st-key-draw_guessed").get_by_role("button")
    expect(digits.first).to_be_enabled()
    expect(said).to_have_count(0)
    digits.nth(3).tap()
    expect(digits.nth(3)).to_have_attribute("aria-pressed", "true")
    expect(said).to_have_count(0)
    digits.nth(8).tap()
    expect(said).to_be_visible()
    expect(digits).to_have_count(0)
    assert_accessible(page)
    page.get_by_role("button", name="Sample").tap()
    expect(digits).to_have_count(10)
    expect(said).to_have_count(0)
