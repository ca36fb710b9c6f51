"""A run's events as curves that rules can ask about."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_lab.network.spec import TrainingSpec
from cnn_lab.ops.types import Array

WINDOW_BATCHES, WINDOW_IMAGES = 10, 500


@dataclass(frozen=True)
class Course:
    """What a run has told so far.

    Attributes
    ----------
    training : TrainingSpec
    losses : ndarray, shape (windows,)
        Mean training loss over each ten batches, or 500 images where those are more; a last
        part that is not full is left out.
    peak_loss : float
        The largest loss that any report had; 0 before there is one.
    n_batches : float
        Batches trained on.
    rate, highest_rate : float
        Of the latest report, and the highest that was planned or used.
    used_rate : float
        The highest that was used so far.
    epochs : list of mappings
        The finished ones.
    chance : float
        The loss of somebody who believes in all classes alike: ln(classes).
    floor : float
        The loss of perfect answers: 0 unless labels are smoothed.
    diverged : bool
    """

    training: TrainingSpec
    losses: Array
    peak_loss: float
    n_batches: float
    rate: float
    highest_rate: float
    used_rate: float
    epochs: list[Mapping[str, Any]]
    chance: float
    floor: float
    diverged: bool

    @property
    def n_images(self) -> int:
        """Images trained on, as far as reported."""
        return round(self.n_batches * self.training.batch_size)


def read_course(
    n_classes: int, training: TrainingSpec, events: Sequence[Mapping[str, Any]]
) -> Course:
    """Work out from a run's events how it went."""
    batches = [event for event in events if event["kind"] == "batch"]
    images = np.array([0, *(event["n_images"] for event in batches)], float)
    losses = np.array([event["loss"] for event in batches], float)
    rates = [event["rate"] for event in batches if "rate" in event] or [training.learning_rate]
    return Course(
        training=training,
        losses=_windows(images, losses, training.batch_size),
        peak_loss=float(losses.max(initial=0)),
        n_batches=float(images[-1]) / training.batch_size,
        rate=rates[-1],
        highest_rate=max(training.learning_rate, *rates),
        used_rate=max(rates),
        epochs=[event for event in events if event["kind"] == "epoch"],
        chance=math.log(n_classes),
        floor=_floor(training.label_smoothing, n_classes),
        diverged=any(event["kind"] == "diverged" for event in events),
    )


def _windows(images: Array, losses: Array, batch_size: int) -> Array:
    """Return the mean loss of each full window; where reports are longer, of each report."""
    length = max(WINDOW_BATCHES * batch_size, WINDOW_IMAGES)
    sums = np.concatenate([[0.0], np.cumsum(np.diff(images) * losses)])
    edges = np.unique(np.searchsorted(images, np.arange(0, images[-1] + 1, length)))
    return np.asarray(np.diff(sums[edges]) / np.diff(images[edges]))


def _floor(smoothing: float, n_classes: int) -> float:
    others = smoothing / n_classes
    shares = [1 - smoothing + others, *[others] * (n_classes - 1)]
    return -sum(share * math.log(share) for share in shares if share)
