"""What speaks for a digit and against it, drawn into the digit itself."""

import numpy as np
from numpy.typing import NDArray

from cnn_lab.charts.maps import Picture, grey_picture, signed_picture
from cnn_lab.explain import Occlusion
from cnn_lab.ops.types import Array

LEAST_PROBABILITY = 1e-30
INK_SHARE = 0.55  # of white where ink is full: the colour below stays to be seen


def times_as_probable(covered: Occlusion) -> Array:
    """Return by what a class becomes more probable when each place is covered.

    A class that a network is sure not to see has a probability near 0 whatever is covered;
    by how many times it changes still shows where the reasons lie.

    Returns
    -------
    ndarray of float64, shape (rows, columns)
        1 where covering changes nothing.
    """
    after = np.maximum(covered.probabilities, LEAST_PROBABILITY).astype(float)
    return np.asarray(after / max(covered.before, LEAST_PROBABILITY))


def over_drawing(image: Array, values: Array, *, limit: float) -> Picture:
    """Return signed values as colours behind a drawing.

    Parameters
    ----------
    image : ndarray in [0, 1], shape (height, width)
    values : ndarray, shape (rows, columns)
        Each stands for a square of the image; above 0 is orange, below 0 blue.
    limit : float
        Magnitude of the full colours.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        On the dark page's zero in both themes, for the ink is light.
    """
    factors = [-(-side // n) for side, n in zip(image.shape, values.shape, strict=True)]
    spread = values.repeat(factors[0], axis=0).repeat(factors[1], axis=1)
    spread = spread[: image.shape[0], : image.shape[1]]
    ground = signed_picture(spread, limit=limit, tone="dark").astype(float)
    ink = INK_SHARE * np.clip(image, 0, 1)[..., np.newaxis]
    return np.asarray(np.round(ground + ink * (255 - ground)), np.uint8)


def marked(image: Array, mask: NDArray[np.bool_], colour: str) -> Picture:
    """Return a drawing in greys with some of its pixels in a colour, as "#b0126f"."""
    picture = grey_picture(image, limit=1.0)
    picture[mask] = tuple(bytes.fromhex(colour.removeprefix("#")))
    return picture
