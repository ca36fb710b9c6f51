"""Training loop of both engines: batches, learning rates, reports and interruptions.

Two engines that train the same spec differ only in their arithmetic.
"""

import json
import math
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cnn_lab.data.mnist import MNIST_SHA256, Data, Split, as_images
from cnn_lab.network import Network
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.ops.types import Array
from cnn_lab.training.batches import Batches
from cnn_lab.training.engine import REPORT_EVERY_S, Engine, EngineName, State, Weights
from cnn_lab.training.evaluation import evaluate_probabilities
from cnn_lab.training.schedules import learning_rates

VALIDATION_BATCH = 500
OF_ENGINE = frozenset({"label_smoothing", "weight_decay", "dropout"})  # the loop does the rest
CHECKPOINT_EVERY_S = 300.0
AVERAGE_EVERY = 8  # batches, because copying the weights out of an engine takes some milliseconds


@dataclass(frozen=True)
class BatchReport:
    """Means over the batches since the previous report.

    Attributes
    ----------
    epoch : int
        From 1.
    batch : int
        Batches finished in this epoch.
    loss, accuracy : float
        Cross-entropy in nats; share of correct answers in [0, 1].
    n_images : int
        Images trained on since the start of the run.
    seconds : float
        Time spent on training batches since the start, validation and pauses left out.
    rate : float
        Learning rate of the latest batch.
    """

    kind: ClassVar = "batch"
    epoch: int
    batch: int
    loss: float
    accuracy: float
    n_images: int
    seconds: float
    rate: float


@dataclass(frozen=True)
class PauseReport:
    """Training has paused on request, after this many batches of this epoch."""

    kind: ClassVar = "paused"
    epoch: int
    batch: int


@dataclass(frozen=True)
class ValidationReport:
    """The share in [0, 1] of the validation images that have been evaluated after an epoch."""

    kind: ClassVar = "validating"
    epoch: int
    share: float


@dataclass(frozen=True)
class EpochReport:
    """A finished epoch; `loss` and `accuracy` are means over its batches, as in Keras.

    `seconds` is the time spent on training batches since the start, validation and pauses
    left out.
    """

    kind: ClassVar = "epoch"
    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    n_images: int
    seconds: float


Report = BatchReport | PauseReport | ValidationReport | EpochReport
OnReport = Callable[[Report], None]
"""Called with each report, in order."""


class TrainingStopped(Exception):  # noqa: N818 - a request, not an error
    """Raised by the function that receives reports to end training after the current batch."""


class TrainingDivergedError(ValueError):
    """Raised when the loss is no longer finite; the message names the batch."""


class Control:
    """Commands to a training, carried out before its next batch.

    All methods are thread-safe and return immediately, except `wait_for_turn`, which the loop
    calls.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = self._stopped = False
        self._steps = 0
        self._changes: dict[str, float] = {}

    def stop(self) -> None:
        """End the run after the current batch."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def pause(self) -> None:
        """Pause after the current batch."""
        with self._changed:
            self._paused, self._steps = True, 0

    def resume(self) -> None:
        """Continue after a pause."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def step(self) -> None:
        """Train on one more batch, and pause again."""
        with self._changed:
            self._paused = True
            self._steps += 1
            self._changed.notify_all()

    def change(self, settings: Mapping[str, float]) -> None:
        """Set settings by name from the next batch on; see `Trainer.changes`."""
        with self._changed:
            self._changes |= settings

    def take_changes(self) -> dict[str, float]:
        """Return the settings changed since the last call."""
        with self._changed:
            changes, self._changes = self._changes, {}
            return changes

    @property
    def stopped(self) -> bool:
        """Whether the run has been asked to end."""
        return self._stopped

    @property
    def holds(self) -> bool:
        """Whether the next batch has to wait."""
        with self._changed:
            return self._paused and not self._steps and not self._stopped

    def wait_for_turn(self) -> None:
        """Wait until the next batch may begin.

        Raises
        ------
        TrainingStopped
            If training has been asked to end.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._paused or self._steps)
            if self._stopped:
                raise TrainingStopped
            self._steps = max(0, self._steps - 1)


