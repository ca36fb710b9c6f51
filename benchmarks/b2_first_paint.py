"""B2: from an address typed to a page that is there in full, warm server, nothing cached.

A one-line Streamlit script is visited in turn with the pages, so that whatever else the machine
does weighs on both. The ratio is the median of the ratios of the rounds.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from playwright.sync_api import Browser

from benchmarks.report import Row, median, report, spread
from benchmarks.scene import a_browser, layout_shift, one_line_script, pages
from tools.browser import READY
from tools.server import ROOT, serving

ROUNDS = 20
# Marked by the page itself, on its clock that begins with the visit.
SHOWN = f"""
    const shown = () => document.querySelector("h1") && document.querySelector('{READY}')
        ? (window.shownAt = performance.now()) : requestAnimationFrame(shown);
    requestAnimationFrame(shown);
"""


class Visit(NamedTuple):
    seconds: float  # until the page's heading is shown and its script has ended
    moved: float  # the sum of its layout shifts


def visit(browser: Browser, url: str) -> Visit:
    """Open an address in a browser that has nothing cached."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(SHOWN)
    page.goto(url, wait_until="commit")
    milliseconds: float = page.wait_for_function("window.shownAt").json_value()
    found = Visit(milliseconds / 1000, layout_shift(page))
    context.close()
    return found


def measure() -> Sequence[Row]:
    with ExitStack() as stack:
        browser = stack.enter_context(a_browser())
        bare = stack.enter_context(serving(stack.enter_context(one_line_script()))).url
        lab = stack.enter_context(serving(ROOT / "app.py")).url
        addresses = {name: lab + address for name, address in pages()}
        for url in (bare, *addresses.values()):
            visit(browser, url)
        scale: list[float] = []
        visits: dict[str, list[Visit]] = {name: [] for name in addresses}
        for _ in range(ROUNDS):
            scale.append(visit(browser, bare).seconds)
            for name, url in addresses.items():
                visits[name].append(visit(browser, url))
    rows = [Row("first paint of a one-line Streamlit script", median(scale), "s")]
    for name, found in visits.items():
        ratios = [each.seconds / one for each, one in zip(found, scale, strict=True)]
        what = f"first paint of {name}, times that of the script"
        rows.append(Row(what, median(ratios), "", 1.2))
        rows.append(Row(f"spread of these ratios, {name}", spread(ratios), ""))
        rows.append(Row(f"first paint of {name}", median([each.seconds for each in found]), "s"))
        moved = max(each.moved for each in found)
        rows.append(Row(f"layout shift of {name}, largest of {ROUNDS}", moved, "", 0.05))
    return rows


if __name__ == "__main__":
    report("B2", measure)
