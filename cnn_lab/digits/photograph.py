"""Digits in photographs and other pictures, as light ink on black.

The way from a picture to a digit, a function for each step:

1. `_opened`: decode the file and scale it down.
2. `_contrast`: estimate the paper, and how much each pixel differs from it in the ink's colour;
   `_contrast_in_patches`: the same on paper with a hard shadow or sunlight on it.
3. `_ink`: from contrast to ink between 0 and 1, without the paper's grain.
4. `_inside`: if the ink is a frame or a sheet with something on it, cut that out, straighten it,
   and begin again with 2.
5. `_parts` and `_digits`: connected shapes, without dirt, put together to digits.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cnn_lab.data.pixels import grown, number_shapes, running, spread
from cnn_lab.data.uploads import PictureError, middle_of, open_rgba, picture_pixels
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.rows import in_rows
from cnn_lab.network.spec import DIGIT_SHAPE
from cnn_lab.ops.types import Array

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]
Places = NDArray[np.int64]
Line = tuple[float, float]  # offset and slope
Corner = tuple[float, float]  # x, y

CANVAS_SIDE = 280
DIGIT_SIDE = 200
KEPT_SIDE = 1120  # pixels kept of a large picture, so that a sheet on it can be cut out
WORKING_SIDE = 560
# Exponents of row and column in the terms of a quadratic surface.
SURFACE = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2))
N_FLAT = 3  # of them make a plane
NOTHING = "No digit stands out in this picture: "
MAX_PARTS = 250  # of a page full of writing, the largest
MIN_CONTRAST = 24  # minimum contrast between paper and ink, of 255 levels
MAX_MISFIT = 16  # levels; a pixel further from the paper does not count as worse
MIN_PHOTOGRAPH_SIDE = 64  # pixels; in smaller pictures, the soft edge of a stroke looks wide
MIN_INK_SHARE = 0.003  # of the picture
PATCH_SHARE = 0.75  # of full contrast; what differs less and is wide is a patch of light
WIDE_SHARE = 0.18  # of the picture's shorter side; few strokes are so wide
PATCH_SIDE_SHARE = 0.25  # of it; in a picture with patches, what is so wide is one
MIN_REACH = 0.5  # of full contrast
MIN_RISE = 12  # levels by which ink is above the patch that it lies in
STEPS, MAX_ROUNDS = 8, 140  # of growth; after each round a look whether anything has changed
MIN_PAPER_SHARE = 0.02  # of the pixels; from fewer the paper's grain cannot be estimated
NOISE = 0.1  # of full ink; weaker pixels are paper
FAINT = 0.2  # of full ink; weaker pixels do not form a shape
CELLS = 280  # shapes are looked for on a grid with at most so many cells per side
CRUMB_SHARE = 0.05  # smaller shapes, relative to the largest, are dirt
# Maximum distance between parts of one digit, relative to the digit: in general, for a part above
# or below one at least twice as high (the bar of a 5), and for parts that are wider than high
# together, as two digits are.
NEAR_SHARE, STACKED_SHARE, TOUCHING_SHARE = 0.15, 0.3, 0.1
FLAT_SHARE = 0.5
LINE_SHARE = 0.12  # of a line's length is its height, with a little tilt
MIN_STROKE_SHARE = 0.05  # of its frame is covered by a stroke
BLOB_SHARE, FULL_SHARE = 0.35, 0.6  # how wide a blob is for its length, and how much it fills
MIN_LINE_SHARE = 0.3  # of the picture's width
LARGE_SHARE = 0.5  # shapes half as long as the longest may be digits too
MIN_ON_SHEET = 3  # digits; fewer are no sheet of which nothing may be cut off
MAX_UNEVEN = 2.5  # times the median height of a sheet's digits; a taller shape is not a digit
MAX_TOUCHING = 8  # digits side by side or one below the other; a larger shape is something else
MIN_TYPICAL = 6  # shapes from which the height of a sheet's digits is taken
TYPICAL_QUANTILE = 0.3  # of their heights, because shapes that touch are too high
SPECK_SHARE = 0.1  # of the median area of a sheet's digits; smaller shapes are specks
TYPICAL_SHARE = 0.6  # of that height; lower shapes may be one stroke of two
MAX_HEIGHT_SHARE, MAX_WIDTH_SHARE = 1.6, 1.35  # of that height; larger shapes are several digits
PITCH_SHARE = 0.8  # of that height, from one digit to the next that touches it
CUT_SHARE = 0.25  # of that height to either side, a cut looks for the least ink

MIN_INNER_SHARE = 0.2  # of the picture's longer side
MAX_NESTED = 4  # a sheet on a table, a box on it, and two more
MIN_FRAME_CELLS = 24
MIN_FRAME_SHARE = 0.3  # of the picture's longer side
MAX_FRAME_DEPTH = 0.4  # of a frame's height or width
STRAIGHT_SHARE = 0.6  # of a side's length must lie on one straight line
MAX_SLOPE = 0.25
CROSSING_SHARE = 0.1  # of a shape that crosses the edge of a patch, at least, on either side
SOLID_SHARE = 0.6  # of a sheet's frame is covered by it
WRITTEN_SHARE = 0.6  # of how far a sheet is from the table; what is written on it is less far
MIN_CONTENT_SHARE = 0.15  # of the longer side of what a frame encloses


@dataclass(frozen=True, eq=False)
class FoundDigit:
    """One of the digits found in a picture.

    Attributes
    ----------
    ink : ndarray of uint8, shape (height, width)
        Light ink on black, cropped to the digit.
    frame : (int, int, int, int)
        Left, top, right and lower edge of the digit in `FoundDigits.view`.
    n_shapes : int
        Number of shapes in the picture that may be digits, this one included.
    """

    ink: NDArray[np.uint8]
    frame: tuple[int, int, int, int]
    n_shapes: int

    @property
    def rgba(self) -> NDArray[np.uint8]:
        """Drawing on the canvas, as `ink_from_picture` returns it."""
        return _on_canvas(self.ink)


@dataclass(frozen=True, eq=False)
class FoundDigits:
    """All digits found in a picture.

    Attributes
    ----------
    view : ndarray of uint8, shape (height, width, 3)
        The part of the picture with the digits: a sheet or a box, if there is one, straightened.
    digits : sequence of FoundDigit
        At least one, in reading order.
    central : int
        Index of the digit closest to the middle of the view.
    is_complete : bool
        Whether all shapes in the picture were looked at, not only the largest of very many.
    """

    view: NDArray[np.uint8]
    digits: Sequence[FoundDigit]
    central: int
    is_complete: bool = True

    @cached_property
    def rows(self) -> list[list[list[int]]]:
        """Rows from the top, the numbers in each, and the index of each of their digits."""
        return in_rows([digit.frame for digit in self.digits])

    def turned(self) -> "FoundDigits":
        """Return the digits in the same view turned by a quarter, clockwise.

        Raises
        ------
        PictureError
            As `ink_from_picture`.
        """
        return find_digits(Image.fromarray(np.rot90(self.view, -1)), whole=True)


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
    The colour of the paper is estimated locally, so a shadow across a photograph does little
    harm. A frame, a box or a table around the digit is left out. Of several digits, the one
    closest to the middle is taken.
    """
    return find_digit(source).rgba


