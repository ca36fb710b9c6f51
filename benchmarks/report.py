"""What a benchmark found, next to what it should be: printed, and kept as JSON when asked."""

import argparse
import importlib.metadata
import json
import math
import os
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).with_name("results")
PACKAGES = ("numpy", "streamlit", "keras", "playwright")


@dataclass(frozen=True)
class Row:
    """One figure.

    Parameters
    ----------
    what : str
        What was measured, as the README says it.
    value : float
    unit : str
    goal : float or None
        None for a figure that only gives the others their scale.
    at_least : bool
        Whether more is better; otherwise the goal is a limit.
    digits : int
        Significant digits worth showing.
    """

    what: str
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = False
    digits: int = 3

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal


def report(
    name: str,
    measure: Callable[[], Sequence[Row]],
    small: Callable[[], Sequence[Row]] | None = None,
) -> Sequence[Row]:
    """Run a benchmark as a script: print its rows, with --json write them, and return them.

    With --small, which only some have, it is the small measurement, and nothing is written.
    """
    parser = argparse.ArgumentParser(description=f"Measure budget {name}.")
    parser.add_argument("--json", action="store_true", help="write benchmarks/results/")
    if small is not None:
        parser.add_argument("--small", action="store_true", help="only try the script")
    arguments = parser.parse_args()
    if small is not None and arguments.small:
        measure, arguments.json = small, False
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    rows = measure()
    for row in rows:
        print(f"{name}  {row.what}: {describe(row)}")
    if arguments.json:
        result = {
            "id": name,
            "date": datetime.now(UTC).date().isoformat(),
            "machine": {**machine(), "load_before": load},
            "rows": [asdict(row) for row in rows],
        }
        RESULTS.mkdir(exist_ok=True)
        text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
        (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    return rows


def describe(row: Row) -> str:
    """Return a row's figure, its goal and whether it was met, in words."""
    text = f"{number(row.value, row.digits)} {row.unit}".strip()
    if row.goal is None:
        return text
    sign = "≥" if row.at_least else "≤"
    return f"{text} (goal {sign} {number(row.goal)}: {'met' if row.met else 'MISSED'})"


def number(value: float, digits: int = 3) -> str:
    """Return a figure with so many significant digits, whole ones without a point."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.{digits}g}"


def machine() -> dict[str, Any]:
    """Return what one must know to compare: nothing that names a person or a place."""
    return {
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
    }


def resident_mb(*processes: psutil.Process) -> float:
    """Return the memory that processes hold together, in MB of a million bytes."""
    return sum(float(process.memory_info().rss) for process in processes) / 1e6


def spread(values: Sequence[float]) -> float:
    """Return the standard deviation of a sample."""
    return statistics.stdev(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of a sample does not exceed.

    Raises
    ------
    ValueError
        If there is no value, or the share is not in (0, 1].
    """
    if not values or not 0 < share <= 1:
        raise ValueError(f"A percentile needs values. Received: {len(values)} values, {share=}")
    return sorted(values)[math.ceil(share * len(values)) - 1]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return how much a value grows for each unit, by least squares over (place, value) pairs."""
    places, values = zip(*points, strict=True)
    return statistics.linear_regression(places, values).slope


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
