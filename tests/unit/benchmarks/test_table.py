"""The tables of measured figures."""

import pytest

from benchmarks.report import Row, describe
from benchmarks.table import insert, render

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