class AveragedWeights:
    """Running average of weights, with less inertia in its first steps."""

    def __init__(self, momentum: float) -> None:
        self._momentum = momentum**AVERAGE_EVERY
        self._n = 0
        self.weights: dict[str, Array] = {}

    def add(self, weights: dict[str, Array]) -> None:
        """Move the average towards `weights`."""
        self._n += 1
        keep = min(self._momentum, self._n / (self._n + 9))
        for name, weight in weights.items():
            if name in self.weights:
                self.weights[name] += (1 - keep) * (weight - self.weights[name])
            else:
                self.weights[name] = weight

    def state(self) -> State:
        """Return the average and how many weights are in it."""
        return {"n": np.array(self._n), **self.weights}

    def set_state(self, state: State) -> None:
        """Go on from what `state` returned."""
        self.weights = {name: values.copy() for name, values in state.items() if name != "n"}
        self._n = int(state["n"])


@dataclass(frozen=True)
class Progress:
    """How far a training has come: with its arrays, all that it needs to go on after a stop.

    Attributes
    ----------
    epoch, batch, n_images : int
        The epoch, from 1; the batches finished in it; the images trained on since the start.
    seconds : float
        Spent on training batches since the start.
    loss_sum, n_correct : float
        Sums over the images of this epoch.
    history : tuple of EpochReport
    changes : tuple of dict
        See `Trainer.changes`.
    """

    epoch: int
    batch: int
    n_images: int
    seconds: float
    loss_sum: float
    n_correct: float
    history: tuple[EpochReport, ...]
    changes: tuple[dict[str, float], ...]


