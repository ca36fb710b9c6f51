"""The tables of measured figures."""

import re

import pytest

from benchmarks.hosting.h4_soak import LOWEST_OF_S, lowest
from benchmarks.report import Row, describe, percentile, slope
from benchmarks.table import FIGURES, document, figures, read_results

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
        "keras": "3.15.1",
    },
    "rows": [
        {"what": "start", "value": 2.04, "unit": "s", "goal": 3, "at_least": False},
        {"what": "frames", "value": 45.0, "unit": "", "goal": 60, "at_least": True},
        {"what": "a bare script", "value": 1234.5, "unit": "ms", "goal": None, "at_least": False},
    ],
}


def test_every_row_has_its_goal_its_date_and_its_machine() -> None:
    table = document([RESULT])
    assert "| start | 2.04 s | ≤ 3 s | 2026-01-31 | 2 cores, 8 GB, Linux x86_64 |" in table
    assert "| frames | **45** | ≥ 60 | 2026-01-31 |" in table
    assert "| a bare script | 1,234 ms |  | 2026-01-31 |" in table
    assert "Python 3.11.7, Streamlit 1.67.0, NumPy 2.4.6 and Keras 3.15.1" in table


def test_figures_for_hosts_come_last_with_the_command_that_measures_them() -> None:
    of_hosts = {**RESULT, "id": "H1"}
    table = document([RESULT, of_hosts])
    assert table.index("## B1") < table.index("## H1")
    assert "`python -m benchmarks.hosting.h1_class`" in table


def test_the_readme_shows_some_of_the_figures_and_how_many_seeds_they_come_from() -> None:
    lines = figures(read_results()).splitlines()
    assert len(lines) == 2 + len(FIGURES)
    assert sum(bool(re.search(r"test accuracy.* \d seeds? \|", line)) for line in lines) == 3
    assert all(re.search(r"\| \*{0,2}[\d.]+ (s|%)", line) for line in lines[2:])
    with pytest.raises(KeyError):
        figures([RESULT])


def test_rows_say_whether_their_goal_was_met() -> None:
    assert describe(Row("memory", 290.0, "MB", 300)) == "290 MB (goal ≤ 300: met)"
    assert describe(Row("frames", 45.0, "", 60, at_least=True)) == "45 (goal ≥ 60: MISSED)"


def test_a_percentile_is_a_value_of_the_sample_that_so_many_do_not_exceed() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert percentile(values, 0.95) == 95
    assert percentile(values, 0.5) == 50
    assert percentile(values, 1) == 100
    assert percentile([3.0], 0.95) == 3
    for none, share in (([], 0.5), (values, 0), (values, 1.01)):
        with pytest.raises(ValueError, match="percentile"):
            percentile(none, share)


def test_memory_that_is_used_for_a_moment_is_no_growth() -> None:
    sampled = [(1.0, 300.0), (10.0, 340.0), (19.0, 330.0), (21.0, 350.0), (39.0, 301.0)]
    assert lowest(sampled) == [(0.0, 300.0), (LOWEST_OF_S / 3600, 301.0)]


def test_a_slope_is_what_grows_each_hour() -> None:
    assert slope([(0.0, 100.0), (0.5, 102.0), (1.0, 104.0)]) == pytest.approx(4)
    assert slope([(0.0, 7.0), (1.0, 9.0), (2.0, 7.0)]) == pytest.approx(0)
