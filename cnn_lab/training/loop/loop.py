"""Batches in order, a rate for each, reports, and a look at who may interrupt."""

import math
import time
from contextlib import suppress

import numpy as np

from cnn_lab.data.augmentation import augmented
from cnn_lab.data.mnist import Data, Split, as_images
from cnn_lab.network import Network
from cnn_lab.network.initial import initial_weights, stream
from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.ops.types import Array
from cnn_lab.training.loop.averaged import AVERAGE_EVERY, Averaged
from cnn_lab.training.loop.control import Control
from cnn_lab.training.loop.learner import Labels, Learner
from cnn_lab.training.loop.reports import (
    BatchReport,
    EpochReport,
    OnReport,
    PauseReport,
    Report,
    TrainingDivergedError,
    TrainingStopped,
    ValidationReport,
)
from cnn_lab.training.schedules import learning_rates

REPORT_EVERY_S = 0.25
VALIDATION_BATCH = 500


def train(
    learner: Learner,
    network: NetworkSpec,
    training: TrainingSpec,
    data: Data,
    *,
    report: OnReport | None = None,
    control: Control | None = None,
    report_every_s: float = REPORT_EVERY_S,
) -> tuple[Network, list[EpochReport]]:
    """Train a learner from the spec's own initial weights to the end of its epochs.

    Parameters
    ----------
    learner : Learner
    network, training : NetworkSpec, TrainingSpec
        Together they fix the result on one machine and one version of the engine.
    data : Data
        Trained on `train`, whose images are changed at each sight as the spec's augmentation
        says; judged after each epoch on `validation`; `test` is not touched.
    report : callable, optional
        Called with a BatchReport after the first batch and then, or with a ValidationReport
        while an epoch is being judged, about every `report_every_s` seconds, with a PauseReport
        where training begins to wait, and with an EpochReport after each epoch. May raise
        TrainingStopped.
    control : Control, optional
        Whoever holds it can interrupt.
    report_every_s : float
        Seconds between reports within an epoch; 0 reports each batch.

    Returns
    -------
    network : Network
        The weights reached, also after a stop; averaged if the spec asks for it.
    history : list of EpochReport
        The epochs that were finished.

    Raises
    ------
    TrainingDivergedError
        If the loss is not finite.
    """
    learner.set_weights(initial_weights(network, training.seed))
    loop = _Loop(learner, training, data, report, control or Control(), report_every_s)
    with suppress(TrainingStopped):
        loop.run()
    with suppress(TrainingStopped):
        loop.report_moment()  # what a stop has left untold
    return Network(network, loop.weights()), loop.history


