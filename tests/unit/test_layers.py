"""Who may import whom, how long a file may grow, and that no page brings TensorFlow along."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = sorted((ROOT / "cnn_lab").rglob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py"))
APP = ROOT / "app.py"
SOURCES = [*LIBRARY, *PAGES, APP]

DRAWN = {"digits", "ink", "landscape", "pictures", "samples"}
SIMPLE = {*DRAWN, "content", "data", "experiment", "formulas", "kernels"}
OPERATORS = {"arithmetic", "ops"}
NETWORKS = {*OPERATORS, "augment", "hands", "data", "data_sets", "network", "spec", "zoo"}
PICTURES = {*NETWORKS, *SIMPLE, "equations", "explain", "learning", "pooled", "shifts", "trace"}
CHECKS = {"layer_call", "layer_check"}
SLIDING = {"conventions", "coverage", "strides", "transposition"}
# Each part of cnn_lab with all it may import besides itself. A new part needs a line here.
MAY_IMPORT: dict[str, set[str]] = {
    "": set(),
    "arithmetic": set(),
    **{part: {"arithmetic"} for part in SIMPLE},
    "ink": {"pictures"},
    "ops": {"arithmetic"},
    "shifts": OPERATORS,
    **{part: {*OPERATORS, *SLIDING, "layer_call"} for part in SLIDING},
    "spec": OPERATORS,
    "zoo": {"arithmetic", "spec"},
    "drafting": {*OPERATORS, "spec"},
    "costs": {*OPERATORS, "spec"},
    "variants": {"arithmetic", "spec"},
    "network": {*OPERATORS, "spec"},
    "judgement": OPERATORS,
    "calibration": NETWORKS,
    "familiarity": NETWORKS,
    "verdict": {*NETWORKS, "calibration", "digits", "familiarity"},
    "explain": {*NETWORKS, "kernels"},
    "inspection": {*NETWORKS, *DRAWN, "explain", "kernels", "trace"},
    "schedules": {*OPERATORS, "spec"},
    "initial": {*OPERATORS, "spec"},
    "hands": OPERATORS,
    "augment": {*OPERATORS, "hands", "spec"},
    "data_sets": {*OPERATORS, "data", "initial", "spec"},
    "training_loop": {*NETWORKS, "initial", "schedules"},
    "trace": {*OPERATORS, "kernels"},
    "stage": {*OPERATORS, "trace"},
    "operations": {*OPERATORS, "kernels", "samples", "trace"},
    "animate": {*OPERATORS, "kernels", "operations", "samples", "stage", "trace"},
    "comparison": {*OPERATORS, "spec"},
    "figures": {*PICTURES, "comparison"},
    "layer_call": OPERATORS,
    "equations": {*OPERATORS, "layer_call", "trace"},
    "layer_check": {*OPERATORS, "layer_call"},
    "learning": {*OPERATORS, "layer_call", "trace"},
    "pooled": {*OPERATORS, "layer_call"},
    "snippets": {*OPERATORS, "layer_call", "schedules", "spec"},
    "cards": {*NETWORKS, "training_loop"},
    "keras_engine": {*NETWORKS, "cards", "initial", "training_loop"},
    "keras_check": {*OPERATORS, *CHECKS},
    "keras_data": {*OPERATORS, "data", "data_sets", "spec"},
    "numpy_optimizers": {*OPERATORS, "spec"},
    "numpy_trainer": {*NETWORKS, "initial", "numpy_optimizers", "training_loop"},
    "doctor": {*NETWORKS, "content", "data_sets", "training"},
    "training": {*NETWORKS, *CHECKS, "judgement", "training.worker"},
    "training.trainer": {
        *NETWORKS,
        "cards",
        "initial",
        "judgement",
        "keras_data",
        "keras_engine",
        "numpy_trainer",
        "training",
        "training_loop",
    },
    "training.worker": {
        *NETWORKS,
        *CHECKS,
        "keras_check",
        "keras_engine",
        "training",
        "training.trainer",
        "training_loop",
    },
    "ui": {
        *PICTURES,
        *CHECKS,
        *SLIDING,
        "augment",
        "comparison",
        "costs",
        "data_sets",
        "doctor",
        "drafting",
        "figures",
        "inspection",
        "schedules",
        "snippets",
        "stage",
        "sweep",
        "training",
        "variants",
        "verdict",
    },
    "sweep": {*OPERATORS, "data_sets", "spec", "training", "variants"},
    "commands": {
        *NETWORKS,
        "cards",
        "keras_data",
        "keras_engine",
        "numpy_trainer",
        "sweep",
        "training",
        "training_loop",
    },
    "__main__": {*PICTURES, "animate", "commands", "figures", "stage", "verdict"},
    "pages": {
        *PICTURES,
        *CHECKS,
        *SLIDING,
        "figures",
        "snippets",
        "stage",
        "training",
        "ui",
        "verdict",
    },
    "app": {"ui"},
}
MAY_IMPORT_STREAMLIT = {"app", "pages", "ui", "stage.component"}
MAY_IMPORT_KERAS = {"keras_check", "keras_data", "keras_engine", "training.worker"}
LINE_LIMITS = {"app": 60, "pages": 150}
MODULE_LINE_LIMIT = 400


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str:
    """The part a module belongs to: its own name where MAY_IMPORT has one, else its package."""
    name = module.removeprefix("cnn_lab").removeprefix(".")
    return name if name in MAY_IMPORT else name.split(".")[0]


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Every module that a file imports anywhere in it, functions included."""
    return frozenset(_read_imports(path, ast.walk(_parse(path))))


