"""Regional strokes that are common in handwriting but rare in MNIST.

Nearly all of MNIST was written in the United States, where a 1 is a single vertical stroke and
the tail of a 9 is straight. In much of the world a 1 has an upstroke and the tail of a 9 curves
to the left: a network that has seen neither classifies them as 7 and as 3.
"""

import numpy as np
from numpy.typing import NDArray

from cnn_lab.data.pixels import centre_of_mass, stroke_width
from cnn_lab.ops.types import Array, Images

Points = NDArray[np.float32]

ONE, NINE = 1, 9
N_POINTS = 9  # points of a curve, joined by straight lines
INK = 0.5  # of full ink, to distinguish a stroke from its soft edge
UPSTROKE_DEG = (25.0, 65.0)  # degrees from the vertical
UPSTROKE_PX = (4.0, 10.0)
TAIL_PX = (4.0, 9.0)  # how far to the left a tail ends
TAIL_RISE_PX = (-1.0, 3.0)  # and how far above its lowest point


def with_regional_strokes(
    images: Images, labels: NDArray[np.integer], share: float, numbers: np.random.Generator
) -> Images:
    """Return digits in which some ones have an upstroke and some nines a tail to the left.

    Parameters
    ----------
    images : ndarray of float32 in [0, 1], shape (n, height, width, 1)
        Light ink on black.
    labels : ndarray of int, shape (n,)
        Classes of the images; only ones and nines are changed.
    share : float
        Share of the ones and nines that get a stroke, from 0 to 1.
    numbers : numpy.random.Generator
        Random generator; the same state gives the same strokes.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (n, height, width, 1)
        A copy. The added stroke is as wide as the digit's own, and the digit is shifted by whole
        pixels so that its centre of mass stays in place.

    Notes
    -----
    0.5 ms per changed image.
    """
    changed = images.copy()
    chosen = numbers.random(len(images)) < share
    for index in np.flatnonzero(chosen & np.isin(labels, (ONE, NINE))):
        digit = images[index, ..., 0]
        if (digit > INK).any():
            curve = _upstroke if labels[index] == ONE else _tail
            drawn = np.maximum(digit, _stroke(digit, curve(digit, numbers)))
            changed[index, ..., 0] = _moved_back(drawn, digit)
    return changed


def _upstroke(digit: Array, numbers: np.random.Generator) -> Points:
    """Return a straight line from the top of a stem down to the left."""
    row, column = _end(digit, top=True)
    angle = np.radians(numbers.uniform(*UPSTROKE_DEG))
    length = numbers.uniform(*UPSTROKE_PX)
    away = np.linspace(0, length, 2)
    return np.stack([row + away * np.cos(angle), column - away * np.sin(angle)], axis=1)


def _tail(digit: Array, numbers: np.random.Generator) -> Points:
    """Return a curve from the foot of a stem round to the left and up again."""
    row, column = _end(digit, top=False)
    left, rise = numbers.uniform(*TAIL_PX), numbers.uniform(*TAIL_RISE_PX)
    # A quadratic curve that continues the stem downwards.
    start, turn = np.array([row - 1, column]), np.array([row + 1.5, column - left / 4])
    end = np.array([row - rise, column - left])
    t = np.linspace(0, 1, N_POINTS)[:, np.newaxis]
    curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * turn + t**2 * end
    return np.asarray(curve, np.float32)


def _end(digit: Array, *, top: bool) -> tuple[float, float]:
    """Return row and column, in pixels, of the highest or the lowest ink."""
    rows = np.flatnonzero((digit > INK).any(axis=1))
    row = int(rows[0] if top else rows[-1])
    return float(row), float(np.flatnonzero(digit[row] > INK).mean())


def _stroke(digit: Array, points: Points) -> Array:
    """Return the ink of a pen as wide as the digit's strokes along points (row, column)."""
    radius = stroke_width(digit) / 2
    rows, columns = np.indices(digit.shape, dtype=np.float32)
    starts, ways = points[:-1, :, np.newaxis, np.newaxis], np.diff(points, axis=0)
    down, right = rows - starts[:, 0], columns - starts[:, 1]
    way = ways[:, :, np.newaxis, np.newaxis]
    along = (down * way[:, 0] + right * way[:, 1]) / (way**2).sum(axis=1)
    along = np.clip(along, 0, 1)
    away = np.hypot(down - along * way[:, 0], right - along * way[:, 1]).min(axis=0)
    return np.asarray(digit.max() * np.clip(radius + 0.5 - away, 0, 1), np.float32)


def _moved_back(drawn: Array, digit: Array) -> Array:
    """Return an image shifted by whole pixels to restore the digit's centre of mass."""
    shift = np.round(centre_of_mass(digit) - centre_of_mass(drawn)).astype(int)
    reach = int(np.abs(shift).max())
    (row, column), (height, width) = reach - shift, drawn.shape
    return np.pad(drawn, reach)[row : row + height, column : column + width]