class Trainer:
    """A training: its engine and its progress.

    Parameters
    ----------
    engine : Engine
        Its network and training settings determine the result on one machine and one version of
        the engine. See `new_engine`.
    data : Data
        `train` is augmented according to the settings; `validation` is evaluated after each
        epoch; `test` is used only by `test`.
    report : callable, optional
        Called with a BatchReport after the first batch and then, or with a ValidationReport
        during validation, about every `report_every_s` seconds, with a PauseReport when
        training pauses, and with an EpochReport after each epoch. May raise TrainingStopped.
    control : Control, optional
        To interrupt training from another thread.
    initial : mapping of str to ndarray, optional
        Weights to begin with, instead of new ones drawn with the seed of the settings.
    own : Split, optional
        A reader's own drawings, added to each batch; see `Batches`.
    report_every_s : float
        Seconds between reports within an epoch; 0 reports every batch.
    checkpoint : callable, optional
        Called with the trainer after each epoch, and after a batch when `checkpoint_every_s`
        seconds have passed, to save what `progress` and `state` return.
    checkpoint_every_s : float

    Attributes
    ----------
    history : list of EpochReport
        The finished epochs.
    changes : list of dict
        Settings changed during training: the `images` trained on before, and the new values of
        `learning_rate`, `label_smoothing`, `weight_decay`, `dropout` and bounds of the
        augmentation.
    """

    def __init__(
        self,
        engine: Engine,
        data: Data,
        *,
        report: OnReport | None = None,
        control: Control | None = None,
        initial: Weights | None = None,
        own: Split | None = None,
        report_every_s: float = REPORT_EVERY_S,
        checkpoint: Callable[["Trainer"], None] | None = None,
        checkpoint_every_s: float = CHECKPOINT_EVERY_S,
    ) -> None:
        self.engine, self.data, self.control = engine, data, control or Control()
        self.history: list[EpochReport] = []
        self.changes: list[dict[str, float]] = []
        self._initial = initial
        self._training, self._tell, self._every_s = engine.training, report, report_every_s
        self._now = self._training  # with the changes so far
        self._batches = Batches(self._training, data.train, own)
        momentum = self._training.weight_averaging
        self._average = AveragedWeights(momentum) if momentum else None
        self._latest: BatchReport | EpochReport | None = None
        self._epoch = self._batch = self._n_images = self._n_reported = 0
        self._rate = self._training.learning_rate
        self._seconds = self._loss_sum = self._n_correct = 0.0
        self._fresh_loss = self._fresh_correct = 0.0  # not yet reported
        self._resumed_at = self._saved_at = time.perf_counter()
        self._told_at = -math.inf  # report the first batch at once
        self._checkpoint, self._checkpoint_every_s = checkpoint, checkpoint_every_s
        self._goes_on = False  # from a checkpoint

    def train(self) -> Network:
        """Train from the initial weights, or from a checkpoint, and return the network.

        A stop ends it early, after the current batch. The weights are averaged if the settings
        say so.

        Raises
        ------
        TrainingDivergedError
            If the loss is not finite.
        """
        if not self._goes_on:
            self.engine.set_weights(self.initial())
        with suppress(TrainingStopped):
            self._run_epochs()
        with suppress(TrainingStopped):
            self._report_batches()  # batches between the last report and a stop
        if not self.complete:
            self._save()
        return Network(self.engine.network, self.weights())

    def initial(self) -> Weights:
        """Return the weights that training begins with."""
        if self._initial is not None:
            return self._initial
        return initial_weights(self.engine.network, self._training.seed)

    def progress(self) -> Progress:
        """Return how far the training has come."""
        return Progress(
            self._epoch,
            self._batch,
            self._n_images,
            self._seconds,
            self._loss_sum,
            self._n_correct,
            tuple(self.history),
            tuple(self.changes),
        )

    def state(self) -> State:
        """Return copies of the arrays of the engine, the average and the random generators."""
        parts = {"engine": self.engine.state(), "batches": self._batches.state()}
        if self._average is not None:
            parts["average"] = self._average.state()
        return {
            f"{part}/{name}": np.array(values)
            for part, arrays in parts.items()
            for name, values in arrays.items()
        }

    def go_on_from(self, progress: Progress, state: State) -> None:
        """Make `train` go on from a checkpoint of a trainer with the same recipe and data.

        Afterwards everything is as it would have been without the stop, to the last bit on the
        same machine with the same versions.

        Raises
        ------
        ValueError
            If the arrays do not fit; the trainer cannot be used then.
        """
        parts: dict[str, dict[str, NDArray[Any]]] = {}
        for name, values in state.items():
            part, _, own = name.partition("/")
            parts.setdefault(part, {})[own] = values
        wanted = {"engine", "batches"} | ({"average"} if self._average is not None else set())
        if parts.keys() != wanted:
            raise ValueError(f"The parts must be {sorted(wanted)}. Received: {sorted(parts)}")
        for settings in progress.changes:
            self._follow({name: to for name, to in settings.items() if name != "images"})
        self.engine.set_state(parts["engine"])
        self._batches.set_state(parts["batches"])
        if self._average is not None:
            self._average.set_state(parts["average"])
        self._epoch, self._batch = progress.epoch, progress.batch
        self._n_images = self._n_reported = progress.n_images
        self._seconds = progress.seconds
        self._loss_sum, self._n_correct = progress.loss_sum, progress.n_correct
        self.history, self.changes = list(progress.history), list(progress.changes)
        self._latest = self.history[-1] if self.history else None
        self._goes_on = True

    @property
    def complete(self) -> bool:
        """Whether all epochs are finished."""
        return len(self.history) == self._training.epochs

    def weights(self) -> dict[str, Array]:
        """Return copies of the current weights, averaged if the settings say so."""
        if self._average is not None and self._average.weights:
            return {name: weight.copy() for name, weight in self._average.weights.items()}
        return self.engine.weights()

    def result(self) -> dict[str, Any]:
        """Return the results up to the latest report, as JSON data.

        "model", "epochs" and "images" trained on, "seconds" of training, "images_per_second",
        "seed", "engine" and, after the first epoch, "val_accuracy" of the latest one.
        """
        n_images, seconds = 0, 0.0
        if self._latest is not None:
            n_images, seconds = self._latest.n_images, self._latest.seconds
        result: dict[str, Any] = {
            "model": self.engine.network.name,
            "epochs": len(self.history),
            "images": n_images,
            "seconds": round(seconds, 2),
            "images_per_second": round(n_images / seconds, 1) if seconds else 0.0,
            "seed": self._training.seed,
            "engine": self.engine.name,
        }
        if self.history:
            result["val_accuracy"] = self.history[-1].val_accuracy
        return result

    def test(self) -> dict[str, Any]:
        """Evaluate the current weights on the test images; see `evaluate_probabilities`."""
        split, n_classes = self.data.test, self.engine.network.n_classes
        with self._averaged():
            probabilities = self.engine.predict(split.images)
        return evaluate_probabilities(probabilities, split.labels, n_classes)

    def card(self, result: Mapping[str, Any]) -> dict[str, str]:
        """Return settings, changes, history, `result`, data and versions as metadata of a file."""
        changes = {"changes": json.dumps(self.changes)} if self.changes else {}
        versions = {"numpy": np.__version__, "python": platform.python_version()}
        return {
            "training": self._training.model_dump_json(),
            "history": json.dumps([asdict(epoch) for epoch in self.history]),
            "result": json.dumps(dict(result)),
            "data": json.dumps(MNIST_SHA256 if self._training.data_set == "mnist" else {}),
            "versions": json.dumps({**self.engine.versions, **versions}),
        } | changes

    def _run_epochs(self) -> None:
        n_batches, n_epochs = len(self._batches), self._training.epochs
        rates = learning_rates(self._training, n_batches * n_epochs)
        for epoch in range(1, n_epochs + 1):
            self._batches.begin(epoch)
            if epoch <= len(self.history):  # before the checkpoint
                continue
            if epoch != self._epoch:
                self._epoch, self._batch = epoch, 0
                self._loss_sum = self._n_correct = 0.0
            self._resumed_at = time.perf_counter()
            while self._batch < n_batches:
                self._wait_for_turn()
                rate = float(rates[(epoch - 1) * n_batches + self._batch])
                self._batch += 1
                self._learn(rate)
                self._save_if_due()
            self._report_batches()
            self._seconds += time.perf_counter() - self._resumed_at
            self._end_epoch(len(self.data.train))
            self._save()

    def _save_if_due(self) -> None:
        if (
            self._checkpoint is not None
            and time.perf_counter() - self._saved_at >= self._checkpoint_every_s
        ):
            self._report_batches()
            self._save()

    def _save(self) -> None:
        """Save a checkpoint, if asked to; within an epoch its seconds so far are in it."""
        if self._checkpoint is None:
            return
        if self._batch < len(self._batches):
            self._seconds += time.perf_counter() - self._resumed_at
        self._checkpoint(self)
        self._saved_at = self._resumed_at = time.perf_counter()

    def _wait_for_turn(self) -> None:
        if self.control.holds:
            self._report_batches()
            self._seconds += time.perf_counter() - self._resumed_at
            self._report(PauseReport(self._epoch, self._batch))
            self.control.wait_for_turn()
            self._resumed_at = time.perf_counter()
        else:
            self.control.wait_for_turn()
        self._take_changes()

    def _take_changes(self) -> None:
        """Follow the settings changed since the last batch, and note them."""
        changes = self.control.take_changes()
        if not changes:
            return
        self.changes.append({"images": self._n_images, **changes})
        self._follow(changes)

    def _follow(self, changes: Mapping[str, float]) -> None:
        self._now = self._now.changed(changes)
        if not changes.keys().isdisjoint(OF_ENGINE):
            self.engine.change(self._now, changes.get("dropout"))

    def _learn(self, scheduled: float) -> None:
        training = self._training
        self._rate = scheduled
        if self._now.learning_rate != training.learning_rate:  # the schedule keeps its shape
            self._rate = scheduled * self._now.learning_rate / training.learning_rate
        images, labels, n = self._batches.batch(self._batch, self._now.augmentation)
        loss, n_correct = self.engine.step(images, labels, self._rate)
        if not np.isfinite(loss):
            raise TrainingDivergedError(
                f"The loss is not a finite number after batch {self._batch} of epoch "
                f"{self._epoch}: the learning rate is probably too high."
            )
        self._n_images += n
        self._fresh_loss += loss * n
        self._fresh_correct += n_correct * n / len(labels)
        if self._average is not None and self._batch % AVERAGE_EVERY == 0:
            self._average.add(self.engine.weights())
        if self._is_due():
            self._report_batches()

    def _is_due(self) -> bool:
        return time.perf_counter() - self._told_at >= self._every_s

    def _report_batches(self) -> None:
        """Report the batches since the last report, if there are any."""
        fresh = self._n_images - self._n_reported
        if not fresh:
            return
        loss, accuracy = self._fresh_loss / fresh, self._fresh_correct / fresh
        self._loss_sum += self._fresh_loss
        self._n_correct += self._fresh_correct
        self._fresh_loss = self._fresh_correct = 0.0
        self._n_reported = self._n_images
        seconds = self._seconds + time.perf_counter() - self._resumed_at
        self._report(
            BatchReport(
                self._epoch, self._batch, loss, accuracy, self._n_images, seconds, self._rate
            )
        )

    def _report(self, what: Report) -> None:
        if isinstance(what, BatchReport | EpochReport):
            self._latest = what
        if self._tell is not None:
            self._tell(what)
        self._told_at = time.perf_counter()

    def _end_epoch(self, n: int) -> None:
        loss, accuracy = self._validate()
        if not np.isfinite(loss):  # the last step of the epoch was the first to overflow
            raise TrainingDivergedError(
                f"The loss on the validation images is not a finite number after epoch "
                f"{self._epoch}: the learning rate is probably too high."
            )
        finished = EpochReport(
            epoch=self._epoch,
            loss=self._loss_sum / n,
            accuracy=self._n_correct / n,
            val_loss=loss,
            val_accuracy=accuracy,
            n_images=self._n_images,
            seconds=self._seconds,
        )
        self.history.append(finished)
        self._report(finished)

    def _validate(self) -> tuple[float, float]:
        """Return mean loss and accuracy on the validation images."""
        split, loss_sum, n_correct = self.data.validation, 0.0, 0
        with self._averaged():
            for start in range(0, len(split), VALIDATION_BATCH):
                part = slice(start, start + VALIDATION_BATCH)
                labels = split.labels[part]
                loss, correct = self.engine.evaluate(as_images(split.pixels[part]), labels)
                loss_sum += loss * len(labels)
                n_correct += correct
                if self.control.stopped:
                    raise TrainingStopped
                if self._is_due():
                    self._report(ValidationReport(self._epoch, (start + len(labels)) / len(split)))
        return loss_sum / len(split), n_correct / len(split)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Use the averaged weights, if any, in the engine for a while."""
        if self._average is None or not self._average.weights:
            yield
            return
        learned = self.engine.weights()
        self.engine.set_weights(self._average.weights)
        try:
            yield
        finally:
            self.engine.set_weights(learned)


def new_engine(name: EngineName, network: NetworkSpec, training: TrainingSpec) -> Engine:
    """Return the engine with a name; Keras is imported only if needed."""
    if name == "numpy":
        from cnn_lab.training.numpy_engine import NumpyEngine

        return NumpyEngine(network, training)
    from cnn_lab.training.keras_engine import KerasEngine

    return KerasEngine(network, training)
