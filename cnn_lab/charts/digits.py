"""Pictures of a drawn digit: the steps of its preparation, and evidence for and against it."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnn_lab.charts.maps import Box, Picture, framed, grey_picture, rgb, signed_picture
from cnn_lab.digits.drawing import SIDE, Ink, Preparation, Step
from cnn_lab.ops.types import Array

FACTOR = 10
FRAME_PX = 3
PICTURE_SIDE = FACTOR * SIDE
INK_SHARE = 0.55  # opacity of full ink, so that the colour below stays visible


def step_pictures(steps: Preparation, *, accent: str) -> dict[Step, Picture]:
    """Return the result of each step as a picture, light ink on black.

    Parameters
    ----------
    steps : Preparation
    accent : str
        Colour of the frames, as "#b0126f": around what is cut out of the canvas, and around
        the box among the 28x28 pixels.

    Returns
    -------
    dict of Step to ndarray of uint8, shape (280, 280, 3)
        The canvas, the crop and its strokes each as large as fits; the box and the image with
        ten pixels to one of the 28x28, the box in the middle before its mass is.

    Notes
    -----
    Some 3 ms for all five.
    """
    height, width = steps.box.shape
    middle = (SIDE - height) // 2, (SIDE - width) // 2
    crop = _scaled_frame(steps)
    return {
        "ink": framed(_fitted(steps.ink), [crop], accent, thick=FRAME_PX),
        "crop": _fitted(steps.crop),
        "widen": _fitted(steps.stroke),
        "box": _in_pixels(steps.box, middle, accent),
        "centre": _in_pixels(steps.box, steps.box_place, accent),
    }


def _fitted(ink: Ink) -> Picture:
    """Return ink scaled until its longer side fills the picture, the rest black."""
    factor = PICTURE_SIDE / max(ink.shape)
    height, width = (max(1, round(factor * length)) for length in ink.shape)
    scaled = Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR)
    picture = Image.new("L", (PICTURE_SIDE, PICTURE_SIDE))
    picture.paste(scaled, ((PICTURE_SIDE - width) // 2, (PICTURE_SIDE - height) // 2))
    return np.asarray(picture.convert("RGB"))


def _scaled_frame(steps: Preparation) -> Box:
    factor = PICTURE_SIDE / max(steps.ink.shape)
    offsets = [(PICTURE_SIDE - factor * length) / 2 for length in steps.ink.shape]
    row, column = (
        round(offset + factor * first)
        for offset, first in zip(offsets, steps.crop_place, strict=True)
    )
    rows, columns = (round(factor * length) for length in steps.crop.shape)
    return row, column, rows, columns


def _in_pixels(box: Ink, place: tuple[int, int], accent: str) -> Picture:
    """Return the 28x28 pixels with a frame around the box."""
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    (row, column), (height, width) = place, box.shape
    image[row : row + height, column : column + width] = box[..., np.newaxis]
    return framed(image, [(*place, height, width)], accent, factor=FACTOR, thick=FRAME_PX)


def over_drawing(image: Array, values: Array, *, limit: float) -> Picture:
    """Return signed values as colours behind a drawing.

    Parameters
    ----------
    image : ndarray in [0, 1], shape (height, width)
    values : ndarray, shape (rows, columns)
        Each stands for a square of the image; above 0 is orange, below 0 blue.
    limit : float
        Magnitude shown in full colour.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        On a dark background in both themes, because the ink is light.
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
    picture[mask] = rgb(colour)
    return picture
