"""Drawings that are not digits, made by a program from a seed.

A network that has only seen digits answers everything with a digit. These are what it can learn
the opposite from: letters and signs by the same pen as `cnn_lab.data.pens`, scribbles, pieces of
digits, two digits at once, digits the wrong way round, and textures. They are placed as drawings
are, 20 pixels long with the centre of mass in the middle, apart from textures that fill the image.

Letters that many people write like a digit are missing, because nobody could tell them apart: B, D,
I, J, L, O, Q, S and Z, b, g, i, j, l, o, q, s and z.
"""

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cnn_lab.data.pens import (
    BOX_PX,
    FULL_INK,
    SIDE,
    STYLES,
    Pixels,
    Points,
    Strokes,
    brush,
    by_hand,
    curve_through,
    drawn,
    numbers_of,
    placed,
    strokes_of,
)

Kind = Literal["letter", "sign", "scribble", "piece", "pair", "reversed", "texture"]
KINDS: tuple[Kind, ...] = get_args(Kind)
KIND_SHARES = (0.42, 0.12, 0.2, 0.06, 0.08, 0.04, 0.08)

# As the recipes of `cnn_lab.data.pens`, in a box one high.
LETTERS: dict[str, tuple[str, ...]] = {
    "A": (
        "line [0,.1] 1 [.3,.44] 0 [.7,.84] 1 | line [.12,.2] [.55,.72] [.54,.68] [.55,.72]",
        "line 0 1 [.3,.44] 0 | line .37 0 .75 1 | line .14 [.55,.72] .6 [.55,.72]",
    ),
    "C": ("arc .4 .5 [.34,.46] .5 -[35,60] -[240,285]",),
    "E": (
        "line 0 0 0 1 | line 0 0 [.45,.65] [-.04,.04] | line 0 [.45,.55] [.4,.58] [.45,.55] "
        "| line 0 1 [.5,.68] [.96,1.04]",
        "line [.5,.65] 0 0 0 0 1 [.5,.68] 1 | line 0 [.45,.55] [.4,.55] [.45,.55]",
    ),
    "F": (
        "line 0 0 0 1 | line 0 0 [.5,.68] [-.04,.04] | line 0 [.4,.55] [.36,.55] [.4,.55]",
        "line [.5,.68] 0 0 0 0 1 | line 0 [.4,.55] [.36,.55] [.4,.55]",
    ),
    "G": ("arc .4 .5 .42 .5 -[40,60] -[270,290]; line .82 [.52,.6] [.4,.52] [.52,.6]",),
    "H": ("line 0 0 0 1 | line [.55,.75] 0 [.55,.75] 1 | line 0 [.44,.56] .65 [.44,.56]",),
    "K": ("line 0 0 0 1 | line [.5,.68] 0 .02 [.48,.6] | line [.08,.18] [.42,.52] [.55,.75] 1",),
    "M": (
        "line 0 1 [.02,.12] 0 [.4,.46] [.5,.9] [.74,.84] 0 [.82,.92] 1",
        "line 0 0 0 1 | line 0 0 .42 [.6,.9] .84 0 .84 1",
    ),
    "N": ("line 0 1 0 0 [.55,.7] 1 [.55,.7] 0",),
    "P": ("line 0 0 0 1 | curve 0 [0,.04] [.3,.5] [.02,.08] [.46,.6] .25 [.3,.5] .48 0 [.48,.56]",),
    "R": (
        "line 0 0 0 1 | curve 0 0 [.35,.5] .04 [.46,.58] .25 [.3,.45] .48 0 [.48,.54] "
        "| line [.1,.25] .5 [.5,.68] 1",
    ),
    "T": ("line 0 [-.02,.04] [.6,.9] [-.02,.04] | line [.33,.47] 0 [.33,.47] 1",),
    "U": ("curve 0 0 [0,.04] .6 [.14,.2] .94 [.32,.4] 1 [.5,.56] .9 [.6,.66] .6 [.6,.7] 0",),
    "V": ("line 0 0 [.28,.42] 1 [.6,.8] 0",),
    "W": (
        "line 0 0 [.18,.26] 1 [.44,.5] [.2,.6] [.66,.76] 1 [.9,1] 0",
        "curve 0 0 [.02,.06] .7 .2 1 .4 .7 .42 [.3,.5] .46 .75 .65 1 .84 .7 .86 0",
    ),
    "X": ("line 0 0 [.55,.75] 1 | line [.55,.75] 0 0 1", "line 0 0 .8 1 | line .8 0 0 1"),
    "Y": ("line 0 0 [.3,.38] [.42,.52] | line [.62,.76] 0 .34 .48 [.3,.38] 1",),
    "a": (
        "arc .36 .6 [.3,.38] .38 -[10,40] -[330,360]; line .72 [.3,.4]; line .72 .8; "
        "curve .74 .98 .92 [.86,.96]",
    ),
    "c": ("arc .4 .5 [.38,.48] .5 -[35,60] -[240,290]",),
    "d": (
        "arc .3 .7 .3 .3 -[10,40] -[330,360]; line .6 .7; line [.6,.64] 0; line .6 .9; "
        "curve .62 1 .76 .96",
    ),
    "e": (
        "line .06 [.46,.56] [.7,.8] [.42,.5]; curve .72 .2 .42 0 .1 .2 .02 .55 .2 .92 .5 1 "
        ".78 [.78,.9]",
    ),
    "f": (
        "curve [.55,.7] [.08,.16] [.46,.54] 0 .34 [.08,.14] .3 .3; line [.28,.32] 1 "
        "| line [0,.1] [.36,.46] [.5,.64] [.36,.46]",
    ),
    "h": (
        "line 0 0 0 1 | curve 0 [.62,.7] .14 .5 .3 .44 .44 .54 .46 .7; line [.44,.5] 1",
        "line [.1,.2] 0 0 1; curve .06 .7 .24 .46 .4 .5 .42 .7 .42 .9 .5 1 .62 [.9,.96]",
    ),
    "k": ("line 0 0 0 1 | line [.38,.52] [.38,.48] .02 [.66,.74] | line .12 .62 [.42,.56] 1",),
    "m": (
        "line 0 0 0 1; line 0 .4; curve .14 .1 .3 .04 .42 .2 .44 .5; line .44 1; line .44 .4; "
        "curve .58 .1 .74 .04 .86 .2 .88 .5; line .88 1",
    ),
    "n": ("line 0 0 0 1; line 0 [.36,.5]; curve .2 .1 .42 .02 .6 .14 .66 .44; line .66 1",),
    "p": ("line 0 [0,.1] 0 1 | arc [.26,.32] .26 .3 .26 [160,200] [330,360]",),
    "r": (
        "line 0 0 0 1; line 0 [.4,.5]; curve .12 .16 .3 .02 [.46,.58] [.04,.16]",
        "curve 0 [.1,.2] .06 .04 .1 .2; line .1 1; line .1 .45; curve .2 .18 .36 .06 .56 .14",
    ),
    "t": (
        "line .3 0 .3 .8; curve .34 .96 .48 1 [.6,.68] [.88,.95] | line 0 [.26,.38] [.5,.66] .32",
        "line .3 0 .3 1 | line 0 [.24,.38] [.5,.66] [.24,.38]",
    ),
    "u": (
        "line 0 0 0 .6; curve .04 .9 .24 1 .5 .86 .6 .6; line .6 0; line .6 .9; "
        "curve .64 1 .78 .95",
    ),
    "v": ("line 0 0 [.3,.42] 1 [.6,.78] 0", "curve 0 0 .16 .5 .34 1 .56 .5 .66 [0,.1]"),
    "w": (
        "curve 0 0 .06 .7 .24 1 .44 .7 .46 .3 .5 .7 .7 1 .9 .7 .94 0",
        "line 0 0 .22 1 .46 [.1,.4] .7 1 .92 0",
    ),
    "x": (
        "line 0 0 [.7,.9] 1 | line [.7,.9] 0 0 1",
        "curve 0 .1 .16 0 .4 .5 .64 1 .8 .9 | curve .8 .1 .64 0 .4 .5 .16 1 0 .9",
    ),
    "y": ("line 0 0 [.24,.34] [.48,.58] | line [.5,.66] 0 .3 .5 [.04,.16] 1",),
}
SIGNS: dict[str, tuple[str, ...]] = {
    "plus": ("line .4 0 .4 [.75,1] | line 0 [.4,.55] .85 [.4,.55]",),
    "minus": ("line 0 0 [.8,1.4] [-.06,.06]",),
    "equals": ("line 0 0 .9 [-.05,.05] | line 0 [.3,.5] .9 [.3,.5]",),
    "hash": ("line .3 0 .2 1 | line .7 0 .6 1 | line 0 .33 .9 .33 | line 0 .68 .9 .68",),
    "at": (
        "arc .52 .5 .18 .2 0 -340; line .7 .62; curve .84 .74 .98 .5 .8 .12 .5 0 .1 .2 0 .55 "
        ".16 .9 .5 1 .8 .9",
    ),
    "percent": ("arc .18 .2 .16 .2 0 360 | arc .72 .8 .16 .2 0 360 | line .8 0 .1 1",),
    "arrow": (
        "line 0 0 1 [-.1,.1] | line [.7,.8] -[.2,.35] 1 0 [.7,.8] [.2,.35]",
        "line .3 1 .3 0 | line 0 [.25,.4] .3 0 .6 [.25,.4]",
    ),
    "heart": (
        "curve .45 .25 .3 0 .06 .06 .02 .35 .2 .66 .45 1; curve .7 .66 .9 .35 .84 .06 .6 0 .45 .25",
    ),
    "star": (
        "line .2 1 .5 0 .8 1 0 .36 1 .36 .2 1",
        "line .5 0 .5 1 | line .08 .22 .92 .78 | line .92 .22 .08 .78",
    ),
    "triangle": ("line [.3,.6] 0 .95 1 0 1 [.4,.5] 0",),
    "square": ("line 0 0 [.8,1] 0 [.8,1] 1 0 1 0 0",),
    "face": (
        "arc .5 .5 .5 .5 0 360 | arc .32 .36 .04 .04 0 360 | arc .68 .36 .04 .04 0 360 "
        "| curve .26 .64 .4 [.7,.82] .6 [.7,.82] .74 .64",
    ),
    "house": ("line 0 .45 .5 0 1 .45 .9 .45 .9 1 .1 1 .1 .45 0 .45 | line .4 1 .4 .7 .6 .7 .6 1",),
    "tick": ("line 0 [.55,.7] [.2,.35] 1 [.8,1] 0",),
    "spiral": (
        "curve .5 .5 .6 .5 .58 .62 .46 .64 .36 .5 .44 .34 .62 .32 .76 .5 .7 .74 .48 .84 "
        ".24 .72 .16 .46 .3 .2 .6 .1 .9 .3",
    ),
    "wave": ("curve 0 .3 .2 0 .4 .3 .6 .6 .8 .3 1 0 1.2 .3",),
    "brackets": ("curve .2 0 .04 .3 .04 .7 .2 1 | curve .6 0 .76 .3 .76 .7 .6 1",),
    "dots": (
        "arc 0 0 .05 .05 0 360 | arc [.4,1] [0,.9] .05 .05 0 360 | arc .1 [.4,1] .05 .05 0 360",
    ),
    "euro": ("arc .5 .5 .42 .5 -[45,60] -[240,270] | line 0 .4 .6 .4 | line 0 .58 .55 .58",),
    "ampersand": ("curve .85 1 .5 .6 .25 .25 .4 0 .58 .16 .4 .42 .06 .7 .2 .98 .5 .96 .8 .6",),
}
# Halves of digits that are not like another digit themselves: of a style, which way to look from
# the middle (x, y), and what is there is kept.
PIECES: tuple[tuple[str, tuple[int, int]], ...] = (
    ("0 plain", (0, -1)),
    ("0 plain", (0, 1)),
    ("2 flat", (0, 1)),
    ("2 loop", (0, 1)),
    ("3 round", (0, -1)),
    ("3 round", (0, 1)),
    ("4 open", (-1, 0)),
    ("4 open", (1, 0)),
    ("5 hat", (0, -1)),
    ("5 in one stroke", (0, 1)),
    ("8 in one stroke", (-1, 0)),
)
# Digits the wrong way round that are not like another digit, or a letter that is not listed above:
# left and right exchanged, top and bottom exchanged.
REVERSED: tuple[tuple[str, tuple[bool, bool]], ...] = (
    ("3 round", (True, False)),
    ("3 flat top", (True, False)),
    ("4 open", (True, False)),
    ("4 open", (False, True)),
    ("4 open", (True, True)),
    ("4 closed", (True, False)),
    ("4 closed", (False, True)),
    ("4 closed", (True, True)),
    ("6 loop", (True, False)),
    ("9 stem", (True, False)),
)
MIN_CORNERS, MAX_CORNERS, MAX_STROKES = 5, 14, 3  # of a scribble


