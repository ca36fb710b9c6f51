"""What a network will see of one image: the image, and some of the ways it may be changed."""

import numpy as np

from cnn_lab.charts.maps import Picture, tile_pictures
from cnn_lab.data.augmentation import augmented
from cnn_lab.network.spec import Augmentation
from cnn_lab.ops.types import Array, Images


def augmented_sheet(
    image: Array,
    settings: Augmentation,
    *,
    n: int = 11,
    columns: int = 6,
    seed: int = 0,
    digit: int | None = None,
) -> Picture:
    """Return an image and `n` variants of it as one picture, the image itself first.

    Parameters
    ----------
    image : ndarray of float in [0, 1], shape (height, width, 1) or (height, width, 3)
    settings : Augmentation
    n : int
        Variants.
    columns : int
        Images beside each other; the last row may stay short.
    seed : int
        The same seed shows the same variants, further apart where the bounds are wider.
    digit : int, optional
        What the image shows, if that is a digit: the strokes of other hands need to know.

    Returns
    -------
    ndarray of uint8, shape (rows of pixels, columns of pixels, 3)
        With a pixel of dark grey between images.

    Notes
    -----
    2 ms for a dozen digits.
    """
    first: Images = np.asarray(image[np.newaxis], np.float32)
    digits = None if digit is None else np.full(n, digit)
    numbers = np.random.default_rng(seed)
    variants = augmented(np.repeat(first, n, axis=0), settings, numbers, digits=digits)
    pictures = np.round(255 * np.concatenate([first, variants])).astype(np.uint8)
    return tile_pictures(np.broadcast_to(pictures, (*pictures.shape[:3], 3)), columns=columns)
