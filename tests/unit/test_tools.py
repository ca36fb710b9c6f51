"""The helpers of the build: the browser that is missing, the table that the README shows."""

import sys

import pytest

from benchmarks.report import Row, describe
from benchmarks.table import insert, render
from tools import browser

RESULT = {
    "id": "B1",
    "date": "2026-01-31",
    "machine": {
        "cores": 2,
        "memory_gb": 7.9,
        "system": "Linux x86_64",
        "python": "3.11.7",
        "streamlit": "1.67.0",
        "numpy": "2.4.6",
    },
    "rows": [
        {"what": "start", "value": 2.04, "unit": "s", "goal": 3, "at_least": False},
        {"what": "frames", "value": 45.0, "unit": "", "goal": 60, "at_least": True},
        {"what": "a bare script", "value": 1234.5, "unit": "ms", "goal": None, "at_least": False},
    ],
}


@pytest.fixture
def _forgotten_browser() -> None:
    browser.find_browser.cache_clear()


@pytest.mark.usefixtures("_forgotten_browser")
def test_missing_browser_is_an_error_that_names_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNN_LAB_BROWSER", "/no/such/browser")
    with pytest.raises(browser.NoBrowserError, match=r"make browser.*'/no/such/browser'"):
        browser.find_browser()
    assert browser.main() == 1


@pytest.mark.usefixtures("_forgotten_browser")
def test_program_that_does_not_start_is_no_browser(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stub = tmp_path_factory.mktemp("bin") / "chromium-browser"
    stub.write_text("#!/bin/sh\nexit 1\n")
    stub.chmod(0o755)
    monkeypatch.setenv("CNN_LAB_BROWSER", str(stub))
    with pytest.raises(browser.NoBrowserError):
        browser.find_browser()
    monkeypatch.setenv("CNN_LAB_BROWSER", sys.executable)  # starts, which is all that is asked
    assert str(browser.find_browser()) == sys.executable
    browser.find_browser.cache_clear()


def test_table_shows_goals_and_what_misses_them() -> None:
    table = render([RESULT])
    assert "| B1 | start | 2.04 s | ≤ 3 s |" in table
    assert "| B1 | frames | **45** | ≥ 60 |" in table
    assert "| B1 | a bare script | 1,234 ms |  |" in table
    assert "Measured 2026-01-31 on 2 cores, 8 GB" in table


def test_table_goes_between_its_marks_and_nowhere_else() -> None:
    text = "before\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\nafter\n"
    new = "before\n<!-- benchmarks -->\nnew\n<!-- /benchmarks -->\nafter\n"
    assert insert(text, "new") == new
    assert insert(new, "new") == new
    with pytest.raises(ValueError, match="must hold"):
        insert("no marks", "new")


def test_rows_say_whether_their_goal_was_met() -> None:
    assert describe(Row("memory", 290.0, "MB", 300)) == "290 MB (goal ≤ 300: met)"
    assert describe(Row("frames", 45.0, "", 60, at_least=True)) == "45 (goal ≥ 60: MISSED)"
