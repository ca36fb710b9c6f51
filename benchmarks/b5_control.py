"""B5: from a control released to the stage redrawn, in the browser's own clock.

A bare Streamlit script that answers the same control with a line of text gives the scale.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.report import Row, median, report
from benchmarks.scene import a_browser
from tools.browser import READY
from tools.server import ROOT, serving

WARM_UP, RUNS = 5, 40
BARE = """
import streamlit as st
st.write("Stroke is", st.number_input("Stroke", value=0, step=1))
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
new MutationObserver(() => window.answered?.())
  .observe(document, { subtree: true, characterData: true, childList: true });
"""
CLICK = """
(button) => new Promise((resolve) => {
  requestAnimationFrame(() => {
    const released = performance.now();
    window.answered = () => {
      if (!ANSWERED) return;
      window.answered = undefined;
      resolve(performance.now() - released);
    };
    button.click();
  });
})
"""


def click_ms(page: Page, answered: str) -> float:
    """Return the median milliseconds from a click on a number's plus to the answer."""
    page.locator(READY).wait_for()
    field = page.get_by_label("Stroke", exact=True)
    plus = (
        page.get_by_test_id("stNumberInput").filter(has=field).get_by_test_id("stNumberInputStepUp")
    )
    times = []
    for _ in range(WARM_UP + RUNS):
        times.append(plus.evaluate(CLICK.replace("ANSWERED", answered)))
        page.locator(READY).wait_for()
    return median(times[WARM_UP:])


def measure() -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as folder, a_browser() as browser:
        bare_script = Path(folder) / "bare.py"
        bare_script.write_text(BARE, encoding="utf-8")
        with serving(bare_script) as server:
            page = browser.new_page()
            page.add_init_script(f"addEventListener('DOMContentLoaded', () => {{{WATCH_TEXT}}})")
            page.goto(server.url)
            # Streamlit writes the number into the field at once; the line of text is the answer.
            bare_ms = click_ms(
                page,
                "document.querySelector('[data-testid=stMarkdown]').innerText"
                " === `Stroke is ${document.querySelector('input').value}`",
            )
        rows = []
        with serving(ROOT / "app.py") as server:
            for name in ("convolution", "pooling"):
                page = browser.new_page()
                page.add_init_script(WATCH_CANVAS)
                page.goto(f"{server.url}/{name}")
                shown_ms = click_ms(page, "true")
                rows.append(Row(f"{name}: number changed to stage redrawn", shown_ms, "ms", 120))
    return [*rows, Row("a bare Streamlit script answering with text", bare_ms, "ms")]


if __name__ == "__main__":
    report("B5", measure)
