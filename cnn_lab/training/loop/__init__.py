"""The training loop, the same for every engine: order, rates, reports, and who may interrupt.

An engine is a `Learner`: it takes a batch and moves its weights. All the rest is here, so two
engines that train the same spec differ in their arithmetic and in nothing else.
"""

from cnn_lab.training.loop.control import Control
from cnn_lab.training.loop.learner import Labels, Learner
from cnn_lab.training.loop.loop import REPORT_EVERY_S, VALIDATION_BATCH, train
from cnn_lab.training.loop.reports import (
    BatchReport,
    EpochReport,
    OnReport,
    PauseReport,
    Report,
    TrainingDivergedError,
    TrainingStopped,
    ValidationReport,
    Weights,
)

__all__ = [
    "BatchReport",
    "Control",
    "EpochReport",
    "Labels",
    "Learner",
    "OnReport",
    "PauseReport",
    "REPORT_EVERY_S",
    "Report",
    "TrainingDivergedError",
    "TrainingStopped",
    "VALIDATION_BATCH",
    "ValidationReport",
    "Weights",
    "train",
]
