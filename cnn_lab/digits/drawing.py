"""Preparation of a drawing as a 28x28 image like MNIST's, step by step.

MNIST's makers cropped each digit, scaled its longer side to 20 pixels and placed it in 28x28
pixels with its centre of mass in the middle. A network has only seen digits like that, so a
drawing has to be prepared in the same way. Each step is a function; `prepare_digit` runs all of
them.
"""

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from cnn_lab.data.pixels import grown, mass_place, stroke_width
from cnn_lab.ops.types import as_array

Ink = NDArray[np.uint8]
# Steps that can be left out; the result always has 28x28 pixels.
Step = Literal["ink", "crop", "widen", "box", "centre"]
STEPS: tuple[Step, ...] = get_args(Step)
NONE: frozenset[Step] = frozenset()

SIDE = 28
BOX_SIDE = 20
FULL_INK = 255
MIN_INK = 26  # a tenth of full ink; fainter canvases count as empty
FILLED_SHARE = 0.8  # of the canvas; MNIST's boldest digit covers less than half of it
SPECK_SHARE = 1 / 8  # of the longer side of the canvas
# Pixels of the 28x28 image. In 95 of 100 MNIST digits the mean stroke is wider than this.
MIN_STROKE = 1.65


@dataclass(frozen=True)
class Preparation:
    """Result of each step of the preparation of a drawing.

    Attributes
    ----------
    ink : ndarray of uint8, shape (height, width)
        0 is background, 255 full ink.
    crop : ndarray of uint8
        The part with ink.
    stroke : ndarray of uint8
        The crop with thin strokes widened, and enlarged accordingly.
    box : ndarray of uint8
        At most 20 pixels a side.
    image : ndarray of float32 in [0, 1], shape (28, 28)
        Input of the network.
    is_speck : bool
        Whether the ink covers less than an eighth of the canvas in both directions. It is then
        scaled as if it covered that much, so a dot stays a dot.
    strongest : int
        The strongest pixel before scaling to full ink, of 255.
    crop_place : (int, int)
        Row and column of the crop's upper left pixel on the canvas.
    box_place : (int, int)
        Row and column of the box's upper left pixel among the 28x28.
    """

    ink: Ink
    crop: Ink
    stroke: Ink
    box: Ink
    image: NDArray[np.float32]
    is_speck: bool
    strongest: int
    crop_place: tuple[int, int]
    box_place: tuple[int, int]

    @property
    def scale(self) -> float:
        """Scale factor of the box: 0.1 is a tenth of the size."""
        return float(max(self.box.shape) / max(self.stroke.shape))

    @property
    def shift(self) -> tuple[int, int]:
        """Shift of the box from the middle of 28x28, in pixels (down, right)."""
        middle = _middle(self.box)
        return self.box_place[0] - middle[0], self.box_place[1] - middle[1]

    @property
    def is_filled(self) -> bool:
        """Whether nearly all of the canvas is ink, so that no shape is visible."""
        return float(self.ink.mean()) > FILLED_SHARE * FULL_INK

    @property
    def stroke_widths(self) -> tuple[float, float]:
        """Mean stroke width before and after widening, in pixels of the canvas."""
        return stroke_width(self.crop), stroke_width(self.stroke)


