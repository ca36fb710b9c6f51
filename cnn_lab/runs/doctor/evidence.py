"""The evidence that the doctor's rules look at, and what a rule has to say."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from cnn_lab.content import prose
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.ops.types import Array

WINDOW_BATCHES, WINDOW_IMAGES = 10, 500

Severity = Literal["hint", "warning"]


@dataclass(frozen=True)
class Curves:
    """The curves of a run so far, from its events.

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
    """Return the curves of a run, worked out from its events."""
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
    """Return the mean loss of each full window; where reports are longer, of each report."""
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
    """One thing that the numbers of a run show.

    Attributes
    ----------
    rule : str
        A short name; no two findings of a run have the same.
    severity : {"hint", "warning"}
        Whether the run could be better, or is going wrong.
    sentence, reason : str
        The problem; why the run's own numbers are a sign of it. Markdown.
    changes : mapping of str to Any
        Fields of the TrainingSpec, with what they should be; may be empty.
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
    """Return a finding in the words of a section of `content/doctor.md`.

    The section's first paragraph is the sentence, the rest is the reason.
    """
    sentence, _, reason = prose("doctor", section, **numbers).partition("\n\n")
    return Finding(rule, severity, sentence, reason, dict(changes or {}))


def plain_rate(rate: float) -> float:
    """Return a rate rounded to one significant digit.

    Examples
    --------
    >>> plain_rate(0.0034), plain_rate(0.5 / 10)
    (0.003, 0.05)
    """
    return float(f"{rate:.1g}")
