"""B5: from a control released to the stage redrawn, in the browser's own clock.

A bare Streamlit script that answers the same control with a line of text gives the scale; the
clicks on both take turns.
"""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.report import Row, median, report, spread
from benchmarks.scene import a_browser
from tools.browser import READY
from tools.server import ROOT, serving

WARM_UP, RUNS = 5, 40
NUMBERS = {"convolution": "Stride", "pooling": "Window"}
BARE = """
import streamlit as st
st.write("It is", st.number_input("Number", value=1, step=1))
"""
# The stage sets its transform whenever it lays a trace out again, and at no other time.
WATCH_CANVAS = """
const { setTransform } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.setTransform = function (...numbers) {
  setTransform.apply(this, numbers);
  window.answered?.();
};
"""
WATCH_TEXT = """
addEventListener("DOMContentLoaded", () => {
  new MutationObserver(() => window.answered?.())
    .observe(document, { subtree: true, characterData: true, childList: true });
});
"""
TEXT = "document.querySelector('[data-testid=stMarkdown]').innerText"
CLICK = """
(button) => new Promise((resolve) => {
  requestAnimationFrame(() => {
    const released = performance.now();
    const before = TEXT;
    window.answered = () => {
      if (!(ANSWERED)) return;
      window.answered = undefined;
      resolve(performance.now() - released);
    };
    button.click();
  });
})
"""


class Clicks:
    """A page whose number is changed again and again.

    Parameters
    ----------
    browser : Browser
    url : str
    number : str
        Label of the number.
    watch : str
        Script that calls `window.answered` whenever something is drawn.
    answered : str
        JavaScript condition: that is the answer.
    """

    def __init__(self, browser: Browser, url: str, number: str, watch: str, answered: str) -> None:
        self._page: Page = browser.new_page()
        self._page.add_init_script(watch)
        self._page.goto(url)
        self._page.locator(READY).wait_for()
        self._number = number
        self._click = CLICK.replace("ANSWERED", answered).replace("TEXT", TEXT)
        self._directions = cycle(("Up", "Down"))

    def milliseconds(self) -> float:
        """Return the time from a click on the number's plus, or on its minus, to the answer."""
        self._page.bring_to_front()
        field = self._page.get_by_label(self._number, exact=True)
        number = self._page.get_by_test_id("stNumberInput").filter(has=field)
        button = number.get_by_test_id(f"stNumberInputStep{next(self._directions)}")
        taken: float = button.evaluate(self._click)
        self._page.locator(READY).wait_for()
        return taken


def measure() -> Sequence[Row]:
    with ExitStack() as stack:
        browser = stack.enter_context(a_browser())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        script = Path(folder) / "bare.py"
        script.write_text(BARE, encoding="utf-8")
        bare_url = stack.enter_context(serving(script)).url
        bare = Clicks(browser, bare_url, "Number", WATCH_TEXT, f"{TEXT} !== before")
        lab = stack.enter_context(serving(ROOT / "app.py")).url
        pages = {
            name: Clicks(browser, f"{lab}/{name}", number, WATCH_CANVAS, "true")
            for name, number in NUMBERS.items()
        }
        rounds = [
            (bare.milliseconds(), *(page.milliseconds() for page in pages.values()))
            for _ in range(WARM_UP + RUNS)
        ][WARM_UP:]
    scale, *times = map(list, zip(*rounds, strict=True))
    rows = [Row("a bare Streamlit script answering with text", median(scale), "ms")]
    for name, taken in zip(pages, times, strict=True):
        ratios = [each / one for each, one in zip(taken, scale, strict=True)]
        what = f"{name}: number changed to stage redrawn"
        rows.append(Row(f"{what}, times the bare script's", median(ratios), "", 4))
        rows.append(Row(f"spread of these ratios, {name}", spread(ratios), ""))
        rows.append(Row(what, median(taken), "ms"))
    return rows


if __name__ == "__main__":
    report("B5", measure)