def non_digits(
    n: int, *, seed: int, first: int = 0, kinds: Sequence[Kind] | None = None
) -> tuple[Pixels, tuple[Kind, ...]]:
    """Return images without a digit, and what each shows.

    Parameters
    ----------
    n : int
    seed : int
        Image number i of a seed is the same, whatever `n` is.
    first : int
        Number of the first image.
    kinds : sequence of Kind, optional
        Among KINDS, all equally often. By default all of them, by `KIND_SHARES`.

    Returns
    -------
    images : ndarray of uint8, shape (n, 28, 28, 1)
        0 the background and 255 full ink.
    kinds : tuple of Kind

    Raises
    ------
    ValueError
        If a kind is unknown.

    Notes
    -----
    About a millisecond for each on one core.
    """
    names = KINDS if kinds is None else tuple(kinds)
    shares = np.array(KIND_SHARES if kinds is None else [1.0] * len(names))
    if unknown := sorted(set(names) - set(KINDS)):
        raise ValueError(f"`kinds` must be among {KINDS}. Received: {', '.join(unknown)}")
    ends = np.cumsum(shares / shares.sum())
    images, chosen = np.zeros((n, SIDE, SIDE, 1), np.uint8), []
    for index in range(n):
        numbers = numbers_of(seed, first + index)
        at = int(np.searchsorted(ends, numbers.random(), "right"))
        chosen.append(names[min(at, len(names) - 1)])
        images[index, ..., 0] = _MAKE[chosen[-1]](numbers)
    return images, tuple(chosen)


