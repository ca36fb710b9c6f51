"""Digits in photographs and other pictures, as light ink on black."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnn_lab.data.pixels import number_shapes, spread
from cnn_lab.data.uploads import PictureError, middle_of, open_rgba, picture_pixels
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.network.visitor import DIGIT_SHAPE
from cnn_lab.ops.types import Array

Grey = NDArray[np.float32]

CANVAS_SIDE = 280
DIGIT_SIDE = 200
WORKING_SIDE = 560
NOTHING = "No digit stands out in this picture: ink and paper look the same."
MIN_CONTRAST = 24  # minimum contrast between paper and ink, of 255 grey levels
NOISE = 0.1  # of full ink, if there is grain at the border of the picture
FAINT = 0.2  # of full ink; weaker pixels do not form a shape
CRUMB_SHARE = 0.05  # smaller shapes, relative to the largest, are dirt
# Maximum distance between parts of one digit, relative to the longest part.
NEAR_SHARE = 0.15
LARGE_SHARE = 0.5  # shapes half as long as the longest may be digits too


@dataclass(frozen=True, eq=False)
class FoundDigit:
    """Digit found in a picture, and the number of candidates.

    Attributes
    ----------
    rgba : ndarray of uint8, shape (280, 280, 4)
        As `ink_from_picture` returns it.
    n_shapes : int
        Number of large separate shapes. Of several, the one closest to the middle of the picture
        was taken.
    """

    rgba: NDArray[np.uint8]
    n_shapes: int


def ink_from_picture(source: bytes | Image.Image) -> NDArray[np.uint8]:
    """Return the digit in a picture as a drawing on the canvas.

    Parameters
    ----------
    source : bytes or PIL.Image.Image
        A PNG, JPEG or WebP file: dark ink on light paper, light on dark, or on nothing.

    Returns
    -------
    ndarray of uint8, shape (280, 280, 4)
        Light ink on black, with the digit 200 pixels high or wide and in the middle. A digit of
        20 pixels is enlarged without blur, so MNIST's own images are preserved.

    Raises
    ------
    PictureError
        If the file is too large, of another kind, damaged, or shows nothing.

    Notes
    -----
    The lightness of the paper is estimated locally, so a shadow across a photograph does little
    harm. Of several digits, the one closest to the middle is taken.
    """
    return find_digit(source).rgba


def find_digit(source: bytes | Image.Image) -> FoundDigit:
    """Return the digit in a picture, and the number of shapes found.

    Parameters and errors are those of `ink_from_picture`.
    """
    ink = _ink(_grey(open_rgba(source, longest_side=WORKING_SIDE, grey=True)))
    shapes = _without_crumbs(number_shapes(_coarse(ink)))
    kept, n_shapes = _most_central(shapes)
    return FoundDigit(_on_canvas(_only(ink, kept)), n_shapes)


def picture_for(shape: tuple[int, int, int], data: bytes) -> Array:
    """Return an uploaded picture as input of a network.

    Parameters
    ----------
    shape : (int, int, int)
        Height, width and channels of the network's input.
    data : bytes
        A PNG, JPEG or WebP file. For MNIST's shape, the digit in it is cut out and prepared as in
        MNIST; for any other shape, its middle is scaled down.

    Returns
    -------
    ndarray of float32 in [0, 1], of that shape

    Raises
    ------
    PictureError
        If the file cannot be read, or a digit is wanted and none is found.
    """
    if shape != DIGIT_SHAPE:
        return middle_of(picture_pixels(data), shape)
    image = prepare_digit(ink_from_picture(data))
    if image is None:
        raise PictureError(NOTHING)
    return image[..., np.newaxis]


def _grey(picture: Image.Image) -> Grey:
    """Return lightness from 0 to 255, at most 560 pixels per side, on an opaque background."""
    rgba = picture.reduce(max(1, -(-max(picture.size) // WORKING_SIDE)))
    lightness, opacity = rgba.convert("L"), rgba.getchannel("A")
    alpha = np.asarray(opacity, np.float32) / 255
    seen = np.asarray(lightness, np.float32)
    if opacity.getextrema()[0] == 255:
        return seen
    # Ink on a transparent background: put dark ink on white and light ink on black.
    mean = float((seen * alpha).sum() / max(float(alpha.sum()), 1e-6))
    ground = 255.0 if mean < 128 else 0.0
    return np.asarray(seen * alpha + ground * (1 - alpha), np.float32)


def _ink(grey: Grey) -> Grey:
    """Return the contrast of each pixel to the paper around it, from 0 to 1."""
    if float(np.ptp(grey)) < MIN_CONTRAST:
        raise PictureError(NOTHING)
    above = grey - _paper(grey)
    if float(np.sum(above * above * above)) < 0:
        above = -above  # the stronger contrast is ink: here it is darker than the paper
    above = np.maximum(above, 0)
    strong = above[above > _otsu(above)]
    if strong.size == 0 or float(strong.mean()) < MIN_CONTRAST:
        raise PictureError(NOTHING)
    border = np.concatenate([above[0], above[-1], above[:, 0], above[:, -1]])
    high = float(np.quantile(strong, 0.98))
    noise = min(float(np.quantile(border, 0.99)), high / 2)
    ink = np.clip((above - noise) / (high - noise), 0, 1)
    if noise >= 1:
        ink[ink < NOISE] = 0
    return np.asarray(ink, np.float32)


def _paper(grey: Grey) -> Grey:
    """Fit a smooth surface to the paper, excluding more of the ink in each iteration."""
    step = max(1, max(grey.shape) // 64)
    sample = grey[::step, ::step]
    terms = _surface(grey.shape)
    rows = terms[:, ::step, ::step].reshape(len(terms), -1).T
    values = sample.ravel()
    kept = np.ones(len(values), bool)
    for _ in range(6):
        factors = np.linalg.lstsq(rows[kept], values[kept], rcond=None)[0]
        rest = values - rows @ factors
        tolerance = 1.5 * float(np.median(np.abs(rest[kept]))) + 1
        kept = np.abs(rest) <= 2.5 * tolerance
    return np.asarray(np.tensordot(factors, terms, axes=1), np.float32)


def _surface(shape: tuple[int, ...]) -> Grey:
    """Return the terms of a quadratic surface, shape (6, rows, columns)."""
    row, column = np.meshgrid(
        *(np.linspace(-1, 1, length, dtype=np.float32) for length in shape), indexing="ij"
    )
    return np.stack([np.ones_like(row), row, column, row * column, row * row, column * column])


def _otsu(values: Grey) -> float:
    """Return the threshold that best separates values from 0 to 255 into two groups.

    References
    ----------
    .. [1] Otsu (1979), "A threshold selection method from gray-level histograms".
    """
    counts = np.bincount(np.clip(values, 0, 255).astype(np.uint8).ravel(), minlength=256)
    levels = np.arange(256)
    below = np.cumsum(counts).astype(float)
    above = below[-1] - below
    sums = np.cumsum(counts * levels)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(np.nanargmax(np.where(below * above > 0, between, -1)))


def _only(ink: Grey, kept: NDArray[np.bool_]) -> Grey:
    """Return the ink inside a coarse mask, and zero elsewhere."""
    # A margin of one cell keeps the soft edge of a shape.
    mask = Image.fromarray(np.where(spread(kept), 255, 0).astype(np.uint8))
    size = (ink.shape[1], ink.shape[0])
    near = np.asarray(mask.resize(size, Image.Resampling.NEAREST)) > 0
    return np.where(near, ink, np.float32(0))


def _without_crumbs(shapes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return a mask of the shapes that are not small compared with the largest."""
    areas = np.bincount(shapes.ravel())
    areas[0] = 0
    large: NDArray[np.bool_] = areas >= max(1.0, CRUMB_SHARE * areas.max(initial=0))
    return large[shapes]


