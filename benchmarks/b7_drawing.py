"""B7: a drawing's pixels in, probabilities out; and in the browser, pen up to bars on screen."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from benchmarks.b8_activations import time_ms
from benchmarks.report import Row, median, report
from benchmarks.scene import a_browser
from cnn_lab.app.frame import tune_process
from cnn_lab.app.widgets.model_choice import DEFAULT
from cnn_lab.digits.answer import answer_for
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.network import Network
from tools.browser import READY
from tools.server import ROOT, serving

SIDE_PX, BRUSH_PX = 280, 20
SEVEN = [(70, 70), (210, 70), (120, 230)]
WARM_UP, RUNS = 2, 12
# The page's ten bars carry a dash each until there is something to read, then percentages.
WAIT_FOR_BARS = """
() => {
  const bars = document.querySelector("[data-testid=stVegaLiteChart]").parentElement;
  window.penUpToBars = new Promise((resolve) => {
    let released;
    addEventListener("mouseup", () => { released = performance.now(); },
      { capture: true, once: true });
    const observer = new MutationObserver(() => {
      if (!released || !bars.textContent.includes("%")) return;
      observer.disconnect();
      requestAnimationFrame(() => resolve(performance.now() - released));
    });
    observer.observe(bars, { subtree: true, childList: true, characterData: true });
  });
}
"""


def a_seven() -> np.ndarray:
    image = Image.new("RGBA", (SIDE_PX, SIDE_PX), "black")
    ImageDraw.Draw(image).line(SEVEN, fill="white", width=BRUSH_PX, joint="curve")
    return np.asarray(image)


def pixels_to_answer_ms(name: str) -> tuple[float, float]:
    """Return the milliseconds from a drawing to probabilities, and to an answer on top of them."""
    tune_process()  # as the process that serves pages does
    network = Network.load(name)
    drawing = a_seven()

    def read(*, judged: bool) -> None:
        image = prepare_digit(drawing)
        assert image is not None
        if judged:
            answer_for(network, image)
        else:
            network.predict(image[np.newaxis, ..., np.newaxis])

    return time_ms(lambda: read(judged=False)), time_ms(lambda: read(judged=True))


def draw_seven_ms(page: Page) -> float:
    """Draw on an empty canvas; return the milliseconds from the pen's lifting to the bars."""
    box = page.locator("canvas").bounding_box()
    assert box is not None
    unit = box["width"] / SIDE_PX
    points = [(box["x"] + unit * x, box["y"] + unit * y) for x, y in SEVEN]
    page.evaluate(WAIT_FOR_BARS)
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=10)
    page.mouse.up()
    return float(page.evaluate("window.penUpToBars"))


def pen_up_to_bars_ms() -> float:
    times = []
    with serving(ROOT / "app.py") as server, a_browser() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{server.url}/draw")
        page.locator(READY).wait_for()
        bars = page.get_by_test_id("stVegaLiteChart")
        for _ in range(WARM_UP + RUNS):
            expect(bars).not_to_contain_text("%")
            times.append(draw_seven_ms(page))
            page.get_by_role("button", name="Clear", exact=True).click()
    return median(times[WARM_UP:])


def measure() -> Sequence[Row]:
    shown_ms = pen_up_to_bars_ms()
    rows = []
    for name in (DEFAULT, "paper"):
        probabilities_ms, answer_ms = pixels_to_answer_ms(name)
        rows += [
            Row(f"a drawing's pixels to probabilities, {name}", probabilities_ms, "ms", 5),
            Row(f"the same to an answer, {name}", answer_ms, "ms"),
        ]
    return [
        *rows,
        Row("pen up to bars on screen", shown_ms, "ms", 330),
    ]


if __name__ == "__main__":
    report("B7", measure)