def _written(strokes: Strokes, numbers: np.random.Generator) -> Pixels:
    return drawn(by_hand(strokes, numbers), brush(numbers))


def _one_of(recipes: dict[str, tuple[str, ...]], numbers: np.random.Generator) -> Strokes:
    names = tuple(recipes)
    forms = recipes[names[int(numbers.integers(len(names)))]]
    return strokes_of(forms[int(numbers.integers(len(forms)))], numbers)


def _letter(numbers: np.random.Generator) -> Pixels:
    return _written(_one_of(LETTERS, numbers), numbers)


def _sign(numbers: np.random.Generator) -> Pixels:
    return _written(_one_of(SIGNS, numbers), numbers)


def _scribble(numbers: np.random.Generator) -> Pixels:
    """Draw strokes that wander at random, with corners or in curves."""
    strokes: Strokes = []
    left = int(numbers.integers(MIN_CORNERS, MAX_CORNERS, endpoint=True))
    for _ in range(int(numbers.integers(1, MAX_STROKES, endpoint=True))):
        corners = numbers.random((max(left, 2), 2)) * [numbers.uniform(0.5, 1.2), 1]
        strokes.append(curve_through(corners) if numbers.random() < 0.6 else corners)
        left = int(numbers.integers(2, 8))
    return drawn(strokes, brush(numbers, 3.4))