@cache
def imports_on_import(path: Path) -> frozenset[str]:
    """The modules that importing a file imports."""
    return frozenset(_read_imports(path, _walk_executed(_parse(path))))


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _walk_executed(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        for_types = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not for_types and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _walk_executed(child)


def _read_imports(path: Path, nodes: Iterable[ast.AST]) -> Iterator[str]:
    package = module_name(path).split(".")[: None if path.name == "__init__.py" else -1]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                submodule = f"{base}.{alias.name}"
                yield submodule if _source_of(submodule) else base


def packages_of(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _source_of(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.is_file()), None)


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_point_downwards(path: Path) -> None:
    part = part_of(module_name(path))
    assert part in MAY_IMPORT, f"Give {part} its place among the layers, here and in the picture"
    imported = {part_of(module) for module in imports_of(path) if module.startswith("cnn_lab")}
    package = part.split(".")[0]
    upwards = imported - MAY_IMPORT[part] - {"", part, package}
    assert not upwards, f"{part} may import only {sorted(MAY_IMPORT[part])}"


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_streamlit_and_keras_stay_where_they_belong(path: Path) -> None:
    name = module_name(path).removeprefix("cnn_lab.")
    owners = {name, name.split(".")[0]}
    libraries = {module.split(".")[0] for module in imports_of(path)}
    if not owners & MAY_IMPORT_STREAMLIT:
        assert not libraries & {"streamlit", "streamlit_drawable_canvas"}
    if name not in MAY_IMPORT_KERAS:
        assert not libraries & {"keras", "tensorflow"}


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_files_stay_short(path: Path) -> None:
    limit = LINE_LIMITS.get(module_name(path).split(".")[0], MODULE_LINE_LIMIT)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


@pytest.mark.parametrize("path", [APP, *PAGES], ids=module_name)
def test_importing_a_page_never_gets_as_far_as_keras(path: Path) -> None:
    reached: set[Path] = set()
    libraries: set[str] = set()
    waiting = [path]
    while waiting:
        source = waiting.pop()
        if source not in reached:
            reached.add(source)
            for module in imports_on_import(source):
                libraries.add(module.split(".")[0])
                waiting += filter(None, map(_source_of, [*packages_of(module), module]))
    assert "streamlit" in libraries
    assert libraries.isdisjoint({"keras", "tensorflow"})


def test_running_every_page_leaves_tensorflow_unloaded() -> None:
    script = """
import sys
from streamlit import config
from streamlit.runtime import context
from streamlit.testing.v1 import AppTest
config.set_option("client.showErrorDetails", "full")
context._get_client_context = lambda: None  # AppTest's is a mock that has any cookie
app, *pages = sys.argv[1:]
test = AppTest.from_file(app, default_timeout=120).run()
for page in pages:
    test.switch_page(page).run()
    assert test.title, page
    assert not test.exception, (page, test.exception)
print(*sorted({"keras", "numpy", "tensorflow"} & set(sys.modules)))
"""
    result = subprocess.run(
        [sys.executable, "-c", script, str(APP), *(f"pages/{page.name}" for page in PAGES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["numpy"]