def _most_central(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], int]:
    """Select one of several large groups of shapes; return it and their number.

    Shapes that nearly touch form one group, so that a digit in two strokes stays whole. If only
    one group is large, the smaller ones count as its parts.
    """
    if not mask.any():
        return mask, 0
    # Growing by half the distance makes shapes touch that are closer than the distance.
    reach = round(NEAR_SHARE * max(map(_longer_side, _parts(number_shapes(mask)))) / 2)
    groups = [group & mask for group in _parts(number_shapes(spread(mask, reach)))]
    longest = max(map(_longer_side, groups))
    large = [group for group in groups if _longer_side(group) >= LARGE_SHARE * longest]
    if len(large) == 1:
        return mask, 1
    return min(large, key=_distance_from_middle), len(large)


def _parts(shapes: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
    return [shapes == number for number in range(1, int(shapes.max()) + 1)]


def _longer_side(mask: NDArray[np.bool_]) -> int:
    return max(int(np.ptp(places)) + 1 for places in np.nonzero(mask))


def _distance_from_middle(mask: NDArray[np.bool_]) -> float:
    """Return the distance of the middle of a shape's frame from that of the picture, in cells."""
    return float(
        np.hypot(
            *(
                (places.min() + places.max() + 1 - length) / 2
                for places, length in zip(np.nonzero(mask), mask.shape, strict=True)
            )
        )
    )


def _coarse(ink: Grey) -> NDArray[np.bool_]:
    """Return where there is ink, on a grid of at most 70 cells per side."""
    factor = max(1, -(-max(ink.shape) // 70))
    dark = Image.fromarray((ink > FAINT).astype(np.uint8) * 255)
    return np.asarray(dark.reduce(factor)) > 0


def _on_canvas(ink: Grey) -> NDArray[np.uint8]:
    """Place ink in the middle of a black canvas, with a longer side of 200 pixels."""
    picture = Image.fromarray(np.round(255 * ink).astype(np.uint8))
    box = picture.getbbox()
    if box is None:
        raise PictureError(NOTHING)
    digit = picture.crop(box)
    factor = DIGIT_SIDE / max(digit.size)
    width, height = (max(1, round(length * factor)) for length in digit.size)
    canvas = Image.new("L", (CANVAS_SIDE, CANVAS_SIDE))
    digit = digit.resize((width, height), Image.Resampling.BOX)
    canvas.paste(digit, ((CANVAS_SIDE - width) // 2, (CANVAS_SIDE - height) // 2))
    return _opaque(np.asarray(canvas))


def sharp_on_canvas(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a 28x28 image on the canvas, with each pixel as a square of 10x10."""
    factor = CANVAS_SIDE // pixels.shape[0]
    return _opaque(pixels.repeat(factor, axis=0).repeat(factor, axis=1))


def _opaque(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rgba = np.full((*grey.shape, 4), 255, np.uint8)
    rgba[..., :3] = grey[..., np.newaxis]
    return rgba
