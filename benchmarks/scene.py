"""What the browser benchmarks have in common: the browser, the list of pages, a page at rest."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tools.browser import find_browser, launch_arguments
from tools.server import ROOT


@contextmanager
def a_browser() -> Iterator[Browser]:
    """Run the browser of the tests until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=launch_arguments()
        )
        yield browser
        browser.close()


def pages() -> list[tuple[str, str]]:
    """Return each page's name and address."""
    names = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
    return [(name, "/" if name == "home" else f"/{name}") for name in names]
