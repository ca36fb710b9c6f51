"""Why a network answers as it does: single units, attribution, surgery and near misses."""

from cnn_lab.explain.attribution import Occlusion, grad_cam, occlusion, saliency
from cnn_lab.explain.changes import CHANGES, Change, answer_curve, changed, equivariance
from cnn_lab.explain.erasure import Erasure, smallest_erasure
from cnn_lab.explain.field import Sight, growing_sight
from cnn_lab.explain.filters import accuracy, fitting_kernels, silenced, swapped
from cnn_lab.explain.moves import Following, following
from cnn_lab.explain.nearest import Neighbour, nearest_digits
from cnn_lab.explain.receptive_field import Patch, seen_by
from cnn_lab.explain.spread import drop_over_image, over_image
from cnn_lab.explain.subject import DIGIT_SHAPE, middle_of, picture_for
from cnn_lab.explain.surgery import MAX_CUTS, Cut, fitting_cuts, operate, read_cuts, write_cuts
from cnn_lab.explain.unit import Inspection, inspect_unit

__all__ = [
    "CHANGES",
    "Change",
    "Cut",
    "DIGIT_SHAPE",
    "Erasure",
    "Following",
    "Inspection",
    "MAX_CUTS",
    "Neighbour",
    "Occlusion",
    "Patch",
    "Sight",
    "accuracy",
    "answer_curve",
    "changed",
    "drop_over_image",
    "equivariance",
    "fitting_cuts",
    "fitting_kernels",
    "following",
    "grad_cam",
    "growing_sight",
    "inspect_unit",
    "middle_of",
    "nearest_digits",
    "occlusion",
    "operate",
    "over_image",
    "picture_for",
    "read_cuts",
    "saliency",
    "seen_by",
    "silenced",
    "smallest_erasure",
    "swapped",
    "write_cuts",
]
