"""Draw a digit by mouse and by finger, and see it read."""

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from cnn_lab.app.widgets.charts import ALT
from cnn_lab.app.widgets.model_choice import DEFAULT
from cnn_lab.content import prose
from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.pens import STYLES, numbers_of, strokes_of
from cnn_lab.network import zoo
from tests.browser.player import on_page
from tests.prose import wording
from tests.strokes import STROKES
from tests.unit.sheets import TWELVE, sheet
from tools.browser import READY

SEVEN = [(70, 60), (140, 58), (210, 60), (180, 120), (150, 180), (130, 240)]
BAR = [(110, 150), (150, 150), (210, 150)]
# What makes a 3 of that 8: its left half.
ERASED = [
    [(118, 56), (96, 80), (118, 124)],
    [(110, 58), (104, 80), (112, 110)],
    [(120, 148), (96, 190), (112, 226)],
    [(126, 150), (110, 180), (120, 220)],
]
INVITATION = wording("draw", "empty", rendered=True)


def board(page: Page) -> Locator:
    return page.locator("canvas")


def on_screen(page: Page, points: list[tuple[int, int]]) -> list[tuple[float, float]]:
    board(page).scroll_into_view_if_needed()
    box = board(page).bounding_box()
    assert box is not None
    assert box["width"] == box["height"]
    unit = box["width"] / 280
    return [(box["x"] + unit * column, box["y"] + unit * row) for column, row in points]


def draw(page: Page, points: list[tuple[int, int]], *, steps: int = 5) -> None:
    start, *way = on_screen(page, points)
    page.mouse.move(*start)
    page.mouse.down()
    for point in way:
        page.mouse.move(*point, steps=steps)
    page.mouse.up()


def draw_and_wait(page: Page, points: list[tuple[int, int]], *, steps: int = 5) -> None:
    """Draw, and go on once the server has seen it."""
    draw(page, points, steps=steps)
    wait_until_seen(page)


def wait_until_seen(page: Page) -> None:
    """Wait until the server has seen all strokes, and not only one that was under the pen."""
    expect(board(page)).to_have_attribute("data-waiting", "0")
    page.locator(READY).wait_for()


def draw_by_finger(page: Page, points: list[tuple[int, int]]) -> None:
    finger = page.context.new_cdp_session(page)
    kind = "touchStart"
    for x, y in on_screen(page, points):
        event = {"type": kind, "touchPoints": [{"x": x, "y": y}]}
        finger.send("Input.dispatchTouchEvent", event)
        kind = "touchMove"
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    wait_until_seen(page)


def answer(page: Page) -> Locator:
    return page.get_by_role("heading", level=3).filter(has_text=re.compile("This looks like"))


def chart(page: Page) -> Locator:
    return page.get_by_test_id("stVegaLiteChart")


def picture(page: Page) -> Locator:
    """What the network sees."""
    return page.get_by_role("img", name=re.compile("28 × 28"))


def seen(page: Page) -> str:
    source = picture(page).get_attribute("src")
    assert source
    return source


def button(page: Page, name: str) -> Locator:
    return page.get_by_test_id("stMain").get_by_role("button", name=name)


