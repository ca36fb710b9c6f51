"""Where things are on a stage, for all tests that look at one."""

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
