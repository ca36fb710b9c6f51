"""Every page, on a desk and on a phone, in light and in dark."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.scene import layout_shifts
from cnn_lab.content import LANGUAGE
from tools.browser import READY
from tools.server import ROOT

NAMES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
MAIN = """document.querySelector('[data-testid="stMain"]')"""
# Once the page is at its place: from the next frame on a part above it grows, in a page whose own
# size stays, so that nothing else tells of it.
GROW_ABOVE = f"""() => {{
    if ({MAIN}.scrollTop !== 700) return false;
    const page = document.querySelector('[data-testid="stMainBlockContainer"]');
    const height = `${{page.offsetHeight}}px`;
    Object.assign(page.style, {{ flex: "none", height, maxHeight: height, overflow: "clip" }});
    requestAnimationFrame(() => requestAnimationFrame(() => {{
        const part = document.createElement("div");
        Object.assign(part.style, {{ flex: "none", height: "400px" }});
        part.className = "grown";
        page.prepend(part);
    }}));
    return true;
}}"""
GROWN = """() => document.querySelector(".grown") &&
    new Promise((ends) => requestAnimationFrame(() => requestAnimationFrame(() => ends(true))))"""
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

# Gives all texts the space that a reader may set, those inside components as well.
SPACE_OUT = """() => {
    const visit = (root) => {
        const style = document.createElement("style");
        style.textContent = "* { line-height: 1.5 !important; letter-spacing: .12em !important;"
            + " word-spacing: .16em !important }";
        (root.head ?? root).append(style);
        for (const node of root.querySelectorAll("*")) if (node.shadowRoot) visit(node.shadowRoot);
    };
    visit(document);
}"""

# By how much the page scrolls sideways.
OVERFLOW_PX = """() => Math.max(
    ...[document.documentElement, document.querySelector('[data-testid="stMain"]')]
        .map((box) => box.scrollWidth - box.clientWidth)
)"""

# Words of which the page shows only the beginning.
CUT_OFF = """() => [...document.querySelectorAll('.stMain *, .stSidebar *')]
    .filter((node) => node.checkVisibility({ visibilityProperty: true }))
    .filter((node) => ["hidden", "clip"].includes(getComputedStyle(node).overflowX))
    .filter((node) => node.clientWidth > 1 && node.scrollWidth > node.clientWidth + 1)
    .map((node) => node.innerText.trim()).filter(Boolean)"""


def wait_until_it_fits(page: Page) -> None:
    """Wait until nothing is cut off: menu and pictures take a moment to follow the letters."""
    page.wait_for_function(f"({CUT_OFF})().length === 0 && ({OVERFLOW_PX})() <= 0")


def address(name: str) -> str:
    return "/" if name == "home" else f"/{name}"


def assert_held_still(page: Page) -> None:
    """Expect hardly any layout shift so far."""
    shifts = layout_shifts(page)
    assert sum(shift.value for shift in shifts) <= MAX_MOVED, shifts


def assert_fits(page: Page) -> None:
    """Expect nothing to be cut off at the right or to make the page scroll sideways."""
    overflow_px = page.evaluate(OVERFLOW_PX)
    assert overflow_px <= 0, f"The page scrolls sideways by {overflow_px} px"
    assert page.evaluate(CUT_OFF) == []


def assert_sound(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert_fits(page)
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


def test_a_page_that_does_not_exist_is_told_of_on_home(open_page: Callable[..., Page]) -> None:
    """Streamlit's own window would speak of files in a folder."""
    page = open_page("/padings*1*?pad_stride=2")
    expect(page.get_by_test_id("stToast")).to_contain_text('The lab has no page "padings*1*".')
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_title("Home · CNN Lab")
    expect(page).to_have_url(re.compile(r":\d+/$"))


def test_the_icon_needs_no_request(open_page: Callable[..., Page]) -> None:
    page = open_page("/")
    icon = page.locator('link[rel~="icon"]')
    expect(icon).to_have_attribute("href", re.compile("^data:image/png;base64,"))


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


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", NAMES)
def test_letters_of_twice_the_size_fit(
    name: str, width: int, open_page: Callable[..., Page], wait_ready: Callable[[Page], None]
) -> None:
    page = open_page(address(name), width=width)
    wait_ready(page)
    page.add_style_tag(content="html { font-size: 200% }")
    wait_until_it_fits(page)


@pytest.mark.parametrize("name", NAMES)
def test_texts_with_more_space_fit(
    name: str, open_page: Callable[..., Page], wait_ready: Callable[[Page], None]
) -> None:
    """The spacing of WCAG 2.2, 1.4.12, at the width of 1.4.10."""
    page = open_page(address(name), width=320)
    wait_ready(page)
    page.evaluate(SPACE_OUT)
    wait_until_it_fits(page)


def test_a_page_begins_at_its_top(open_page: Callable[..., Page]) -> None:
    """Also where the browser is too slow to show an empty page between the two."""
    page = open_page("/features")
    page.add_style_tag(content='[data-testid="stMainBlockContainer"] { min-height: 3000px }')
    main = page.get_by_test_id("stMain")
    main.evaluate("node => { node.scrollTop = 400 }")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Draw a digit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Draw a digit")
    assert main.evaluate("node => node.scrollTop") == 0


def test_back_and_forward_bring_a_page_where_it_was_left(
    open_page: Callable[..., Page], wait_ready: Callable[[Page], None]
) -> None:
    page = open_page("/glossary")
    main = page.get_by_test_id("stMain")
    title = page.get_by_role("heading", level=1)
    main.evaluate("node => { node.scrollTop = 700 }")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Feature maps").click()
    expect(title).to_have_text("Feature maps")
    assert main.evaluate("node => node.scrollTop") == 0
    wait_ready(page)
    main.evaluate("node => { node.scrollTop = 300 }")
    page.go_back()
    expect(title).to_have_text("Glossary")
    page.wait_for_function(f"{MAIN}.scrollTop === 700")
    page.go_forward()
    expect(title).to_have_text("Feature maps")
    page.wait_for_function(f"{MAIN}.scrollTop === 300")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Glossary").click()  # not Back
    expect(title).to_have_text("Glossary")
    assert main.evaluate("node => node.scrollTop") == 0


def test_a_part_that_grows_leaves_a_page_that_is_coming_back_at_its_place(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/glossary")
    title = page.get_by_role("heading", level=1)
    page.get_by_test_id("stMain").evaluate("node => { node.scrollTop = 700 }")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Feature maps").click()
    expect(title).to_have_text("Feature maps")
    page.go_back()
    page.wait_for_function(GROW_ABOVE)
    page.wait_for_function(GROWN)
    assert page.evaluate(f"{MAIN}.scrollTop") == 700
