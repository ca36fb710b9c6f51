"""B2: from an address typed to a page that is there in full, warm server, nothing cached."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.report import Row, median, report
from benchmarks.scene import a_browser, pages
from tools.browser import READY
from tools.server import ROOT, serving

VISITS = 5


def visit(browser: Browser, url: str) -> float:
    """Return the seconds until the page's heading is shown and its script has ended."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    started = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("h1").first.wait_for()
    page.locator(READY).wait_for()
    elapsed_s = time.perf_counter() - started
    context.close()
    return elapsed_s


def measure() -> Sequence[Row]:
    rows = []
    with serving(ROOT / "app.py") as server, a_browser() as browser:
        for name, address in pages():
            visit(browser, server.url + address)
            times = [visit(browser, server.url + address) for _ in range(VISITS)]
            rows.append(Row(f"first paint of {name}", median(times), "s", 1.5))
    with tempfile.TemporaryDirectory() as folder, a_browser() as browser:
        script = Path(folder) / "one_line.py"
        script.write_text("import streamlit as st\nst.title('One line')\n", encoding="utf-8")
        with serving(script) as server:
            visit(browser, server.url)
            times = [visit(browser, server.url) for _ in range(VISITS)]
            rows.append(Row("the same for a one-line Streamlit script", median(times), "s"))
    return rows


if __name__ == "__main__":
    report("B2", measure)