def find_digit(source: bytes | Image.Image) -> FoundDigit:
    """Return the digit in a picture that is closest to its middle, and the number of digits.

    Parameters and errors are those of `ink_from_picture`.
    """
    found = find_digits(source)
    return found.digits[found.central]


def find_digits(source: bytes | Image.Image, *, whole: bool = False) -> FoundDigits:
    """Return all digits in a picture.

    Parameters
    ----------
    source : bytes or PIL.Image.Image
        As for `ink_from_picture`.
    whole : bool
        Whether it may be a sheet with rows of digits. Then boxes, tables and lines around several
        digits stay in the view, and digits of neighbouring rows that touch are cut apart.

    Raises
    ------
    PictureError
        As `ink_from_picture`.

    Notes
    -----
    Of more than 250 shapes, the largest are looked at; then `is_complete` is false.
    """
    picture = _opened(source)
    view, ink = _looked_at(picture)
    levels = []
    for _ in range(MAX_NESTED):
        inner = _inside(ink)
        if inner is None:
            break
        if whole:
            levels.append((view, ink))
        picture = _cut_out(picture, inner)
        try:
            view, ink = _looked_at(picture)
        except PictureError:
            if not levels:
                raise
            view, ink = levels.pop()
            break
    # The innermost view, unless one around it has a sheet of digits that would be cut off.
    candidates = [_in_view(*level, whole=whole) for level in (*levels, (view, ink))]
    best = candidates[-1]
    for found in candidates[-2::-1]:
        if _is_sheet(found) and len(found.digits) > len(best.digits):
            best = found
    if not best.digits:
        raise PictureError(f"{NOTHING}there is nothing but specks.")
    return best


def _is_sheet(found: FoundDigits) -> bool:
    """Return whether there are several digits of about the same height."""
    heights = [digit.ink.shape[0] for digit in found.digits]
    return len(heights) >= MIN_ON_SHEET and max(heights) <= MAX_UNEVEN * float(np.median(heights))


def _in_view(view: Image.Image, ink: Grey, *, whole: bool) -> FoundDigits:
    """Return the digits in the ink of a view; there may be none."""
    mask = _coarse(ink)
    digits, is_complete = _digits(mask, whole=whole)
    found = [one for cells in digits if (one := _found(ink, cells, mask.shape, len(digits)))]
    middle = np.array(view.size) / 2
    distances = [np.hypot(*(np.add(one.frame[:2], one.frame[2:]) / 2 - middle)) for one in found]
    central = int(np.argmin(distances)) if found else 0
    return FoundDigits(np.asarray(view), found, central, is_complete)


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
        raise PictureError(f"{NOTHING}its ink is too faint.")
    return image[..., np.newaxis]


