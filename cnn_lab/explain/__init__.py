"""Why a network answers as it does: what it sees, what counts, and what would change its mind."""

from cnn_lab.explain.attribution import Occlusion, grad_cam, occlusion, saliency
from cnn_lab.explain.changes import CHANGES, Change, answer_curve, changed, equivariance
from cnn_lab.explain.erasure import Erasure, smallest_erasure
from cnn_lab.explain.filters import accuracy, fitting_kernels, silenced, swapped
from cnn_lab.explain.nearest import Neighbour, nearest_digits
from cnn_lab.explain.seen import Patch, seen_by

__all__ = [
    "CHANGES",
    "Change",
    "Erasure",
    "Neighbour",
    "Occlusion",
    "Patch",
    "accuracy",
    "answer_curve",
    "changed",
    "equivariance",
    "fitting_kernels",
    "grad_cam",
    "nearest_digits",
    "occlusion",
    "saliency",
    "seen_by",
    "silenced",
    "smallest_erasure",
    "swapped",
]
