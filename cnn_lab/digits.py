"""A drawing becomes the 28x28 image that MNIST would have made of it, step by step.

MNIST's makers cut each digit out, scaled its longer side to 20 pixels and laid it into 28x28
with its centre of mass in the middle. A network has only ever seen digits like that, so a
drawing has to go the same way. Each step is a function of its own; `prepare_digit` is all of
them in a row.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

Ink = NDArray[np.uint8]

SIDE = 28
BOX_SIDE = 20
FULL_INK = 255
FAINTEST = 26  # a tenth of full ink: what is fainter everywhere is no drawing
SPECK_SHARE = 1 / 8  # of the longer side of the canvas
# Pixels of the 28x28 image. In 95 of 100 MNIST digits the mean stroke is wider than this.
THINNEST_STROKE = 1.65
# Two digits are close when the first is less than three times as probable as the second.
CLOSE_ODDS = 3.0


@dataclass(frozen=True)
class Preparation:
    """What each step made of a drawing.

    Attributes
    ----------
    ink : ndarray of uint8, shape (height, width)
        0 is background, 255 full ink.
    crop : ndarray of uint8
        The part with ink.
    stroke : ndarray of uint8
        The same with thin lines made wider, and larger by as much.
    box : ndarray of uint8
        At most 20 pixels a side.
    image : ndarray of float32 in [0, 1], shape (28, 28)
        What the network is given.
    is_speck : bool
        The ink covers less than an eighth of the canvas each way. It was then scaled as if
        it covered that much, so a dot stays a dot.
    """

    ink: Ink
    crop: Ink
    stroke: Ink
    box: Ink
    image: NDArray[np.float32]
    is_speck: bool


def prepare_digit(rgba: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Return the 28x28 image that MNIST would have made of a drawing.

    Parameters
    ----------
    rgba : ndarray of uint8, shape (height, width, 4)
        Light ink on a dark or transparent ground.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (28, 28), or None
        None when nothing is drawn.

    Raises
    ------
    ValueError
        If the array has another shape or type.

    Notes
    -----
    1 ms for a canvas of 280x280 pixels. MNIST's own images come back as they were.

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


def prepare_steps(rgba: NDArray[np.uint8]) -> Preparation | None:
    """Return what each step of `prepare_digit` makes of a drawing, None when there is none."""
    ink = ink_of(rgba)
    if ink.max(initial=0) < FAINTEST:
        return None
    crop = crop_to_ink(ink)
    shortest = max(ink.shape) * SPECK_SHARE
    stroke = widen_strokes(crop)
    box = scale_to_box(stroke, shortest=shortest)
    return Preparation(
        ink=ink,
        crop=crop,
        stroke=stroke,
        box=box,
        image=centre_mass(box).astype(np.float32) / np.float32(FULL_INK),
        is_speck=max(crop.shape) < shortest,
    )


def ink_of(rgba: NDArray[np.uint8]) -> Ink:
    """Return how much light ink each pixel holds: its luminance times its opacity.

    The strongest pixel counts as full ink, as in every image of MNIST.

    References
    ----------
    .. [1] Recommendation ITU-R BT.601, the weights of red, green and blue.
    """
    array: NDArray[Any] = np.asarray(rgba)
    if array.ndim != 3 or array.shape[2] != 4 or array.dtype != np.uint8:
        raise ValueError(
            "A drawing must be an array of uint8 with shape (height, width, 4). "
            f"Received: shape={array.shape}, dtype={array.dtype}"
        )
    picture = Image.fromarray(np.ascontiguousarray(array))
    seen = ImageChops.multiply(picture.convert("L"), picture.getchannel("A"))
    ink: Ink = np.asarray(seen)
    strongest = int(ink.max(initial=0))
    if FAINTEST <= strongest < FULL_INK - 1:
        stretched = ink.astype(np.uint16) * FULL_INK // strongest
        return stretched.astype(np.uint8)
    return ink


def crop_to_ink(ink: Ink) -> Ink:
    """Return the smallest rectangle that holds all ink; there must be some."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def stroke_width(ink: Ink) -> float:
    """Return the mean width of the strokes in pixels.

    A long stroke has twice its length as perimeter, so the width is twice the area over the
    perimeter. The total variation of the ink is the perimeter of its shape, soft edges
    included.

    Examples
    --------
    >>> line = np.zeros((100, 20), np.uint8)
    >>> line[:, 8:12] = 255
    >>> round(stroke_width(line), 1)
    3.9
    """
    padded = np.pad(ink, 1).astype(np.float32)
    down = padded[1:, :-1] - padded[:-1, :-1]
    right = padded[:-1, 1:] - padded[:-1, :-1]
    return float(2 * padded.sum() / np.sqrt(down * down + right * right).sum())


