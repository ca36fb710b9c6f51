"""A worksheet printed by a real browser, on A4 and on Letter."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from cnn_lab.teaching import QUESTIONS
from cnn_lab.teaching.worksheet import worksheet_html

PX_PER_MM = 96 / 25.4
MARGINS_MM = (30, 28)  # left and right, top and bottom
PAPERS_MM = {"A4": (210, 297), "Letter": (215.9, 279.4)}
MAX_HEAD_MM = 20
MEASURE = """() => {
    const shown = [...document.querySelectorAll("body *")];
    const bottoms = (selector) => [...document.querySelectorAll(selector)]
        .map((each) => each.getBoundingClientRect().height);
    return {
        right: Math.max(...shown.map((each) => each.getBoundingClientRect().right)),
        width: document.documentElement.clientWidth,
        tallest: Math.max(...bottoms(".question, .keys")),
        head: Math.max(...bottoms("thead")),
        colours: [...new Set(shown.flatMap((each) => {
            const style = getComputedStyle(each);
            return [style.color, style.backgroundColor, style.fill, style.borderBottomColor];
        }))],
    };
}"""


def n_pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


@pytest.mark.parametrize("paper", PAPERS_MM)
def test_printed_sheets_are_cut_nowhere_and_black_on_white(
    paper: str, new_context: Callable[..., BrowserContext], tmp_path: Path
) -> None:
    width, height = (
        round((side - margin) * PX_PER_MM)
        for side, margin in zip(PAPERS_MM[paper], MARGINS_MM, strict=True)
    )
    page = new_context(offline=True, viewport={"width": width, "height": height}).new_page()
    page.emulate_media(media="print")
    names, path = list(QUESTIONS), tmp_path / "sheet.html"
    for part, level in ((names[::2], "one gap"), (names[1::2], "alone")):
        path.write_text(worksheet_html(part, seed=7, level=level), encoding="utf-8")
        page.goto(path.as_uri())
        seen = page.evaluate(MEASURE)
        assert seen["right"] <= seen["width"] + 1
        assert seen["head"] <= MAX_HEAD_MM * PX_PER_MM
        # A question that is taller than a page would be cut in two.
        assert seen["tallest"] + seen["head"] <= height
        assert set(seen["colours"]) <= {"rgb(0, 0, 0)", "none", "rgba(0, 0, 0, 0)"}


def test_each_sheet_begins_a_page_and_the_answers_begin_another(
    new_context: Callable[..., BrowserContext], tmp_path: Path
) -> None:
    page = new_context(offline=True).new_page()
    counts = []
    for variants in (1, 3):
        path = tmp_path / f"{variants}.html"
        path.write_text(worksheet_html(["weight-step"], seed=7, variants=variants), "utf-8")
        page.goto(path.as_uri())
        counts.append(n_pages(page.pdf(format="A4")))
    assert counts == [2, 4]
