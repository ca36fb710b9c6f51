"""A finished run as a folder that any later session, or another tool, can read."""

import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cnn_lab.network import Network
from cnn_lab.spec import NetworkSpec, TrainingSpec
from cnn_lab.training.job import Event, RunSpec, Status, UnknownRunError, checked_run_id

SPEC, HISTORY, WEIGHTS, RESULT = "spec.json", "history.jsonl", "weights.safetensors", "result.json"
EVENTS, ENDED = "events.jsonl", "ended.json"
KEPT_RUNS = 20


def runs_folder() -> Path:
    """Return where finished runs are kept: CNN_LAB_RUNS, or a folder in the user's cache."""
    if chosen := os.environ.get("CNN_LAB_RUNS"):
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(cache) if cache else Path.home() / ".cache") / "cnn-lab" / "runs"


def run_path(run_id: str, runs: Path | None = None) -> Path:
    """Return the weights file of a kept run.

    Raises
    ------
    UnknownRunError
        If the id has not the form of one, or the run is not (or no longer) kept.
    """
    return _folder(runs or runs_folder(), run_id) / WEIGHTS


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
    (folder / HISTORY).write_text(_lines(history))
    (folder / RESULT).write_text(json.dumps(dict(result), indent=2) + "\n")
    network.save(folder / WEIGHTS)


def load_specs(folder: Path) -> tuple[NetworkSpec, TrainingSpec]:
    """Return what a saved run was asked to do."""
    specs = json.loads((folder / SPEC).read_text())
    return (
        NetworkSpec.model_validate(specs["network"]),
        TrainingSpec.model_validate(specs["training"]),
    )


def keep_run(
    runs: Path,
    status: Status,
    network: Network,
    history: Iterable[Mapping[str, Any]],
    events: Sequence[Event],
) -> None:
    """Keep a run of the engine under its id, and let go of all but the newest.

    The folder appears under its name when it is complete, so no reader finds half a run.
    """
    runs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=runs, prefix=".saving-") as unfinished:
        folder = Path(unfinished) / status.run_id
        save_run(
            folder,
            network=network,
            training=status.spec.training,
            history=history,
            result=status.result,
        )
        (folder / EVENTS).write_text(_lines(dataclasses.asdict(event) for event in events))
        (folder / ENDED).write_text(
            json.dumps({"state": status.state, "sentence": status.sentence}) + "\n"
        )
        folder.rename(runs / status.run_id)
    _let_go(runs)


def load_status(runs: Path, run_id: str) -> Status:
    """Return how a kept run ended.

    Raises
    ------
    UnknownRunError
        If it is not kept, or cannot be read.
    """
    folder = _folder(runs, run_id)
    try:
        network, training = load_specs(folder)
        ended = json.loads((folder / ENDED).read_text())
        return Status(
            run_id=run_id,
            owner="",
            spec=RunSpec(network=network, training=training),
            state=ended["state"],
            sentence=ended["sentence"],
            result=json.loads((folder / RESULT).read_text()),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnknownRunError(run_id) from error


def load_events(runs: Path, run_id: str) -> list[Event]:
    """Return what happened to a kept run, in order.

    Raises
    ------
    UnknownRunError
        If it is not kept, or cannot be read.
    """
    try:
        lines = (_folder(runs, run_id) / EVENTS).read_text().splitlines()
        return [Event(**json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError) as error:
        raise UnknownRunError(run_id) from error


def _folder(runs: Path, run_id: str) -> Path:
    folder = runs / checked_run_id(run_id)
    if not (folder / WEIGHTS).is_file():
        raise UnknownRunError(run_id)
    return folder


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(dict(row)) + "\n" for row in rows)


def _let_go(runs: Path) -> None:
    """Remove the oldest runs beyond the number kept, and nothing that is not a run."""
    kept = sorted(runs.glob(f"*/{ENDED}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for ended in kept[KEPT_RUNS:]:
        shutil.rmtree(ended.parent, ignore_errors=True)
