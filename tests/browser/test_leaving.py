"""What is clicked or comes by itself on a page that is being left does not hinder the next page."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.player import stage

# In one task, or with the browser's next ones between: an animation may get there at any time.
WAITS_MS = [0, 30, 150]


def click_both(page: Page, first: str, second: str, wait_ms: int) -> None:
    """Click a link and then, in the page that is being left, a button."""
    page.evaluate(
        """([first, second, wait]) => {
            const roots = [document, ...[...document.querySelectorAll("*")]
                .map((node) => node.shadowRoot).filter(Boolean)];
            const find = (query) => roots.map((root) => root.querySelector(query)).find(Boolean);
            const [link, button] = [first, second].map(find);
            link.click();
            if (wait) setTimeout(() => button.click(), wait);
            else button.click();
        }""",
        [first, second, wait_ms],
    )


@pytest.mark.parametrize("wait_ms", WAITS_MS)
def test_home_asks_for_nothing_once_a_link_is_followed(
    wait_ms: int, open_page: Callable[..., Page]
) -> None:
    page = open_page("/")
    click_both(page, ".home a.why", ".home button.next", wait_ms)
    expect(page.get_by_role("heading", level=1)).to_have_text("Feature maps")
    expect(page.get_by_role("radio", name="why this answer")).to_be_checked()


@pytest.mark.parametrize("wait_ms", WAITS_MS)
def test_a_stage_says_nothing_once_another_page_is_chosen(
    wait_ms: int, open_page: Callable[..., Page], wait_ready: Callable[[Page], None]
) -> None:
    page = open_page("/convolution")
    expect(stage(page)).to_have_attribute("data-steps", "16")
    link = '[data-testid="stSidebarNavLink"][href$="/pooling"]'
    click_both(page, link, ".stage button.ask", wait_ms)
    expect(page.get_by_role("heading", level=1)).to_have_text("3 Pooling")
    expect(stage(page)).to_have_attribute("data-steps", "9")
    wait_ready(page)
    expect(page).to_have_url(re.compile(r"/pooling$"))
