"""Where Keras is not installed, NumPy trains, and what needs Keras says so."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cnn_lab.data.keras_here import needs_keras
from tests.unit.runs.small_runs import PATIENCE_S, ROOT

# Python imports this module at its start, in the worker too.
REFUSING = """
import sys

class Refusing:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in ("keras", "tensorflow"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refusing)
sys.modules.update(keras=None, tensorflow=None)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    folder = tmp_path_factory.mktemp("bare")
    (folder / "sitecustomize.py").write_text(REFUSING)
    path = os.pathsep.join([str(folder), str(ROOT)])
    return {**os.environ, "PYTHONPATH": path, "CNN_LAB_DATA": str(folder / "data")}


def test_a_host_without_keras_trains_with_numpy_and_says_what_is_missing(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.runs.without_keras", str(tmp_path)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert (report["engines"], report["state"]) == (["numpy"], "done"), report["sentence"]
    assert report["engine"] == "numpy"
    assert report["check"] == needs_keras("This check")
    assert report["file"] == needs_keras("A .keras file")
    assert report["data set"] == needs_keras("The download of Fashion-MNIST")


@pytest.mark.parametrize(("engine", "code"), [([], 0), (["--engine", "keras"], 2)])
def test_the_command_line_trains_with_numpy_unless_keras_is_asked_for(
    environment: Mapping[str, str], engine: list[str], code: int
) -> None:
    options = ["--model", "fast", "--epochs", "1", "--data-fraction", "0.002", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "cnn_lab", "train", *options, *engine],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == code, done.stderr
    if code:
        assert "pip install" in done.stderr
        assert "Traceback" not in done.stderr
    else:
        assert json.loads(done.stdout)["engine"] == "numpy"
