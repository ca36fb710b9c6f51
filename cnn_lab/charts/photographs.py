"""Photographs and what a kernel makes of them, as pictures that are small on the wire."""

import io

import numpy as np
from PIL import Image

from cnn_lab.charts.maps import Picture, Tone, signed_picture
from cnn_lab.ops.types import Array

STEPS = 127  # of colour on either side of zero


def signed_png(values: Array, *, limit: float, tone: Tone, factor: int = 1) -> bytes:
    """Return values on the blue-to-orange scale as a PNG of 255 colours.

    Parameters
    ----------
    values : ndarray, shape (height, width)
    limit : float
        Magnitude of the full colours.
    tone : {"light", "dark"}
    factor : int
        Pixels a side that each value becomes.

    Notes
    -----
    A third of the bytes that three colours a pixel would take.
    """
    share = np.clip(values / max(limit, 1e-12), -1, 1)
    image = Image.fromarray(np.round(STEPS * (share + 1)).astype(np.uint8), "P")
    palette = signed_picture(np.arange(-STEPS, STEPS + 1) / STEPS, limit=1.0, tone=tone)
    image.putpalette(palette.tobytes())
    return _packed(image, factor)


def clipped_png(values: Array | Picture, *, factor: int = 1) -> bytes:
    """Return values as a photograph would hold them: whole, none below 0 or above 255.

    Parameters
    ----------
    values : ndarray, shape (height, width) or (height, width, 3)
    factor : int
        Pixels a side that each value becomes.
    """
    return _packed(Image.fromarray(np.round(np.clip(values, 0, 255)).astype(np.uint8)), factor)


def outlined(picture: Picture, box: tuple[int, int, int, int], colour: str) -> Picture:
    """Return a picture with a frame around a piece of it.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, 3)
    box : (int, int, int, int)
        First row and column of the piece, and how many it has of each.
    colour : str
        As "#b0126f".
    """
    row, column, rows, columns = box
    thick = max(1, round(max(picture.shape[:2]) / 200))
    framed = picture.copy()
    outer = (
        slice(max(0, row - thick), row + rows + thick),
        slice(max(0, column - thick), column + columns + thick),
    )
    framed[outer] = tuple(bytes.fromhex(colour.removeprefix("#")))
    inner = slice(row, row + rows), slice(column, column + columns)
    framed[inner] = picture[inner]
    return framed


def _packed(image: Image.Image, factor: int) -> bytes:
    size = (factor * image.width, factor * image.height)
    buffer = io.BytesIO()
    image.resize(size, Image.Resampling.NEAREST).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
