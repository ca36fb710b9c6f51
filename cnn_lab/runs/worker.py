"""Training process: runs, and requests to Keras in parallel.

`run`, `check` and `keras_file` are Dask tasks; `command` and `parcels` are called while they run.
`python -m cnn_lab.runs.worker ADDRESS RESOURCE` is the worker that a page process starts, with the
certificate as the first line of its standard input; any other Dask worker that can import this
package works as well.
"""

import asyncio
import dataclasses
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from cnn_lab.concepts.checks import Answer, LayerCheck
from cnn_lab.data.mnist import Data, DataError, load_mnist
from cnn_lab.network import Network
from cnn_lab.runs.checks import KerasFile, KerasFileRequest
from cnn_lab.runs.job import Command, CommandValue, Outcome, Parcel, RunSpec, TrainingFailedError
from cnn_lab.runs.snapshots import Observer
from cnn_lab.training.engine import Weights
from cnn_lab.training.loop import (
    BatchReport,
    Control,
    EpochReport,
    PauseReport,
    Report,
    Trainer,
    TrainingDivergedError,
    TrainingStopped,
    new_engine,
)

TOPIC = "cnn-lab-training"
NICENESS = 5
N_THREADS = 2  # a run, and a request to Keras at the same time
MAX_WAITING = 16  # parcels
ARRIVAL_TIMEOUT_S = 60.0


class Outbox:
    """Parcels in order, each kept until the receiver confirms that it has arrived.

    The training puts them in; the thread that answers the run queue takes them out.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Parcel] = []
        self._n_arrived = 0

    def put(self, parcel: Parcel) -> int:
        """Add a parcel and return its number, from 1; the oldest of too many is dropped."""
        with self._changed:
            self._waiting.append(parcel)
            if len(self._waiting) > MAX_WAITING:
                del self._waiting[0]
                self._n_arrived += 1
            return self._n_arrived + len(self._waiting)

    def after(self, n_arrived: int) -> tuple[int, list[Parcel]]:
        """Return the parcels after the first `n_arrived`, which are no longer needed.

        Returns
        -------
        n_before : int
            Number of the parcel before these.
        parcels : list
        """
        with self._changed:
            del self._waiting[: max(0, n_arrived - self._n_arrived)]
            self._n_arrived = max(self._n_arrived, n_arrived)
            self._changed.notify_all()
            return self._n_arrived, list(self._waiting)

    def wait_for(self, number: int, timeout_s: float) -> bool:
        """Wait at most `timeout_s` for a parcel to arrive, and return whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: self._n_arrived >= number, timeout_s)


class Emit(Protocol):
    """Report of an event of a run; the run queue receives events in order."""

    def __call__(self, kind: str, values: Mapping[str, float] | None = None) -> None:
        """Report an event."""


