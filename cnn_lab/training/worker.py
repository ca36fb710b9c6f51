"""What happens in the process with Keras in it: runs, and checks beside them.

`run` and `check` are the tasks that Dask carries here. `python -m cnn_lab.training.worker
ADDRESS` is the worker that a page process starts for itself; any other Dask worker that can
import this package does as well.
"""

import asyncio
import dataclasses
import os
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from cnn_lab.data import load_mnist
from cnn_lab.layer_check import Answer, LayerCheck
from cnn_lab.network import Network
from cnn_lab.training.job import RunSpec, TrainingFailedError

if TYPE_CHECKING:
    from cnn_lab.training_loop import Report

TOPIC = "cnn-lab-training"
REPORT_EVERY_S = 0.25
NICENESS = 5
N_THREADS = 2  # a run, and a check that need not wait for its end

Command = Literal["stop"]
_stops: dict[str, threading.Event] = defaultdict(threading.Event)
_training = threading.Lock()  # two runs at once would draw from the same random numbers
_checking = threading.Lock()  # what a check has in hand must not be cleared away


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run leaves behind.

    Attributes
    ----------
    network : Network
        With its card.
    history : list of dict
        One per finished epoch.
    result : dict
        Epochs and images done, seconds; the test figures only if nothing cut the run short.
    cut_short : str
        Why the run ended before its time; empty if it did not.
    """

    network: Network
    history: list[dict[str, Any]]
    result: dict[str, Any]
    cut_short: str


async def command(run_id: str, what: Command) -> None:
    """Steer a run of this process from outside; it obeys at its next report.

    Sent by `Client.run`, which the worker answers while its tasks are busy, so training
    never has to ask anybody. A coroutine because only those can be sent without
    waiting for them.
    """
    if what == "stop":
        _stops[run_id].set()


def run(run_id: str, spec_json: str) -> Outcome:
    """Train as a Dask task, telling the scheduler's event log what happens.

    Parameters
    ----------
    run_id : str
        Stands in each event, and is the name that `command` uses.
    spec_json : str
        A RunSpec.

    Raises
    ------
    TrainingFailedError
        If the loss stops being a number.

    Notes
    -----
    A run that is stopped keeps its weights but is not measured on the test set: whoever
    stops when the curve looks best has begun to choose by looking, and the test set is
    read once, by runs that went where they were meant to go.
    """
    from distributed import get_worker

    worker = get_worker()
    stop = _stops[run_id]

    def emit(kind: str, values: Mapping[str, float] | None = None) -> None:
        message = {
            "run": run_id,
            "worker": worker.address,
            "kind": kind,
            "values": dict(values or {}),
        }
        worker.log_event(TOPIC, message)

    emit("started")
    try:
        with _training:
            return _train(RunSpec.model_validate_json(spec_json), stop, emit)
    finally:
        del _stops[run_id]


def _train(spec: RunSpec, stop: threading.Event, emit: Any) -> Outcome:
    from cnn_lab import keras_engine, training_loop

    kinds = {
        training_loop.BatchReport: "batch",
        training_loop.PauseReport: "paused",
        training_loop.ValidationReport: "validating",
        training_loop.EpochReport: "epoch",
    }
    deadline = time.monotonic() + spec.max_seconds
    cut_short = ""
    n_images, seconds = 0, 0.0

    def report(event: "Report", _model: object) -> None:
        nonlocal cut_short, n_images, seconds
        emit(kinds[type(event)], dataclasses.asdict(event))
        if isinstance(event, training_loop.BatchReport | training_loop.EpochReport):
            n_images, seconds = event.n_images, event.seconds
        finished = n_images == spec.n_images and isinstance(event, training_loop.EpochReport)
        if stop.is_set():
            cut_short = "Stopped as asked."
        elif time.monotonic() > deadline:
            cut_short = f"Stopped after {spec.max_seconds:,.0f} s, the longest a run may take."
        if cut_short and not finished:
            raise training_loop.TrainingStopped

    data = load_mnist()
    try:
        network, history = keras_engine.train(
            spec.network, spec.training, data, report=report, report_every_s=REPORT_EVERY_S
        )
    except training_loop.TrainingDivergedError as error:
        raise TrainingFailedError(str(error)) from None
    rows = [dataclasses.asdict(epoch) for epoch in history]
    result: dict[str, Any] = {
        "model": spec.network.name,
        "epochs": len(rows),
        "images": n_images,
        "seconds": round(seconds, 2),
        "images_per_second": round(n_images / seconds, 1) if seconds else 0.0,
        "seed": spec.training.seed,
        "engine": "keras",
    }
    if len(rows) == spec.training.epochs:
        cut_short = ""
        emit("testing")
        accuracy, errors = keras_engine.evaluate(keras_engine.to_keras(network), data.test)
        result |= {"test_accuracy": accuracy, "errors": errors, "n": len(data.test)}
    network.card = keras_engine.model_card(result, spec.training, history)
    with _checking:
        keras_engine.forget_models()
    return Outcome(network, rows, result, cut_short)


def check(request: LayerCheck) -> Answer:
    """Have Keras calculate what a page shows, as a Dask task; see `keras_check.check`."""
    from cnn_lab import keras_check

    with _checking:
        return keras_check.check(request)


def warm() -> None:
    """Import Keras and read MNIST, so that the first run or check need not."""
    from cnn_lab import keras_check, keras_engine  # noqa: F401

    assert len(load_mnist().train)


def main(scheduler: str) -> None:
    """Work for the scheduler at this address until it, or whoever started this, is gone."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threading.Thread(target=warm, daemon=True).start()
    asyncio.run(_work(scheduler))


async def _work(scheduler: str) -> None:
    from distributed import Worker

    with tempfile.TemporaryDirectory(prefix="cnn-lab-") as folder, suppress(asyncio.CancelledError):
        async with Worker(
            scheduler,
            nthreads=N_THREADS,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            local_directory=folder,
            memory_limit=0,
        ) as worker:
            await worker.finished()


def _end_with_parent() -> None:
    """Leave when the other end of standard input closes, however the parent went."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
