"""What the browser benchmarks have in common: the browser, the list of pages, a page at rest."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Shift:
    """What moved on a page without any input of the user's.

    Attributes
    ----------
    value : float
        A share of the window times a share of its side.
    at_ms : float
        Since the page was asked for.
    parts : tuple of str
        Each thing that moved, its box before and its box after.
    """

    value: float
    at_ms: float
    parts: tuple[str, ...]


def layout_shifts(page: Page) -> list[Shift]:
    """Return a page's layout shifts so far that no input of the user's caused."""
    found = page.evaluate(
        """() => new Promise((resolve) => {
            const shifts = [];
            const box = ({ x, y, width, height }) => [x, y, width, height].map(Math.round);
            const named = (node) => !node ? "removed" : (node.outerHTML ?? node.data)
                .replace(/ (style|class)="[^"]*"/g, "").slice(0, 120);
            const told = ({ node, previousRect, currentRect }) =>
                `${named(node)}: ${box(previousRect)} -> ${box(currentRect)}`;
            new PerformanceObserver((list) => {
                for (const { value, startTime, hadRecentInput, sources } of list.getEntries())
                    if (!hadRecentInput) shifts.push([value, startTime, sources.map(told)]);
            }).observe({ type: "layout-shift", buffered: true });
            requestAnimationFrame(() => setTimeout(() => resolve(shifts)));
        })"""
    )
    return [Shift(value, at_ms, tuple(parts)) for value, at_ms, parts in found]


def layout_shift(page: Page) -> float:
    """Return the sum of a page's layout shifts so far that no input of the user's caused."""
    return sum(shift.value for shift in layout_shifts(page))
