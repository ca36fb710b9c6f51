"""Nothing on a page moves while it loads, however long that takes."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.test_pages import assert_held_still

# Streamlit loads these parts of itself when a page first needs them.
HTML = "**/static/js/Html.*.js"
LINK = "**/static/js/PageLink.*.js"  # at the end of a chapter
# A browser that is never at rest between two frames: many pass in a short time.
FAST_FRAMES = "window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()))"
# What had not been drawn when the page was shown.
WATCH = """new MutationObserver((_, watcher) => {
    if (document.documentElement.hasAttribute("data-loading")) return;
    watcher.disconnect();
    window.missing = document.querySelectorAll(
        `[data-testid="stSkeleton"],
        [data-testid="stApp"]:not([data-test-script-state="notRunning"])`).length;
}).observe(document, { attributes: true, attributeFilter: ["data-loading"], subtree: true })"""
# Tabs are shown that stand above the end of the page.
SHOWN_WHILE_LOADING = """document.documentElement.hasAttribute("data-loading") &&
    document.querySelector('[data-testid="stMain"] [role="tab"]')
        ?.checkVisibility({ visibilityProperty: true })"""
# How wide the page may be, from its first element on.
WIDTHS = """window.widths = new Set();
new MutationObserver(() => {
    const page = document.querySelector('[data-testid="stMainBlockContainer"]');
    if (page) window.widths.add(getComputedStyle(page).maxWidth);
}).observe(document, { attributes: true, childList: true, subtree: true })"""
HOUR_LATER = "performance.now = () => 3_600_000"


def a_phone(new_context: Callable[..., BrowserContext], *scripts: str) -> Page:
    page = new_context(viewport={"width": 390, "height": 844}).new_page()
    for script in scripts:
        page.add_init_script(script)
    return page


def hold(page: Page, address: str) -> list[Route]:
    """Keep the requests for an address waiting; return the list of them."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route(address, keep)
    return held


def release(held: list[Route]) -> None:
    assert held
    for route in held:
        route.continue_()


def test_a_page_that_takes_long_is_shown_as_a_whole(
    new_context: Callable[..., BrowserContext], app_url: str, wait_ready: Callable[[Page], None]
) -> None:
    page = a_phone(new_context, WATCH, HOUR_LATER)
    page.goto(app_url + "/pooling")
    wait_ready(page)
    assert page.evaluate("window.missing") == 0
    assert_held_still(page)


def test_a_page_is_wide_from_its_first_element_on(
    new_context: Callable[..., BrowserContext], app_url: str, wait_ready: Callable[[Page], None]
) -> None:
    """Streamlit's own page is narrow until the server's first message."""
    page = new_context().new_page()
    page.add_init_script(WIDTHS)
    page.goto(app_url + "/draw")
    wait_ready(page)
    assert page.evaluate("[...window.widths]") == ["none"]


def test_a_page_knows_where_its_server_is(
    new_context: Callable[..., BrowserContext], app_url: str, wait_ready: Callable[[Page], None]
) -> None:
    """Otherwise it asks below its own address first, and then waits before it asks again."""
    page = new_context().new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(app_url + "/pooling")
    wait_ready(page)
    assert [url for url in asked if url.endswith("health")] == [app_url + "/_stcore/health"]


def test_the_title_has_its_place_before_the_frame_has_come(
    new_context: Callable[..., BrowserContext], app_url: str, wait_ready: Callable[[Page], None]
) -> None:
    page = a_phone(new_context)
    held = hold(page, HTML)
    page.goto(app_url + "/pooling")
    title = page.get_by_role("heading", level=1)
    expect(title).to_be_visible()
    page.evaluate("document.fonts.ready")
    before = title.bounding_box()
    release(held)
    wait_ready(page)
    assert title.bounding_box() == before


def test_what_takes_long_keeps_back_only_what_is_below_it(
    new_context: Callable[..., BrowserContext], app_url: str, wait_ready: Callable[[Page], None]
) -> None:
    page = a_phone(new_context, FAST_FRAMES)
    held = hold(page, LINK)
    page.goto(app_url + "/pooling")
    page.wait_for_function(SHOWN_WHILE_LOADING)
    expect(page.locator("html[data-loading]")).to_have_count(0)  # the limit for what never comes
    release(held)
    wait_ready(page)
    assert_held_still(page)
