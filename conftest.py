"""`--quick` leaves out every test file that needs Keras; see `make quick`."""

import re
from pathlib import Path

import pytest

# Keras itself, the modules that import it, and a worker that does.
NEEDS_KERAS = re.compile(
    r"^\s*(import keras|from keras|from .*\bkeras_\w+ import|from .* import .*\bkeras_\w+"
    r"|from cnn_lab\.cli import|from tests\.unit\.runs\.small_runs import"
    r"|@pytest\.mark\.parametrize\(\"engine\", \[\"keras\")",
    re.MULTILINE,
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--quick`."""
    parser.addoption("--quick", action="store_true", help="Only test files that need no Keras.")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore the files that need Keras when the quick tests are asked for."""
    if config.getoption("quick") and collection_path.suffix == ".py":
        return NEEDS_KERAS.search(collection_path.read_text(encoding="utf-8")) is not None or None
    return None
