"""A run as a folder that any later session, or another tool, can read.

The folder may be anywhere that fsspec reaches. It grows while a run goes on; `ended.json` is
written last, so a folder that has it is complete. One without it is of a run that is still
going, or whose server went away: of that, what its last finished epoch had reached is left.
"""

import dataclasses
import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from cnn_lab.data.sets import cache_folder
from cnn_lab.network import Network
from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.runs.folder import Address, Folder, local_copy, weights_bytes
from cnn_lab.runs.job import RUN_ID, Event, RunSpec, Status, UnknownRunError, checked_run_id

SPEC, HISTORY, WEIGHTS, RESULT = "spec.json", "history.jsonl", "weights.safetensors", "result.json"
BEGUN, EVENTS, ENDED = "begun.json", "events.jsonl", "ended.json"
SNAPSHOTS = "snapshots"
KEPT_RUNS = 20
SAME_MOMENT_S = 2.0
WITH_THE_SERVER = "This run ended when its server stopped."


def runs_folder() -> Address:
    """Return where runs are kept: CNN_LAB_RUNS, or a folder in the user's cache.

    Any address that fsspec knows will do, such as "s3://bucket/runs", given its package.
    """
    chosen = os.environ.get("CNN_LAB_RUNS")
    if chosen and "://" in chosen:
        return chosen
    return Path(chosen) if chosen else cache_folder() / "runs"


def run_path(run_id: str, runs: Address | None = None) -> Path:
    """Return the weights file of a kept run; where runs are kept elsewhere, a copy of it.

    Raises
    ------
    UnknownRunError
        If the id has not the form of one, or the run is not (or no longer) kept.
    """
    folder = _folder(runs or runs_folder(), run_id)
    try:
        if _goes_on(folder):
            raise UnknownRunError(run_id)
        return local_copy(folder, WEIGHTS)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnknownRunError(run_id) from error


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
    for name, content in _files(network, training, history, result):
        Folder(folder).put(name, content)


def load_specs(folder: Path) -> tuple[NetworkSpec, TrainingSpec]:
    """Return what a saved run was asked to do."""
    return _specs(Folder(folder))


def begin_run(runs: Address, run_id: str, spec: RunSpec) -> None:
    """Note that a run has begun, in this process."""
    folder = _folder(runs, run_id)
    folder.put(SPEC, _specs_bytes(spec.network, spec.training))
    process = psutil.Process()
    by = {"host": socket.gethostname(), "pid": process.pid, "started": process.create_time()}
    folder.put(BEGUN, _json(by))


def keep_epoch(runs: Address, run_id: str, network: Network, events: Sequence[Event]) -> None:
    """Keep what a run has reached, in place of what it had reached an epoch before.

    History and result are in the network's card, so one file has it all, or all of the
    epoch before.
    """
    folder = _folder(runs, run_id)
    folder.put(EVENTS, _events_bytes(events))
    folder.put(WEIGHTS, weights_bytes(network))


def keep_snapshot(runs: Address, run_id: str, number: int, snapshot: bytes) -> None:
    """Keep a snapshot of a run; their numbers put them in order."""
    _folder(runs, run_id).put(f"{SNAPSHOTS}/{number:04d}.safetensors", snapshot)


def keep_run(
    runs: Address,
    status: Status,
    network: Network,
    history: Iterable[Mapping[str, Any]],
    events: Sequence[Event],
) -> None:
    """Keep a run that has ended under its id, and let go of all but the newest.

    Raises
    ------
    OSError
        If it cannot be written. Nothing of it is left then.
    """
    folder = _folder(runs, status.run_id)
    try:
        for name, content in _files(network, status.spec.training, history, status.result):
            folder.put(name, content)
        folder.put(EVENTS, _events_bytes(events))
        folder.put(ENDED, _json({"state": status.state, "sentence": status.sentence}))
    except OSError:
        folder.remove()
        raise
    _let_go(runs)


def discard_run(runs: Address, run_id: str) -> None:
    """Leave nothing of a run that has nothing to keep."""
    _folder(runs, run_id).remove()


