"""The pins say what pyproject.toml says, and the check that tells so would notice."""

import pytest

from tools.requirements import FILES, ROOT, find_drift

PYPROJECT = """
[project]
dependencies = ["numpy>=2.1"]
[project.optional-dependencies]
redis = []
train = ["keras>=3"]
dev = ["pytest>=8"]
"""
HASH = f"--hash=sha256:{'0' * 64}"
NUMPY = f"numpy==2.4.0 \\\n    {HASH} \\\n    {HASH}\n    # via cnn-lab (pyproject.toml)\n"
KERAS = f"keras==3.1 \\\n    {HASH}\n    # via cnn-lab (pyproject.toml)\n"
PYTEST = f"pytest==9.0 \\\n    {HASH}\n    # via cnn-lab (pyproject.toml)\n"


def test_this_checkout_has_not_drifted() -> None:
    """R14: the files in use have a hash for each pin."""
    pinned = {name: (ROOT / name).read_text() for name in FILES}
    assert find_drift((ROOT / "pyproject.toml").read_text(), pinned) == []


def test_files_that_agree() -> None:
    assert find_drift(PYPROJECT, _files(NUMPY, KERAS, PYTEST)) == []


def test_pages_need_no_keras() -> None:
    pages = (ROOT / "requirements-pages.txt").read_text()
    assert "\nstreamlit==" in pages
    assert not any(f"\n{name}" in pages for name in ("keras", "tensorflow", "tensorboard"))


@pytest.mark.parametrize(
    ("pages", "train", "development", "told"),
    [
        ("", NUMPY + KERAS, PYTEST, "asks for numpy>=2.1, pinned is nothing"),
        ("numpy==2.0\n", KERAS, PYTEST, "asks for numpy>=2.1, pinned is 2.0"),
        (NUMPY, "", PYTEST, "requirements.txt: pyproject.toml asks for keras>=3"),
        (NUMPY, KERAS, "", "asks for pytest>=8, pinned is nothing"),
        (NUMPY, KERAS, "pytest==9.0\n", "requirements-dev.txt has no hash for pytest"),
        (NUMPY + "six>=1\n", KERAS, PYTEST, "does not pin six to one version"),
        (NUMPY, KERAS, PYTEST + "--index-url https://example.org/simple\n", "names an index"),
        (NUMPY, KERAS, PYTEST + "six @ https://example.org/six.whl\n", "names an index"),
        (
            NUMPY + KERAS,
            "",
            PYTEST,
            "requirements-pages.txt pins keras for pyproject.toml, which does not ask for it",
        ),
    ],
)
def test_drift_is_told(pages: str, train: str, development: str, told: str) -> None:
    found = find_drift(PYPROJECT, _files(pages, train, development))
    assert any(told in sentence for sentence in found)


def test_files_that_pin_differently_are_told() -> None:
    pinned = _files(NUMPY, KERAS, PYTEST)
    pinned["requirements-dev.txt"] = pinned["requirements-dev.txt"].replace("2.4.0", "2.5.0")
    (told,) = find_drift(PYPROJECT, pinned)
    assert told == "requirements.txt pins numpy==2.4.0, requirements-dev.txt does not"


def _files(pages: str, train: str, development: str) -> dict[str, str]:
    """Return the files, each with the pins of those before it and some of its own."""
    return dict(zip(FILES, (pages, pages + train, pages + train + development), strict=True))