class WorkerRun:
    """A run in this process: its data, training, snapshots, events and test.

    Parameters
    ----------
    spec : RunSpec
    emit : callable
    initial : mapping of str to ndarray, optional
        The weights of the run's `start`.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    control : Control
        For interrupting from another thread.
    outbox : Outbox
        Receives the outcome of each epoch before the epoch is reported, and the snapshots.
    """

    def __init__(
        self,
        spec: RunSpec,
        emit: Emit,
        *,
        initial: Weights | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.control, self.outbox = Control(), Outbox()
        self._spec, self._emit, self._clock, self._initial = spec, emit, clock, initial
        self._trainer: Trainer
        self._observer: Observer | None = None
        self._place = (0, 0, 0)  # images, epoch and batch
        self._n_watched = -1  # images trained on at the latest snapshot
        self._began_at = self._held_s = 0.0
        self._paused_at: float | None = None
        self._cut_short = ""

    def train(self) -> Outcome:
        """Train the run's network, and test it if all epochs are finished.

        Raises
        ------
        TrainingFailedError
            If the loss is no longer finite, or the data are not available.

        Notes
        -----
        A run that is stopped keeps its weights but is not tested: stopping when the curve looks
        best is already a choice, and the test set is used once, by runs that finish. Trials are
        never tested.
        """
        spec = self._spec
        data = self._data()
        if not spec.trial:
            self._observer = Observer(spec.network, data)
        self._trainer = trainer = Trainer(
            new_engine(spec.engine, spec.network, spec.training),
            data,
            report=self._report,
            control=self.control,
            initial=self._initial,
        )
        self._began_at = self._clock()
        try:
            network = trainer.train()
        except TrainingDivergedError as error:
            self._emit("diverged")
            raise TrainingFailedError(str(error)) from None
        result = trainer.result()
        if self._observer is not None and result["images"] > self._n_watched:
            self._watch(*self._place, network.weights)
        if not trainer.complete and self.control.stopped:
            self._cut_short = "Stopped as requested."
        if trainer.complete and not spec.trial:
            self._emit("testing")
            result |= trainer.test()
        return self._outcome(network.weights, result, "" if trainer.complete else self._cut_short)

    def _data(self) -> Data:
        # Imported late because it imports Keras.
        from cnn_lab.data.keras_download import training_data

        try:
            return training_data(self._spec.training, self._arriving)
        except DataError as error:
            raise TrainingFailedError(str(error)) from error

    def _arriving(self, share: float) -> None:
        self._emit("downloading", {"share": share})
        if self.control.stopped:
            raise TrainingFailedError("Stopped while its images were still being downloaded.")

    def _outcome(self, weights: Weights, result: dict[str, Any], cut_short: str = "") -> Outcome:
        network = None
        if not self._spec.trial:
            card = self._trainer.card(result)
            if self._spec.start is not None:
                card["start"] = self._spec.start.model_dump_json()
            network = Network(self._spec.network, weights, card)
        history = [dataclasses.asdict(epoch) for epoch in self._trainer.history]
        return Outcome(network, history, result, cut_short)

    def _report(self, event: Report) -> None:
        now = self._clock()
        if self._paused_at is not None:
            self._held_s += now - self._paused_at
            self._paused_at = None
        match event:
            case PauseReport():
                self._paused_at = now
            case EpochReport():
                self._hand_over(event)
        self._emit(event.kind, dataclasses.asdict(event))
        if isinstance(event, BatchReport):
            self._look(event)
        if self._trainer.complete:
            return
        if now - self._began_at - self._held_s > self._spec.max_seconds:
            limit = f"{self._spec.max_seconds:,.0f} s"
            self._cut_short = f"Stopped after {limit}, the time limit of a run."
        if self._cut_short:
            raise TrainingStopped

    def _look(self, event: BatchReport) -> None:
        self._place = event.n_images, event.epoch, event.batch
        if self._observer is not None and self._n_watched < 0:
            # Not before, because a reader is waiting for the first point of the curves.
            self._watch(0, 0, 0, self._trainer.initial())
        elif self._is_due(event.seconds):
            self._watch(*self._place, self._trainer.weights())

    def _is_due(self, seconds: float, *, epoch_ends: bool = False) -> bool:
        return self._observer is not None and self._observer.due(seconds, epoch_ends=epoch_ends)

    def _watch(self, n_images: int, epoch: int, batch: int, weights: Weights) -> None:
        assert self._observer is not None
        self._n_watched = n_images
        self._send(self._observer.take(n_images, epoch, batch, weights).to_bytes())

    def _hand_over(self, event: EpochReport) -> None:
        """Send the outcome of the epoch, so that it arrives before the epoch is reported."""
        weights = self._trainer.weights()
        if self._is_due(event.seconds, epoch_ends=True):
            self._watch(event.n_images, event.epoch, self._spec.n_batches, weights)
        number = self._send(self._outcome(weights, self._trainer.result()))
        if not self.outbox.wait_for(number, ARRIVAL_TIMEOUT_S):
            self._cut_short = "Stopped because its results could not be delivered."

    def _send(self, parcel: Parcel) -> int:
        number = self.outbox.put(parcel)
        self._emit("parcel")
        return number


_runs: dict[str, WorkerRun] = {}
_training = threading.Lock()  # two runs at once would compete for time and memory
_asking = threading.Lock()  # Keras's state must not be cleared during a request


def run(
    run_id: str, spec_json: str, initial: Weights | None = None
) -> tuple[Outcome, int, list[Parcel]]:
    """Train as a Dask task, with events in the scheduler's event log.

    Parameters
    ----------
    run_id : str
        Included in each event; identifies the run for `command` and `parcels`.
    spec_json : str
        A RunSpec.
    initial : mapping of str to ndarray, optional
        The weights of its `start`.

    Returns
    -------
    outcome : Outcome
    n_before, parcels : int, list
        As from `Outbox.after`: parcels that were not fetched during the run.

    Raises
    ------
    TrainingFailedError
        See `WorkerRun.train`.
    """
    from distributed import get_worker

    worker = get_worker()

    def emit(kind: str, values: Mapping[str, float] | None = None) -> None:
        message = {
            "run": run_id,
            "worker": worker.address,
            "kind": kind,
            "values": dict(values or {}),
        }
        worker.log_event(TOPIC, message)

    present = _runs[run_id] = WorkerRun(
        RunSpec.model_validate_json(spec_json), emit, initial=initial
    )
    emit("started")
    try:
        with _training:
            outcome = present.train()
    finally:
        del _runs[run_id]
        # In another thread: a reader who has just clicked on Stop need not wait for it.
        threading.Thread(target=_forget_models, daemon=True).start()
    return outcome, *present.outbox.after(0)


def _forget_models() -> None:
    """Release what Keras keeps of the run, if Keras was used."""
    if "cnn_lab.training.keras_engine" in sys.modules:
        from cnn_lab.training import keras_engine

        with _training, _asking:
            keras_engine.forget_models()


async def command(run_id: str, what: Command, value: CommandValue = None) -> None:
    """Send a command to a run of this process, which follows it before its next batch.

    Called through `Client.run`, which the worker answers while its tasks are running, so training
    does not have to poll for commands.
    """
    if run_id not in _runs:
        return
    control = _runs[run_id].control
    match what:
        case "stop":
            control.stop()
        case "pause":
            control.pause()
        case "resume":
            control.resume()
        case "step":
            control.step()
        case "settings":
            control.change(value or {})


async def parcels(run_id: str, n_arrived: int) -> tuple[int, list[Parcel]]:
    """Return the parcels of a run after the first ones; see `Outbox.after`."""
    present = _runs.get(run_id)
    return present.outbox.after(n_arrived) if present else (n_arrived, [])


def check(request: LayerCheck) -> Answer:
    """Compute a layer with Keras, as a Dask task; see `keras_check.check`."""
    from cnn_lab.concepts import keras_check

    with _asking:
        return keras_check.check(request)


def keras_file(request: KerasFileRequest) -> KerasFile:
    """Write a network as a .keras file, as a Dask task."""
    from cnn_lab.training import keras_engine

    with _asking, tempfile.TemporaryDirectory(prefix="cnn-lab-") as folder:
        weights = Path(folder) / "weights.safetensors"
        weights.write_bytes(request.weights)
        content = keras_engine.keras_file(Network.load(weights))
        return KerasFile(content, keras_engine.VERSION)


def warm() -> None:
    """Import Keras and load MNIST in advance of the first run or request."""
    from cnn_lab.concepts import keras_check  # noqa: F401
    from cnn_lab.training import keras_engine  # noqa: F401

    assert len(load_mnist().train)


def main(scheduler: str, resource: str) -> None:
    """Work for the scheduler at an address until it or the parent process ends.

    `resource` is the name by which tasks can request this worker from Dask.
    """
    credentials = json.loads(sys.stdin.readline())
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_work(scheduler, resource, credentials))


async def _work(scheduler: str, resource: str, credentials: Mapping[str, str]) -> None:
    from distributed import Worker

    from cnn_lab.runs.connection import stop_http, worker_security

    warming = threading.Thread(target=warm, daemon=True)
    warming.start()
    with tempfile.TemporaryDirectory(prefix="cnn-lab-") as folder, suppress(asyncio.CancelledError):
        async with Worker(
            scheduler,
            security=worker_security(credentials),
            nthreads=N_THREADS,
            resources={resource: N_THREADS},
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            local_directory=folder,
            memory_limit=0,
        ) as worker:
            await stop_http(worker)
            await asyncio.to_thread(warming.join)
            worker.log_event(TOPIC, {"kind": "warm", "resource": resource})
            await worker.finished()


def _end_with_parent() -> None:
    """Exit when standard input is closed, that is, when the parent has ended."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
