"""The stage's cells by keyboard and in words: a grid to look around in, and what is spoken."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from cnn_lab.stage.source import LOOK
from tests.browser.player import caption, stage
from tests.browser.stage_cases import CASES


def cells(page: Page) -> Locator:
    return stage(page).get_by_role("grid")


def focused(page: Page) -> Locator:
    """The cell that has the focus."""
    return stage(page).locator("[role=gridcell]:focus")


def said(page: Page, what: str) -> Locator:
    """What is spoken: the "value" of a step, or the "rest"."""
    return stage(page).locator(f"[data-says={what}]")


def number(value: float) -> str:
    """A whole number as the stage writes it."""
    return f"{value:g}".replace("-", "−")


def test_cells_are_looked_around_in_by_keys(
    open_stage: Callable[..., Page], assert_accessible: Callable[[Page], None]
) -> None:
    page = open_stage("small")
    (trace,) = CASES["small"]()
    output = trace.grid("output-1").values
    image = trace.grid("input").values
    page.get_by_role("application").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Look around the cells")).to_be_focused()
    page.keyboard.press("Enter")
    expect(cells(page)).to_have_accessible_name("Output, 4 rows, 4 columns")
    expect(focused(page)).to_have_accessible_name(f"{number(output[0, 0])}, row 0, column 0")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
    expect(focused(page)).to_have_accessible_name(
        f"{number(output[2, 0])}, row 2, column 0, at step 9"
    )
    expect(caption(page)).to_contain_text("row 2, column 0")
    expect(stage(page)).to_have_attribute("data-step", "0")
    page.keyboard.press("Enter")
    expect(stage(page)).to_have_attribute("data-step", "8")
    expect(focused(page)).to_have_accessible_name(f"{number(output[2, 0])}, row 2, column 0")
    page.keyboard.press("PageDown")
    page.keyboard.press("Control+End")
    expect(cells(page)).to_have_accessible_name("Input, 6 rows, 6 columns")
    expect(focused(page)).to_have_accessible_name(f"{number(image[5, 5])}, row 5, column 5")
    page.keyboard.press("Home")
    expect(focused(page)).to_have_accessible_name(f"{number(image[5, 0])}, row 5, column 0")
    expect(caption(page)).to_contain_text("Input, row 5, column 0")
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("application")).to_be_focused()
    expect(cells(page)).to_have_count(0)
    page.keyboard.press("g")
    expect(focused(page)).to_have_accessible_name(f"{number(output[2, 0])}, row 2, column 0")


def test_a_cell_is_edited_where_it_was_looked_at(open_page: Callable[..., Page]) -> None:
    page = open_page("/convolution")
    expect(stage(page)).to_have_attribute("data-steps", "16")
    page.get_by_role("application").press("g")
    page.keyboard.press("PageUp")
    expect(cells(page)).to_have_accessible_name("Kernel, 3 rows, 3 columns")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(stage(page)).to_have_attribute("data-unseen", "0")
    page.keyboard.press("ArrowLeft")
    expect(focused(page)).to_have_accessible_name("7, row 1, column 0")


def test_the_value_is_spoken_first_and_the_rest_when_the_step_rests(
    open_stage: Callable[..., Page],
) -> None:
    page = open_stage("small")
    (trace,) = CASES["small"]()
    values = trace.grid("output-1").values
    for what in ("value", "rest"):
        expect(said(page, what)).to_have_attribute("aria-live", "polite")
    expect(said(page, "rest")).to_have_text(trace.caption(0))
    page.get_by_role("application").focus()
    rests = """root => {
        root.rests = [];
        const region = root.querySelector("[data-says=rest]");
        const note = () => root.rests.push(region.textContent);
        new MutationObserver(note).observe(region, { childList: true });
    }"""
    stage(page).evaluate(rests)
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    expect(said(page, "value")).to_have_text(f"{number(values[1, 2])}, row 1, column 2")
    expect(said(page, "rest")).to_have_text(trace.caption(6))
    spoken = stage(page).evaluate("root => root.rests")
    assert trace.caption(6) in spoken
    assert len(spoken) < 6


def test_each_value_has_its_name_where_several_are_computed(
    open_stage: Callable[..., Page],
) -> None:
    page = open_stage("pooling")
    largest, mean = CASES["pooling"]()
    values = [trace.result_grids[0].values[0, 0] for trace in (largest, mean)]
    expect(said(page, "value")).to_have_text(
        f"{largest.name}: {number(values[0])}, row 0, column 0; "
        f"{mean.name}: {number(values[1])}, row 0, column 0"
    )


def test_a_sum_that_grows_reads_as_far_as_it_has_come(open_stage: Callable[..., Page]) -> None:
    page = open_stage("input-scatter")
    page.get_by_role("application").press("g")
    page.keyboard.press("PageUp")  # from the first grid to the last
    expect(cells(page)).to_have_accessible_name("Input gradient, 7 rows, 7 columns")
    page.keyboard.press("Control+End")
    untouched = "nothing added yet, row 6, column 6, on the padding"
    expect(focused(page)).to_have_accessible_name(untouched)
    stage(page).get_by_label("Last step").click()
    focused_later = cells(page).get_by_role("gridcell").last
    expect(focused_later).not_to_have_accessible_name(re.compile("nothing"))
    expect(focused_later).to_have_accessible_name(re.compile("row 6, column 6"))


def test_the_grid_begins_at_the_cell_that_is_asked_for_and_does_not_tell_its_value(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/convolution?conv_predict=true")
    expect(stage(page)).to_have_attribute("data-steps", "16")
    page.get_by_role("application").press("g")
    words = LOOK["words"]
    name = re.compile(f"^{words['hidden']}, row .*, {words['asked'].lower()}$")
    expect(focused(page)).to_have_accessible_name(name)
    expect(said(page, "value")).to_contain_text(words["hidden"])
