"""Strokes of a pen on the canvas, and what they look like as pixels.

The browser draws the same strokes in the same way, while the pen moves; what a network classifies
is drawn here.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cnn_lab.digits.drawing import Ink

SIDE_PX = 280
Tool = Literal["pen", "eraser"]
_FINER = 4  # drawn this much larger and averaged, which softens the edges
_FLAT_PX = 0.1  # how far a curve may be from the straight pieces it is drawn with
_MAX_PIECES = 16  # of one curve


@dataclass(frozen=True)
class Stroke:
    """One movement of the pen.

    Attributes
    ----------
    tool : {"pen", "eraser"}
        The pen draws in white; the eraser draws in the background's black.
    width_px : float
    points : tuple of (float, float)
        Where the pen was, in pixels from the canvas's upper left corner, (right, down). At least
        one; any of them may lie outside the canvas.
    """

    tool: Tool
    width_px: float
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Picture:
    """A picture that covers the canvas.

    Attributes
    ----------
    png : bytes
        280x280 pixels.
    note : str
        Where it comes from, as plain text.
    """

    png: bytes
    note: str = ""


Item = Stroke | Picture


def ink(items: Sequence[Item]) -> Ink:
    """Return what strokes and pictures, drawn in this order on black, look like.

    Parameters
    ----------
    items : sequence of Stroke or Picture

    Returns
    -------
    ndarray of uint8, shape (280, 280)

    Raises
    ------
    OSError, ValueError, SyntaxError
        If a picture is not a PNG of 280x280 pixels.

    Notes
    -----
    A stroke has round ends. Between its points it is a chain of quadratic curves, each from the
    middle of one pair of neighbours to the middle of the next, which bends at the point they share.

    3 ms for a digit of two strokes.

    Examples
    --------
    >>> seen = ink([Stroke("pen", 20, ((100, 140), (180, 140)))])
    >>> seen[140, [85, 95, 185, 195]], seen[[125, 135, 145, 155], 140]
    (array([  0, 255, 255,   0], dtype=uint8), array([  0, 255, 255,   0], dtype=uint8))
    """
    board = Image.new("L", (_FINER * SIDE_PX, _FINER * SIDE_PX))
    for item in items:
        if isinstance(item, Picture):
            board.paste(_read(item.png).resize(board.size, Image.Resampling.NEAREST))
        else:
            _draw(ImageDraw.Draw(board), item)
    return np.asarray(board.reduce(_FINER))


def picture_of(grey: Ink, *, note: str = "") -> Picture:
    """Return an array of shape (280, 280) as a picture for the canvas."""
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG")
    return Picture(buffer.getvalue(), note)


def _read(png: bytes) -> Image.Image:
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        if picture.size != (SIDE_PX, SIDE_PX):
            raise ValueError(
                f"A picture on the canvas must have {SIDE_PX} x {SIDE_PX} pixels. "
                f"Received: {picture.size}"
            )
        return picture.convert("L")


def _draw(pen: ImageDraw.ImageDraw, stroke: Stroke) -> None:
    fill = 255 if stroke.tool == "pen" else 0
    radius = _FINER * stroke.width_px / 2
    # Pillow counts from the middle of the first pixel, the browser from its corner; and Pillow's
    # ellipse includes the pixels at both ends of its box.
    line = _curve(np.asarray(stroke.points, np.float64)) * _FINER - 0.5
    spots = [(float(x), float(y)) for x, y in line]
    if len(spots) > 1:
        pen.line(spots, fill=fill, width=round(2 * radius))
    reach = radius - 0.5
    for x, y in spots:
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=fill)


def _curve(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ends of the straight pieces that make up a stroke, shape (n, 2)."""
    if len(points) < 3:
        return points
    middles = (points[:-1] + points[1:]) / 2
    parts = [points[:1]]
    # The first and the last half are straight; what is between bends at each inner point.
    for start, bend, end in zip(middles[:-1], points[1:-1], middles[1:], strict=True):
        off_px = np.abs(start - 2 * bend + end).max() / 4
        pieces = min(max(1, int(np.ceil(np.sqrt(off_px / _FLAT_PX)))), _MAX_PIECES)
        at = np.linspace(0, 1, pieces + 1)[:-1, np.newaxis]
        parts.append((1 - at) ** 2 * start + 2 * at * (1 - at) * bend + at**2 * end)
    return np.concatenate([*parts, middles[-1:], points[-1:]])
