"""What the stage offers beyond playing: LaTeX, tables, the full screen, gradients to follow."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from cnn_lab.stage.source import LOOK
from cnn_lab.trace import arithmetic_latex, format_number
from tests.browser.player import caption, centre, on_page, stage
from tests.browser.stage_cases import CASES

READ_TABLE = """(root, title) => {
    const table = [...root.querySelectorAll("table")].find(
        (each) => each.caption.textContent.startsWith(title)
    );
    const cells = (row) => [...row.querySelectorAll("td")];
    return [...table.tBodies[0].rows].map((row) => cells(row).map((cell) => ({
        text: cell.textContent, now: cell.className === "now", title: cell.title,
    })));
}"""


def table(page: Page, title: str) -> list[list[dict[str, Any]]]:
    return stage(page).evaluate(READ_TABLE, title)


def test_copying_says_so_for_a_moment(open_stage: Callable[..., Page]) -> None:
    page = open_stage("small")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as LaTeX").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    (trace,) = CASES["small"]()
    assert page.evaluate("navigator.clipboard.readText()") == arithmetic_latex(trace, 0)
    expect(page.get_by_role("button", name="Copy as LaTeX")).to_be_visible()


def test_without_a_clipboard_the_latex_comes_in_a_field(open_stage: Callable[..., Page]) -> None:
    page = open_stage("small")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_role("button", name="Copy as LaTeX").click()
    field = page.get_by_label("Arithmetic of this step as LaTeX")
    expect(field).to_have_value(re.compile(r"^3 \\cdot 1 .*= -12$"))
    expect(field).to_be_focused()


def test_tables_hold_what_the_picture_shows(open_stage: Callable[..., Page]) -> None:
    (trace,) = CASES["small"]()
    page = open_stage("small", start=5)
    on_page(page, "Numbers as tables").click()
    expect(page.get_by_role("table", name="Input, 6 × 6")).to_be_visible()
    shown = table(page, "Input")
    assert [[int(cell["text"]) for cell in row] for row in shown] == trace.grids[0].values.tolist()
    marked = {(r, c) for r, row in enumerate(shown) for c, cell in enumerate(row) if cell["now"]}
    assert marked == {(r, c) for r in (1, 2, 3) for c in (1, 2, 3)}
    output = trace.grid("output-1")
    texts = [cell["text"] for row in table(page, "Output") for cell in row]
    numbers = [format_number(value, output.precision) for value in output.values.ravel()]
    assert texts == numbers[:6] + [""] * 10
    page.get_by_label("Step forward").click()
    expect(stage(page)).to_have_attribute("data-step", "6")
    assert table(page, "Output")[1][2]["text"] == numbers[6]


def test_tables_of_what_scatters_hold_the_totals_so_far(open_stage: Callable[..., Page]) -> None:
    (trace,) = CASES["kernel-scatter"]()
    page = open_stage("kernel-scatter", start=3)
    on_page(page, "Numbers as tables").click()
    totals = [int(cell["text"].replace("−", "-")) for row in table(page, "Kernel") for cell in row]
    assert totals == trace.totals[trace.links(3)].tolist()
    page.get_by_label("Last step").click()
    expect(stage(page)).to_have_attribute("data-step", "15")
    finals = [int(cell["text"].replace("−", "-")) for row in table(page, "Kernel") for cell in row]
    assert finals == trace.grid("grad-kernel").values.ravel().tolist()


def test_gathering_and_scattering_end_with_the_same_numbers(
    open_stage: Callable[..., Page],
) -> None:
    finals = []
    for case in ("kernel-gather", "kernel-scatter"):
        page = open_stage(case)
        page.get_by_label("Last step").click()
        on_page(page, "Numbers as tables").click()
        expect(page.get_by_role("table", name="Kernel gradient, 3 × 3")).to_be_visible()
        finals.append([[cell["text"] for cell in row] for row in table(page, "Kernel gradient")])
    assert finals[0] == finals[1]


def test_padding_says_so_in_a_table(open_stage: Callable[..., Page]) -> None:
    page = open_stage("padded")
    on_page(page, "Numbers as tables").click()
    expect(page.get_by_role("table", name="Input, 6 × 6, padded to 8 × 8")).to_be_visible()
    assert table(page, "Input")[0][0]["title"] == "Padding"
    assert table(page, "Input")[1][1]["title"] == ""


def test_the_screen_is_filled_and_left_again(open_stage: Callable[..., Page]) -> None:
    page = open_stage("small", width=1920, height=1080)
    before = centre(page, "input", 0, 0)["size"]
    page.get_by_label("Full screen").click()
    expect(page.get_by_label("Leave full screen")).to_be_visible()
    after = centre(page, "input", 0, 0)
    assert after["size"] > 1.2 * before  # which the wide page has enlarged already
    page.mouse.move(after["x"], after["y"])
    expect(caption(page)).to_contain_text("Input, row 0, column 0: 3")
    stage(page).locator(".picture").press("f")
    expect(page.get_by_label("Full screen", exact=True)).to_be_visible()
    assert centre(page, "input", 0, 0)["size"] == before


def test_a_back_row_can_read_the_full_screen(open_stage: Callable[..., Page]) -> None:
    """At 1920 x 1080 nothing is cut off, and the caption and the sum are 32 pixels high."""
    page = open_stage("small", width=1920, height=1080)
    page.get_by_label("Speed").select_option("0.25")
    for _ in range(2):  # left and entered again while it plays
        stage(page).locator(".picture").press("f")
        expect(page.get_by_label("Leave full screen")).to_be_visible()
        if stage(page).get_attribute("data-playing") == "false":
            page.keyboard.press("Space")
        page.keyboard.press("f")
        expect(page.get_by_label("Full screen", exact=True)).to_be_visible()
    expect(stage(page)).to_have_attribute("data-playing", "true")
    page.keyboard.press("f")
    expect(page.get_by_label("Leave full screen")).to_be_visible()
    page.keyboard.press("Space")
    expect(stage(page)).to_have_attribute("data-playing", "false")
    expect(page.locator(".stage .heading")).to_have_text("Cross-correlation")
    font = "(part) => parseFloat(getComputedStyle(part).fontSize)"
    assert caption(page).evaluate(font) >= 32
    assert page.locator(".stage .term").first.evaluate(font) >= 32
    assert stage(page).evaluate("(root) => root.scrollHeight <= window.innerHeight")
    corners = [centre(page, key, row, 0) for key, row in (("input", 0), ("input", 5))]
    assert corners[1]["y"] - corners[0]["y"] > 0.4 * 1080  # the picture takes the screen


def test_a_wide_page_has_larger_cells(open_stage: Callable[..., Page]) -> None:
    sizes = {
        width: centre(open_stage("small", width=width, height=height), "input", 0, 0)["size"]
        for width, height in ((1280, 800), (1920, 1080))
    }
    assert sizes[1920] >= 1.25 * sizes[1280]


@pytest.mark.parametrize(
    "name",
    [
        "Full screen",
        "First step",
        "Step back",
        "Step forward",
        "Last step",
        "Loop",
        "Copy as LaTeX",
        "Numbers as tables",
        "Speed",
        "Step",
    ],
)
def test_space_plays_after_a_click_on_any_control(
    name: str, open_stage: Callable[..., Page]
) -> None:
    """U3: in full screen it does not leave it, and no button is pressed a second time."""
    page = open_stage("digit", start=30)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    if name == "Speed":
        page.get_by_label(name).click()
        page.get_by_label(name).select_option("0.25")
    elif name == "Numbers as tables":
        on_page(page, name).click()
    else:
        page.get_by_label(name, exact=True).or_(on_page(page, name, exact=True)).first.click()
    if name == "Full screen":
        expect(page.get_by_label("Leave full screen")).to_be_visible()
    page.get_by_label("Speed").select_option("0.25")
    page.keyboard.press("Space")
    expect(stage(page)).to_have_attribute("data-playing", "true")
    page.keyboard.press("Space")
    expect(stage(page)).to_have_attribute("data-playing", "false")
    if name == "Full screen":
        expect(page.get_by_label("Leave full screen")).to_be_visible()
        for _ in range(20):
            page.keyboard.press("Tab")
            if stage(page).evaluate("(e) => e.getRootNode().activeElement.className") == "screen":
                break
        page.keyboard.press("Space")
        expect(page.get_by_label("Full screen", exact=True)).to_be_visible()
        expect(stage(page)).to_have_attribute("data-playing", "false")


def test_a_source_goes_to_its_step_and_a_target_names_its_steps(
    open_stage: Callable[..., Page],
) -> None:
    page = open_stage("input-scatter")
    place = centre(page, "grad-output", 1, 2)
    page.mouse.click(place["x"], place["y"])
    expect(stage(page)).to_have_attribute("data-step", "5")
    expect(caption(page)).to_contain_text("Output gradient, row 1, column 2, is 1: 1 times")
    place = centre(page, "grad-input", 2, 2)
    page.mouse.move(place["x"], place["y"])
    expect(caption(page)).to_contain_text("after 4 steps")


def test_a_shared_kernel_says_what_it_does_in_each_figure(open_stage: Callable[..., Page]) -> None:
    page = open_stage("paddings")
    place = centre(page, "kernel-1-1", 0, 0)
    page.mouse.move(place["x"], place["y"])
    expect(caption(page)).to_have_text(
        "Valid: Kernel, row 0, column 0: 1; 16 output cells use it.\n"
        "Same: Kernel, row 0, column 0: 1; 36 output cells use it.\n"
        "Full: Kernel, row 0, column 0: 1; 64 output cells use it.\n"
        + LOOK["words"]["below"].format(step=1)
    )


def test_a_pixel_that_wins_nothing_gets_nothing(open_stage: Callable[..., Page]) -> None:
    page = open_stage("max-gradient-gather")
    expect(caption(page)).to_contain_text("largest cell of no window, so its gradient is 0")
    expect(page.get_by_test_id("stage-arithmetic")).to_have_text(re.compile(r"^\s*= 0$"))
