"""Home: a digit on its way, the visitor's own digit, and the lab by itself."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from cnn_lab.app.widgets.story import CHAPTERS
from tests.browser.player import stage

STROKES = json.loads(Path(__file__).with_name("strokes.json").read_text(encoding="utf-8"))
STAY_MS = 61_000  # of the kiosk on each page, and a little more
# Every picture that the panel shows from the page's first moment on, as data.
WATCH = """() => {
  const started = performance.now();
  window.firstChange = new Promise((resolve) => {
    let before = "";
    const look = () => {
      const home = [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')]
        .map((one) => one.shadowRoot?.querySelector(".home")).find(Boolean);
      const visible = home && !document.documentElement.hasAttribute("data-loading");
      const now = visible ? home.querySelectorAll("figure canvas")[1].toDataURL() : "";
      if (before && now !== before) return resolve(home.dataset.playing);
      before = now;
      requestAnimationFrame(look);
    };
    look();
  });
}"""
# With the end of stroke `n`, before its message can be answered, puts the pen down for a dot, and
# lifts it when the journey of the strokes so far is there.
DOT = """(home, [n, clientX, clientY]) => {
  const board = home.querySelector("canvas[data-strokes]");
  const touch = (kind) => board.dispatchEvent(new PointerEvent(kind, {
    pointerId: 1, buttons: Number(kind === "pointerdown"),
    bubbles: true, composed: true, clientX, clientY,
  }));
  const lift = (_, watching) => {
    if (home.dataset.answered !== "true" || board.dataset.waiting !== "0") return;
    watching.disconnect();
    touch("pointerup");
  };
  board.addEventListener("pointerup", () => {
    if (--n !== 0) return;
    touch("pointerdown");
    new MutationObserver(lift).observe(home, { attributes: true, subtree: true });
  });
}"""

# Draws a stroke in one go: a page that has just come may still scroll from under a mouse.
STROKE = """(board, points) => {
  const { left, top, width } = board.getBoundingClientRect();
  const touch = (kind, [x, y]) => board.dispatchEvent(new PointerEvent(kind, {
    pointerId: 1, buttons: Number(kind !== "pointerup"), bubbles: true, composed: true,
    clientX: left + x * width / 280, clientY: top + y * width / 280,
  }));
  touch("pointerdown", points[0]);
  for (const point of points.slice(1)) touch("pointermove", point);
  touch("pointerup", points.at(-1));
}"""


def home(page: Page) -> Locator:
    return page.locator(".home")


def says(page: Page) -> Locator:
    return page.get_by_test_id("home-says")


def to_the_end(page: Page) -> None:
    slider = home(page).get_by_role("slider")
    slider.focus()
    slider.press("End")


def strokes_of(page: Page, digit: str) -> list[list[tuple[float, float]]]:
    """Return a digit of `strokes.json` as places in the window, on Home's canvas."""
    box = page.locator(".board canvas").bounding_box()
    assert box is not None
    unit = box["width"] / 280
    return [[(box["x"] + unit * x, box["y"] + unit * y) for x, y in one] for one in STROKES[digit]]


def draw(page: Page, digit: str) -> None:
    """Draw a digit of `strokes.json` on Home's canvas by mouse."""
    for start, *way in strokes_of(page, digit):
        page.mouse.move(*start)
        page.mouse.down()
        for point in way:
            page.mouse.move(*point)
        page.mouse.up()


def test_a_digit_travels_without_a_click_until_its_bars_reach_the_answer(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/")
    page.evaluate(WATCH)
    assert page.evaluate("window.firstChange") == "true"
    expect(home(page)).to_have_attribute("data-answered", "true", timeout=60_000)
    expect(says(page)).to_have_text("It says 7")
    expect(home(page).locator("li.first .share")).to_have_text(re.compile(r"^>?9\d\.\d%$"))
    bar = home(page).locator("li.first i")
    assert bar.evaluate("node => Number(node.style.getPropertyValue('--share'))") > 0.9
    expect(home(page)).to_have_attribute("data-digit", "1", timeout=30_000)  # and then another


def test_a_digit_drawn_at_once_is_read_ten_loads_of_ten(open_page: Callable[..., Page]) -> None:
    page = open_page("/")
    for digit in "0123456789":
        page.evaluate("sessionStorage.clear()")
        page.reload(wait_until="commit")
        page.locator(".board canvas").wait_for()
        draw(page, digit)
        expect(home(page)).to_have_attribute("data-own", "true")
        expect(says(page)).to_have_text(f"It says {digit}")
        expect(home(page)).to_have_attribute("data-live", "false")
    expect(home(page)).to_have_attribute("data-playing", "true")


def test_a_stroke_during_the_journey_takes_over_and_is_the_drawing_of_the_draw_page(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/")
    expect(home(page)).to_have_attribute("data-station", re.compile("[3-9]"))
    draw(page, "4")
    draw(page, "4")  # while the page still runs
    expect(says(page)).to_have_text("It says 4")
    expect(home(page)).to_have_attribute("data-station", "9", timeout=60_000)
    expect(home(page)).to_have_attribute("data-playing", "false")
    page.get_by_role("link", name="Dense").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Feature maps")
    expect(page).to_have_url(re.compile("features_input=drawing.*features_layer=dense1"))
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Draw a digit").click()
    n_strokes = str(2 * len(STROKES["4"]))
    expect(page.locator("canvas[data-strokes]")).to_have_attribute("data-strokes", n_strokes)
    # Numbered after those drawn on Home.
    page.locator("canvas[data-strokes]").evaluate(STROKE, STROKES["1"][0])
    more = str(2 * len(STROKES["4"]) + len(STROKES["1"]))
    expect(page.locator("canvas[data-strokes]")).to_have_attribute("data-strokes", more)
    expect(page.locator("canvas[data-strokes]")).to_have_attribute("data-waiting", "0")


def test_a_stroke_that_changes_no_pixel_plays_the_journey_all_the_same(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/")
    strokes = strokes_of(page, "4")
    place = strokes[0][0]  # on the drawing, so the dot changes nothing
    home(page).evaluate(DOT, [len(strokes), *place])
    draw(page, "4")
    expect(page.locator(".board canvas")).to_have_attribute("data-strokes", str(len(strokes) + 1))
    expect(home(page)).to_have_attribute("data-live", "false")
    expect(home(page)).to_have_attribute("data-station", "9", timeout=60_000)


def test_a_tile_opens_the_layer_that_it_shows(open_page: Callable[..., Page]) -> None:
    page = open_page("/?home_digit=3", width=390, height=844, touch=True)
    page.get_by_role("link", name="Convolution 10 × 10 × 256").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Feature maps")
    expect(page).to_have_url(re.compile("features_digit=3&features_layer=conv3&features_map="))
    expect(page.get_by_role("radio", name="conv3")).to_be_checked()


def test_reduced_motion_shows_the_answer_and_a_button_to_play(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/", reduced_motion=True)
    expect(home(page)).to_have_attribute("data-playing", "false")
    expect(says(page)).to_have_text("It says 7")
    page.get_by_role("button", name="Next digit").click()
    expect(says(page)).to_have_text("It says 2")
    page.get_by_role("button", name="Play").click()
    expect(home(page)).to_have_attribute("data-station", "1")


def test_space_and_a_click_on_the_picture_pause_and_play(open_page: Callable[..., Page]) -> None:
    page = open_page("/")
    expect(home(page)).to_have_attribute("data-playing", "true")
    page.keyboard.press(" ")
    expect(home(page)).to_have_attribute("data-playing", "false")
    home(page).locator("figure").first.click()
    expect(home(page)).to_have_attribute("data-playing", "true")
    to_the_end(page)
    expect(home(page)).to_have_attribute("data-playing", "false")
    expect(says(page)).to_have_text("It says 7")
    page.get_by_role("button", name="Step back").click()
    expect(home(page)).to_have_attribute("data-station", "8")


def test_a_kiosk_walks_through_the_course_until_it_is_touched(
    new_context: Callable[..., object], app_url: str, wait_ready: Callable[[Page], None]
) -> None:
    page: Page = new_context().new_page()
    page.clock.install()
    page.goto(f"{app_url}/?kiosk=1")
    wait_ready(page)
    for chapter in CHAPTERS:
        page.clock.fast_forward(STAY_MS)
        expect(page.get_by_role("heading", level=1)).to_contain_text(chapter.title)
        if chapter.page != "backpropagation":  # which begins with a step to be taken by hand
            expect(stage(page)).not_to_have_attribute("data-step", "0")
            expect(page.get_by_role("button", name="Pause").first).to_be_visible()
    page.clock.fast_forward(STAY_MS)
    expect(home(page)).to_have_attribute("data-playing", "true")
    page.mouse.click(700, 60)
    page.clock.fast_forward(STAY_MS)
    page.clock.fast_forward(STAY_MS)
    expect(home(page)).to_be_visible()
    expect(page).not_to_have_url(re.compile("kiosk"))
