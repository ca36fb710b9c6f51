"""Training process: runs, and requests to Keras in parallel.

The ledger beside the scheduler hands it runs, one at a time, each of which is trained in a thread
of its own; `check` and `keras_file` are Dask tasks.
`python -m cnn_lab.runs.worker ADDRESS RESOURCE` is the worker that a page process starts, with the
certificate as the first line of its standard input; any other Dask worker that can import this
package works as well.
"""

import asyncio
import dataclasses
import json
import logging
import os
import pickle
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from distributed.core import Status

from cnn_lab.concepts.checks import Answer, LayerCheck
from cnn_lab.data.keras_here import has_keras
from cnn_lab.data.mnist import Data, DataError, Split, load_mnist
from cnn_lab.network import Network
from cnn_lab.ops.environment import end_if_wrong
from cnn_lab.runs.checks import KerasFile, KerasFileRequest
from cnn_lab.runs.connection import explained
from cnn_lab.runs.job import Command, Outcome, Parcel, RunSpec, TrainingFailedError
from cnn_lab.runs.ledger import Job, ReportKind
from cnn_lab.runs.priority import give_way
from cnn_lab.runs.recorder import Recorder
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

if TYPE_CHECKING:
    from distributed import Worker

TOPIC = OPERATION = "cnn-lab-training"
N_THREADS = 2  # requests to Keras at the same time
TICK_S = 1.0
HEARTBEAT_S = 5.0  # far below the five minutes after which Dask gives a silent worker up
AT_WORK = (Status.init, Status.running, Status.paused)
WITHOUT_SCHEDULER = (
    "The training worker is no longer connected to its scheduler, and this run ended with that."
)

_log = logging.getLogger(__name__)


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
        Reports an event.
    keep : callable
        Receives the outcome of each epoch before the epoch is reported, and the snapshots.
    initial : mapping of str to ndarray, optional
        The weights of the run's `start`.
    own : Split, optional
        The run's own drawings.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    control : Control
        For interrupting from another thread.
    """

    def __init__(
        self,
        spec: RunSpec,
        emit: Emit,
        keep: Callable[[Parcel], None],
        *,
        initial: Weights | None = None,
        own: Split | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.control = Control()
        self._keep = keep
        self._spec, self._emit, self._clock = spec, emit, clock
        self._initial, self._own = initial, own
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
            own=self._own,
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
            if self._spec.own_drawings:
                card["own_drawings"] = str(self._spec.own_drawings)
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
        self._keep(self._observer.take(n_images, epoch, batch, weights).to_bytes())

    def _hand_over(self, event: EpochReport) -> None:
        """Have the outcome of the epoch kept before the epoch is reported."""
        weights = self._trainer.weights()
        if self._is_due(event.seconds, epoch_ends=True):
            self._watch(event.n_images, event.epoch, self._spec.n_batches, weights)
        self._keep(self._outcome(weights, self._trainer.result()))


_runs: dict[str, tuple[WorkerRun, Recorder]] = {}
_training = threading.Lock()  # two runs at once would compete for time and memory
_asking = threading.Lock()  # Keras's state must not be cleared during a request


def enrol(dask_worker: "Worker") -> None:
    """Have a Dask worker do what the ledger tells it; Dask calls this in the worker's loop."""
    dask_worker.stream_handlers[OPERATION] = partial(_follow, dask_worker)


def _follow(dask_worker: "Worker", run: str, content: bytes) -> None:
    """Begin a run, or send a command to one, which follows it before its next batch."""
    told = pickle.loads(content)
    if isinstance(told, Job):

        def report(kind: ReportKind, content: Any) -> None:
            message = {"run": run, "kind": kind, "content": pickle.dumps(content)}
            dask_worker.loop.add_callback(_send, dask_worker, {"op": OPERATION, **message})

        recorder = Recorder(told, report)
        present = WorkerRun(
            told.spec, recorder.note, recorder.keep, initial=told.initial, own=told.own
        )
        _runs[run] = present, recorder
        # Python waits for this thread at its end, so that the run is saved.
        threading.Thread(
            target=_train, args=(dask_worker, run, present, recorder), name="training-run"
        ).start()
    elif run in _runs:
        _command(*_runs[run], *told)