def _looked_at(picture: Image.Image) -> tuple[Image.Image, Grey]:
    """Return a picture in working size, and the ink in it."""
    view = _reduced(picture, WORKING_SIDE)
    away = _away_from_paper(view)
    contrast = _contrast(away)
    ink = _ink(contrast)
    in_patches = _contrast_in_patches(contrast, away)
    if in_patches is None:
        return view, ink
    try:
        ink_in_patches = _ink(in_patches)
    except PictureError:
        return view, ink
    # A patch of light has straight edges as a sheet has, but what is written goes on across them.
    sheet = _inside(ink)
    is_patch = sheet is None or _is_crossed(sheet, _coarse(ink_in_patches))
    return view, ink_in_patches if is_patch else ink


# 1. The picture


def _opened(source: bytes | Image.Image) -> Image.Image:
    """Return a picture in colour, at most 1,120 pixels per side, on an opaque background."""
    rgba = _reduced(open_rgba(source, longest_side=KEPT_SIDE), KEPT_SIDE)
    opacity = rgba.getchannel("A")
    if opacity.getextrema()[0] == 255:
        return rgba.convert("RGB")
    # Ink on a transparent background: put dark ink on white and light ink on black.
    alpha = np.asarray(opacity, np.float32)
    seen = np.asarray(rgba.convert("L"), np.float32)
    mean = float((seen * alpha).sum() / max(float(alpha.sum()), 1e-6))
    ground = Image.new("RGBA", rgba.size, "white" if mean < 128 else "black")
    return Image.alpha_composite(ground, rgba).convert("RGB")


