"""One run in the process that trains: its data, its course, what is told of it, its judgement."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cnn_lab.data.mnist import Data, DataError, Split
from cnn_lab.data.sets import load_data_set
from cnn_lab.network import Network
from cnn_lab.network.initial import initial_weights
from cnn_lab.ops.types import Array
from cnn_lab.runs.job import RunSpec, TrainingFailedError
from cnn_lab.runs.outbox import Outbox, Parcel, Reached
from cnn_lab.runs.snapshots import Observer
from cnn_lab.training import card
from cnn_lab.training.evaluation import judge_probabilities
from cnn_lab.training.loop import (
    BatchReport,
    Control,
    EpochReport,
    PauseReport,
    Report,
    TrainingDivergedError,
    TrainingStopped,
    ValidationReport,
    Weights,
)

REPORT_EVERY_S = 0.25
ARRIVAL_TIMEOUT_S = 60.0
TEST_BATCH = 500

KINDS: dict[type[Report], str] = {
    BatchReport: "batch",
    PauseReport: "paused",
    ValidationReport: "validating",
    EpochReport: "epoch",
}


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
        self._history: list[EpochReport] = []
        self._n_images, self._seconds = 0, 0.0
        self._place = (0, 0)  # epoch and batch
        self._n_watched = -1  # images that the last snapshot's network had seen
        self._began_at = self._held_s = 0.0
        self._paused_at: float | None = None
        self._cut_short = ""

    def run(self) -> Outcome:
        network_spec, training = self._spec.network, self._spec.training
        data = self._data()
        if not self._spec.trial:
            self._observer = Observer(network_spec, data)
        self._began_at = self._clock()
        network = self._trained(data)
        if self._observer is not None and self._n_images > self._n_watched:
            self._watch(*self._place, network.weights)
        result = self._result()
        complete = len(self._history) == training.epochs
        if not complete and self._control.stopped:
            self._cut_short = "Stopped as requested."
        if complete and not self._spec.trial:
            self._emit("testing")
            probabilities = self._probabilities(network, data.test)
            result |= judge_probabilities(probabilities, data.test.labels, network_spec.n_classes)
        network.card = self._card(result)
        rows = [dataclasses.asdict(epoch) for epoch in self._history]
        return Outcome(network, rows, result, "" if complete else self._cut_short)

    def _data(self) -> Data:
        training = self._spec.training
        try:
            if training.data_set != "mnist":
                from cnn_lab.data.keras_download import ensure_data_set

                ensure_data_set(training.data_set, self._arriving)
            data = load_data_set(training.data_set, training.data_fraction, training.seed)
            assert len(data.train)  # reads the file, which may be no good
        except DataError as error:
            raise TrainingFailedError(str(error)) from error
        return data

    def _arriving(self, share: float) -> None:
        self._emit("downloading", {"share": share})
        if self._control.stopped:
            raise TrainingFailedError("Stopped while its images were still being downloaded.")

    def _trained(self, data: Data) -> Network:
        if self._spec.engine == "numpy":
            from cnn_lab.training.numpy_engine import train
        else:
            from cnn_lab.training.keras_engine import train
        try:
            network, _ = train(
                self._spec.network,
                self._spec.training,
                data,
                report=self._report,
                control=self._control,
                report_every_s=REPORT_EVERY_S,
            )
        except TrainingDivergedError as error:
            self._emit("diverged")
            raise TrainingFailedError(str(error)) from None
        return network

    def _report(self, event: Report, present: Callable[[], Weights]) -> None:
        now = self._clock()
        if self._paused_at is not None:
            self._held_s += now - self._paused_at
            self._paused_at = None
        match event:
            case PauseReport():
                self._paused_at = now
            case EpochReport():
                self._history.append(event)
                self._n_images, self._seconds = event.n_images, event.seconds
                self._hand_over(event, present())
        self._emit(KINDS[type(event)], dataclasses.asdict(event))
        if isinstance(event, BatchReport):
            self._look(event, present)
        if len(self._history) == self._spec.training.epochs:
            return
        if now - self._began_at - self._held_s > self._spec.max_seconds:
            limit = f"{self._spec.max_seconds:,.0f} s"
            self._cut_short = f"Stopped after {limit}, the time limit of a run."
        if self._cut_short:
            raise TrainingStopped

    def _look(self, event: BatchReport, present: Callable[[], Weights]) -> None:
        first = self._observer is not None and self._n_watched < 0
        if first:
            # Not before: somebody is waiting for the first point of the curves.
            spec = self._spec
            self._watch(0, 0, initial_weights(spec.network, spec.training.seed))
        self._n_images, self._seconds = event.n_images, event.seconds
        self._place = event.epoch, event.batch
        if self._is_due(event.seconds) and not first:
            self._watch(*self._place, present())

    def _is_due(self, seconds: float, *, epoch_ends: bool = False) -> bool:
        return self._observer is not None and self._observer.due(seconds, epoch_ends=epoch_ends)

    def _watch(self, epoch: int, batch: int, weights: Mapping[str, Array]) -> None:
        assert self._observer is not None
        self._n_watched = self._n_images
        self._send(self._observer.take(self._n_images, epoch, batch, weights).to_bytes())

    def _hand_over(self, event: EpochReport, weights: Weights) -> None:
        """See to it that whoever hears of an epoch already has what it reached."""
        if self._is_due(event.seconds, epoch_ends=True):
            self._watch(event.epoch, self._spec.n_batches, weights)
        result = self._result()
        network = None
        if not self._spec.trial:
            network = Network(self._spec.network, weights, self._card(result))
        rows = [dataclasses.asdict(epoch) for epoch in self._history]
        number = self._send(Reached(network, rows, result))
        if not self._outbox.wait_for(number, ARRIVAL_TIMEOUT_S):
            self._cut_short = "Stopped because its results could not be delivered."

    def _send(self, parcel: Parcel) -> int:
        number = self._outbox.put(parcel)
        self._emit("parcel")
        return number

    def _result(self) -> dict[str, Any]:
        result: dict[str, Any] = {
            "model": self._spec.network.name,
            "epochs": len(self._history),
            "images": self._n_images,
            "seconds": round(self._seconds, 2),
            "images_per_second": round(self._n_images / self._seconds, 1) if self._seconds else 0.0,
            "seed": self._spec.training.seed,
            "engine": self._spec.engine,
        }
        if self._history:
            result["val_accuracy"] = self._history[-1].val_accuracy
        return result

    def _probabilities(self, network: Network, split: Split) -> Array:
        if self._spec.engine == "numpy":
            return network.predict(split.images)
        from cnn_lab.training.keras_engine import to_keras

        model = to_keras(network)
        probabilities: Array = model.predict(split.images, batch_size=TEST_BATCH, verbose=0)
        return probabilities

    def _card(self, result: Mapping[str, Any]) -> dict[str, str]:
        if self._spec.engine == "numpy":
            return card.model_card(result, self._spec.training, self._history)
        from cnn_lab.training.keras_engine import model_card

        return model_card(result, self._spec.training, self._history)
