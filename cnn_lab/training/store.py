"""A finished run as a folder that any later session, or another tool, can read."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cnn_lab.network import Network
from cnn_lab.spec import NetworkSpec, TrainingSpec

SPEC, HISTORY, WEIGHTS, RESULT = "spec.json", "history.jsonl", "weights.safetensors", "result.json"


def save_run(
    folder: Path,
    *,
    network: Network,
    training: TrainingSpec,
    history: Iterable[Mapping[str, Any]],
    result: Mapping[str, Any],
) -> None:
    """Write a run to `folder`, which is made if need be.

    Parameters
    ----------
    folder : Path
        Gets spec.json, history.jsonl (an epoch a line), result.json and weights.safetensors.
    network : Network
        The weights reached; its card travels inside the weights file.
    training : TrainingSpec
    history, result : mappings that JSON can hold
    """
    folder.mkdir(parents=True, exist_ok=True)
    specs = {"network": network.spec.model_dump(), "training": training.model_dump()}
    (folder / SPEC).write_text(json.dumps(specs, indent=2) + "\n")
    (folder / HISTORY).write_text("".join(json.dumps(dict(row)) + "\n" for row in history))
    (folder / RESULT).write_text(json.dumps(dict(result), indent=2) + "\n")
    network.save(folder / WEIGHTS)


def load_specs(folder: Path) -> tuple[NetworkSpec, TrainingSpec]:
    """Return what a saved run was asked to do."""
    specs = json.loads((folder / SPEC).read_text())
    return (
        NetworkSpec.model_validate(specs["network"]),
        TrainingSpec.model_validate(specs["training"]),
    )
