"""One number of a network, looked into: how it comes about, and what becomes of it."""

from cnn_lab.inspection.field import Sight, growing_sight
from cnn_lab.inspection.moves import Following, following
from cnn_lab.inspection.spread import drop_over_image, over_image
from cnn_lab.inspection.subject import DIGIT_SHAPE, middle_of, picture_for
from cnn_lab.inspection.surgery import (
    MOST_CUTS,
    Cut,
    fitting_cuts,
    operate,
    read_cuts,
    write_cuts,
)
from cnn_lab.inspection.unit import Inspection, inspect_unit

__all__ = [
    "Cut",
    "DIGIT_SHAPE",
    "Following",
    "Inspection",
    "MOST_CUTS",
    "Sight",
    "drop_over_image",
    "fitting_cuts",
    "following",
    "growing_sight",
    "inspect_unit",
    "middle_of",
    "operate",
    "over_image",
    "picture_for",
    "read_cuts",
    "write_cuts",
]
