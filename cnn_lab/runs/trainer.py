"""One run in the process that trains: its data, its course, what is told of it, its judgement."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cnn_lab.data.mnist import Data, DataError
from cnn_lab.network import Network
from cnn_lab.network.initial import initial_weights
from cnn_lab.runs.job import RunSpec, TrainingFailedError
from cnn_lab.runs.outbox import Outbox, Parcel, Reached
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

ARRIVAL_TIMEOUT_S = 60.0


class Emit(Protocol):
    """Tells of something that happened to the run."""

    def __call__(self, kind: str, values: Mapping[str, float] | None = None) -> None:
        """Tell of it; the engine hears of everything in this order."""


@dataclass(frozen=True)
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


def train(
    spec: RunSpec,
    control: Control,
    emit: Emit,
    outbox: Outbox,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Train as a run asks for, and judge it if it goes to its end.

    Parameters
    ----------
    spec : RunSpec
    control : Control
        Whoever holds it can interrupt.
    emit : callable
    outbox : Outbox
        Gets what each epoch has reached before the epoch is told of, and the snapshots.

    Raises
    ------
    TrainingFailedError
        If the loss stops being a number, or the data cannot be had.

    Notes
    -----
    A run that is stopped keeps its weights but is not measured on the test set: whoever
    stops when the curve looks best has begun to choose by looking, and the test set is
    read once, by runs that went where they were meant to go. A trial never is.
    """
    return _Course(spec, control, emit, outbox, clock).run()


class _Course:
    def __init__(
        self,
        spec: RunSpec,
        control: Control,
        emit: Emit,
        outbox: Outbox,
        clock: Callable[[], float],
    ) -> None:
        self._spec, self._control, self._emit, self._outbox = spec, control, emit, outbox
        self._clock = clock
        self._observer: Observer | None = None
        self._trainer: Trainer
        self._place = (0, 0, 0)  # images, epoch and batch
        self._n_watched = -1  # images that the last snapshot's network had seen
        self._began_at = self._held_s = 0.0
        self._paused_at: float | None = None
        self._cut_short = ""

    def run(self) -> Outcome:
        spec = self._spec
        data = self._data()
        if not spec.trial:
            self._observer = Observer(spec.network, data)
        self._trainer = trainer = Trainer(
            new_engine(spec.engine, spec.network, spec.training),
            data,
            report=self._report,
            control=self._control,
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
        if not trainer.complete and self._control.stopped:
            self._cut_short = "Stopped as requested."
        if trainer.complete and not spec.trial:
            self._emit("testing")
            result |= trainer.test()
        network.card = trainer.card(result)
        cut_short = "" if trainer.complete else self._cut_short
        return Outcome(network, self._rows(), result, cut_short)

    def _data(self) -> Data:
        # Imported late: what it names leads to Keras.
        from cnn_lab.data.keras_download import training_data

        try:
            return training_data(self._spec.training, self._arriving)
        except DataError as error:
            raise TrainingFailedError(str(error)) from error

    def _arriving(self, share: float) -> None:
        self._emit("downloading", {"share": share})
        if self._control.stopped:
            raise TrainingFailedError("Stopped while its images were still being downloaded.")

    def _rows(self) -> list[dict[str, Any]]:
        return [dataclasses.asdict(epoch) for epoch in self._trainer.history]

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
            # Not before: somebody is waiting for the first point of the curves.
            spec = self._spec
            self._watch(0, 0, 0, initial_weights(spec.network, spec.training.seed))
        elif self._is_due(event.seconds):
            self._watch(*self._place, self._trainer.weights())

    def _is_due(self, seconds: float, *, epoch_ends: bool = False) -> bool:
        return self._observer is not None and self._observer.due(seconds, epoch_ends=epoch_ends)

    def _watch(self, n_images: int, epoch: int, batch: int, weights: Weights) -> None:
        assert self._observer is not None
        self._n_watched = n_images
        self._send(self._observer.take(n_images, epoch, batch, weights).to_bytes())

    def _hand_over(self, event: EpochReport) -> None:
        """See to it that whoever hears of an epoch already has what it reached."""
        trainer = self._trainer
        weights = trainer.weights()
        if self._is_due(event.seconds, epoch_ends=True):
            self._watch(event.n_images, event.epoch, self._spec.n_batches, weights)
        result = trainer.result()
        network = None
        if not self._spec.trial:
            network = Network(self._spec.network, weights, trainer.card(result))
        number = self._send(Reached(network, self._rows(), result))
        if not self._outbox.wait_for(number, ARRIVAL_TIMEOUT_S):
            self._cut_short = "Stopped because its results could not be delivered."

    def _send(self, parcel: Parcel) -> int:
        number = self._outbox.put(parcel)
        self._emit("parcel")
        return number
