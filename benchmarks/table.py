"""Write the measured figures into docs/benchmarks.md, and a few of them into README.md.

`python -m benchmarks.table`, from benchmarks/results; with `--check` it only compares.
"""

import ast
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS, Row, number
from cnn_lab.content.words import counted, listed
from tools.documents import between, write_or_check
from tools.server import ROOT

README, DOCUMENT = ROOT / "README.md", ROOT / "docs" / "benchmarks.md"
VERSIONS = {"python": "Python", "streamlit": "Streamlit", "numpy": "NumPy", "keras": "Keras"}
HEAD = """# Benchmarks

Written by `python -m benchmarks.table` from what the scripts in
[`benchmarks`](../benchmarks) measured and keep in
[`benchmarks/results`](../benchmarks/results). `make bench` measures everything that needs no data
from elsewhere, `python -m benchmarks.hosting all` what concerns hosts. A figure in bold misses its
goal; one without a goal gives the others their scale.
"""
# What the README shows, as it says it; the rest is in the document.
FIGURES = {
    ("B1", "`make run` on an installed checkout to a healthy server"): "`make run` to a page",
    ("B13", "test accuracy after ten epochs, mean of 5 seeds"): (
        "*paper*, the source paper's network: test accuracy after ten epochs, mean of 5 seeds"
    ),
    ("B12", "fast: training, start to end"): "*fast*, trained to 99.2 %",
    ("B14", "record: test accuracy"): "*record*: test accuracy, {seeds}",
    ("B14", "champion: test accuracy"): "*champion*: test accuracy, mean of {seeds}",
    ("B15", "pen strokes of other writers, champion, mean of brushes"): (
        "*champion*: digits that other writers drew with a pen"
    ),
}


def document(results: Iterable[dict[str, Any]]) -> str:
    """Return the whole document: a section for each budget, a date and a machine for each row."""
    return "\n".join([HEAD, *map(_section, results)])


def figures(results: Sequence[dict[str, Any]]) -> str:
    """Return the README's table.

    Raises
    ------
    KeyError
        If a figure that the README shows was not measured.
    """
    found = {
        (result["id"], fields["what"]): Row(**fields)
        for result in results
        for fields in result["rows"]
    }
    lines = ["| figure | measured | goal | budget |", "|---|---|---|---|"]
    lines += [
        f"| {words.format(seeds=_seeds(found, key))} | {_measured(found[key])} "
        f"| {_goal(found[key])} | [{key[0]}](docs/benchmarks.md#{key[0].lower()}) |"
        for key, words in FIGURES.items()
    ]
    return "\n".join(lines)


def _seeds(found: Mapping[tuple[str, str], Row], key: tuple[str, str]) -> str:
    """Return from how many seeds a figure comes, in words; "" if that is not recorded."""
    network = key[1].partition(":")[0]
    row = found.get((key[0], f"{network}: seeds on record"))
    return counted(int(row.value), "seed") if row else ""


def _section(result: dict[str, Any]) -> str:
    name, machine = result["id"], result["machine"]
    where = f"{machine['cores']} cores, {machine['memory_gb']:.0f} GB, {machine['system']}"
    versions = listed([f"{title} {machine[key]}" for key, title in VERSIONS.items()])
    script = next(RESULTS.parent.rglob(f"{name.lower()}_*.py"))
    module = ".".join(script.relative_to(RESULTS.parent.parent).with_suffix("").parts)
    words = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    sentence = words.split("\n\n")[0].removeprefix(f"{name}: ").replace("\n", " ")
    lines = [
        f"## {name}",
        "",
        sentence[0].upper() + sentence[1:],
        "",
        f"`python -m {module}`, with {versions}:",
        "",
        "| figure | measured | goal | date | machine |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.what} | {_measured(row)} | {_goal(row)} | {result['date']} | {where} |"
        for row in (Row(**fields) for fields in result["rows"])
    ]
    return "\n".join([*lines, ""])


def _measured(row: Row) -> str:
    text = f"{number(row.value, row.digits)} {row.unit}".strip()
    return f"**{text}**" if row.met is False else text


def _goal(row: Row) -> str:
    if row.goal is None:
        return ""
    return f"{'≥' if row.at_least else '≤'} {number(row.goal)} {row.unit}".strip()


def read_results(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Return every kept result, B2 before B10, and those for hosts last."""
    paths = sorted(folder.glob("[BH]*.json"), key=lambda path: (path.stem[0], int(path.stem[1:])))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def main() -> int:
    results = read_results()
    readme = README.read_text(encoding="utf-8")
    wanted = {
        README: between(readme, "benchmarks", figures(results)),
        DOCUMENT: document(results),
    }
    return write_or_check(wanted, "python -m benchmarks.table")


if __name__ == "__main__":
    sys.exit(main())