def widen_strokes(crop: Ink, *, thinnest: float = THINNEST_STROKE) -> Ink:
    """Return the drawing as if made with a pen that is not thinner than MNIST's.

    Parameters
    ----------
    crop : ndarray of uint8, shape (height, width)
        Ink without empty borders.
    thinnest : float
        Width of a stroke in pixels once the longer side measures 20. What is wider already
        stays as it is.

    Returns
    -------
    ndarray of uint8
        Larger than `crop` by as many whole pixels on each side as the pen grew.
    """
    wanted = thinnest * max(crop.shape) / BOX_SIDE
    # The drawing grows with its strokes, and what is scaled down by more needs more.
    growth = (wanted - stroke_width(crop)) / (1 - thinnest / BOX_SIDE)
    radius = max(0, round(growth / 2))
    wide = np.pad(crop, radius)
    for step in range(radius):
        wide = _grow(wide, diagonally=step % 2 == 1)
    return wide


def _grow(ink: Ink, *, diagonally: bool) -> Ink:
    """Spread ink by one pixel; a cross and a square by turns make nearly a disc."""
    down = ink.copy()
    np.maximum(down[1:], ink[:-1], out=down[1:])
    np.maximum(down[:-1], ink[1:], out=down[:-1])
    sideways = down if diagonally else ink
    grown = down.copy()
    np.maximum(grown[:, 1:], sideways[:, :-1], out=grown[:, 1:])
    np.maximum(grown[:, :-1], sideways[:, 1:], out=grown[:, :-1])
    return grown


def scale_to_box(crop: Ink, *, shortest: float = 0.0) -> Ink:
    """Scale the longer side to 20 pixels, each the mean of the area it covers.

    Parameters
    ----------
    crop : ndarray of uint8, shape (height, width)
    shortest : float
        A drawing whose longer side has fewer pixels than this is scaled as if it had as many.

    Returns
    -------
    ndarray of uint8
        Of the same proportions, at least one pixel each way.
    """
    longer = max(*crop.shape, shortest)
    height, width = (max(1, round(length * BOX_SIDE / longer)) for length in crop.shape)
    return np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.BOX))


def centre_mass(box: Ink) -> Ink:
    """Lay a small image into 28x28, its centre of mass in the middle.

    Notes
    -----
    With pixel edges at 0, 1, ..., 28, the centres of mass of MNIST's training images are
    spread evenly between 14 and 15, 14.5 on average: the makers moved whole pixels and
    brought the mass into the pixel after the middle. So does this, and what would leave
    the image at an edge stays at the edge.
    """
    image = np.zeros((SIDE, SIDE), np.uint8)
    place = []
    total = float(box.sum()) or 1.0
    for axis, length in enumerate(box.shape):
        mass = box.sum(axis=1 - axis, dtype=float)
        centre = (np.arange(length) + 0.5) @ mass / total
        start = min(max(SIDE // 2 - math.floor(centre), 0), SIDE - length)
        place.append(slice(start, start + length))
    image[tuple(place)] = box
    return image


@dataclass(frozen=True)
class Reading:
    """What a network's ten probabilities say in words.

    Attributes
    ----------
    digit, runner_up : int
        The most and the second most probable digit.
    probability, runner_up_probability : float
    """

    digit: int
    runner_up: int
    probability: float
    runner_up_probability: float

    @classmethod
    def of(cls, probabilities: NDArray[np.floating[Any]]) -> "Reading":
        """Read ten probabilities, shape (10,)."""
        second, first = (int(digit) for digit in np.argsort(probabilities, kind="stable")[-2:])
        return cls(first, second, float(probabilities[first]), float(probabilities[second]))

    @property
    def is_close(self) -> bool:
        """Whether the digit is less than three times as probable as the runner-up."""
        return self.probability < CLOSE_ODDS * self.runner_up_probability

    @property
    def sentence(self) -> str:
        """The answer.

        Examples
        --------
        >>> Reading(digit=7, runner_up=1, probability=0.982, runner_up_probability=0.01).sentence
        'I read a 7 (98.2%).'
        >>> Reading(digit=9, runner_up=4, probability=0.6, runner_up_probability=0.3).sentence
        'I am not sure between 4 and 9.'
        """
        if self.is_close:
            low, high = sorted((self.digit, self.runner_up))
            return f"I am not sure between {low} and {high}."
        article = "an" if self.digit == 8 else "a"
        return f"I read {article} {self.digit} ({percent(self.probability)})."


def percent(probability: float) -> str:
    """Return a probability with one decimal, and never as a certainty.

    Examples
    --------
    >>> percent(0.98249), percent(0.99996), percent(0.0)
    ('98.2%', '>99.9%', '0.0%')
    """
    return ">99.9%" if probability >= 0.9995 else f"{probability:.1%}"