def _reduced(picture: Image.Image, longest_side: int) -> Image.Image:
    return picture.reduce(max(1, -(-max(picture.size) // longest_side)))


# 2. The paper, and the contrast to it


def _away_from_paper(picture: Image.Image) -> Grey:
    """Return how far each pixel is from the paper in the ink's colour, in levels of 255.

    The sign has no meaning: either ink or what differs in the other direction is positive.
    """
    pixels = np.asarray(picture, np.float32)
    if float(np.ptp(pixels, axis=(0, 1)).max()) < MIN_CONTRAST:
        raise PictureError(f"{NOTHING}it has the same colour everywhere.")
    away = pixels - _paper(pixels)
    # Most of what differs from the paper is ink. Its colour is the direction in which these
    # pixels differ: for grey ones the lightness, for red ink on green paper from green to red.
    sizes = np.sqrt((away * away).sum(axis=2) / 3)
    strong = away[sizes > _otsu(sizes)]
    _, directions = np.linalg.eigh(strong.T @ strong)
    return np.asarray(away @ (directions[:, -1] / np.float32(np.sqrt(3))), np.float32)


def _contrast(away: Grey) -> Grey:
    """Return the contrast of ink: the stronger one, whether it is darker or lighter than paper."""
    return np.maximum(away if float(np.sum(away * away * away)) > 0 else -away, 0)


def _contrast_in_patches(contrast: Grey, away: Grey) -> Grey | None:
    """Return the contrast of ink on paper that is partly in a shadow or in another light.

    Returns
    -------
    ndarray or None
        None if the paper has one light. A shadow is wide, but ink is darker. A patch of light is
        wide, but ink differs from the paper in the other direction. A bold digit that fills the
        picture is wide, but is all there is.

    References
    ----------
    .. [1] Serra (1982), "Image Analysis and Mathematical Morphology": opening and top-hat.
    """
    strong = contrast > _otsu(contrast)
    wide = _opened_by(strong, _window(away.shape, WIDE_SHARE))
    if not wide.any():
        return None
    full = float(np.quantile(contrast[strong], 0.995))
    other = np.abs(away) - contrast
    towards = contrast - other  # `away`, positive in the direction of the contrast
    if float(np.mean(other > full / 3)) > MIN_INK_SHARE:
        return _narrow(-towards)
    if float(np.median(contrast[wide])) < PATCH_SHARE * full:
        return max(_narrow(towards), _narrow(-towards), key=_reach)
    return None


def _reach(contrast: Grey) -> int:
    """Return the length of the longest shape that the picture's border does not cut.

    What is enclosed by ink, such as the paper inside a 0, is shorter than the ink.
    """
    mask = _coarse(contrast, MIN_REACH * float(contrast.max()))
    whole = (part for part in _parts(mask) if not any(part.touches(mask.shape)))
    return max((part.longer for part in whole), default=0)


def _narrow(values: Grey) -> Grey:
    """Return how far values rise above what is left if all that is narrow is removed.

    A square does not reach into the corner of a wide patch that lies aslant. What is left over
    there is as high as the rest of the patch, and so is told from ink by reconstruction [1]_.

    References
    ----------
    .. [1] Vincent (1993), "Morphological Grayscale Reconstruction in Image Analysis", IEEE
       Transactions on Image Processing 2(2).
    """
    rise = values - _opened_by(values, _window(values.shape, PATCH_SIDE_SHARE))
    factor = max(1, -(-max(values.shape) // CELLS))
    cells = np.asarray(Image.fromarray(values).reduce(factor))
    marker = _opened_by(cells, _window(cells.shape, PATCH_SIDE_SHARE))
    above = cells - _reconstructed(marker, cells)
    is_ink = spread(above > MIN_RISE).repeat(factor, axis=0).repeat(factor, axis=1)
    return np.where(is_ink[: values.shape[0], : values.shape[1]], rise, np.float32(0))


def _reconstructed(marker: Grey, values: Grey) -> Grey:
    """Return the marker, grown sideways as far as it gets below the values.

    Growth ends after 1,120 cells; on the grid of 280 x 280 cells, hardly a stroke is so long.
    """
    for _ in range(MAX_ROUNDS):
        before = marker
        for _ in range(STEPS):
            marker = np.minimum(grown(grown(marker, 0), 1), values)
        if np.array_equal(marker, before):
            break
    return marker


def _window(shape: tuple[int, ...], share: float) -> int:
    return max(3, round(share * min(shape)))


def _opened_by(values: NDArray[Any], window: int) -> NDArray[Any]:
    """Return the largest of the smallest values of all windows that contain a place."""
    smallest = running(values, window, np.minimum)
    return running(smallest[::-1, ::-1], window, np.maximum)[::-1, ::-1]


def _paper(pixels: Grey) -> Grey:
    """Return the colour of the paper at each pixel: the smooth surface that fits most of them."""
    step = max(1, max(pixels.shape) // 64)
    down, across = (_powers(length) for length in pixels.shape[:2])
    # In a small picture a curved surface would bend to the ink.
    terms = SURFACE if min(pixels.shape[:2]) >= MIN_PHOTOGRAPH_SIDE else SURFACE[:N_FLAT]
    rows = np.stack(
        [np.outer(down[p, ::step], across[q, ::step]).ravel() for p, q in terms], axis=1
    )
    values = pixels[::step, ::step].reshape(-1, 3)
    lightness = values.mean(axis=1)
    threshold = _otsu(lightness)
    # Ink may cover so much that a surface through all pixels lies between ink and paper. So the
    # search begins with all, with the lighter ones and with the darker ones.
    halves = (lightness > threshold, lightness <= threshold)
    starts = [lightness >= 0, *(half for half in halves if half.sum() > 2 * len(terms))]
    fits = [_fitted(rows, values, start) for start in starts]
    # A bold digit that fills the picture may cover most of it, but little of its border.
    shape = pixels[::step, ::step].shape[:2]
    factors = min(fits, key=lambda fit: _misfit(np.reshape(fit[0], shape)))[1]
    paper = np.empty_like(pixels)
    for channel, of_terms in enumerate(factors.T):
        table = np.zeros((3, 3), np.float32)
        table[tuple(zip(*terms, strict=True))] = of_terms
        paper[..., channel] = down.T @ table @ across
    return paper


def _misfit(rest: Grey) -> float:
    """Return how badly a surface fits; twice as badly if it misses most of the border."""
    border = np.concatenate([rest[0], rest[-1], rest[:, 0], rest[:, -1]])
    misses_border = float(np.mean(border > MAX_MISFIT)) > 0.5
    return float(np.minimum(rest, MAX_MISFIT).sum()) * (2 if misses_border else 1)


def _fitted(rows: Grey, values: Grey, kept: Mask) -> tuple[Grey, Grey]:
    """Fit a surface, excluding what is far from it in each iteration; return rest and factors."""
    for _ in range(6):
        used = rows[kept].astype(np.float64)
        # A little more on the diagonal, for pictures of one row or column.
        normal = used.T @ used + 1e-6 * np.eye(used.shape[1])
        factors = np.linalg.solve(normal, used.T @ values[kept])
        rest = np.sqrt(((values - rows @ factors) ** 2).mean(axis=1))
        tolerance = 1.5 * float(np.median(rest[kept])) + 1
        kept = rest <= 2.5 * tolerance
    return rest, factors


def _powers(length: int) -> Grey:
    """Return the powers 0 to 2 of places from -1 to 1, shape (3, length)."""
    place = np.linspace(-1, 1, length, dtype=np.float32)
    return np.stack([np.ones_like(place), place, place * place])


def _otsu(values: Grey) -> float:
    """Return the threshold that best separates values from 0 to 255 into two groups.

    Of equally good ones, as between the levels of a picture with only two, it is in the middle.

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
    between = np.where(below * above > 0, between, -1)
    best = np.flatnonzero(between >= between.max() - 1e-9 * abs(between.max()))
    return float(best[0] + best[-1] + 1) / 2


# 3. The ink


def _ink(contrast: Grey) -> Grey:
    """Return ink from 0 to 1: the contrast above the paper's grain, relative to full ink."""
    is_strong = contrast > _otsu(contrast)
    strong = contrast[is_strong]
    mean = float(strong.mean()) if strong.size else 0.0
    if mean < MIN_CONTRAST:
        raise PictureError(
            f"{NOTHING}the strongest marks differ from the paper by {int(mean)} of 255 levels, and "
            f"at least {MIN_CONTRAST} are needed."
        )
    high = float(np.quantile(strong, 0.98))
    noise = min(_grain(contrast, is_strong), high / 2)
    ink = np.clip((contrast - noise) / (high - noise), 0, 1)
    # A surface through paper of one colour leaves rests below one level.
    ink[(contrast < 1) | ((ink < NOISE) & (noise >= 1))] = 0
    return np.asarray(ink, np.float32)


def _grain(contrast: Grey, is_strong: Mask) -> float:
    """Return the contrast that only a hundredth of the paper exceeds, by grain or faint lines.

    Ruled lines are few among all pixels, but most of them cross the border of the picture.
    """
    is_paper = ~spread(is_strong, max(1, max(contrast.shape) // 100))
    if float(is_paper.mean()) < MIN_PAPER_SHARE:
        return 0.0
    edges = np.s_[0, :], np.s_[-1, :], np.s_[:, 0], np.s_[:, -1]
    border = np.concatenate([contrast[edge][is_paper[edge]] for edge in edges])
    papers = (contrast[is_paper], border) if border.size else (contrast[is_paper],)
    return max(float(np.quantile(paper, 0.99)) for paper in papers)


def _coarse(ink: Grey, faint: float = FAINT) -> Mask:
    """Return where there is ink, on a grid of at most 280 cells per side."""
    factor = max(1, -(-max(ink.shape) // CELLS))
    dark = Image.fromarray((ink > faint).astype(np.uint8) * 255)
    return np.asarray(dark.reduce(factor)) > 0


# 4. Frames and sheets


@dataclass(frozen=True, eq=False)
class Part:
    """Connected shape on the grid of a picture.

    Attributes
    ----------
    rows, columns : ndarray of int64, shape (n,)
        Places of its cells.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    @cached_property
    def frame(self) -> tuple[int, int, int, int]:
        """Left, top, right and lower edge."""
        rows, columns = self.rows, self.columns
        return (
            int(columns.min()),
            int(rows.min()),
            int(columns.max()) + 1,
            int(rows.max()) + 1,
        )

    @property
    def width(self) -> int:
        """Number of columns between left and right edge."""
        return self.frame[2] - self.frame[0]

    @property
    def height(self) -> int:
        """Number of rows between top and lower edge."""
        return self.frame[3] - self.frame[1]

    @property
    def longer(self) -> int:
        """The larger of width and height."""
        return max(self.width, self.height)

    def mask(self, shape: tuple[int, ...]) -> Mask:
        """Return the part on an empty grid."""
        mask = np.zeros(shape, bool)
        mask[self.rows, self.columns] = True
        return mask

    @property
    def area(self) -> int:
        """Number of cells."""
        return len(self.rows)

    def touches(self, shape: tuple[int, ...]) -> tuple[bool, bool, bool, bool]:
        """Return whether it touches the left, top, right and lower border of the grid."""
        left, top, right, low = self.frame
        return left == 0, top == 0, right == shape[1], low == shape[0]

    @property
    def middle(self) -> tuple[float, float]:
        """Row and column of the middle of the frame."""
        left, top, right, low = self.frame
        return (top + low) / 2, (left + right) / 2

    def distance(self, other: "Part") -> float:
        """Return the distance between the closest cells; of a large part, some of its cells."""
        places = [
            np.stack([part.rows, part.columns], axis=1)[:: max(1, part.area // 500)]
            for part in (self, other)
        ]
        apart = places[0][:, np.newaxis] - places[1]
        return float(np.sqrt((apart * apart).sum(axis=2).min()))

    def joined(self, other: "Part") -> "Part":
        """Return both parts as one."""
        return Part(
            np.concatenate([self.rows, other.rows]), np.concatenate([self.columns, other.columns])
        )


def _parts(mask: Mask) -> list[Part]:
    """Return the connected shapes of a mask, the longest first."""
    shapes = number_shapes(mask)
    rows, columns = np.nonzero(shapes)
    numbers = shapes[rows, columns]
    order = np.argsort(numbers, kind="stable")
    cuts = np.cumsum(np.bincount(numbers)[1:])[:-1]
    parts = [Part(rows[places], columns[places]) for places in np.split(order, cuts) if len(places)]
    return sorted(parts, key=lambda part: part.longer, reverse=True)


def _inside(ink: Grey) -> Sequence[Corner] | None:
    """Return the corners of what a sheet or a frame encloses, as shares of width and height.

    The corners are upper left, lower left, lower right and upper right; None if no shape is a
    sheet or a frame with something on it.
    """
    mask = _coarse(ink)
    height, width = mask.shape
    for part in _parts(mask):
        if part.longer < max(MIN_FRAME_CELLS, MIN_FRAME_SHARE * max(mask.shape)):
            return None
        shape = part.mask(mask.shape)
        left, top, right, low = part.frame
        whole = shape[top:low, left:right]
        if len(part.rows) > SOLID_SHARE * whole.size:
            corners = _moved(_quadrilateral(_outer_edges(whole), whole.shape, 4), left, top)
            # What is written on a light sheet may be lighter than the table too.
            written = ~_coarse(ink, WRITTEN_SHARE * float(np.median(ink[ink > FAINT])))
            if corners and _has_content(written, corners, apart=True):
                return [(x / width, y / height) for x, y in corners]
        corners = _moved(_quadrilateral(_inner_edges(whole), whole.shape, 3), left, top)
        if corners and _has_content(mask, corners, apart=False):
            return [(x / width, y / height) for x, y in corners]
        corners = _quadrilateral(_ends_of_strips(shape), shape.shape, 1)
        if corners and _has_content(mask, corners, apart=True):
            return [(x / width, y / height) for x, y in corners]
    return None


def _outer_edges(shape: Mask) -> Iterator[Line | None]:
    """Yield the straight lines along the outside of a shape: top, bottom, left, right."""
    for first, _, depth in _first_runs(shape):
        yield _straight(first, first < MAX_FRAME_DEPTH * depth)


def _inner_edges(shape: Mask) -> Iterator[Line | None]:
    """Yield the inner edges of the straight lines along the outside of a shape."""
    for first, after, depth in _first_runs(shape):
        line = _straight(first, first < MAX_FRAME_DEPTH * depth)
        # Where the digit touches the line, it seems thicker.
        thickness = float(np.quantile(after - first, 0.3))
        is_thin = thickness < MAX_FRAME_DEPTH * depth
        yield (line[0] + thickness, line[1]) if line and is_thin else None


def _ends_of_strips(shape: Mask) -> Iterator[Line | None]:
    """Yield the same for a shape that fills most of the picture's border on that side."""
    for first, after, depth in _first_runs(shape):
        at_border = float(np.mean(first == 0)) >= STRAIGHT_SHARE
        yield _straight(after, after < MAX_FRAME_DEPTH * depth) if at_border else None


def _first_runs(shape: Mask) -> Iterator[tuple[Places, Places, int]]:
    """Yield where each line that enters from a side meets the shape and where it leaves it.

    From the top, from the bottom, from the left and from the right, each with the number of cells
    in that direction, which also stands for "never".
    """
    for view in (shape, shape[::-1], shape.T, shape.T[::-1]):
        depth = len(view)
        first = np.where(view.any(axis=0), view.argmax(axis=0), depth)
        left = ~view & (np.arange(depth)[:, np.newaxis] > first)
        yield first, np.where(left.any(axis=0), left.argmax(axis=0), depth), depth


def _straight(places: Places, usable: Mask) -> Line | None:
    """Return the straight line on which most of the places lie, as offset and slope, or None."""
    across = np.flatnonzero(usable)
    if len(across) < STRAIGHT_SHARE * len(places) or len(across) < 2:
        return None
    # The median of the slopes between pairs is not misled by a digit that touches the line.
    some = across[:: max(1, len(across) // 40)]
    one, other = np.triu_indices(len(some), 1)
    rise = (places[some[other]] - places[some[one]]) / (some[other] - some[one])
    slope = float(np.median(rise))
    offset = float(np.median(places[across] - slope * (across + 0.5)))
    tolerance = 1 + 0.01 * len(places)
    near = across[np.abs(places[across] - slope * (across + 0.5) - offset) <= tolerance]
    if len(near) < STRAIGHT_SHARE * len(places) or abs(slope) > MAX_SLOPE:
        return None
    slope, offset = np.polyfit(near + 0.5, places[near], 1)
    return float(offset), float(slope)


def _quadrilateral(
    edges: Iterable[Line | None], shape: tuple[int, ...], n_lines: int
) -> Sequence[Corner] | None:
    """Return the corners between four lines, of which at least `n_lines` must be known.

    A line that is not known is the edge of the shape.
    """
    lines = list(edges)
    if sum(line is not None for line in lines) < n_lines:
        return None
    height, width = shape
    # One cell inwards, where the soft edge of the line has ended.
    (top, down), (low, up), (left, right_on), (right, left_on) = (
        (0.0, 0.0) if line is None else (line[0] + 1, line[1]) for line in lines
    )
    low, up, right, left_on = height - low, -up, width - right, -left_on

    def meeting(row: float, per_column: float, column: float, per_row: float) -> Corner:
        x = (column + per_row * row) / (1 - per_row * per_column)
        return x, row + per_column * x

    corners = [
        meeting(top, down, left, right_on),
        meeting(low, up, left, right_on),
        meeting(low, up, right, left_on),
        meeting(top, down, right, left_on),
    ]
    spans = np.ptp(np.array(corners), axis=0)
    return corners if spans.min() >= MIN_FRAME_CELLS / 2 else None


def _moved(corners: Sequence[Corner] | None, left: int, top: int) -> Sequence[Corner] | None:
    return corners and [(x + left, y + top) for x, y in corners]


def _is_crossed(corners: Sequence[Corner], mask: Mask) -> bool:
    """Return whether a stroke of a large shape lies partly inside the corners, partly outside.

    The corners are shares of width and height.
    """
    if _opened_by(mask, _window(mask.shape, WIDE_SHARE)).any():
        return False  # it is no stroke
    inside = _area([(x * mask.shape[1], y * mask.shape[0]) for x, y in corners], mask.shape)
    parts = _parts(mask)
    for part in parts:
        if part.longer < LARGE_SHARE * parts[0].longer:
            break
        share = float(inside[part.rows, part.columns].mean())
        if CROSSING_SHARE < share < 1 - CROSSING_SHARE:
            return True
    return False


def _area(corners: Sequence[Corner], shape: tuple[int, ...]) -> Mask:
    """Return which cells are between the corners."""
    height, width = shape
    area = Image.new("1", (width, height))
    ImageDraw.Draw(area).polygon([(x - 0.5, y - 0.5) for x, y in corners], fill=1)
    return np.asarray(area)


def _has_content(mask: Mask, corners: Sequence[Corner], *, apart: bool) -> bool:
    """Return whether there is a shape inside the corners that may be a digit.

    `apart` demands that it does not touch the edges.
    """
    inside = _area(corners, mask.shape)
    edge = inside & spread(~np.pad(inside, 1))[1:-1, 1:-1]
    spans = np.ptp(np.array(corners), axis=0)
    for part in _parts(mask & inside):
        if part.longer < MIN_CONTENT_SHARE * spans.max():
            return False
        touches = bool(edge[part.rows, part.columns].any())
        # Between the upper and the lower half of an angular 8 there is only a bar.
        is_bar = part.width > 0.9 * spans[0] and part.height < 0.4 * part.width
        if not is_bar and not (apart and touches):
            return True
    return False


def _cut_out(picture: Image.Image, corners: Sequence[Corner]) -> Image.Image:
    """Return a quadrilateral of a picture, straightened."""
    points = np.array(corners) * picture.size
    left, low, right, top = np.hypot(*(np.roll(points, -1, axis=0) - points).T)
    size = max(1, round((low + top) / 2)), max(1, round((left + right) / 2))
    return picture.transform(
        size, Image.Transform.QUAD, points.ravel().tolist(), Image.Resampling.BICUBIC
    )


# 5. The digits


def _digits(mask: Mask, *, whole: bool) -> tuple[list[Part], bool]:
    """Return the digits on a grid, each of one or more shapes, in reading order.

    The second result is whether no shape was left out because there are very many.
    """
    parts = _parts(mask)
    if whole:
        parts = _without_tables(parts)
    parts = _without_crumbs(_without_lines(_without_borders(parts, mask.shape), mask.shape))
    if not parts:
        return [], True
    is_complete = len(parts) <= MAX_PARTS
    parts = parts[:MAX_PARTS]
    typical = _typical_height(parts) if whole else None
    if typical is not None:
        pieces = [piece for part in parts for piece in _cut_apart(part, typical)]
        parts = _without_specks(pieces, typical)
    groups = _joined(parts, typical)
    longest = max(group.longer for group in groups)
    least = LARGE_SHARE * longest if typical is None else TYPICAL_SHARE * typical
    digits = [group for group in groups if group.longer >= least]
    for small in groups:
        if small.longer < least:
            nearest = min(range(len(digits)), key=lambda at: small.distance(digits[at]))
            if small.distance(digits[nearest]) <= STACKED_SHARE * (typical or longest):
                digits[nearest] = digits[nearest].joined(small)
    rows = in_rows([digit.frame for digit in digits])
    return [digits[place] for row in rows for number in row for place in number], is_complete


def _without_tables(parts: list[Part]) -> list[Part]:
    """Leave out the lines of a table: a shape around several others."""
    kept = []
    for part in parts:
        left, top, right, low = part.frame
        enclosed = [
            other
            for other in parts
            if MIN_INNER_SHARE * part.longer / MIN_ON_SHEET <= other.longer < part.longer
            and left <= other.middle[1] < right
            and top <= other.middle[0] < low
        ]
        if len(enclosed) < MIN_ON_SHEET:
            kept.append(part)
    return kept


def _typical_height(parts: list[Part]) -> float | None:
    """Return the height of a sheet's digits; None if there are too few."""
    # Half of the ink is in shapes at least so long, however many specks there are.
    longest = sorted(parts, key=lambda part: part.longer)
    ink = np.cumsum([part.area for part in longest])
    usual = longest[int(np.searchsorted(ink, ink[-1] / 2))].longer
    heights = [part.height for part in parts if part.longer >= LARGE_SHARE * usual]
    return float(np.quantile(heights, TYPICAL_QUANTILE)) if len(heights) >= MIN_TYPICAL else None


def _without_specks(parts: list[Part], typical: float) -> list[Part]:
    """Leave out shapes that are small compared with most of a sheet's digits."""
    areas = [part.area for part in parts if part.longer >= TYPICAL_SHARE * typical]
    return [part for part in parts if part.area >= SPECK_SHARE * float(np.median(areas))]


def _cut_apart(part: Part, typical: float) -> list[Part]:
    """Cut a shape that is too high or too wide for one digit where there is the least ink."""
    for places, length, most, pitch in (
        (part.rows - part.frame[1], part.height, MAX_HEIGHT_SHARE, 1.0),
        (part.columns - part.frame[0], part.width, MAX_WIDTH_SHARE, PITCH_SHARE),
    ):
        n = round(length / (pitch * typical))
        if n > MAX_TOUCHING:
            return [part]
        if length <= most * typical or n < 2:
            continue
        ink = np.bincount(places, minlength=length)
        middle, reach = length / n, max(1, round(CUT_SHARE * typical))
        first = max(1, round(middle) - reach)
        near = ink[first : round(middle) + reach + 1]
        # Of equally thin places, the one closest to the middle.
        far = np.abs(np.arange(len(near)) + first - middle)
        cut = first + int(np.lexsort((far, near))[0])
        halves = [Part(part.rows[of], part.columns[of]) for of in (places < cut, places >= cut)]
        if all(half.area for half in halves):
            return [piece for half in halves for piece in _cut_apart(half, typical)]
    return [part]


def _without_borders(parts: list[Part], shape: tuple[int, ...]) -> list[Part]:
    """Leave out what the picture's border cuts off, unless nothing else is large.

    A stroke that goes on beyond the border is kept if it belongs to a digit inside.
    """
    cut = [any(part.touches(shape)) for part in parts]
    inner = [part for part, is_cut in zip(parts, cut, strict=True) if not is_cut]
    if not inner or inner[0].longer < MIN_INNER_SHARE * max(shape):
        return parts
    return [
        part
        for part, is_cut in zip(parts, cut, strict=True)
        if not is_cut or _is_stroke_of(part, inner[0], shape)
    ]


def _is_stroke_of(part: Part, digit: Part, shape: tuple[int, ...]) -> bool:
    left, top, right, low = part.touches(shape)
    shorter, box = min(part.width, part.height), part.width * part.height
    is_line = shorter <= LINE_SHARE * part.longer or part.area < MIN_STROKE_SHARE * box  # of a box
    is_blob = shorter >= BLOB_SHARE * part.longer and part.area >= FULL_SHARE * box  # a thumb
    crosses = (left and right) or (top and low)
    return not is_line and not is_blob and not crosses and _belong_together(part, digit)


def _without_lines(parts: list[Part], shape: tuple[int, ...]) -> list[Part]:
    """Leave out long lines from left to right, as on ruled paper, unless there is nothing else."""
    rest = [
        part
        for part in parts
        if part.width < MIN_LINE_SHARE * shape[1] or part.height > LINE_SHARE * part.width
    ]
    return rest or parts


def _without_crumbs(parts: list[Part]) -> list[Part]:
    """Leave out shapes that are small compared with the largest."""
    least = CRUMB_SHARE * max((part.area for part in parts), default=0)
    return [part for part in parts if part.area >= least]


def _joined(parts: list[Part], typical: float | None) -> list[Part]:
    """Join the strokes of one digit, such as a 5 with its bar apart.

    Where the typical height of a digit is known, two as high as that stay apart if they are too
    high or wide together for one.
    """
    groups: list[Part] = []
    for part in parts:
        whole, apart = part, []
        for group in groups:
            if not _are_two(group, whole, typical) and _belong_together(group, whole):
                whole = whole.joined(group)
            else:
                apart.append(group)
        groups = [*apart, whole]
    # Strokes that have been joined reach further than each of them.
    return groups if len(groups) == len(parts) else _joined(groups, typical)


def _are_two(one: Part, other: Part, typical: float | None) -> bool:
    """Return whether two shapes, both as high as a digit, are too high or wide together for one."""
    lower = min(one.height, other.height)
    if typical is None or lower < TYPICAL_SHARE * typical:
        return False
    overlap = min(one.frame[3], other.frame[3]) - max(one.frame[1], other.frame[1])
    width = max(one.frame[2], other.frame[2]) - min(one.frame[0], other.frame[0])
    return overlap <= CUT_SHARE * lower or width > MAX_WIDTH_SHARE * typical


def _belong_together(one: Part, other: Part) -> bool:
    """Return whether two shapes are strokes of one digit."""
    left, top, right, low = (
        extreme(pair)
        for extreme, pair in zip(
            (min, min, max, max), zip(one.frame, other.frame, strict=True), strict=True
        )
    )
    width, height = right - left, low - top
    overlap = min(one.frame[2], other.frame[2]) - max(one.frame[0], other.frame[0])
    if overlap >= min(one.width, other.width) / 2:
        lower, higher = sorted((one.height, other.height))
        reach = STACKED_SHARE if lower <= FLAT_SHARE * higher else NEAR_SHARE
    else:
        # A digit is seldom wider than high; two digits beside each other are.
        reach = NEAR_SHARE if width <= height else TOUCHING_SHARE
    reach *= max(width, height)
    # Looking at the cells is slow, and seldom needed.
    apart = max(width - one.width - other.width, height - one.height - other.height)
    return apart <= reach and one.distance(other) <= reach


def _found(ink: Grey, cells: Part, shape: tuple[int, ...], n_shapes: int) -> FoundDigit | None:
    """Return the ink of a digit that was found on the grid."""
    # A margin of one cell keeps the soft edge of a shape.
    mask = Image.fromarray(np.where(spread(cells.mask(shape)), 255, 0).astype(np.uint8))
    factor = max(1, -(-max(ink.shape) // CELLS))
    size = (shape[1] * factor, shape[0] * factor)
    near = np.asarray(mask.resize(size, Image.Resampling.NEAREST))[: ink.shape[0], : ink.shape[1]]
    picture = Image.fromarray(np.where(near > 0, np.round(255 * ink), 0).astype(np.uint8))
    frame = picture.getbbox()
    return frame and FoundDigit(np.asarray(picture.crop(frame)), frame, n_shapes)


def _on_canvas(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Place ink in the middle of a black canvas, with a longer side of 200 pixels."""
    factor = DIGIT_SIDE / max(ink.shape)
    height, width = (max(1, round(length * factor)) for length in ink.shape)
    canvas = Image.new("L", (CANVAS_SIDE, CANVAS_SIDE))
    digit = Image.fromarray(ink).resize((width, height), Image.Resampling.BOX)
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