def test_seven_by_mouse_is_read_and_the_chart_stays_in_place(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/draw")
    expect(on_page(page, INVITATION)).to_be_visible()
    expect(answer(page)).to_have_count(0)
    expect(button(page, "Undo")).to_be_disabled()
    drawn = chart(page).locator("svg, canvas").first
    drawn.evaluate("node => { node.dataset.before = 'the first stroke' }")
    expect(chart(page).get_by_text("–")).to_have_count(10)
    height_px = page.get_by_test_id("stMain").evaluate("node => node.scrollHeight")

    draw(page, SEVEN)
    expect(answer(page)).to_have_text(re.compile(r"^This looks like a 7 \(>?\d+\.\d%\)\.$"))
    expect(on_page(page, INVITATION)).to_have_count(0)
    expect(chart(page).get_by_text("–")).to_have_count(0)
    draw(page, BAR)
    expect(picture(page)).to_be_visible()
    expect(answer(page)).to_contain_text("7")
    expect(drawn).to_have_attribute("data-before", "the first stroke")
    assert page.get_by_test_id("stMain").evaluate("node => node.scrollHeight") == height_px


def test_the_bars_follow_the_pen_and_one_stroke_comes_of_it(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/draw")
    start, *way = on_screen(page, SEVEN)
    page.mouse.move(*start)
    page.mouse.down()
    for point in way:
        page.mouse.move(*point, steps=5)
    expect(answer(page)).to_contain_text("This looks like a 7 (")  # the pen is still down
    expect(board(page)).to_have_attribute("data-strokes", "0")
    page.mouse.up()
    expect_strokes(page, 1)
    expect(answer(page)).to_contain_text("This looks like a 7 (")
    button(page, "Undo").click()
    expect(on_page(page, INVITATION)).to_be_visible()


@pytest.mark.parametrize(("width", "side"), [(390, 358), (1280, 420), (1920, 440)])
def test_the_canvas_uses_the_room(open_page: Callable[..., Page], width: int, side: int) -> None:
    box = board(open_page("/draw", width=width, height=1000)).bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (side, side)


def test_ten_digits_by_mouse_are_read_and_an_eraser_changes_the_answer(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/draw")
    for digit in [*"012345679", "8"]:
        expect(on_page(page, INVITATION)).to_be_visible()
        for stroke in STROKES[digit]:
            draw_and_wait(page, stroke, steps=1)
        expect(answer(page)).to_have_text(re.compile(rf"^This looks like an? {digit} "))
        if digit != "8":
            button(page, "Clear").click()
    whole = seen(page)
    page.get_by_role("radio", name="Eraser").click()
    expect(page.get_by_role("radio", name="Eraser")).to_be_checked()
    for stroke in ERASED:
        draw_and_wait(page, stroke)
    expect(answer(page)).to_have_text(re.compile(r"looks like (an? \d or|a [^8])"))
    for _ in ERASED:
        before = seen(page)
        button(page, "Undo").click()
        expect(picture(page)).not_to_have_attribute("src", before)
    expect(picture(page)).to_have_attribute("src", whole)
    expect(answer(page)).to_contain_text("This looks like an 8 (")
    button(page, "Redo").click()
    expect(picture(page)).not_to_have_attribute("src", whole)


def by_pen(style: str) -> list[list[tuple[int, int]]]:
    """The strokes of a style of the parametric pen, as tall as a digit on the canvas."""
    strokes = strokes_of(STYLES[style].recipes[0], numbers_of(0, 0))
    every = np.concatenate(strokes)
    low, high = every.min(axis=0), every.max(axis=0)
    scaled = [(stroke - (low + high) / 2) * 200 / (high - low).max() + 140 for stroke in strokes]
    return [
        [(round(x), round(y)) for x, y in stroke[_needed(stroke)].tolist()] for stroke in scaled
    ]


def _needed(stroke: np.ndarray) -> list[int]:
    """Places in a stroke that are 16 pixels or more from the one before, and its end."""
    places = [0]
    for at in range(1, len(stroke)):
        if np.hypot(*(stroke[at] - stroke[places[-1]])) >= 16 or at == len(stroke) - 1:
            places.append(at)
    return places


def test_a_digit_of_each_family_of_styles_is_drawn_by_mouse_and_read(
    open_page: Callable[..., Page],
) -> None:
    families = {style.family: name for name, style in reversed(STYLES.items())}
    page = open_page("/draw")
    for name in families.values():
        expect(on_page(page, INVITATION)).to_be_visible()
        for stroke in by_pen(name):
            draw_and_wait(page, stroke, steps=1)
        expect(answer(page)).to_have_text(re.compile(rf"looks like an? {name[0]} "))
        button(page, "Clear").click()


def test_seven_by_finger_is_read_and_the_page_stays_where_it_is(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/draw", width=390, height=844, touch=True)
    on_screen(page, SEVEN)  # scrolls as far as it must
    main = page.get_by_test_id("stMain")
    before_px = main.evaluate("node => node.scrollTop")
    draw_by_finger(page, SEVEN)
    expect(answer(page)).to_contain_text("This looks like a 7 (")
    assert main.evaluate("node => node.scrollTop") == before_px

    plain = seen(page)
    draw_by_finger(page, BAR)
    expect(picture(page)).not_to_have_attribute("src", plain)
    button(page, "Undo").tap()
    expect(picture(page)).to_have_attribute("src", plain)
    page.get_by_role("radio", name="Eraser").tap()
    expect(page.get_by_role("radio", name="Eraser")).to_be_checked()
    draw_by_finger(page, SEVEN[:3])
    expect(picture(page)).not_to_have_attribute("src", plain)
    assert main.evaluate("node => node.scrollWidth <= node.clientWidth")
    button(page, "Undo").tap()
    expect(picture(page)).to_have_attribute("src", plain)
    button(page, "Undo").tap()
    expect(on_page(page, INVITATION)).to_be_visible()
    expect(button(page, "Clear")).to_be_disabled()


def test_undo_brings_back_what_was_there_as_often_as_asked(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/draw?draw_model=fast")
    empty = seen(page)
    draw_and_wait(page, SEVEN)
    expect(picture(page)).not_to_have_attribute("src", empty)
    expect(answer(page)).to_contain_text("This looks like a 7 (")
    plain = seen(page)
    for _ in range(2):
        draw_and_wait(page, BAR)
        expect(picture(page)).not_to_have_attribute("src", plain)
        button(page, "Undo").click()
        expect(picture(page)).to_have_attribute("src", plain)
    button(page, "Clear").click()
    expect(on_page(page, INVITATION)).to_be_visible()
    expect(picture(page)).to_have_attribute("src", empty)
    expect(button(page, "Undo")).to_be_disabled()
    draw_and_wait(page, SEVEN)
    expect(picture(page)).to_have_attribute("src", plain)


def test_sample_is_read_drawn_over_and_survives_a_change_of_page(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/draw")
    empty = seen(page)
    button(page, "Sample").click()
    expect(on_page(page, re.compile(r"MNIST test image [\d,]+, labelled \d"))).to_be_visible()
    expect(on_page(page, INVITATION)).to_have_count(0)
    expect(picture(page)).not_to_have_attribute("src", empty)
    sample = seen(page)
    draw_and_wait(page, BAR)
    expect(picture(page)).not_to_have_attribute("src", sample)
    drawn_over = seen(page)

    page.get_by_role("link", name="Pooling").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pooling")
    page.get_by_role("link", name="Draw a digit").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Draw a digit")
    expect(picture(page)).to_have_attribute("src", drawn_over)
    button(page, "Undo").click()
    expect(picture(page)).to_have_attribute("src", sample)


def expect_strokes(page: Page, n: int) -> None:
    """Expect n strokes on the canvas, all of which the server has confirmed."""
    expect(board(page)).to_have_attribute("data-strokes", str(n))
    expect(board(page)).to_have_attribute("data-waiting", "0")


def test_stroke_begun_as_soon_as_the_canvas_shows_is_never_lost(
    open_page: Callable[..., Page],
) -> None:
    """U1: ten loads of ten, with a slow processor."""
    page = open_page("/draw")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    for _ in range(10):
        page.evaluate("sessionStorage.clear()")
        page.reload(wait_until="commit")
        board(page).wait_for()
        draw(page, SEVEN)
        expect_strokes(page, 1)
    expect(answer(page)).to_contain_text("This looks like a 7 (")


def test_strokes_drawn_before_the_server_has_answered_all_stay(
    open_page: Callable[..., Page],
) -> None:
    """U1: what the server sends late does not overwrite newer strokes."""
    page = open_page("/draw")
    lines = [[(40 * n, 40), (40 * n, 240)] for n in range(1, 6)]
    for line in lines:
        draw(page, line, steps=1)
    expect_strokes(page, 5)
    draw(page, BAR)
    button(page, "Undo").click()
    draw(page, SEVEN)
    expect_strokes(page, 6)
    button(page, "Clear").click()
    draw(page, SEVEN)
    page.get_by_role("link", name="Pooling").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pooling")
    page.get_by_role("link", name="Draw a digit").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Draw a digit")
    expect(board(page)).to_have_count(1)  # the stage of the page before has two
    expect_strokes(page, 1)
    expect(answer(page)).to_contain_text("This looks like a 7 (")


def test_stroke_may_end_anywhere_and_the_pen_does_not_stick(
    open_page: Callable[..., Page],
) -> None:
    """D1: over a disabled button, the sidebar, a heading, another tool, outside the window."""
    page = open_page("/draw")
    places = [button(page, "Undo"), button(page, "Redo"), page.get_by_role("slider")]
    places += [page.get_by_role("link", name="Pooling"), page.get_by_role("heading", level=1)]
    expect(button(page, "Undo")).to_be_disabled()
    start, along, back = on_screen(page, [(140, 60), (140, 220), (60, 200)])
    ends = [place.first.bounding_box() for place in places]
    middles = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in ends if box]
    middles += [(-40, 300), (1400, 300), (600, -40), (600, 900)]
    assert len(middles) == 9
    for n, end in enumerate(middles, start=1):
        page.mouse.move(*start)
        page.mouse.down()
        page.mouse.move(*along)
        page.mouse.move(*end)
        page.mouse.up()
        expect_strokes(page, n)
        drawn = board(page).evaluate("node => node.toDataURL()")
        page.mouse.move(*back, steps=3)
        page.mouse.move(*start, steps=3)
        assert board(page).evaluate("node => node.toDataURL()") == drawn
        expect_strokes(page, n)
    assert page.url.endswith("/draw")


def test_second_finger_draws_nothing_and_the_first_goes_on(
    open_page: Callable[..., Page],
) -> None:
    """D1: one pointer draws at a time, and a stroke that the system breaks off stays."""
    page = open_page("/draw", width=390, height=844, touch=True)
    fingers = page.context.new_cdp_session(page)
    first, second, third, palm = (
        {"x": x, "y": y, "id": which}
        for (x, y), which in zip(
            on_screen(page, [*SEVEN[:3], (60, 220)]), (1, 1, 1, 2), strict=True
        )
    )
    for kind, points in (
        ("touchStart", [first]),
        ("touchMove", [second]),
        ("touchStart", [second, palm]),
        ("touchMove", [third, palm]),
        ("touchCancel", []),
    ):
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    expect_strokes(page, 1)
    lit = """node => [[140, 58], [200, 60], [60, 220]].map(([x, y]) =>
        node.getContext("2d")
            .getImageData((x * node.width) / 280, (y * node.width) / 280, 1, 1).data[0])"""
    assert board(page).evaluate(lit) == [255, 255, 0]


def test_reload_keeps_the_drawing_until_it_is_cleared(open_page: Callable[..., Page]) -> None:
    """D10: strokes on a sample, the sample's name, and undo."""
    page = open_page("/draw")
    empty = seen(page)
    button(page, "Sample").click()
    named = on_page(page, re.compile(r"MNIST test image [\d,]+, labelled \d"))
    name = named.inner_text()
    expect(picture(page)).not_to_have_attribute("src", empty)
    sample = seen(page)
    draw_and_wait(page, BAR)
    both = seen(page)
    page.reload()
    expect(picture(page)).to_have_attribute("src", both)
    expect(named).to_have_text(name)
    expect_strokes(page, 2)
    button(page, "Undo").click()
    expect(picture(page)).to_have_attribute("src", sample)
    button(page, "Clear").click()
    expect(on_page(page, INVITATION)).to_be_visible()
    expect_strokes(page, 0)
    page.reload()
    expect_strokes(page, 0)
    expect(on_page(page, INVITATION)).to_be_visible()


def test_each_way_back_has_one_button(open_page: Callable[..., Page]) -> None:
    """U12: the canvas had a toolbar of its own."""
    page = open_page("/draw")
    draw_and_wait(page, SEVEN)
    board(page).hover()
    main = page.get_by_test_id("stMain")
    for name in ("Undo", "Redo", "Clear"):
        expect(main.get_by_role("button", name=re.compile(name, re.I))).to_have_count(1)
    assert board(page).evaluate("node => node.getRootNode().querySelectorAll('button').length") == 0


def test_address_chooses_model_and_brush(open_page: Callable[..., Page]) -> None:
    n_learned = zoo.preset("fast").network.n_parameters
    page = open_page("/draw?draw_model=fast&draw_brush=28")
    expect(on_page(page, re.compile(f"^{n_learned:,} parameters"))).to_be_visible()
    expect(page.get_by_role("slider")).to_have_value("28")
    draw(page, SEVEN)
    expect(answer(page)).to_contain_text("This looks like a 7 (")
    n_learned = zoo.preset(DEFAULT).network.n_parameters
    page.get_by_role("radio", name=DEFAULT, exact=True).click()
    expect(on_page(page, re.compile(f"^{n_learned:,} parameters"))).to_be_visible()
    expect(page).not_to_have_url(re.compile("draw_model"))
    expect(answer(page)).to_contain_text("This looks like a 7 (")


def test_vanished_run_is_named_and_another_network_reads(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/draw?draw_model=run-vanished")
    expect(on_page(page, wording("models", "missing"))).to_be_visible()
    draw(page, SEVEN)
    expect(answer(page)).to_contain_text("This looks like a 7 (")


def choose_file(page: Page, name: str, content: bytes) -> None:
    button(page, "Picture").click()
    kind = "image/png"
    chosen = {"name": name, "mimeType": kind, "buffer": content}
    page.locator('input[type="file"]').set_input_files(chosen)


def test_a_sheet_of_twelve_is_read_whole_and_a_click_opens_a_digit(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/draw")
    choose_file(page, "sheet.png", sheet(degrees=3.0).content)
    boxes = page.locator(".sheet .boxes button")
    expect(boxes).to_have_count(12)
    expect(page.locator(".sheet .rows > div")).to_have_text([" ".join(row) for row in TWELVE])
    boxes.nth(6).click()
    expect(boxes.nth(6)).to_have_attribute("aria-pressed", "true")
    heading = page.get_by_role("heading")
    expect(heading.filter(has_text="This looks like a 2")).to_be_visible()
    boxes.nth(6).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(heading.filter(has_text="This looks like a 6")).to_be_visible()
    expect(boxes.nth(7)).to_be_focused()
    page.reload()
    expect(boxes.nth(7)).to_have_attribute("aria-pressed", "true")
    expect(boxes).to_have_count(12)


def test_upload_that_is_no_picture_says_so_and_keeps_the_drawing(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/draw")
    draw(page, SEVEN)
    expect(answer(page)).to_contain_text("This looks like a 7 (")
    choose_file(page, "seven.png", b"no picture at all")
    expect(page.get_by_role("alert")).to_contain_text("This is not a picture")
    expect(answer(page)).to_contain_text("This looks like a 7 (")


def test_uploaded_page_is_read_and_can_be_drawn_on(open_page: Callable[..., Page]) -> None:
    page = open_page("/draw")
    paper = Image.new("L", (500, 400), 235)
    ink = Image.fromarray(255 - load_mnist().test.pixels[0]).resize((200, 200))
    paper.paste(ink.point(lambda value: min(value, 235)), (120, 90))
    buffer = io.BytesIO()
    paper.save(buffer, "PNG")
    choose_file(page, "page.png", buffer.getvalue())
    expect(on_page(page, prose("draw", "upload"))).to_be_visible()
    expect(answer(page)).to_contain_text("This looks like a 7 (")
    expect(page.locator('input[type="file"]')).to_be_hidden()
    uploaded = seen(page)
    draw(page, BAR)
    expect(picture(page)).not_to_have_attribute("src", uploaded)


def test_a_shot_of_the_camera_is_taken_for_a_drawing(
    open_page: Callable[..., Page],
    wait_ready: Callable[[Page], None],
    wait_for_camera: Callable[[Page], None],
) -> None:
    page = open_page("/draw")
    button(page, "Picture").click()
    on_page(page, "the camera", exact=True).click()
    wait_for_camera(page)
    wait_ready(page)
    page.get_by_role("button", name="Take photo").click()
    notes = wording("draw", "upload"), wording("draw", "several")
    shown = re.compile("|".join(note.pattern for note in notes))
    expect(on_page(page, shown)).to_be_visible()
    expect(page.get_by_test_id("stCameraInput")).to_have_count(0)
    expect(on_page(page, INVITATION)).to_have_count(0)


def test_xray_follows_its_switches_and_the_pen(open_page: Callable[..., Page]) -> None:
    page = open_page("/draw")
    on_page(page, "Preparation, step by step").click()
    step = page.get_by_role("img", name=prose("draw", "xray_alt", step="Box"))
    crop = page.locator("label").filter(has_text=re.compile("^Crop$"))
    expect(crop).to_be_visible()
    draw_and_wait(page, SEVEN)
    expect(step).to_be_visible()
    plain, boxed = seen(page), step.get_attribute("src")
    crop.click()
    expect(on_page(page, prose("draw", "xray_no_crop"))).to_be_visible()
    expect(picture(page)).not_to_have_attribute("src", plain)
    assert boxed
    expect(step).not_to_have_attribute("src", boxed)
    expect(page).to_have_url(re.compile("draw_step_crop=false"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_with_a_drawing_is_accessible(
    scheme: str,
    open_page: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
) -> None:
    page = open_page("/draw?draw_xray=true&draw_models=true&draw_why_part=true", scheme=scheme)
    draw(page, SEVEN)
    expect(answer(page)).to_be_visible()
    page.get_by_role("radio", name="2", exact=True).click()
    erased = wording("draw", "why_erasure"), wording("draw", "why_other_erasure")
    shown = re.compile("|".join(sentence.pattern for sentence in erased))
    expect(on_page(page, shown)).to_be_visible()
    assert_accessible(page)


def test_a_barred_seven_is_called_one_and_ten_digits_stand_in_two_rows_of_five(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/draw?draw_why_part=true&draw_styles=true", width=390, height=844)
    draw(page, SEVEN)
    draw_and_wait(page, BAR)
    expect(on_page(page, wording("pen_style", "7 bar", rendered=True))).to_be_visible()
    networks = page.get_by_role("list", name=ALT)
    expect(networks).to_have_count(2)
    for name in ("Why is it not a …", "Digit"):
        digits = page.get_by_role("radiogroup", name=name, exact=True).get_by_role("radio")
        expect(digits).to_have_count(10)
        boxes = [digit.bounding_box() for digit in digits.all()]
        rows = [box["y"] for box in boxes if box is not None]
        assert sorted(map(rows.count, set(rows))) == [5, 5]
