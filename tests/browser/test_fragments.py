"""A part of a page that runs by itself neither breaks the page nor takes its place."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tools.server import ROOT

CLICKS = 6


@pytest.mark.parametrize("below", [(), ("Below", "At the end")])
def test_a_part_that_runs_right_after_its_page_leaves_all_in_place(
    below: tuple[str, ...], serve: Callable[..., str], open_page: Callable[..., Page]
) -> None:
    """With Streamlit alone the window is empty after the third run, or "Below" after the second."""
    url = serve(ROOT / "tests" / "browser" / "fragment_harness.py")
    page = open_page("/?below=1" if below else "/", url=url)
    for run in range(1, CLICKS + 1):
        part = "Wide" if run % 2 else "Narrow"
        expect(page.get_by_test_id("stText")).to_have_text([f"Run {run}", part, *below])
        page.get_by_role("button", name="Change").click()