def _of_style(name: str, numbers: np.random.Generator) -> Strokes:
    recipes = STYLES[name].recipes
    return strokes_of(recipes[int(numbers.integers(len(recipes)))], numbers)


def _piece(numbers: np.random.Generator) -> Pixels:
    name, way = PIECES[int(numbers.integers(len(PIECES)))]
    strokes = _of_style(name, numbers)
    every = np.concatenate(strokes)
    middle = (every.min(axis=0) + every.max(axis=0)) / 2
    kept: Strokes = []
    for stroke in strokes:
        fine = _divided(stroke)
        inside = (fine - middle) @ np.array(way, float) >= 0
        # Where the stroke enters and leaves the half.
        cuts = np.flatnonzero(np.diff(inside.astype(int))) + 1
        parts = zip(np.split(fine, cuts), np.split(inside, cuts), strict=True)
        kept += [part for part, is_in in parts if is_in[0] and len(part) > 1]
    return _written(kept, numbers)


def _divided(stroke: Points) -> Points:
    """Return a stroke with more points on each line of it."""
    share = np.linspace(0, 1, 8, endpoint=False)[:, np.newaxis]
    between = stroke[:-1, np.newaxis] + share * np.diff(stroke, axis=0)[:, np.newaxis]
    return np.concatenate([between.reshape(-1, 2), stroke[-1:]])


