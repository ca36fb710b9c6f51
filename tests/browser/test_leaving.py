"""What is clicked or comes by itself on a page that is being left does not hinder the next page."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.player import stage

# In one task, or with the browser's next ones between: an animation may get there at any time.
WAITS_MS = [0, 30, 150]

# Keeps what the page sends, while a test wants it to, until that lets it go.
HELD_MESSAGES = """
  window.heldMessages = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (message) {
    if (window.isHolding) window.heldMessages.push(() => send.call(this, message));
    else send.call(this, message);
  };
"""


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


@pytest.mark.parametrize("wait_ms", range(0, 200, 40))
def test_what_a_stage_asks_while_the_server_leaves_its_page_does_not_empty_the_next(
    wait_ms: int, new_context: Callable[..., BrowserContext], app_url: str
) -> None:
    """The browser learns of the next page only when its run begins."""
    page = new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.add_init_script(HELD_MESSAGES)
    page.goto(f"{app_url}/padding?lesson=strides&at=2&seed=3")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="1 Convolution").click()
    expect(stage(page)).to_have_attribute("data-steps", "16")
    page.evaluate("window.isHolding = true")
    stage(page).locator("button.ask").click()
    page.wait_for_function("window.heldMessages.length > 0")
    page.evaluate("window.isHolding = false")
    page.get_by_role("button", name="Back to the lesson").click()
    page.evaluate(
        "wait => setTimeout(() => window.heldMessages.forEach((send) => send()), wait)", wait_ms
    )
    expect(page).to_have_url(re.compile("/padding.*at=2"))
    expect(stage(page)).to_have_attribute("data-steps", "9")
    expect(page.locator('[data-test-script-state="notRunning"]')).to_have_count(1)
    expect(stage(page)).to_be_visible()
