"""Measure the structure: packages, arrows between them, production lines.

`python -m tools.structure` prints the figures; with `--check` it fails when there are more
packages or arrows than the house has room for. That imports run one way and in no cycle is
import-linter's to say.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter

import grimp

from tools.server import ROOT

PACKAGE = ROOT / "cnn_lab"
MAX_PACKAGES = 15
MAX_ARROWS = 66
NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
_JS_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*$", re.DOTALL | re.MULTILINE)


def packages() -> list[str]:
    """Return what stands at the top of cnn_lab, its two dunder modules aside."""
    return sorted(path.name for path in PACKAGE.iterdir() if not path.name.startswith("_"))


def arrows() -> Counter[tuple[str, str]]:
    """Return how many modules of one package import from another, for each such pair."""
    sys.path.insert(0, str(ROOT))
    graph = grimp.build_graph("cnn_lab", cache_dir=None)
    found: Counter[tuple[str, str]] = Counter()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            ends = (importer.split(".")[1:2], imported.split(".")[1:2])
            if ends[0] != ends[1] and all(ends):
                found[ends[0][0], ends[1][0]] += 1
    return found


def python_lines(source: str) -> int:
    """Count the lines of a Python file that are code: no blank, comment or docstring.

    Examples
    --------
    >>> python_lines('\\"\\"\\"A module.\\"\\"\\"\\n\\nx = 1  # one\\n# two\\ny = (\\n    2\\n)\\n')
    4
    """
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, documented) and ast.get_docstring(node) is not None
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    code = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(code - docstrings)


def javascript_lines(source: str) -> int:
    """Count the lines of a JavaScript file that are neither blank nor comments.

    Examples
    --------
    >>> javascript_lines("// one\\nlet a = 1;\\n\\n/** two\\n * three */\\nlet b = 2;\\n")
    2
    """
    return sum(bool(line.strip()) for line in _JS_COMMENT.sub("", source).splitlines())


def production_lines() -> dict[str, int]:
    """Return the lines of Python and of JavaScript outside tests, benchmarks and bundles."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.js"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = {"Python": 0, "JavaScript": 0}
    for name in listed.stdout.split():
        if name.startswith(("tests/", "benchmarks/")) or "/bundles/" in name:
            continue
        source = (ROOT / name).read_text(encoding="utf-8")
        if name.endswith(".py"):
            lines["Python"] += python_lines(source)
        else:
            lines["JavaScript"] += javascript_lines(source)
    return lines


def main(arguments: list[str]) -> int:
    """Print the figures; with `--check` say whether the house has room for them."""
    names, found = packages(), arrows()
    if arguments == ["--check"]:
        if len(names) <= MAX_PACKAGES and len(found) <= MAX_ARROWS:
            return 0
        print(
            f"At most {MAX_PACKAGES} packages and {MAX_ARROWS} arrows between them. "
            f"Received: {len(names)} packages, {len(found)} arrows"
        )
        return 1
    print(f"{len(names)} packages: {', '.join(names)}")
    print(f"{len(found)} arrows between them")
    for importer in names:
        below = ", ".join(
            f"{to} {n}" for (source, to), n in sorted(found.items()) if source == importer
        )
        print(f"  {importer} -> {below or 'nothing'}")
    lines = production_lines()
    print(f"{sum(lines.values()):,} production lines: {lines}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
