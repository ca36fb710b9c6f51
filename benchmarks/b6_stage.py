"""B6: frames a second of a stage playing 28x28 pixels at full speed, and the size of traces."""

from collections.abc import Iterator, Sequence
from itertools import product
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page

from benchmarks.report import Row, report
from benchmarks.scene import a_browser
from benchmarks.session import Session
from tools.browser import READY
from tools.server import ROOT, serving

PLAYED_S = 4
FRAMES = """
(seconds) => new Promise((resolve) => {
  const times = [];
  const tick = (now) => {
    times.push(now);
    if (now - times[0] < 1000 * seconds) requestAnimationFrame(tick);
    else resolve(times);
  };
  requestAnimationFrame(tick);
})
"""
DIGIT = {"input": "digit", "crop": 28}


def frames_per_s(page: Page) -> float:
    times = page.evaluate(FRAMES, PLAYED_S)
    return float(1000 * (len(times) - 1) / (times[-1] - times[0]))


def play(browser: Browser, url: str) -> tuple[float, float]:
    """Return the frames a second of the page at rest and of its stage at full speed."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(url)
    page.locator(READY).wait_for()
    still = frames_per_s(page)
    speed = page.get_by_label("Speed")
    speed.select_option(index=speed.locator("option").count() - 1)
    page.get_by_role("button", name="Loop").click()
    page.get_by_role("button", name="Play", exact=True).click()
    playing = frames_per_s(page)
    page.get_by_role("button", name="Pause", exact=True).click()  # it was still playing
    page.close()
    return still, playing


def settings() -> Iterator[tuple[str, dict[str, object]]]:
    """Yield pages and addresses that reach for the largest traces."""
    images: list[dict[str, object]] = [{"conv_rows": 12, "conv_columns": 12}]
    images += [{"conv_input": "digit", "conv_crop": crop} for crop in (8, 14, 20, 28)]
    for image, channels, filters, size, padding in product(
        images, (1, 3), (1, 2, 4), (1, 3, 5, 7), ("valid", "full")
    ):
        yield (
            "convolution",
            {
                **image,
                "conv_channels": channels,
                "conv_filters": filters,
                "conv_kernel_rows": size,
                "conv_kernel_columns": size,
                "conv_padding": padding,
            },
        )
    for crop, size, stride in product((8, 14, 20, 28), (1, 2, 3, 5), (1, 2)):
        yield (
            "pooling",
            {"pool_input": "digit", "pool_crop": crop, "pool_size": size, "pool_stride": stride},
        )


def stage_kb(url: str, page: str, query: dict[str, object] | None = None) -> tuple[float, float]:
    """Return the kB of a page's stage, whole message and trace; 0 where a picture stands in."""
    with Session(url, page, urlencode(query or {})) as reader:
        message, trace = max(reader.stage_messages(), default=(0, 0))
        return message / 1000, trace / 1000


def measure() -> Sequence[Row]:
    with serving(ROOT / "app.py") as server:
        (message, convolution), (_, pooling) = (
            stage_kb(server.url, page) for page in ("convolution", "pooling")
        )
        largest = max(stage_kb(server.url, page, query)[1] for page, query in settings())
        with a_browser() as browser:
            query = urlencode({f"conv_{name}": value for name, value in DIGIT.items()})
            still, playing = play(browser, f"{server.url}/convolution?{query}")
    return [
        Row("frames a second, stage playing at full speed on 28×28", round(playing), "", 60, True),
        Row("share of the frames of the page at rest", playing / still, "", 0.98, True),
        Row("trace of the convolution page", convolution, "kB", 60),
        Row("trace of the pooling page", pooling, "kB", 60),
        Row("largest trace that any setting reached", largest, "kB", 200),
        Row("the message that brings a trace", message, "kB"),
    ]


if __name__ == "__main__":
    report("B6", measure)
