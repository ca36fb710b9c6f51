"""Every page, on a desk and on a phone, in light and in dark."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.scene import layout_shifts
from cnn_lab.content import LANGUAGE
from tools.browser import READY
from tools.server import ROOT

NAMES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
MAX_MOVED = 0.05
MIN_TARGET_PX = 24
# The lab's own targets for a finger that are smaller than that in both directions or one, unless
# they are words of a sentence or have the room of a larger one to themselves (WCAG 2.2, 2.5.8).
SMALL_TARGETS = """(least) => {
    const query = 'button, a[href], input, select, summary, [role="button"], [role="radio"]';
    const roots = [document.querySelector(".cnn-lab-summary"),
        ...[...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')]
            .map((host) => host.shadowRoot)];
    const seen = (node) => node.checkVisibility({ visibilityProperty: true });
    const targets = roots.flatMap((root) => [...root.querySelectorAll(query)]).filter(seen)
        .filter((node) => !node.closest(".cnn-lab-summary, .look"))
        .map((node) => ({ node, box: (node.closest("label") ?? node).getBoundingClientRect() }))
        .filter(({ box }) => box.width && box.height);
    const isSmall = ({ box }) => Math.min(box.width, box.height) < least - 0.01;
    const apart = ({ box }, { box: other }) => {
        const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
        const across = Math.max(other.left - x, 0, x - other.right);
        const down = Math.max(other.top - y, 0, y - other.bottom);
        return Math.hypot(across, down);
    };
    return targets.filter((target) => isSmall(target) && !target.node.closest("p"))
        .filter((target) => targets.some((other) => other !== target &&
            apart(target, other) < least / 2))
        .map(({ node, box }) => `${node.outerHTML.slice(0, 120)}: ${box.width} x ${box.height}`);
}"""


def address(name: str) -> str:
    return "/" if name == "home" else f"/{name}"


def assert_held_still(page: Page) -> None:
    """Expect hardly any layout shift so far."""
    shifts = layout_shifts(page)
    assert sum(shift.value for shift in shifts) <= MAX_MOVED, shifts


def assert_sound(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    overflow_px = page.evaluate(
        """() => Math.max(
            ...[document.documentElement, document.querySelector('[data-testid="stMain"]')]
                .map((box) => box.scrollWidth - box.clientWidth)
        )"""
    )
    assert overflow_px <= 0, f"The page scrolls sideways by {overflow_px} px"
    heading = page.get_by_role("heading", level=1).inner_text()
    summary = page.get_by_role("region", name="Summary of this page").get_by_role("paragraph")
    expect(summary).to_contain_text(heading)
    expect(summary).to_contain_text(
        page.locator(".cnn-lab-frame").get_attribute("data-begin") or ""
    )
    expect(page.locator("html")).to_have_attribute("lang", LANGUAGE)
    assert page.evaluate(SMALL_TARGETS, MIN_TARGET_PX) == []


def frame(page: Page) -> tuple[str, list[str]]:
    """The title and the navigation that the router puts around each page."""
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links).to_have_count(len(NAMES))
    return page.title(), links.all_inner_texts()


@pytest.fixture(scope="module")
def routed_url(app_url: str, browser: Browser) -> str:
    """The address of a server on which Streamlit knows the router, because it has run once."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(app_url)
        page.locator(READY).wait_for()
    return app_url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", NAMES)
def test_page_is_sound_and_accessible(
    name: str,
    width: int,
    scheme: str,
    routed_url: str,
    open_page: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
) -> None:
    """U10: nothing moves while the page loads from a server that has been visited before."""
    page = open_page(address(name), url=routed_url, width=width, height=844, scheme=scheme)
    assert_held_still(page)
    assert_sound(page)
    assert_accessible(page)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "home"])
def test_deep_link_as_the_first_request_to_a_fresh_server(
    name: str,
    serve: Callable[..., str],
    routed_url: str,
    open_page: Callable[..., Page],
) -> None:
    first = open_page(address(name), url=serve(ROOT / "app.py"))
    assert_sound(first)
    assert frame(first) == frame(open_page(address(name), url=routed_url))


@pytest.mark.parametrize("width", [390, 700, 1280])
def test_a_chosen_page_is_not_covered_by_the_menu(
    width: int, open_page: Callable[..., Page]
) -> None:
    """U4: the sidebar closes where it covers the page, and stays where it stands beside it."""
    page = open_page("/", width=width, height=844)
    narrow = width < 768
    for choice, path in (("Pooling", "pooling"), ("Network", "network")):
        if narrow:
            page.get_by_test_id("stExpandSidebarButton").click()
        page.get_by_test_id("stSidebarNavLink").filter(has_text=choice).click()
        page.wait_for_url(f"**/{path}*")
        heading = page.get_by_role("heading", level=1, name=choice)
        expect(heading).to_be_visible()
        collapse = page.get_by_test_id("stSidebarCollapseButton").get_by_role("button")
        if narrow:
            expect(page.get_by_test_id("stSidebar")).not_to_be_in_viewport()
            expect(page.get_by_test_id("stExpandSidebarButton")).to_be_visible()
        else:
            expect(page.get_by_test_id("stSidebar")).to_be_in_viewport()
            expect(collapse).to_have_attribute("aria-expanded", "true")
