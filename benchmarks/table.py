"""Write the table of figures into the README from benchmarks/results; `--check` only compares."""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS, Row, number

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"


def render(results: list[dict[str, Any]]) -> str:
    """Return the table, and under it the machines it was taken on."""
    lines = ["| id | what | measured | goal |", "|---|---|---|---|"]
    lines += [
        f"| {result['id']} | {row.what} | {_measured(row)} | {_goal(row)} |"
        for result in results
        for row in (Row(**fields) for fields in result["rows"])
    ]
    machines = sorted({_describe_machine(result) for result in results})
    return "\n".join([*lines, "", *machines])


def _measured(row: Row) -> str:
    text = f"{number(row.value, row.digits)} {row.unit}".strip()
    return f"**{text}**" if row.met is False else text


def _goal(row: Row) -> str:
    if row.goal is None:
        return ""
    return f"{'≥' if row.at_least else '≤'} {number(row.goal)} {row.unit}".strip()


def _describe_machine(result: dict[str, Any]) -> str:
    machine = result["machine"]
    return (
        f"Measured {result['date']} on {machine['cores']} cores, {machine['memory_gb']:.0f} GB, "
        f"{machine['system']}, Python {machine['python']}, Streamlit {machine['streamlit']}, "
        f"NumPy {machine['numpy']}. Bold misses its goal."
    )


def insert(text: str, table: str) -> str:
    """Return the text with the table between its two marks."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"README.md must hold {BEGIN} and {END}. Received: neither, or one")
    return pattern.sub(lambda _: f"{BEGIN}\n{table}\n{END}", text)


def read_results(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Return every kept result, B2 before B10."""
    paths = sorted(folder.glob("B*.json"), key=lambda path: int(path.stem[1:]))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the README differs")
    arguments = parser.parse_args()
    readme = ROOT / "README.md"
    old = readme.read_text(encoding="utf-8")
    new = insert(old, render(read_results()))
    if arguments.check:
        if old != new:
            print("The README's table differs: run `python -m benchmarks.table`", file=sys.stderr)
        return int(old != new)
    readme.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
