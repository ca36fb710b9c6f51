"""Pictures of a drawn digit: its preparation, evidence for and against it, and ways to write it."""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnn_lab.charts.maps import (
    Box,
    Picture,
    data_url,
    framed,
    grey_picture,
    png,
    rgb,
    signed_picture,
    tile_pictures,
)
from cnn_lab.digits.drawing import SIDE, Ink, Preparation, Step
from cnn_lab.digits.styles import StyleReading
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


_STYLES_STYLE = """<style>
.styles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.25rem, 1fr));
  gap: 1rem .75rem; max-width: 66rem }
.styles figure { margin: 0 }
.styles figcaption { font-weight: 600; font-size: .875rem; margin: .25rem 0 }
.styles img { image-rendering: pixelated; border-radius: 2px; width: 100%; display: block }
.styles table { border-collapse: collapse; margin: 0; width: 100%; font-size: .8125rem }
.styles th { font-weight: 400; text-align: left; padding: 0 }
.styles td { text-align: right; padding: 0; font-variant-numeric: tabular-nums }
.styles .wrong { font-weight: 600 }
</style>"""
STYLE_COLUMNS, STYLE_FACTOR = 4, 4


def styles_html(readings: Sequence[StyleReading]) -> str:
    """Return drawings of each style with what each network answers, two abreast on a phone."""
    cards = []
    for reading in readings:
        n = len(reading.pixels)
        sheet = tile_pictures(
            np.broadcast_to(reading.pixels[..., np.newaxis], (*reading.pixels.shape, 3)),
            columns=STYLE_COLUMNS,
        )
        source = data_url(png(sheet, factor=STYLE_FACTOR))
        height, width, _ = sheet.shape
        rows = "".join(_answers(reading, network) for network in reading.answers)
        cards.append(
            f'<figure><img src="{source}" width="{width}" height="{height}" '
            f'alt="{n} drawings of a {reading.digit}: {escape(reading.title)}">'
            f"<figcaption>{escape(reading.title)}</figcaption><table><tbody>{rows}</tbody></table>"
            "</figure>"
        )
    return f'{_STYLES_STYLE}<div class="styles">{"".join(cards)}</div>'


def _answers(reading: StyleReading, network: str) -> str:
    """Return a row: the network, how many it reads, and what it takes the others for."""
    n_right, mistake = reading.n_right(network), reading.usual_mistake(network)
    what = f"{n_right} of {len(reading.pixels)}"
    mark = "" if mistake is None else ' class="wrong"'
    other = "" if mistake is None else f", else {mistake}"
    return f'<tr><th scope="row">{escape(network)}</th><td{mark}>{what}{other}</td></tr>'
