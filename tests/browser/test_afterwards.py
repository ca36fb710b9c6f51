"""A run that is over, in a browser: its errors by a click, and its way there played."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app.kept_runs import MOMENTS, add_snapshots, judged, keep
from tools.server import ROOT


@pytest.fixture
def opened(serve: Callable[..., str], open_page: Callable[..., Page], tmp_path: Path) -> Page:
    result = judged()
    run_id = keep(tmp_path, result)
    add_snapshots(tmp_path, run_id)
    url = serve(ROOT / "app.py", CNN_LAB_RUNS=str(tmp_path))
    query = f"run={run_id}&training_compare=fast&training_result=Results"
    return open_page(f"/training?{query}", url=url)


def test_a_click_filters_the_mistakes_and_the_time_machine_plays(
    opened: Page, assert_accessible: Callable[[Page], None]
) -> None:
    mistakes = opened.locator(".mistakes [role=listitem]")
    worst = mistakes.first.inner_text()
    label, read = worst[0], worst.split("read as ")[1][0]
    marks = opened.locator(".st-key-training_confusion .scatterlayer .point")
    expect(marks).to_have_count(100)
    # Plotly lays its own sheet over the marks, so that the mouse has to find the place.
    mark = marks.nth(10 * int(label) + int(read))
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    place = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    opened.mouse.move(*place)
    chart = opened.locator(".st-key-training_confusion")
    expect(chart.locator(".hoverlayer")).to_contain_text(f"{label} read as {read}: ")
    opened.mouse.click(*place)
    expect(opened.get_by_label("Worst mistakes")).to_have_value(f"{label} read as {read}")
    for text in mistakes.all_inner_texts():
        assert text.startswith(f"{label}, read as {read}")
    expect(opened).to_have_url(re.compile(rf"training_confused={label}\+read\+as\+{read}"))

    opened.get_by_role("tab", name="Replay").click()
    machine = opened.locator(".st-key-training_machine")
    words, slider = machine.locator(".words"), machine.get_by_role("slider", name="Moment")
    expect(words).to_contain_text("Epoch 3 of 3")
    expect(machine.locator("canvas")).to_have_count(2)
    slider.press("Home")
    expect(words).to_contain_text("Before the first batch.")
    before = machine.locator("canvas").first.evaluate("node => node.toDataURL()")
    machine.get_by_role("button", name="Play").click()
    expect(words).to_contain_text("Epoch 3 of 3")
    expect(machine.get_by_role("button", name="Play")).to_be_visible()  # it has come to its end
    assert slider.input_value() == str(len(MOMENTS) - 1)
    assert machine.locator("canvas").first.evaluate("node => node.toDataURL()") != before

    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    slider.press("Home")
    slider.press("ArrowRight")
    shown = words.inner_text()
    machine.get_by_role("button", name="Copy link to this moment").click()
    expect(machine.get_by_role("button", name="Copied")).to_be_visible()
    link = opened.evaluate("navigator.clipboard.readText()")
    opened.goto(link)
    expect(words).to_have_text(shown)
    expect(opened).not_to_have_url(re.compile("moment"))
    opened.goto(re.sub(r"moment=\d+", "moment=999999", link))
    expect(words).to_contain_text("Epoch 3 of 3")

    opened.get_by_role("tab", name="Compare").click()
    results = opened.get_by_role("region", name="Results of both runs")
    expect(results).to_contain_text("fast, as recorded")
    assert_accessible(opened)
