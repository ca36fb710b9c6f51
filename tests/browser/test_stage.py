"""The stage in a real browser: it plays, steps, links, and says what Python says."""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from cnn_lab.stage.source import LOOK
from cnn_lab.trace import Trace, arithmetic_latex
from cnn_lab.trace import arithmetic as written
from cnn_lab.trace.grid import UNREAD
from tests.browser.player import arithmetic, caption, centre, stage
from tests.browser.stage_cases import CASES

# What a step shows, read after moving there as the slider does.
READ_STEPS = """(root, steps) => steps.map((step) => {
    const slider = root.querySelector('[aria-label="Step"]');
    slider.value = step;
    slider.dispatchEvent(new Event("input"));
    const texts = (from, what) => [...from.querySelectorAll(what)].map((e) => e.textContent);
    return {
        caption: root.querySelector('[data-testid="stage-caption"]').textContent,
        lines: [...root.querySelectorAll(".line")].map((line) => ({
            terms: texts(line, ".term"),
            totals: texts(line, ".total"),
            end: line.querySelector(".end").textContent,
            result: line.querySelector(".result")?.textContent,
        })),
    };
})"""

# The text that the button would copy, at each of some steps.
READ_LATEX = """async (root, steps) => {
    const copied = [];
    const clipboard = { writeText: async (text) => copied.push(text) };
    Object.defineProperty(navigator, "clipboard", { value: clipboard, configurable: true });
    const slider = root.querySelector('[aria-label="Step"]');
    for (const step of steps) {
        slider.value = step;
        slider.dispatchEvent(new Event("input"));
        root.querySelector(".copy").click();
        await Promise.resolve();
    }
    return copied;
}"""

# Whether there is ink on the four edges of a cell in the moving layer (1) or the standing one (0).
READ_EDGES = """async (root, [layer, key, row, column]) => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const {x, y, size} = root.cellCenter(key, row, column);
    const canvas = root.querySelectorAll("canvas")[layer];
    const box = canvas.getBoundingClientRect();
    const ratio = canvas.width / box.width;
    const at = (dx, dy) => [...canvas.getContext("2d").getImageData(
        Math.round((x + dx - box.left) * ratio), Math.round((y + dy - box.top) * ratio), 1, 1
    ).data];
    const half = size / 2;
    return {
        left: at(-half, 0)[3] > 0,
        right: at(half, 0)[3] > 0,
        top: at(0, -half)[3] > 0,
        bottom: at(0, half)[3] > 0,
        colour: at(half / 2, -half / 2),
    };
}"""


def edges(page: Page, key: str, row: int, column: int, layer: int = 1) -> set[str]:
    found = stage(page).evaluate(READ_EDGES, [layer, key, row, column])
    return {name for name in ("left", "right", "top", "bottom") if found[name]}


def colour(page: Page, key: str, row: int, column: int) -> tuple[int, ...]:
    return tuple(stage(page).evaluate(READ_EDGES, [0, key, row, column])["colour"])


def hover(page: Page, key: str, row: int, column: int) -> None:
    place = centre(page, key, row, column)
    page.mouse.move(place["x"], place["y"])


def click(page: Page, key: str, row: int, column: int) -> None:
    place = centre(page, key, row, column)
    page.mouse.click(place["x"], place["y"])


def expect_step(page: Page, step: int) -> None:
    expect(stage(page)).to_have_attribute("data-step", str(step))


def below(step: int) -> str:
    """What a caption of a cell says of the arithmetic, counting steps from 1."""
    return LOOK["words"]["below"].format(step=step)


def expect_no_rerun(page: Page) -> None:
    expect(page.get_by_text("Runs of the script: 1")).to_be_visible()


def spoken(traces: list[Trace], step: int) -> str:
    sentences = [(trace.name, trace.caption(min(step, len(trace) - 1))) for trace in traces]
    return "\n".join(
        words if len(traces) == 1 or words.startswith(name) else f"{name}: {words}"
        for name, words in sentences
    )


def number(text: str) -> Decimal:
    return Decimal(text.strip("()").replace("−", "-"))


def added_up(trace: Trace, line: dict[str, Any]) -> Decimal:
    """What the shown terms come to, by nothing but the shown digits."""
    if trace.term == "product_sum":
        factors = [term.split("·") for term in line["terms"]]
        total = sum(number(value) * number(weight) for value, weight in factors)
        bias = re.search(r"(?:bias|rest) (\S+)", line["end"])
        return total + (number(bias[1]) if bias else 0)
    values = [number(term) for term in line["terms"]]
    if trace.term == "sum":
        return Decimal(sum(values))
    if trace.term == "maximum":
        return max(values)
    assert line["end"].startswith(f"÷ {len(values)} ")
    return sum(values) / len(values)


