"""Images and feature maps as sharp pictures with an honest scale."""

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnn_lab.ops.types import Array

Picture = NDArray[np.uint8]
Tone = Literal["light", "dark"]

# Blue below zero, orange above; zero is the page itself. Told apart by colour-blind readers.
NEGATIVE, POSITIVE = (44, 111, 187), (217, 115, 26)
BETWEEN_GREYS = (58, 54, 50)
PAPER: dict[Tone, tuple[int, int, int]] = {"light": (250, 247, 241), "dark": (32, 29, 27)}


def grey_picture(values: Array, *, limit: float | None = None) -> Picture:
    """Return values as grey levels, zero black and `limit` white.

    Parameters
    ----------
    values : ndarray of float, any shape
        Below zero is black too.
    limit : float, optional
        What counts as white; the largest value unless given.

    Returns
    -------
    ndarray of uint8, shape (..., 3)
    """
    top = max(float(values.max(initial=0.0)) if limit is None else limit, 1e-12)
    grey = np.clip(values / top, 0, 1)
    return np.repeat(np.round(255 * grey).astype(np.uint8)[..., None], 3, axis=-1)


def signed_picture(values: Array, *, limit: float | None = None, tone: Tone = "light") -> Picture:
    """Return values on the blue-to-orange scale that is centred at zero.

    Parameters
    ----------
    values : ndarray of float, any shape
    limit : float, optional
        Magnitude of the full colours; the largest magnitude unless given.
    tone : {"light", "dark"}
        The page that the picture lies on; zero takes its colour.

    Returns
    -------
    ndarray of uint8, shape (..., 3)
    """
    top = max(float(np.abs(values).max(initial=0.0)) if limit is None else limit, 1e-12)
    share = np.clip(values / top, -1, 1)[..., None]
    paper = np.array(PAPER[tone], float)
    ink = np.where(share < 0, np.array(NEGATIVE, float), np.array(POSITIVE, float))
    return np.asarray(np.round(paper + np.abs(share) * (ink - paper)), np.uint8)


def tile_maps(
    maps: Array,
    *,
    columns: int,
    signed: bool = False,
    gap: int = 1,
    limit: float | None = None,
    tone: Tone = "light",
) -> Picture:
    """Return all maps of a layer as one picture, on one scale for the whole layer.

    Parameters
    ----------
    maps : ndarray of float, shape (height, width, channels)
    columns : int
        Maps beside each other; the last row may stay short.
    signed : bool
        Zero-centred blue to orange instead of black to white.
    gap : int
        Pixels between maps, before enlarging: page colour, or dark grey between greys.
    limit : float, optional
        What counts as white, or has the full colours; the largest magnitude unless given.
    tone : {"light", "dark"}

    Returns
    -------
    ndarray of uint8, shape (rows of pixels, columns of pixels, 3)

    Notes
    -----
    One pass over the values and one copy (benchmark B8).
    """
    if signed:
        coloured = signed_picture(maps, limit=limit, tone=tone)
    else:
        coloured = grey_picture(maps, limit=limit)
    between = PAPER[tone] if signed else BETWEEN_GREYS
    return tile_pictures(coloured.transpose(2, 0, 1, 3), columns=columns, gap=gap, between=between)


def tile_pictures(
    pictures: Picture,
    *,
    columns: int,
    gap: int = 1,
    between: tuple[int, int, int] = BETWEEN_GREYS,
) -> Picture:
    """Return pictures of one size side by side, row by row.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width, 3)
    columns : int
        Pictures beside each other; the last row may stay short.
    gap : int
        Pixels between them.
    between : (int, int, int)
        Red, green and blue of the gaps and of places that stay empty.

    Returns
    -------
    ndarray of uint8, shape (rows of pixels, columns of pixels, 3)
    """
    n, height, width, _ = pictures.shape
    rows = -(-n // columns)
    cells = np.empty((rows * columns, height + gap, width + gap, 3), np.uint8)
    cells[:] = between
    cells[:n, :height, :width] = pictures
    grid = cells.reshape(rows, columns, height + gap, width + gap, 3).transpose(0, 2, 1, 3, 4)
    picture = grid.reshape(rows * (height + gap), columns * (width + gap), 3)
    return picture[: -gap or None, : -gap or None]


def png(picture: Picture, *, factor: int = 1) -> bytes:
    """Return the picture as PNG bytes, packed for speed rather than size.

    Each pixel becomes a block of `factor` pixels a side: sharp, never blurred.
    """
    grey = bool((picture[..., :1] == picture).all())
    image = Image.fromarray(np.ascontiguousarray(picture[..., 0]) if grey else picture)
    size = (factor * image.width, factor * image.height)
    buffer = io.BytesIO()
    image.resize(size, Image.Resampling.NEAREST).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
