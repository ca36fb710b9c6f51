"""Where things are on a page and its stage, for all tests that look at them."""

import re

from playwright.sync_api import Locator, Page, expect

# Until all that moves has arrived, and what then moves in its place; five seconds at most, since a
# page may go on moving. The `finished` of an animation is not waited for: it may never come.
WAIT_FOR_ARRIVALS = """async () => {
  const end = performance.now() + 5000;
  const isMoving = (one) =>
    one.playState === "running" && Number.isFinite(one.effect.getComputedTiming().endTime);
  while (performance.now() < end && document.getAnimations().some(isMoving)) {
    await new Promise((later) => setTimeout(later, 20));
  }
}"""


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


def open_fold(page: Page, label: str, shows: Locator) -> None:
    """Open an expander, and wait until it has grown around what is sent for it.

    Until then what is in it may slide away between the press and the release of a button.
    """
    page.locator("summary").get_by_text(label, exact=True).click()
    expect(shows).to_be_visible()
    page.evaluate(WAIT_FOR_ARRIVALS)


def bring(page: Page, name: str, content: bytes) -> None:
    """Choose a file for the uploader on a page."""
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content}]
    )