def addition(term: str) -> tuple[Decimal, Decimal]:
    """What an addition comes to by its shown digits, and what it says that it comes to."""
    left, right = re.split(" [=≈] ", term)
    before, amount = left.split(" + ")
    factors = [number(factor) for factor in amount.split("·")]
    return number(before) + math.prod(factors), number(right)


@pytest.mark.parametrize("case", CASES)
def test_every_step_says_what_python_says_and_adds_up(
    case: str, show_case: Callable[[str], Page]
) -> None:
    traces = CASES[case]()
    n_steps = max(len(trace) for trace in traces)
    page = show_case(case)
    expect(stage(page)).to_have_attribute("data-steps", str(n_steps))
    steps = sorted({*range(0, n_steps, max(1, n_steps // 40)), n_steps - 1})
    for step, shown in zip(steps, stage(page).evaluate(READ_STEPS, steps), strict=True):
        assert shown["caption"] == spoken(traces, step)
        for trace, line in zip(traces, shown["lines"], strict=True):
            exact = trace.is_exact(min(step, len(trace) - 1))
            if trace.targets.size:
                tolerance = Decimal(0) if exact else Decimal("0.01")
                assert line["terms"]
                for comes_to, says in map(addition, line["terms"]):
                    assert abs(comes_to - says) <= tolerance
                continue
            equals, rounded = ("=", "") if exact else ("≈", " rounded")
            after = written(trace, min(step, len(trace) - 1)).activated
            ending = f"{equals} {line['result']}{after and f' {after}'}{rounded}"
            assert line["end"].endswith(ending)
            if exact:
                assert number(line["result"]) == added_up(trace, line)
            else:
                tolerance = Decimal("0.003") * len(line["terms"])
                assert abs(number(line["result"]) - added_up(trace, line)) < tolerance
            totals = [number(total.lstrip("=≈ ")) for total in line["totals"]]
            if totals and exact:
                bias = number(re.search(r"bias (\S+)", line["end"])[1])
                assert sum(totals) + bias == number(line["result"])
    few = [0, n_steps // 2, n_steps - 1]
    assert stage(page).evaluate(READ_LATEX, few) == [
        "\n\n".join(arithmetic_latex(trace, min(step, len(trace) - 1)) for trace in traces)
        for step in few
    ]


def test_a_step_forward_shows_the_next_sum(open_stage: Callable[..., Page]) -> None:
    page = open_stage("small")
    expect(arithmetic(page)).to_contain_text("= −12")
    page.get_by_label("Step forward").click()
    expect_step(page, 1)
    expect(arithmetic(page)).to_have_text(
        re.compile(r"0·1\s+\+ 1·0\s+\+ 2·\(−1\)\s+\+ 5·2.*= −8", re.S)
    )
    expect(page.get_by_text("2 / 16")).to_be_visible()
    page.get_by_label("Step back").click()
    expect_step(page, 0)
    page.get_by_label("Last step").click()
    expect_step(page, 15)
    page.get_by_label("First step").click()
    expect_step(page, 0)
    expect_no_rerun(page)


def test_it_plays_to_the_end_without_a_rerun(open_stage: Callable[..., Page]) -> None:
    page = open_stage("small")
    page.get_by_label("Speed").select_option("16")
    page.get_by_label("Play", exact=True).click()
    expect(stage(page)).to_have_attribute("data-playing", "true")
    expect_step(page, 15)
    expect(stage(page)).to_have_attribute("data-playing", "false")
    expect(arithmetic(page)).to_contain_text("= −18")
    expect_no_rerun(page)
    page.get_by_label("Play", exact=True).click()
    expect(stage(page)).not_to_have_attribute("data-step", "15")


def test_it_pauses_and_loops(open_stage: Callable[..., Page]) -> None:
    page = open_stage("small", start=14)
    page.get_by_label("Loop").click()
    expect(page.get_by_label("Loop")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Speed").select_option("16")
    page.get_by_label("Play", exact=True).click()
    expect(stage(page)).to_have_attribute("data-step", re.compile("^[1-8]$"))
    page.get_by_label("Pause").click()
    expect(stage(page)).to_have_attribute("data-playing", "false")
    paused_at = stage(page).get_attribute("data-step")
    page.get_by_label("Speed").select_option("1")
    expect_step(page, int(paused_at or -1))


def test_results_appear_as_they_are_reached(open_stage: Callable[..., Page]) -> None:
    page = open_stage("small")
    empty = colour(page, "output-1", 3, 3)
    assert colour(page, "output-1", 0, 1) == empty
    assert colour(page, "output-1", 0, 0) != empty
    page.get_by_label("Last step").click()
    expect_step(page, 15)
    assert colour(page, "output-1", 3, 3) != empty
    page.get_by_label("First step").click()
    expect_step(page, 0)
    assert colour(page, "output-1", 3, 3) == empty


@pytest.mark.parametrize("reduced_motion", [False, True])
def test_the_value_travels_unless_the_reader_asked_for_less(
    reduced_motion: bool, open_stage: Callable[..., Page]
) -> None:
    page = open_stage("small", reduced_motion=reduced_motion)
    empty = colour(page, "output-1", 3, 3)
    at_once = stage(page).evaluate(
        f"""async (root) => {{
            root.querySelector('[aria-label="Step forward"]').click();
            return ({READ_EDGES})(root, [0, "output-1", 0, 1]);
        }}"""
    )["colour"]
    assert (tuple(at_once) == empty) == (not reduced_motion)
    page.wait_for_function(
        """([root, empty, read]) => eval(read)(root, [0, "output-1", 0, 1])
            .then(({colour}) => colour.join() !== empty)""",
        arg=[stage(page).element_handle(), ",".join(map(str, empty)), READ_EDGES],
    )


def test_by_keyboard_alone(open_stage: Callable[..., Page]) -> None:
    page = open_stage("small")
    stage(page).get_by_role("application").focus()
    for key, step in [
        ("ArrowRight", 1),
        ("ArrowDown", 5),
        ("ArrowLeft", 4),
        ("ArrowUp", 0),
        ("ArrowUp", 0),
        ("End", 15),
        ("ArrowDown", 15),
        ("Home", 0),
    ]:
        page.keyboard.press(key)
        expect_step(page, step)
    page.keyboard.press("+")
    expect(page.get_by_label("Speed")).to_have_value("2")
    page.keyboard.press("-")
    page.keyboard.press("-")
    expect(page.get_by_label("Speed")).to_have_value("0.5")
    page.keyboard.press("Space")
    expect(stage(page)).to_have_attribute("data-playing", "true")
    page.keyboard.press("Space")
    expect(stage(page)).to_have_attribute("data-playing", "false")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Look around the cells")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("First step")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("Pause")).to_be_focused()
    expect(stage(page)).to_have_attribute("data-playing", "true")
    page.keyboard.press("Space")
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    expect_step(page, 15)


def test_pointing_at_a_result_shows_what_it_reads(open_stage: Callable[..., Page]) -> None:
    page = open_stage("small")
    traces = CASES["small"]()
    hover(page, "output-1", 2, 3)
    expect(caption(page)).to_have_text(spoken(traces, 11))
    expect_step(page, 0)
    assert edges(page, "input", 2, 3) == {"left", "top"}
    assert edges(page, "input", 4, 5) == {"right", "bottom"}
    assert edges(page, "input", 3, 4) == set()
    assert edges(page, "output-1", 2, 3) == {"left", "right", "top", "bottom"}
    page.mouse.move(5, 5)
    expect(caption(page)).to_have_text(spoken(traces, 0))
    assert edges(page, "input", 4, 5) == set()
    expect_no_rerun(page)


def test_pointing_at_an_input_shows_every_result_that_uses_it(
    open_stage: Callable[..., Page],
) -> None:
    page = open_stage("small", start=15)
    hover(page, "input", 2, 2)
    expect(caption(page)).to_contain_text("Input, row 2, column 2: 2; 9 ")
    assert edges(page, "output-1", 0, 0) == {"left", "top"}
    assert edges(page, "output-1", 1, 1) == set()
    assert edges(page, "output-1", 2, 2) == {"right", "bottom"}
    assert edges(page, "output-1", 3, 1) == {"top"}
    hover(page, "input", 0, 0)
    expect(caption(page)).to_contain_text("Input, row 0, column 0: 3; 1 ")


def test_pointing_at_a_weight_shows_everything_it_touches(
    open_stage: Callable[..., Page],
) -> None:
    page = open_stage("colour", start=16)
    hover(page, "kernel-2-1", 0, 0)
    expect(caption(page)).to_have_text(
        f"Filter 2, red, row 0, column 0: −1; 16 output cells use it. {below(17)}"
    )
    assert edges(page, "output-2", 3, 3) == {"right", "bottom"}
    assert edges(page, "output-1", 3, 3) == set()
    assert edges(page, "input-1", 3, 3) == {"right", "bottom"}
    assert edges(page, "input-2", 4, 4) == set()


def test_pointing_at_a_share_shows_its_filter(open_stage: Callable[..., Page]) -> None:
    page = open_stage("colour")
    traces = CASES["colour"]()
    hover(page, "output-4", 1, 2)
    expect(caption(page)).to_have_text(spoken(traces, 3 * 16 + 6))
    hover(page, "partial-1-3", 3, 0)
    expect(caption(page)).to_have_text(spoken(traces, 12))


def test_unread_cells_say_so(open_stage: Callable[..., Page]) -> None:
    page = open_stage("stride")
    hover(page, "input", 7, 3)
    unread = "Input, row 6, column 2: padding, 0; no window reads it."
    expect(caption(page)).to_have_text(f"{unread} {below(1)}")
    page = open_stage("overlapping")
    hover(page, "input", 6, 4)
    expect(caption(page)).to_contain_text("Input, row 6, column 4: padding; 2 ")


def test_a_cell_and_the_sum_below_it_are_never_mistaken_for_each_other(
    open_stage: Callable[..., Page],
) -> None:
    """U7: pointing at a cell leaves the sum of the step, and says so; by finger and keys too."""
    page = open_stage("small", start=6)
    of_step = arithmetic(page).inner_text()
    hover(page, "input", 0, 0)
    expect(caption(page)).to_contain_text("Input, row 0, column 0: 3;")
    expect(caption(page)).to_contain_text(below(7))
    assert arithmetic(page).inner_text() == of_step
    hover(page, "output-1", 0, 0)
    expect(caption(page)).to_have_text(spoken(CASES["small"](), 0))
    expect(arithmetic(page)).to_contain_text("= −12")
    click(page, "kernel-1-1", 0, 0)
    page.mouse.move(5, 5)
    expect(caption(page)).to_contain_text(below(7))
    page.keyboard.press("ArrowRight")
    expect(caption(page)).to_contain_text(below(8))
    page.keyboard.press("Escape")
    expect(caption(page)).to_have_text(spoken(CASES["small"](), 7))


def test_copies_in_the_padding_are_counted_for_the_pixel(open_stage: Callable[..., Page]) -> None:
    """N3: a pixel that only copies of it bring to a window is not called unread."""
    page = open_stage("copied")
    (trace,) = CASES["copied"]()
    hover(page, "input", 6, 1)
    expect(caption(page)).to_contain_text(
        "Input, row 5, column 0: 2; no window reads it, but 1 output cell uses a copy of it in "
        "the padding."
    )
    hover(page, "input", 0, 1)
    expect(caption(page)).to_contain_text("row −1, column 0: padding, a copy of row 5, column 0, 2")
    grid = trace.grid("input")
    assert not grid.mask[6, 1] & UNREAD
    page = open_stage("strongest")
    hover(page, "input-1", 1, 1)
    expect(caption(page)).to_contain_text("of the output cells shown here use")


def test_a_term_points_at_its_cells(open_stage: Callable[..., Page]) -> None:
    page = open_stage("small")
    arithmetic(page).get_by_text("8·(−2)").hover()
    assert edges(page, "kernel-1-1", 1, 2) == {"left", "right", "top", "bottom"}
    assert edges(page, "kernel-1-1", 2, 1) == set()


def test_a_click_goes_to_a_result_and_pins_any_other_cell(
    open_stage: Callable[..., Page],
) -> None:
    page = open_stage("small")
    click(page, "output-1", 1, 2)
    expect_step(page, 6)
    click(page, "input", 0, 0)
    page.mouse.move(5, 5)
    expect(caption(page)).to_contain_text("; 1 ")
    expect_step(page, 6)
    page.keyboard.press("Escape")
    expect(caption(page)).to_have_text(spoken(CASES["small"](), 6))
    expect_no_rerun(page)


def test_a_finger_taps_and_drags(open_stage: Callable[..., Page]) -> None:
    page = open_stage("small", width=390, height=844, touch=True)
    place = centre(page, "output-1", 2, 1)
    page.touchscreen.tap(place["x"], place["y"])
    expect_step(page, 9)
    place = centre(page, "input", 0, 0)
    page.touchscreen.tap(place["x"], place["y"])
    expect(caption(page)).to_contain_text("; 1 ")
    expect_step(page, 9)
    points = [centre(page, "output-1", row, column) for row, column in [(0, 0), (0, 2), (3, 2)]]
    session = page.context.new_cdp_session(page)
    for kind, point in zip(["touchStart", "touchMove", "touchMove"], points, strict=True):
        touch = {"x": point["x"], "y": point["y"]}
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [touch]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect_step(page, 14)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0


def test_new_data_keeps_the_player_and_the_readers_place(
    open_stage: Callable[..., Page],
) -> None:
    page = open_stage("changing")
    page.get_by_label("Speed").select_option("2")
    click(page, "output-1", 1, 1)
    expect_step(page, 5)
    stage(page).evaluate("(root) => { root.isTheSame = true; }")
    page.get_by_role("radio", name="2").click()
    expect(stage(page)).to_have_attribute("data-steps", "4")
    expect_step(page, 3)
    expect(caption(page)).to_contain_text("row 1, column 1")
    expect(page.get_by_label("Speed")).to_have_value("2")
    assert stage(page).evaluate("(root) => root.isTheSame")


def test_nothing_jumps(open_stage: Callable[..., Page]) -> None:
    page = open_stage("overlapping")
    before = page.get_by_text("Runs of the script").bounding_box()
    for step in [8, 4, 2, 0]:
        page.get_by_label("Step", exact=True).fill(str(step))
        expect_step(page, step)
        assert page.get_by_text("Runs of the script").bounding_box() == before
    hover(page, "input", 0, 0)
    expect(caption(page)).to_contain_text("uses it")
    assert page.get_by_text("Runs of the script").bounding_box() == before


@pytest.mark.parametrize("case", ["small", "digit", "colour", "digit-pooling", "large-kernel"])
def test_it_fits_a_phone(case: str, open_stage: Callable[..., Page]) -> None:
    page = open_stage(case, width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert (
        page.locator("[data-testid=stMain]").evaluate("(e) => e.scrollWidth - e.clientWidth") <= 0
    )
    expect(page.get_by_label("Full screen")).to_be_hidden()  # a phone's screen is full
    controls = page.locator(".controls").locator("button:visible, select, input").all()
    assert len(controls) == 8
    for control in controls:
        box = control.bounding_box()
        assert box is not None
        assert box["width"] >= 40
        assert box["height"] >= 40
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_wears_the_theme_and_is_accessible(
    scheme: str, open_stage: Callable[..., Page], assert_accessible: Callable[[Page], None]
) -> None:
    page = open_stage("pooling", scheme=scheme)
    red, green, blue, _ = colour(page, "output", 2, 2)
    assert (red + green + blue > 600) == (scheme == "light")
    assert_accessible(page)


def test_the_theme_can_change_under_way(open_stage: Callable[..., Page]) -> None:
    page = open_stage("pooling", start=3)
    bright = colour(page, "output", 2, 2)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        """([root, bright, read]) => eval(read)(root, [0, "output", 2, 2])
            .then(({colour}) => colour[0] < bright / 2)""",
        arg=[stage(page).element_handle(), bright[0], READ_EDGES],
    )
    expect_step(page, 3)


def test_a_screen_reader_is_not_flooded(open_stage: Callable[..., Page]) -> None:
    page = open_stage("small")
    value = stage(page).locator("[data-says=value]")
    expect(value).to_have_attribute("aria-live", "polite")
    page.get_by_label("Speed").select_option("4")
    page.get_by_label("Play", exact=True).click()
    expect(value).to_have_attribute("aria-live", "off")
    page.get_by_label("Pause").click()
    expect(value).to_have_attribute("aria-live", "polite")


def test_the_picture_is_sharp(open_stage: Callable[..., Page], new_context: Any) -> None:
    page = open_stage("small")
    widths = "(root) => [root.querySelector('canvas').width, root.clientWidth, devicePixelRatio]"
    pixels, width, ratio = stage(page).evaluate(widths)
    assert (pixels, ratio) == (width, 1)
    sharp = new_context(device_scale_factor=2).new_page()
    sharp.goto(page.url)
    expect_step(sharp, 0)
    pixels, width, ratio = stage(sharp).evaluate(widths)
    assert (pixels, ratio) == (2 * width, 2)
