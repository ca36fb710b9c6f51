"""What the browser benchmarks have in common: the browser, the list of pages, a page at rest."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

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


@contextmanager
def one_line_script() -> Iterator[Path]:
    """Keep the shortest Streamlit app that has a heading, the scale of other figures."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "one_line.py"
        script.write_text("import streamlit as st\nst.title('One line')\n", encoding="utf-8")
        yield script


def layout_shift(page: Page) -> float:
    """Return the sum of a page's layout shifts so far that no input of the user's caused.

    Each is a share of the window times a share of its side.
    """
    moved: float = page.evaluate(
        """() => new Promise((resolve) => {
            let sum = 0;
            new PerformanceObserver((list) => {
                for (const { value, hadRecentInput } of list.getEntries())
                    if (!hadRecentInput) sum += value;
            }).observe({ type: "layout-shift", buffered: true });
            requestAnimationFrame(() => setTimeout(() => resolve(sum)));
        })"""
    )
    return moved
