"""Why a network answers as it does: what it sees, what counts, and what would change its mind."""

from cnn_lab.explain.attribution import Occlusion, grad_cam, occlusion, saliency
from cnn_lab.explain.filters import accuracy, fitting_kernels, silenced, swapped
from cnn_lab.explain.seen import Patch, seen_by

__all__ = [
    "Occlusion",
    "Patch",
    "accuracy",
    "fitting_kernels",
    "grad_cam",
    "occlusion",
    "saliency",
    "seen_by",
    "silenced",
    "swapped",
]
