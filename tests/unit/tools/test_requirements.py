"""The pins say what pyproject.toml says, and the check that tells so would notice."""

import pytest

from tools.requirements import ROOT, find_drift

PYPROJECT = """
[project]
dependencies = ["numpy>=2.1"]
[project.optional-dependencies]
dev = ["pytest>=8"]
"""
HASH = f"--hash=sha256:{'0' * 64}"
NUMPY = f"numpy==2.4.0 \\\n    {HASH} \\\n    {HASH}\n    # via cnn-lab (pyproject.toml)\n"
PYTEST = f"pytest==9.0 \\\n    {HASH}\n    # via cnn-lab (pyproject.toml)\n"


def test_this_checkout_has_not_drifted() -> None:
    """R14: the files in use have a hash for each pin."""
    names = ("pyproject.toml", "requirements.txt", "requirements-dev.txt")
    assert find_drift(*((ROOT / name).read_text() for name in names)) == []


def test_files_that_agree() -> None:
    assert find_drift(PYPROJECT, NUMPY, NUMPY + PYTEST) == []


@pytest.mark.parametrize(
    ("runtime", "development", "told"),
    [
        ("", NUMPY + PYTEST, "asks for numpy>=2.1, pinned is nothing"),
        ("numpy==2.0", "numpy==2.0\n" + PYTEST, "asks for numpy>=2.1, pinned is 2.0"),
        (NUMPY, NUMPY, "asks for pytest>=8, pinned is nothing"),
        (NUMPY, NUMPY + "pytest==9.0\n", "requirements-dev.txt has no hash for pytest"),
        (NUMPY, "numpy==2.5.0\n" + PYTEST, "pins numpy==2.4.0, requirements-dev.txt does not"),
        (NUMPY + "six>=1\n", NUMPY + PYTEST, "does not pin six to one version"),
        (NUMPY, NUMPY + PYTEST + "--index-url https://example.org/simple\n", "names an index"),
        (NUMPY, NUMPY + PYTEST + "six @ https://example.org/six.whl\n", "names an index"),
        (
            NUMPY + PYTEST,
            NUMPY + PYTEST,
            "pins pytest for pyproject.toml, which does not ask for it",
        ),
    ],
)
def test_drift_is_told(runtime: str, development: str, told: str) -> None:
    assert any(told in sentence for sentence in find_drift(PYPROJECT, runtime, development))
