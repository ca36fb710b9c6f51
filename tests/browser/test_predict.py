"""Predict first in a browser: what is asked for is not there before it is answered."""

import numpy as np
import pytest
from playwright.sync_api import expect

from cnn_lab.teaching import QUESTIONS
from cnn_lab.trace import convolution_trace
from tests.browser.player import arithmetic, caption, on_page, stage
from tests.browser.stage_cases import CASES, PATCH
from tools.server import ROOT

KERNEL = np.array([[1.0, 2], [0, -1]])
TYPED = "; ".join(" ".join(map(str, row)) for row in PATCH.tolist())
QUERY = (
    f"/convolution?conv_values={TYPED}&conv_kernel_rows=2&conv_kernel_columns=2"
    "&conv_weights=1 2; 0 -1"
)


def output():
    """The trace of the page, its result and where that is largest."""
    trace = convolution_trace(PATCH, KERNEL[..., np.newaxis, np.newaxis])
    values = trace.grid("output-1").values
    return trace, values, int(np.abs(values).argmax())


def test_no_frame_has_the_result_before_the_answer_and_play_shows_it(
    new_context, app_url, wait_ready
):
    trace, values, strongest = output()
    packed = trace.to_wire()["grids"][-1]["values"]["base64"].encode()
    page = new_context().new_page()
    frames: list[bytes] = []
    page.on(
        "websocket",
        lambda socket: socket.on(
            "framereceived",
            lambda data: frames.append(data.encode() if isinstance(data, str) else data),
        ),
    )
    page.goto(f"{app_url}{QUERY}&conv_predict=true")
    wait_ready(page)
    expect(stage(page)).to_have_attribute("data-step", str(strongest))
    expect(arithmetic(page)).to_contain_text("= ?")
    expect(caption(page)).to_contain_text("?")
    field = page.get_by_label("Your answer")
    field.fill("what")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert not any(packed in frame for frame in frames)
    field.fill("1000")
    field.press("Enter")
    right = f"{values.flat[strongest]:g}"
    expect(caption(page)).to_contain_text("1000")
    expect(caption(page)).to_contain_text(right)
    expect(stage(page)).to_have_attribute("data-step", str(strongest))
    expect(arithmetic(page)).to_contain_text(f"= {right}")
    assert not any(packed in frame for frame in frames)  # the other cells are still hidden
    page.get_by_role("switch", name="Predict first").press(" ")
    expect(page.get_by_role("tab", name="Explained")).to_be_visible()
    assert any(packed in frame for frame in frames)


def test_it_is_switched_on_from_the_stage_and_played_by_touch_on_a_phone(
    open_page, assert_accessible
):
    _, values, strongest = output()
    page = open_page(QUERY, width=390, scheme="dark", touch=True)
    page.get_by_role("button", name="Predict first").tap()
    field = page.get_by_label("Your answer")
    expect(field).to_be_in_viewport()
    expect(field).to_have_attribute("inputmode", "text")  # the one with a minus sign
    expect(stage(page)).to_have_attribute("data-step", str(strongest))
    assert_accessible(page)
    field.fill(f"{values.flat[strongest]:g}")
    page.get_by_role("button", name="Check").tap()
    expect(caption(page)).to_contain_text(f"{values.flat[strongest]:g}")
    page.get_by_role("button", name="Another cell").tap()
    expect(stage(page)).not_to_have_attribute("data-step", str(strongest))
    expect(arithmetic(page)).to_contain_text("= ?")
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    "case",
    ["colour", "rectified", "overlapping", "kernel-both", "max-gradient", "average-gradient"],
)
def test_a_hidden_result_can_be_played_and_shows_no_number(show_case, case):
    page = show_case(f"{case} hidden")
    traces = CASES[case]()
    steps = max(len(trace) for trace in traces)
    expect(stage(page)).to_have_attribute("data-steps", str(steps))
    on_page(page, "Numbers as tables").click()
    page.get_by_role("button", name="Last step").click()
    expect(stage(page)).to_have_attribute("data-step", str(steps - 1))
    for trace in traces:
        lead = f"{trace.name}: " if len(traces) > 1 else ""
        for grid in trace.result_grids:
            table = page.get_by_role("table", name=f"{lead}{grid.title}").first
            cells = table.get_by_role("cell").all_text_contents()
            assert set(cells) <= {"?", ""}
    page.get_by_role("button", name="First step").click()
    page.get_by_role("button", name="Step forward").click()
    expect(stage(page)).to_have_attribute("data-step", "1")


def test_a_grid_is_filled_by_keyboard_and_cells_are_chosen_by_touch(
    serve, open_page, assert_accessible
):
    url = serve(ROOT / "tests" / "browser" / "question_harness.py")
    key = np.atleast_2d(QUESTIONS["max-pool-gradient"].make(seed=3).key)
    page = open_page("/?q=max-pool-gradient&seed=3", url=url)
    page.get_by_label("row 0, column 0").focus()
    for each in key.ravel():
        page.keyboard.type(f"{each:g}")
        page.keyboard.press("Enter")
    expect(on_page(page, "right", exact=True)).to_be_visible()

    points = QUESTIONS["max-pool-winner"].make(seed=3).key
    phone = open_page("/?q=max-pool-winner&seed=3", url=url, width=390, touch=True)
    assert_accessible(phone)
    for row, column in points:
        phone.get_by_role("button", name=f"row {row}, column {column}").tap()
    written = phone.locator(".st-key-asked_answer input")
    expect(written).to_have_value("; ".join(f"{row} {column}" for row, column in points))
    phone.get_by_role("button", name="Check").tap()
    expect(phone.get_by_text("right", exact=True)).to_be_visible()