class _Loop:
    def __init__(
        self,
        learner: Learner,
        training: TrainingSpec,
        data: Data,
        report: OnReport | None,
        control: Control,
        every_s: float,
    ) -> None:
        self.learner, self.training, self.control = learner, training, control
        self.train_split, self.validation_split = data.train, data.validation
        self.tell, self.every_s = report, every_s
        self.changes = stream(training.seed, "augmentation")
        self.averaged = Averaged(training.weight_averaging) if training.weight_averaging else None
        self.history: list[EpochReport] = []
        self.epoch = self.batch = self.n_images = self.n_reported = 0
        self.rate = training.learning_rate
        self.seconds = self.loss_sum = self.right_sum = 0.0
        self.fresh_loss = self.fresh_right = 0.0  # not yet reported
        self.resumed_at = time.perf_counter()
        self.told_at = -math.inf  # the first batch is news

    def weights(self) -> dict[str, Array]:
        """Return copies of the weights that count: the average, where there is one."""
        if self.averaged is not None and self.averaged.weights:
            return {name: weight.copy() for name, weight in self.averaged.weights.items()}
        return self.learner.weights()

    def run(self) -> None:
        n, size = len(self.train_split), self.training.batch_size
        starts = range(0, n, size)
        rates = iter(learning_rates(self.training, len(starts) * self.training.epochs))
        order = stream(self.training.seed, "order")
        for epoch in range(1, self.training.epochs + 1):
            self.epoch, self.batch = epoch, 0
            shuffled = order.permutation(n)
            self.loss_sum = self.right_sum = 0.0
            self.resumed_at = time.perf_counter()
            for batch, start in enumerate(starts, start=1):
                self._wait_for_turn()
                self.batch = batch
                self._learn(shuffled[start : start + size], float(next(rates)))
            self.report_moment()
            self.seconds += time.perf_counter() - self.resumed_at
            self._end_epoch(n)

    def _wait_for_turn(self) -> None:
        if self.control.holds:
            self.report_moment()
            self.seconds += time.perf_counter() - self.resumed_at
            self._report(PauseReport(self.epoch, self.batch))
            self.control.wait_for_turn()
            self.resumed_at = time.perf_counter()
        else:
            self.control.wait_for_turn()

    def _learn(self, chosen: Labels, scheduled: float) -> None:
        split = self.train_split
        self.rate = self.control.rate(scheduled, self.training.learning_rate)
        images, labels = as_images(split.pixels[chosen]), split.labels[chosen]
        digits = labels if self.training.data_set == "mnist" else None
        changed = augmented(images, self.training.augmentation, self.changes, digits=digits)
        loss, n_right = self.learner.step(changed, labels, self.rate)
        if not np.isfinite(loss):
            raise TrainingDivergedError(
                f"The loss is not a finite number after batch {self.batch} of epoch "
                f"{self.epoch}: the learning rate is probably too high."
            )
        self.n_images += len(chosen)
        self.fresh_loss += loss * len(chosen)
        self.fresh_right += n_right
        if self.averaged is not None and self.batch % AVERAGE_EVERY == 0:
            self.averaged.add(self.learner.weights())
        if self._is_due():
            self.report_moment()

    def _is_due(self) -> bool:
        return time.perf_counter() - self.told_at >= self.every_s

    def report_moment(self) -> None:
        """Report the batches since the last report, if there are any."""
        fresh = self.n_images - self.n_reported
        if not fresh:
            return
        loss, accuracy = self.fresh_loss / fresh, self.fresh_right / fresh
        self.loss_sum += self.fresh_loss
        self.right_sum += self.fresh_right
        self.fresh_loss = self.fresh_right = 0.0
        self.n_reported = self.n_images
        seconds = self.seconds + time.perf_counter() - self.resumed_at
        self._report(
            BatchReport(self.epoch, self.batch, loss, accuracy, self.n_images, seconds, self.rate)
        )

    def _report(self, what: Report) -> None:
        if self.tell is not None:
            self.tell(what, self.weights)
        self.told_at = time.perf_counter()

    def _end_epoch(self, n: int) -> None:
        loss, right = self._judge(self.validation_split)
        finished = EpochReport(
            epoch=self.epoch,
            loss=self.loss_sum / n,
            accuracy=self.right_sum / n,
            val_loss=loss,
            val_accuracy=right,
            n_images=self.n_images,
            seconds=self.seconds,
        )
        self.history.append(finished)
        self._report(finished)

    def _judge(self, split: Split) -> tuple[float, float]:
        """Return mean loss and accuracy on a split, with the weights that count."""
        learnt = None
        if self.averaged is not None and self.averaged.weights:
            learnt = self.learner.weights()
            self.learner.set_weights(self.averaged.weights)
        loss_sum = n_right = 0.0
        for start in range(0, len(split), VALIDATION_BATCH):
            part = slice(start, start + VALIDATION_BATCH)
            labels = split.labels[part]
            loss, right = self.learner.judge(as_images(split.pixels[part]), labels)
            loss_sum += loss * len(labels)
            n_right += right
            if self.control.stopped:
                break
            if self._is_due():
                self._report(ValidationReport(self.epoch, (start + len(labels)) / len(split)))
        if learnt is not None:
            self.learner.set_weights(learnt)
        if self.control.stopped:
            raise TrainingStopped
        return loss_sum / len(split), n_right / len(split)
