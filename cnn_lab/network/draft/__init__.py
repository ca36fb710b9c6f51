"""Changing a network layer by layer: edits, what would make it fit, and the way back."""

from cnn_lab.network.draft.edits import (
    added,
    changed,
    duplicated,
    moved,
    removed,
    separable,
    separated,
    with_input,
)
from cnn_lab.network.draft.ending import CLASSES, Ending, ending
from cnn_lab.network.draft.history import History
from cnn_lab.network.draft.remedies import Remedy, remedies

__all__ = [
    "CLASSES",
    "Ending",
    "History",
    "Remedy",
    "added",
    "changed",
    "duplicated",
    "ending",
    "moved",
    "remedies",
    "removed",
    "separable",
    "separated",
    "with_input",
]