def _pair(numbers: np.random.Generator) -> Pixels:
    """Draw two digits side by side."""
    names = tuple(STYLES)
    strokes: Strokes = []
    at = 0.0
    for number in numbers.integers(len(names), size=2):
        digit = by_hand(_of_style(names[int(number)], numbers), numbers)
        every = np.concatenate(digit)
        beside = np.array([at - every[:, 0].min(), 0])
        strokes += [stroke + beside for stroke in digit]
        at = float(np.concatenate(strokes)[:, 0].max()) + numbers.uniform(0.1, 0.35)
    return drawn(strokes, brush(numbers, 2.6))


def _reversed(numbers: np.random.Generator) -> Pixels:
    name, (mirrored, flipped) = REVERSED[int(numbers.integers(len(REVERSED)))]
    strokes = by_hand(_of_style(name, numbers), numbers)
    back = np.array([-1.0 if mirrored else 1.0, -1.0 if flipped else 1.0])
    return drawn([stroke * back for stroke in strokes], brush(numbers, 3.0))


def _texture(numbers: np.random.Generator) -> Pixels:
    """Make noise, clouds, stripes or a filled shape, in the box or all over the image."""
    side = SIDE if numbers.random() < 0.5 else BOX_PX
    values = _TEXTURES[int(numbers.integers(len(_TEXTURES)))](side, numbers)
    pixels = np.round(FULL_INK * np.clip(values, 0, 1)).astype(np.uint8)
    return placed(pixels) if side == BOX_PX and pixels.any() else _all_over(pixels)


def _all_over(pixels: Pixels) -> Pixels:
    image = np.zeros((SIDE, SIDE), np.uint8)
    height, width = pixels.shape
    image[:height, :width] = pixels
    return image


Values = NDArray[np.float64]


def _noise(side: int, numbers: np.random.Generator) -> Values:
    values: Values = numbers.random((side, side))
    # Grey, or black and white with some share of ink.
    if numbers.random() < 0.5:
        return values
    return (values < numbers.uniform(0.05, 0.95)).astype(float)


def _clouds(side: int, numbers: np.random.Generator) -> Values:
    """Return coarse noise between whose knots values change evenly, sometimes with hard edges."""
    knots = int(numbers.integers(3, 10))
    coarse = numbers.random((knots, knots))
    at = np.linspace(0, knots - 1, side)
    low = np.minimum(at.astype(int), knots - 2)
    share = at - low
    rows = coarse[low] * (1 - share)[:, np.newaxis] + coarse[low + 1] * share[:, np.newaxis]
    values: Values = rows[:, low] * (1 - share) + rows[:, low + 1] * share
    return values if numbers.random() < 0.5 else 8 * (values - 0.5) + 0.5


def _stripes(side: int, numbers: np.random.Generator) -> Values:
    rows, columns = np.indices((side, side))
    angle = numbers.uniform(0, np.pi)
    along = rows * np.cos(angle) + columns * np.sin(angle)
    waves = np.sin(2 * np.pi * along / numbers.uniform(2.5, 9) + numbers.uniform(0, 6))
    if numbers.random() < 0.3:  # a chequered pattern
        across = columns * np.cos(angle) - rows * np.sin(angle)
        waves = waves * np.sin(2 * np.pi * across / numbers.uniform(2.5, 9))
    result: Values = 0.5 + waves * numbers.choice([0.5, 3.0])
    return result


def _shape(side: int, numbers: np.random.Generator) -> Values:
    """Return a filled shape in a shade: an outline mirrored left to right, as of clothes."""
    knots = int(numbers.integers(2, 7))
    widths = np.interp(np.linspace(0, knots - 1, side), np.arange(knots), numbers.random(knots))
    half = (0.25 + 0.25 * widths) * side * numbers.uniform(0.7, 1.0)  # wider than any 1
    columns = np.abs(np.arange(side) - (side - 1) / 2)
    filled = columns[np.newaxis] <= half[:, np.newaxis]
    if numbers.random() < 0.3:  # two legs
        filled &= (columns > side * 0.08) | (np.arange(side)[:, np.newaxis] < side * 0.3)
    shade = 1.0 if numbers.random() < 0.5 else 0.6 * _clouds(side, numbers) + 0.4
    result: Values = filled * shade
    return result


_TEXTURES = (_noise, _clouds, _stripes, _shape)
_MAKE: dict[Kind, Callable[[np.random.Generator], Pixels]] = {
    "letter": _letter,
    "sign": _sign,
    "scribble": _scribble,
    "piece": _piece,
    "pair": _pair,
    "reversed": _reversed,
    "texture": _texture,
}
