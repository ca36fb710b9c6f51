"""What a run reports while it goes on, and the two ways in which it ends early."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cnn_lab.ops.types import Array


@dataclass(frozen=True)
class BatchReport:
    """Training so far: means over the batches since the previous report.

    Attributes
    ----------
    epoch : int
        From 1.
    batch : int
        Batches finished in this epoch.
    loss, accuracy : float
        Cross-entropy in nats; share of right answers in [0, 1].
    n_images : int
        Images trained on since the start of the run.
    seconds : float
        Time spent on training batches since the start, validation and pauses left out.
    rate : float
        Learning rate of the latest batch.
    """

    epoch: int
    batch: int
    loss: float
    accuracy: float
    n_images: int
    seconds: float
    rate: float


@dataclass(frozen=True)
class PauseReport:
    """Training waits, as asked, after this many batches of this epoch."""

    epoch: int
    batch: int


@dataclass(frozen=True)
class ValidationReport:
    """How far judging the epoch on the validation images has come, in [0, 1]."""

    epoch: int
    share: float


@dataclass(frozen=True)
class EpochReport:
    """One finished epoch; `loss` and `accuracy` are means over its batches, as Keras has them.

    `seconds` is the time spent on training batches since the start, validation and pauses
    left out.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    n_images: int
    seconds: float


Report = BatchReport | PauseReport | ValidationReport | EpochReport
Weights = Mapping[str, Array]
OnReport = Callable[[Report, Callable[[], Weights]], None]
"""Called with a report and with a function that returns copies of the present weights."""


class TrainingStopped(Exception):  # noqa: N818 - a wish, not an error
    """Raised by whoever is reported to, when training is to end after the current batch."""


class TrainingDivergedError(ValueError):
    """The loss is no number any more; the message says at which batch."""
