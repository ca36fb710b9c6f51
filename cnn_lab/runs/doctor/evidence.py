"""Evidence for the doctor's rules, and the findings of a rule."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from cnn_lab.content import prose
from cnn_lab.network.spec import OptimizerName, TrainingSpec
from cnn_lab.ops.types import Array

WINDOW_BATCHES, WINDOW_IMAGES = 10, 500

# Keras's defaults.
USUAL_RATES: dict[OptimizerName, float] = {
    "sgd": 0.01,
    "adam": 0.001,
    "adamw": 0.001,
    "rmsprop": 0.001,
    "muon": 0.001,
}
MAX_TIMES_USUAL = 10  # a rate that networks with batch normalization still bear

Severity = Literal["hint", "warning"]


@dataclass(frozen=True)
class Curves:
    """Curves of a run so far, from its events.

    Attributes
    ----------
    training : TrainingSpec
    losses : ndarray, shape (windows,)
        Mean training loss of each window of ten batches, or of 500 images if that is more; an
        incomplete last window is left out.
    peak_loss : float
        Largest loss in any report; 0 before the first report.
    n_batches : float
        Batches trained on.
    rate, highest_rate : float
        Learning rate of the latest report, and the highest rate planned or used.
    used_rate : float
        Highest learning rate used so far.
    epochs : list of mappings
        The finished epochs.
    chance : float
        The loss of guessing uniformly: ln(classes).
    floor : float
        The lowest possible loss: 0 unless labels are smoothed.
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


def curves_of(
    n_classes: int, training: TrainingSpec, events: Sequence[Mapping[str, Any]]
) -> Curves:
    """Return the curves of a run from its events."""
    batches = [event for event in events if event["kind"] == "batch"]
    images = np.array([0, *(event["n_images"] for event in batches)], float)
    losses = np.array([event["loss"] for event in batches], float)
    rates = [event["rate"] for event in batches if "rate" in event] or [training.learning_rate]
    return Curves(
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
    """Return the mean loss of each complete window, or of each report if reports are longer."""
    length = max(WINDOW_BATCHES * batch_size, WINDOW_IMAGES)
    sums = np.concatenate([[0.0], np.cumsum(np.diff(images) * losses)])
    edges = np.unique(np.searchsorted(images, np.arange(0, images[-1] + 1, length)))
    return np.asarray(np.diff(sums[edges]) / np.diff(images[edges]))


def _floor(smoothing: float, n_classes: int) -> float:
    others = smoothing / n_classes
    shares = [1 - smoothing + others, *[others] * (n_classes - 1)]
    return -sum(share * math.log(share) for share in shares if share)


@dataclass(frozen=True)
class Finding:
    """Finding about a run.

    Attributes
    ----------
    rule : str
        A short name, unique among the findings of a run.
    severity : {"hint", "warning"}
        Whether the run could be better or has a problem.
    sentence, reason : str
        The problem, and the evidence for it in the run's numbers. Markdown.
    changes : mapping of str to Any
        Suggested values for fields of the TrainingSpec, or another `network`; may be empty.
    """

    rule: str
    severity: Severity
    sentence: str
    reason: str
    changes: Mapping[str, Any] = field(default_factory=dict)


def finding(
    rule: str,
    severity: Severity,
    section: str,
    changes: Mapping[str, Any] | None = None,
    **numbers: object,
) -> Finding:
    """Return a finding with the text of a section of `doctor.md`.

    The first paragraph of the section is the sentence, the rest is the reason.
    """
    sentence, _, reason = prose("doctor", section, **numbers).partition("\n\n")
    return Finding(rule, severity, sentence, reason, dict(changes or {}))


def lower_rate(curves: Curves) -> float:
    """Return a tenth of the highest rate used, or the usual rate where that is far less.

    Examples
    --------
    >>> training = TrainingSpec(optimizer="adam", learning_rate=5)
    >>> lower_rate(curves_of(10, training, []))
    0.001
    """
    tenth, usual = plain_rate(curves.used_rate / 10), USUAL_RATES[curves.training.optimizer]
    return tenth if tenth <= MAX_TIMES_USUAL * usual else usual


def plain_rate(rate: float) -> float:
    """Return a rate rounded to one significant digit.

    Examples
    --------
    >>> plain_rate(0.0034), plain_rate(0.5 / 10)
    (0.003, 0.05)
    """
    return float(f"{rate:.1g}")
