"""The steps from a drawing to 28x28 pixels as pictures of one size."""

import numpy as np
from PIL import Image, ImageDraw

from cnn_lab.charts.maps import Picture
from cnn_lab.digits.drawing import SIDE, Ink, Preparation, Step

FACTOR = 10
FRAME_WIDTH = 3
PICTURE_SIDE = FACTOR * SIDE


def step_pictures(steps: Preparation, *, accent: str) -> dict[Step, Picture]:
    """Return what each step made of a drawing, light ink on black.

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
    return {
        "ink": _framed(_fitted(steps.ink), _scaled_frame(steps), accent),
        "crop": _fitted(steps.crop),
        "widen": _fitted(steps.stroke),
        "box": _framed(_in_pixels(steps.box, middle), _frame(middle, steps.box), accent),
        "centre": _framed(
            _in_pixels(steps.box, steps.box_place), _frame(steps.box_place, steps.box), accent
        ),
    }


def _fitted(ink: Ink) -> Picture:
    """Return ink scaled until its longer side fills the picture, the rest black."""
    factor = PICTURE_SIDE / max(ink.shape)
    height, width = (max(1, round(factor * length)) for length in ink.shape)
    scaled = Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR)
    picture = Image.new("L", (PICTURE_SIDE, PICTURE_SIDE))
    picture.paste(scaled, ((PICTURE_SIDE - width) // 2, (PICTURE_SIDE - height) // 2))
    return _coloured(np.asarray(picture))


def _scaled_frame(steps: Preparation) -> tuple[int, int, int, int]:
    factor = PICTURE_SIDE / max(steps.ink.shape)
    offsets = [(PICTURE_SIDE - factor * length) / 2 for length in steps.ink.shape]
    row, column = (
        round(offset + factor * first)
        for offset, first in zip(offsets, steps.crop_place, strict=True)
    )
    rows, columns = (round(factor * length) for length in steps.crop.shape)
    return row, column, rows, columns


def _in_pixels(box: Ink, place: tuple[int, int]) -> Picture:
    image = np.zeros((SIDE, SIDE), np.uint8)
    (row, column), (height, width) = place, box.shape
    image[row : row + height, column : column + width] = box
    return _coloured(image.repeat(FACTOR, axis=0).repeat(FACTOR, axis=1))


def _frame(place: tuple[int, int], box: Ink) -> tuple[int, int, int, int]:
    (row, column), (height, width) = place, box.shape
    return FACTOR * row, FACTOR * column, FACTOR * height, FACTOR * width


def _framed(picture: Picture, frame: tuple[int, int, int, int], accent: str) -> Picture:
    row, column, rows, columns = frame
    image = Image.fromarray(picture)
    corners = (column, row, column + columns - 1, row + rows - 1)
    ImageDraw.Draw(image).rectangle(corners, outline=accent, width=FRAME_WIDTH)
    return np.asarray(image)


def _coloured(grey: Ink) -> Picture:
    return np.repeat(grey[..., np.newaxis], 3, axis=2)
