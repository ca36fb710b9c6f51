"""One number of a network, looked into: what it is given, and how it comes about."""

from cnn_lab.inspection.field import Sight, growing_sight
from cnn_lab.inspection.subject import DIGIT_SHAPE, middle_of, picture_for
from cnn_lab.inspection.unit import Inspection, inspect_unit

__all__ = [
    "DIGIT_SHAPE",
    "Inspection",
    "Sight",
    "growing_sight",
    "inspect_unit",
    "middle_of",
    "picture_for",
]
