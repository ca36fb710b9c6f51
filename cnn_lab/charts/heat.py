"""Which pixels count, laid over the image."""

import numpy as np

from cnn_lab.charts.maps import NEGATIVE, POSITIVE, Picture
from cnn_lab.charts.receptive_field import image_picture
from cnn_lab.ops.types import Array

DIMMED = 0.55  # the image below, so that what lies over it stands out


def heat_picture(image: Array, heat: Array, *, limit: float | None = None) -> Picture:
    """Return an image with weights laid over it: orange for, blue against.

    Parameters
    ----------
    image : ndarray of float in [0, 1], shape (height, width, channels)
    heat : ndarray of float, shape (height, width)
    limit : float, optional
        The weight that hides the image; the largest magnitude unless given.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
    """
    top = max(float(np.abs(heat).max()) if limit is None else limit, 1e-12)
    share = np.clip(np.abs(heat) / top, 0, 1)[..., np.newaxis]
    ink = np.where(heat[..., np.newaxis] < 0, np.array(NEGATIVE, float), np.array(POSITIVE, float))
    ground = DIMMED * image_picture(image).astype(float)
    return np.asarray(np.round(ground + share * (ink - ground)), np.uint8)