def _send(dask_worker: "Worker", message: dict[str, Any]) -> None:
    with suppress(OSError):  # the scheduler has gone
        dask_worker.batched_stream.send(message)


def _command(present: WorkerRun, recorder: Recorder, what: Command, value: Any) -> None:
    control = present.control
    match what:
        case "stop":
            recorder.stopping = value
            control.stop()
        case "pause":
            control.pause()
        case "resume":
            control.resume()
        case "step":
            control.step()
        case "settings":
            recorder.note("settings", value)
            control.change(value)


def _train(dask_worker: "Worker", run_id: str, present: WorkerRun, recorder: Recorder) -> None:
    """Train a run, and tell its recorder how it ended."""
    give_way()  # a worker that a host has started may not have
    ended = threading.Event()
    outcome: Outcome | TrainingFailedError
    threading.Thread(target=recorder.show_life, args=(ended,), daemon=True).start()
    threading.Thread(target=_watch, args=(dask_worker, present, ended), daemon=True).start()
    try:
        recorder.note("started")
        with _training:
            recorder.begin()
            outcome = present.train()
        if dask_worker.status not in AT_WORK and outcome.cut_short:
            outcome = TrainingFailedError(WITHOUT_SCHEDULER)
    except TrainingFailedError as failure:
        outcome = failure
    except Exception as error:
        _log.exception("A training run failed.")
        outcome = TrainingFailedError(f"Training failed with {explained(error)}")
    finally:
        ended.set()
        del _runs[run_id]
    recorder.end(outcome)
    # In another thread: a reader who has just clicked on Stop need not wait for it.
    threading.Thread(target=_forget_models, daemon=True).start()


def _watch(dask_worker: "Worker", present: WorkerRun, ended: threading.Event) -> None:
    """Stop a run whose worker leaves the scheduler, because the process ends with it."""
    while not ended.wait(TICK_S):
        if dask_worker.status not in AT_WORK:
            present.control.stop()
            return


def _forget_models() -> None:
    """Release what Keras keeps of the run, if Keras was used."""
    if "cnn_lab.training.keras_engine" in sys.modules:
        from cnn_lab.training import keras_engine

        with _training, _asking:
            keras_engine.forget_models()


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
    """Import Keras, if it is installed, and load MNIST before the first run or request."""
    if has_keras():
        from cnn_lab.concepts import keras_check  # noqa: F401
        from cnn_lab.training import keras_engine  # noqa: F401
    else:
        from cnn_lab.training import numpy_engine  # noqa: F401

    assert len(load_mnist().train)


def main(scheduler: str, resource: str) -> None:
    """Work for the scheduler at an address until it or the parent process ends.

    `resource` is the name by which tasks can request this worker from Dask.
    """
    credentials = json.loads(sys.stdin.readline())
    give_way()
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
            _beat_rarely(worker)
            enrol(worker)
            here = {"kind": "here", "resource": resource, "worker": worker.address}
            worker.log_event(TOPIC, here)
            await asyncio.to_thread(warming.join)
            worker.log_event(TOPIC, here | {"kind": "warm"})
            await worker.finished()


def _beat_rarely(worker: "Worker") -> None:
    """Tell the scheduler less often how the worker does; a closed connection shows its death.

    By default, with few workers, this happens twice a second and takes processor time from a run.
    Dask resets the interval of its own callback each time, so a second callback replaces it.
    """
    from tornado.ioloop import PeriodicCallback

    worker.periodic_callbacks["heartbeat"].stop()
    rare = PeriodicCallback(worker.heartbeat, 1000 * HEARTBEAT_S)
    worker.periodic_callbacks["rare heartbeat"] = rare  # stops with the others
    rare.start()


def _end_with_parent() -> None:
    """Exit when standard input is closed, that is, when the parent has ended."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    end_if_wrong()
    main(sys.argv[1], sys.argv[2])
