"""What a unit sees, as frames on the image."""

from collections.abc import Sequence

import numpy as np

from cnn_lab.charts.maps import Picture, grey_picture
from cnn_lab.ops.types import Array

Box = tuple[int, int, int, int]
COLOURS = 3


def image_picture(image: Array) -> Picture:
    """Return a network's input as a picture, one pixel for each of its own.

    Parameters
    ----------
    image : ndarray of float in [0, 1], shape (height, width, channels)
        Three channels are red, green and blue; of any other number, the first is grey.
    """
    if image.shape[2] == COLOURS:
        return np.asarray(np.round(255 * np.clip(image, 0, 1)), np.uint8)
    return grey_picture(image[..., 0], limit=1.0)


def framed(picture: Picture, boxes: Sequence[Box], colour: str, *, factor: int) -> Picture:
    """Return a picture enlarged, with frames along the edges of its pixels.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, 3)
    boxes : sequence of (int, int, int, int)
        First row and column, rows and columns of each frame; a frame of no pixels is left out.
    colour : str
        As "#b0126f".
    factor : int
        Pixels a side of each pixel, at least 2. A frame is a third as thick, but at least 2.
    """
    large = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    thick = max(2, factor // 3)
    ink = np.frombuffer(bytes.fromhex(colour.removeprefix("#")), np.uint8)
    for row, column, rows, columns in boxes:
        if rows <= 0 or columns <= 0:
            continue
        top, left = row * factor, column * factor
        piece = large[top : top + rows * factor, left : left + columns * factor]
        inside = piece[thick:-thick, thick:-thick].copy()
        piece[:] = ink
        piece[thick:-thick, thick:-thick] = inside
    return large