def load_status(runs: Address, run_id: str) -> Status:
    """Return how a kept run ended.

    Raises
    ------
    UnknownRunError
        If it is not kept, cannot be read, or goes on in another process.
    """
    folder = _folder(runs, run_id)
    try:
        network, training = _specs(folder)
        if folder.has(ENDED):
            ended = json.loads(folder.get(ENDED))
            state, sentence = ended["state"], ended["sentence"]
            result = json.loads(folder.get(RESULT))
        elif _goes_on(folder):
            raise UnknownRunError(run_id)
        else:
            state, sentence, result = "failed", WITH_THE_SERVER, {}
            if folder.has(WEIGHTS):
                result = json.loads(Network.load(local_copy(folder, WEIGHTS)).card["result"])
                sentence += f" {kept_sentence(result)}"
        return Status(
            run_id=run_id,
            owner="",
            spec=RunSpec(network=network, training=training, engine=result.get("engine", "keras")),
            state=state,
            sentence=sentence,
            result=result,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnknownRunError(run_id) from error


def kept_sentence(result: Mapping[str, Any]) -> str:
    """Return what is left of a run that could not go on."""
    return f"Its state after epoch {result['epochs']} is kept."


def load_events(runs: Address, run_id: str) -> list[Event]:
    """Return what happened to a kept run, in order.

    Raises
    ------
    UnknownRunError
        If it is not kept, or cannot be read.
    """
    folder = _folder(runs, run_id)
    try:
        if _goes_on(folder):
            raise UnknownRunError(run_id)
        if not folder.has(EVENTS) and folder.has(SPEC):
            return []  # its server went away before the first epoch was over
        return [Event(**json.loads(line)) for line in folder.get(EVENTS).splitlines()]
    except (OSError, ValueError, TypeError) as error:
        raise UnknownRunError(run_id) from error


def load_snapshots(runs: Address, run_id: str) -> list[bytes]:
    """Return the snapshots of a run, oldest first; none of a run that is not kept."""
    return _folder(runs, run_id).get_all(SNAPSHOTS)


def _folder(runs: Address, run_id: str) -> Folder:
    return Folder(runs) / checked_run_id(run_id)


def _goes_on(folder: Folder) -> bool:
    """Return whether the process that began a run still has it in hand, as far as can be seen."""
    if folder.has(ENDED) or not folder.has(BEGUN):
        return False
    by = json.loads(folder.get(BEGUN))
    if by["host"] != socket.gethostname():
        return False
    with suppress(psutil.Error):  # another process may have its number by now
        return bool(abs(psutil.Process(by["pid"]).create_time() - by["started"]) < SAME_MOMENT_S)
    return False


def _specs(folder: Folder) -> tuple[NetworkSpec, TrainingSpec]:
    specs = json.loads(folder.get(SPEC))
    return (
        NetworkSpec.model_validate(specs["network"]),
        TrainingSpec.model_validate(specs["training"]),
    )


def _files(
    network: Network,
    training: TrainingSpec,
    history: Iterable[Mapping[str, Any]],
    result: Mapping[str, Any],
) -> Iterator[tuple[str, bytes]]:
    yield SPEC, _specs_bytes(network.spec, training)
    yield HISTORY, _lines(history)
    yield RESULT, _json(result)
    yield WEIGHTS, weights_bytes(network)


def _specs_bytes(network: NetworkSpec, training: TrainingSpec) -> bytes:
    specs = {"network": network.model_dump(), "training": training.model_dump()}
    return (json.dumps(specs, indent=2) + "\n").encode()


def _events_bytes(events: Iterable[Event]) -> bytes:
    return _lines(dataclasses.asdict(event) for event in events)


def _lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(dict(row)) + "\n" for row in rows).encode()


def _json(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(dict(values)) + "\n").encode()


def _let_go(runs: Address) -> None:
    """Remove the oldest runs beyond the number kept, and nothing that is not a run."""
    with suppress(Exception):  # the run is kept; what is too much goes another time
        found = Folder(runs).folders(holding=SPEC)
        kept = [folder for folder in found if RUN_ID.fullmatch(folder.name)]
        kept.sort(key=lambda folder: folder.modified(ENDED, SPEC), reverse=True)
        for old in kept[KEPT_RUNS:]:
            old.remove()