def prepare_digit(rgba: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Return a drawing prepared as a 28x28 image like MNIST's.

    Parameters
    ----------
    rgba : ndarray of uint8, shape (height, width, 4)
        Light ink on a dark or transparent background.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (28, 28), or None
        None if nothing is drawn.

    Raises
    ------
    ValueError
        If the array has another shape or type.

    Notes
    -----
    1 ms for a canvas of 280x280 pixels. MNIST's own images are returned unchanged.

    References
    ----------
    .. [1] LeCun, Cortes and Burges, "The MNIST database of handwritten digits".

    Examples
    --------
    >>> canvas = np.zeros((280, 280, 4), np.uint8)
    >>> prepare_digit(canvas) is None
    True
    >>> canvas[40:240, 130:160] = 255
    >>> prepare_digit(canvas).shape
    (28, 28)
    """
    steps = prepare_steps(rgba)
    return None if steps is None else steps.image


def prepare_steps(rgba: NDArray[np.uint8], *, without: Set[Step] = NONE) -> Preparation | None:
    """Return the result of each step of `prepare_digit`; None if nothing is drawn.

    Parameters
    ----------
    rgba : ndarray of uint8, shape (height, width, 4)
        Light ink on a dark or transparent background.
    without : set of Step
        Steps to leave out. Without "ink", a faint drawing stays faint; without "crop", the whole
        canvas is used; without "widen", thin strokes stay thin; without "box", the longer side is
        scaled to 28 pixels instead of 20; without "centre", the box itself is centred instead of
        its centre of mass.

    Raises
    ------
    ValueError
        If the array has another shape or type, or a step is unknown.

    Examples
    --------
    >>> canvas = np.zeros((280, 280, 4), np.uint8)
    >>> canvas[40:240, 130:160] = 255
    >>> prepare_steps(canvas).box.shape, prepare_steps(canvas, without={"box"}).box.shape
    ((20, 3), (28, 4))
    """
    if unknown := without - set(STEPS):
        raise ValueError(
            f"The steps to leave out must be among {STEPS}. Received: without={unknown}"
        )
    seen = _lightness(rgba)
    strongest = int(seen.max(initial=0))
    if strongest < MIN_INK:
        return None
    ink = seen
    if "ink" not in without and strongest < FULL_INK - 1:
        # The strongest pixel counts as full ink, as in every image of MNIST.
        ink = (seen.astype(np.uint16) * FULL_INK // strongest).astype(np.uint8)
    drawn = trim(ink)
    crop = ink if "crop" in without else drawn
    stroke = crop if "widen" in without else widen_strokes(crop)
    shortest = max(ink.shape) * SPECK_SHARE
    side = SIDE if "box" in without else BOX_SIDE
    box = scale_to_box(stroke, side=side, shortest=shortest)
    place = _middle(box) if "centre" in without else mass_place(box, SIDE)
    return Preparation(
        ink=ink,
        crop=crop,
        stroke=stroke,
        box=box,
        image=_laid(box, place).astype(np.float32) / np.float32(FULL_INK),
        is_speck=max(drawn.shape) < shortest,
        strongest=strongest,
        crop_place=(0, 0) if "crop" in without else _corner(ink),
        box_place=place,
    )


def _lightness(rgba: NDArray[np.uint8]) -> Ink:
    """Return the luminance of each pixel, by Recommendation ITU-R BT.601, times its opacity."""
    array = as_array("rgba", rgba)
    if array.ndim != 3 or array.shape[2] != 4 or array.dtype != np.uint8:
        raise ValueError(
            "A drawing must be an array of uint8 with shape (height, width, 4). "
            f"Received: rgba.shape={array.shape}, rgba.dtype={array.dtype}"
        )
    picture = Image.fromarray(np.ascontiguousarray(array))
    seen = ImageChops.multiply(picture.convert("L"), picture.getchannel("A"))
    return np.asarray(seen)


def trim(ink: Ink) -> Ink:
    """Return the smallest rectangle that contains all ink, of which there must be some."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _corner(ink: Ink) -> tuple[int, int]:
    """Return row and column of the upper left pixel of what `trim` returns."""
    return int(ink.any(axis=1).argmax()), int(ink.any(axis=0).argmax())


def widen_strokes(crop: Ink, *, thinnest: float = MIN_STROKE) -> Ink:
    """Return the drawing with strokes at least as wide as MNIST's.

    Parameters
    ----------
    crop : ndarray of uint8, shape (height, width)
        Ink without empty borders.
    thinnest : float
        Minimum stroke width in pixels when the longer side measures 20. Wider strokes do not
        change.

    Returns
    -------
    ndarray of uint8
        Larger than `crop` by the number of pixels by which strokes grew on each side.
    """
    wanted = thinnest * max(crop.shape) / BOX_SIDE
    # Widening enlarges the drawing, which is then scaled down more and needs wider strokes.
    growth = (wanted - stroke_width(crop)) / (1 - thinnest / BOX_SIDE)
    radius = max(0, round(growth / 2))
    wide = np.pad(crop, radius)
    for step in range(radius):
        # A cross and a square by turns make nearly a disc.
        down = grown(wide, 0)
        wide = grown(down, 1) if step % 2 else np.maximum(down, grown(wide, 1))
    return wide


def scale_to_box(crop: Ink, *, side: int = BOX_SIDE, shortest: float = 0.0) -> Ink:
    """Scale the longer side to 20 pixels by area averaging.

    Parameters
    ----------
    crop : ndarray of uint8, shape (height, width)
    side : int
        Pixels of the longer side; 20 as in MNIST.
    shortest : float
        Minimum length of the longer side that is assumed for scaling.

    Returns
    -------
    ndarray of uint8
        With the same proportions, at least one pixel in each direction.
    """
    longer = max(*crop.shape, shortest)
    height, width = (max(1, round(length * side / longer)) for length in crop.shape)
    return np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.BOX))


def _middle(box: Ink) -> tuple[int, int]:
    """Return the place of the box's upper left pixel, (row, column), that centres the box."""
    height, width = box.shape
    return (SIDE - height) // 2, (SIDE - width) // 2


def _laid(box: Ink, place: tuple[int, int]) -> Ink:
    image = np.zeros((SIDE, SIDE), np.uint8)
    (row, column), (height, width) = place, box.shape
    image[row : row + height, column : column + width] = box
    return image
