"""Write what the app shows of the recorded runs: `cnn_lab/training/experiment.json`.

`python -m benchmarks.summary`; with `--check` it only compares. A network is in it once all of
its seeds are on record with the present recipe; nothing is trained for it.
"""

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.experiment import RUNS, SEEDS, recorded
from cnn_lab.network import zoo
from cnn_lab.training.experiment import PATH
from tools.documents import write_or_check
from tools.server import ROOT

CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")
VERSIONS = ("keras", "numpy", "python", "system")
DIGITS = 6
_ROW = re.compile(r"\[[^][{}]*\]")


def summary() -> dict[str, Any]:
    """Return what goes into the file; numbers as they were recorded, to six digits."""
    networks: dict[str, Any] = {}
    for name in zoo.PRESETS:
        found = [recorded(name, seed) for seed in range(SEEDS)]
        records = [record for record in found if record is not None]
        if len(records) == SEEDS:
            networks[name] = summed_up(records)
    return {
        "written_by": "python -m benchmarks.summary",
        "from": RUNS.relative_to(ROOT).as_posix(),
        "networks": networks,
    }


def summed_up(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return one network's part: a row for each seed, a number for each epoch."""
    machine = records[0]["machine"]
    return {
        "seeds": [record["result"]["seed"] for record in records],
        "n_test": records[0]["result"]["n"],
        "versions": {name: machine[name] for name in VERSIONS},
        "test_errors": _rows(records, "test_errors"),
        "curves": {name: _rows(records, name) for name in CURVES},
    }


def _rows(records: Sequence[dict[str, Any]], field: str) -> list[list[float]]:
    return [[round(epoch[field], DIGITS) for epoch in record["epochs"]] for record in records]


def as_text(content: dict[str, Any]) -> str:
    """Return the file's text, a seed's numbers on one line."""
    text = json.dumps(content, indent=1)
    return _ROW.sub(lambda row: " ".join(row[0].split()), text) + "\n"


if __name__ == "__main__":
    sys.exit(write_or_check({PATH: as_text(summary())}, "python -m benchmarks.summary"))
