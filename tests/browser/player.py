"""Where things are on a page and its stage, for all tests that look at them."""

import re

from playwright.sync_api import Locator, Page

# Until all that moves has arrived: between a press and a release, a button may slide away.
WAIT_FOR_ARRIVALS = """() => Promise.all(
  document.getAnimations()
    .filter((one) => Number.isFinite(one.effect.getComputedTiming().endTime))
    .map((one) => one.finished.catch(() => {}))
)"""


def stage(page: Page) -> Locator:
    """The first stage of a page, once it plays something."""
    return page.locator(".stage[data-steps]").first


def caption(page: Page) -> Locator:
    return page.get_by_test_id("stage-caption")


def arithmetic(page: Page) -> Locator:
    return page.get_by_test_id("stage-arithmetic")


def centre(page: Page, key: str, row: int, column: int) -> dict[str, float]:
    """The middle of a cell in the window, and its size, in pixels."""
    return stage(page).evaluate(
        "(root, [key, row, column]) => root.cellCenter(key, row, column)", [key, row, column]
    )


def on_page(page: Page, words: str | re.Pattern[str], *, exact: bool = False) -> Locator:
    """Return what shows a text, popovers included, but not the summary that repeats it."""
    return page.locator("body > :not(.cnn-lab-summary)").get_by_text(words, exact=exact)
