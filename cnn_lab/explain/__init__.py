"""Why a network answers as it does: what it sees, what counts, and what would change its mind."""

from cnn_lab.explain.attribution import Occlusion, grad_cam, occlusion, saliency
from cnn_lab.explain.seen import Patch, seen_by

__all__ = ["Occlusion", "Patch", "grad_cam", "occlusion", "saliency", "seen_by"]
