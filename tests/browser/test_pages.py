"""Every page, on a desk and on a phone, in light and in dark."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tools.browser import READY
from tools.server import ROOT

NAMES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))


def address(name: str) -> str:
    return "/" if name == "home" else f"/{name}"


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


def frame(page: Page) -> tuple[str, list[str]]:
    """The title and the navigation that the router puts around each page."""
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links).to_have_count(len(NAMES))
    return page.title(), links.all_inner_texts()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", NAMES)
def test_page_is_sound_and_accessible(
    name: str,
    width: int,
    scheme: str,
    open_page: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
) -> None:
    page = open_page(address(name), width=width, height=844, scheme=scheme)
    assert_sound(page)
    assert_accessible(page)


@pytest.fixture(scope="module")
def routed_url(app_url: str, browser: Browser) -> str:
    """The address of a server on which Streamlit knows the router, because it has run once."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(app_url)
        page.locator(READY).wait_for()
    return app_url


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
