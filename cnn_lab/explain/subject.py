"""Uploaded pictures as the input of a network."""

import numpy as np
from PIL import Image

from cnn_lab.data.uploads import PictureError, picture_channels, picture_pixels
from cnn_lab.digits.drawing import SIDE, prepare_digit
from cnn_lab.digits.photograph import NOTHING, ink_from_picture
from cnn_lab.ops.types import Array

DIGIT_SHAPE = (SIDE, SIDE, 1)


def picture_for(shape: tuple[int, int, int], data: bytes) -> Array:
    """Return an uploaded picture as input of a network.

    Parameters
    ----------
    shape : (int, int, int)
        Height, width and channels of the network's input.
    data : bytes
        A PNG, JPEG or WebP file. For MNIST's shape, the digit in it is cut out and prepared as in
        MNIST; for any other shape, its middle is scaled down.

    Returns
    -------
    ndarray of float32 in [0, 1], of that shape

    Raises
    ------
    PictureError
        If the file cannot be read, or a digit is wanted and none is found.
    """
    if shape != DIGIT_SHAPE:
        return middle_of(picture_pixels(data), shape)
    image = prepare_digit(ink_from_picture(data))
    if image is None:
        raise PictureError(NOTHING)
    return image[..., np.newaxis]


def middle_of(pixels: Array, shape: tuple[int, int, int]) -> Array:
    """Return the largest central part of a picture, scaled to a network's input.

    Parameters
    ----------
    pixels : ndarray, shape (height, width, 3)
        Red, green and blue from 0 to 255.
    shape : (int, int, int)
        Rows, columns and channels of the result. One channel is the lightness; beyond three, the
        lightness is repeated.

    Returns
    -------
    ndarray of float32 in [0, 1], of that shape

    Notes
    -----
    Each pixel is the mean over the area it covers.
    """
    rows, columns, channels = shape
    height, width = pixels.shape[:2]
    factor = min(height / rows, width / columns)
    high, wide = factor * rows, factor * columns
    top, left = (height - high) / 2, (width - wide) / 2
    picture = Image.fromarray(pixels.astype(np.uint8)).resize(
        (columns, rows), Image.Resampling.BOX, box=(left, top, left + wide, top + high)
    )
    small = np.asarray(picture, np.float64)
    if channels != 3:
        small = np.repeat(picture_channels(small, 1), channels, axis=2)
    return np.asarray(small / 255, np.float32)
