"""Pictures of handwritten digits, made by a program: every kind of page that a visitor may send.

What is written are MNIST's digits; paper, ink, lines, light and camera are chosen at random from a
seed. `KINDS` names what each kind of page adds to an ordinary one. The tests draw a few pages of
each kind, benchmark B21 many.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Pixels = NDArray[np.uint8]
Field = NDArray[np.float32]
Colour = tuple[int, int, int]
Place = tuple[float, float, float, float]

MIN_CONTRAST = 80  # between ink and paper, as a distance of colours
INKS: tuple[Colour, ...] = (
    (25, 25, 30),
    (60, 60, 66),
    (95, 95, 100),
    (20, 40, 140),
    (40, 70, 190),
    (185, 30, 35),
    (20, 105, 50),
    (90, 40, 130),
)
PAPERS: tuple[Colour, ...] = (
    (255, 255, 255),
    (244, 243, 238),
    (225, 222, 212),
    (200, 198, 190),
    (250, 235, 150),
    (190, 220, 240),
    (235, 190, 200),
    (205, 180, 140),
)
CHALKS: tuple[Colour, ...] = ((255, 255, 255), (235, 235, 225), (250, 240, 130), (255, 190, 200))
BOARDS: tuple[Colour, ...] = ((0, 0, 0), (25, 28, 30), (30, 62, 48), (45, 45, 80), (80, 60, 50))
TABLES: tuple[Colour, ...] = ((60, 42, 30), (25, 25, 28), (110, 80, 55), (130, 130, 135))
# Ink and paper of about the same lightness.
EQUALLY_LIGHT: tuple[tuple[Colour, Colour], ...] = (
    ((255, 40, 40), (40, 140, 60)),
    ((40, 140, 60), (255, 40, 40)),
    ((200, 60, 60), (60, 120, 140)),
    ((60, 110, 240), (150, 110, 40)),
    ((235, 90, 30), (90, 140, 150)),
)


@dataclass
class Page:
    """A page under way: what is written, on what, in which light.

    Attributes
    ----------
    digit : ndarray of uint8, shape (28, 28)
        What is written: 0 is paper, 255 full ink.
    rng : numpy.random.Generator
    size : (int, int)
        Rows and columns.
    paper, ink : (int, int, int)
    share : float
        The digit's longer side, relative to the shorter side of the page.
    turn : float
        Degrees by which the digit is turned.
    cover : ndarray of float32, shape `size`
        How much of each pixel is covered by ink.
    colours : ndarray of float32, shape (*size, 3)
    place : (float, float, float, float)
        Frame of the digit: left, top, right, lower edge.
    """

    digit: Pixels
    rng: np.random.Generator
    size: tuple[int, int]
    paper: Colour
    ink: Colour
    share: float
    turn: float = 0.0
    cover: Field = field(default_factory=lambda: np.zeros((1, 1), np.float32))
    colours: Field = field(default_factory=lambda: np.zeros((1, 1, 3), np.float32))
    place: Place = (0, 0, 0, 0)

    @property
    def shorter(self) -> int:
        """Pixels of the shorter side."""
        return min(self.size)

    def between(self, low: float, high: float) -> float:
        """Return a random number."""
        return float(self.rng.uniform(low, high))


def draw_page(kind: str, digit: Pixels, rng: np.random.Generator) -> bytes:
    """Return a picture file of a page of one kind.

    Parameters
    ----------
    kind : str
        A key of `KINDS`.
    digit : ndarray of uint8, shape (28, 28)
        As in MNIST.
    rng : numpy.random.Generator
        The same generator state gives the same file.
    """
    return KINDS[kind](_blank(digit, rng))


def draw_sheet(digits: Pixels, rng: np.random.Generator) -> bytes:
    """Return a picture file of a sheet with three rows of four digits, turned by up to 4 degrees.

    Half of the sheets are ruled, one line below each row.

    Parameters
    ----------
    digits : ndarray of uint8, shape (12, 28, 28)
        As in MNIST, in reading order.
    rng : numpy.random.Generator
        The same generator state gives the same file.
    """
    page = _blank(digits[0], rng)
    page.paper, page.ink = _pair(rng, PAPERS[:5], INKS[:6])
    page.size = int(rng.integers(600, 900)), int(rng.integers(800, 1200))
    _lay_paper(page)
    rows, columns = page.size
    cell, middle = (rows / 3.6, columns / 4.8), (columns / 2, rows / 2)
    side = page.between(0.5, 0.7) * min(cell)
    page.turn = degrees = page.between(-4, 4)
    mask, pen = _mask(page)
    is_ruled = rng.random() < 0.5
    for place, digit in enumerate(digits):
        down, across = divmod(place, 4)
        x = middle[0] + (across - 1.5 + page.between(-0.06, 0.06)) * cell[1]
        y = middle[1] + (down - 1 + page.between(-0.06, 0.06)) * cell[0]
        # Pillow turns the other way round than the corners of a page.
        ((x, y),) = _turned([(x, y)], -degrees, middle)
        stroke = _stroke(page, side, digit)
        _ink(page, stroke, round(y - stroke.shape[0] / 2), round(x - stroke.shape[1] / 2))
        if is_ruled and across == 0:
            low = middle[1] + (down - 0.5) * cell[0]
            pen.line(_turned([(-columns, low), (2 * columns, low)], -degrees, middle), 90, 2)
    _paint(page, mask, (90, 120, 190))
    _slope(page, page.between(0, 0.3))
    return _photographed(page)


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Return a picture as a file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


# --- writing on a page ---------------------------------------------------------------------------


def _blank(digit: Pixels, rng: np.random.Generator) -> Page:
    """Return a page of ordinary size and colours on which nothing is written."""
    rows = int(rng.integers(200, 600))
    columns = int(rows * rng.uniform(0.7, 1.4))
    paper, ink = _pair(rng, PAPERS, INKS)
    return Page(digit, rng, (rows, columns), paper, ink, float(rng.uniform(0.3, 0.85)))


def _pair(
    rng: np.random.Generator, papers: tuple[Colour, ...], inks: tuple[Colour, ...]
) -> tuple[Colour, Colour]:
    while True:
        paper, ink = (colours[rng.integers(len(colours))] for colours in (papers, inks))
        if np.hypot.reduce(np.subtract(paper, ink).astype(float)) >= MIN_CONTRAST:
            return paper, ink


def _stroke(page: Page, side: float, digit: Pixels | None = None) -> Field:
    """Return a digit's ink, its longer side measuring `side` pixels, cropped to the ink."""
    pixels = page.digit if digit is None else digit
    rows, columns = (np.flatnonzero(pixels.max(axis=axis) > 100) for axis in (1, 0))
    drawn = max(int(np.ptp(rows)), int(np.ptp(columns))) + 1
    length = max(28, round(28 * side / drawn))
    large = Image.fromarray(pixels).resize((length, length), Image.Resampling.BICUBIC)
    if page.turn:
        large = large.rotate(page.turn, Image.Resampling.BICUBIC)
    soft = np.asarray(large, np.float32) / 255
    if length > 56:  # a pen's edge is sharper than an enlarged pixel
        middle = page.between(0.35, 0.6)
        soft = np.clip((soft - middle) * (length / 28) * 0.6 + 0.5, 0, 1)
    inside = soft > 0.2
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    return np.asarray(soft[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], np.float32)


def _lay_paper(page: Page) -> None:
    page.cover = np.zeros(page.size, np.float32)
    page.colours = np.empty((*page.size, 3), np.float32)
    page.colours[:] = page.paper


def _write(page: Page, at: tuple[float, float] | None = None) -> None:
    """Write the digit at a place, (row, column) of its middle; somewhere if none is given."""
    stroke = _stroke(page, page.share * page.shorter)
    height, width = stroke.shape
    rows, columns = page.size
    if at is None:
        top = int(page.rng.integers(0, max(1, rows - height + 1)) * 0.8 + 0.1 * (rows - height))
        left = int(
            page.rng.integers(0, max(1, columns - width + 1)) * 0.8 + 0.1 * (columns - width)
        )
    else:
        top, left = round(at[0] - height / 2), round(at[1] - width / 2)
    _ink(page, stroke, max(top, 0), max(left, 0))
    page.place = (left, top, left + width, top + height)


def _ink(page: Page, stroke: Field, top: int, left: int) -> None:
    target = page.cover[top : top + stroke.shape[0], left : left + stroke.shape[1]]
    np.maximum(target, stroke[: target.shape[0], : target.shape[1]], out=target)


def _paint(page: Page, mask: Image.Image | Field, colour: Colour) -> None:
    """Cover the page with a colour where a mask, 0 to 255 or 0 to 1, says so."""
    share = np.asarray(mask, np.float32) / 255 if isinstance(mask, Image.Image) else mask
    page.colours += share[..., np.newaxis] * (np.array(colour, np.float32) - page.colours)


def _mask(page: Page) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    mask = Image.new("L", page.size[::-1])
    return mask, ImageDraw.Draw(mask)


def _turned(
    corners: list[tuple[float, float]], degrees: float, middle: tuple[float, float]
) -> list[tuple[float, float]]:
    angle = np.deg2rad(degrees)
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    return [
        (
            middle[0] + cosine * (x - middle[0]) - sine * (y - middle[1]),
            middle[1] + sine * (x - middle[0]) + cosine * (y - middle[1]),
        )
        for x, y in corners
    ]


def _corners(left: float, top: float, right: float, low: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, low), (left, low)]


# --- light and camera ----------------------------------------------------------------------------


def _grid(page: Page) -> tuple[Field, Field]:
    rows, columns = page.size
    row, column = np.meshgrid(
        np.linspace(-1, 1, rows, dtype=np.float32),
        np.linspace(-1, 1, columns, dtype=np.float32),
        indexing="ij",
    )
    return row, column


def _light(page: Page, light: Field) -> None:
    page.colours *= light[..., np.newaxis]


def _slope(page: Page, deepest: float) -> None:
    """Light that falls off across the page."""
    row, column = _grid(page)
    angle = page.between(0, 2 * np.pi)
    along = (np.cos(angle) * row + np.sin(angle) * column + 1.42) / 2.84
    _light(page, np.asarray(1 - deepest * (1 - along), np.float32))


def _shadow(page: Page, depth: float, softness: float) -> None:
    """A shadow with an edge across the page."""
    row, column = _grid(page)
    angle = page.between(0, 2 * np.pi)
    wave = page.between(0, 0.2) * np.sin(3 * (np.sin(angle) * row - np.cos(angle) * column))
    edge = np.cos(angle) * row + np.sin(angle) * column - page.between(-0.6, 0.6) + wave
    _light(page, np.asarray(1 - depth / (1 + np.exp(-edge / softness)), np.float32))


def _vignette(page: Page, depth: float) -> None:
    row, column = _grid(page)
    _light(page, np.asarray(1 - depth * (row * row + column * column) / 2, np.float32))


def _photographed(
    page: Page, *, blur: float | None = None, noise: float | None = None, quality: int | None = None
) -> bytes:
    """Return the page as a file, taken by an ordinary camera unless said otherwise."""
    _paint(page, page.cover, page.ink)
    return _taken(page, blur=blur, noise=noise, quality=quality)


def _taken(
    page: Page, *, blur: float | None = None, noise: float | None = None, quality: int | None = None
) -> bytes:
    rng = page.rng
    blur = rng.uniform(0, 0.004) * page.shorter if blur is None else blur
    noise = rng.uniform(0, 5) if noise is None else noise
    quality = int(rng.integers(55, 96)) if quality is None else quality
    seen = Image.fromarray(np.clip(page.colours, 0, 255).astype(np.uint8))
    sharp = np.asarray(seen.filter(ImageFilter.GaussianBlur(blur)), np.float32)
    grain = noise * rng.standard_normal((*page.size, 1), np.float32)
    picture = Image.fromarray(np.clip(sharp + grain, 0, 255).astype(np.uint8))
    return encoded(picture, "JPEG", quality=quality) if rng.random() < 0.7 else encoded(picture)


# --- kinds of pages ------------------------------------------------------------------------------


def _plain(page: Page) -> bytes:
    _lay_paper(page)
    _write(page)
    _paint(page, page.cover, page.ink)
    _slope(page, page.between(0, 0.25))
    return _taken(page)


def _light_on_dark(page: Page) -> bytes:
    page.paper, page.ink = _pair(page.rng, BOARDS, CHALKS)
    return _plain(page)


def _drawn_on_screen(page: Page) -> bytes:
    """Black on white or white on black without any camera, as a paint program saves it."""
    side = int(page.rng.integers(100, 600))
    page.size = (side, side)
    white, black = (255, 255, 255), (0, 0, 0)
    page.paper, page.ink = (white, black) if page.rng.random() < 0.5 else (black, white)
    _lay_paper(page)
    _write(page)
    _paint(page, page.cover, page.ink)
    return _taken(page, blur=0, noise=0)


def _equally_light(page: Page) -> bytes:
    page.ink, page.paper = EQUALLY_LIGHT[page.rng.integers(len(EQUALLY_LIGHT))]
    return _plain(page)


def _in_slope(page: Page) -> bytes:
    _lay_paper(page)
    _write(page)
    _paint(page, page.cover, page.ink)
    _slope(page, page.between(0.35, 0.65))
    return _taken(page)


def _in_soft_shadow(page: Page) -> bytes:
    _lay_paper(page)
    _write(page)
    _paint(page, page.cover, page.ink)
    _shadow(page, page.between(0.2, 0.5), page.between(0.08, 0.3))
    return _taken(page)


def _in_hard_shadow(page: Page) -> bytes:
    page.paper, page.ink = _pair(page.rng, PAPERS[:4], INKS[:5])
    _lay_paper(page)
    _write(page)
    _paint(page, page.cover, page.ink)
    _shadow(page, page.between(0.15, 0.4), page.between(0.01, 0.04))
    return _taken(page)


def _in_vignette(page: Page) -> bytes:
    _lay_paper(page)
    _write(page)
    _paint(page, page.cover, page.ink)
    _vignette(page, page.between(0.3, 0.6))
    return _taken(page)


def _in_window_light(page: Page) -> bytes:
    """A bright patch with straight edges, as the sun throws it through a window."""
    page.paper, page.ink = _pair(page.rng, PAPERS[:4], INKS[:5])
    _lay_paper(page)
    _write(page)
    _paint(page, page.cover, page.ink)
    rows, columns = page.size
    mask, pen = _mask(page)
    left, top = page.between(-0.3, 0.4) * columns, page.between(-0.3, 0.4) * rows
    right, low = left + page.between(0.4, 0.9) * columns, top + page.between(0.4, 0.9) * rows
    pen.polygon(
        _turned(_corners(left, top, right, low), page.between(-20, 20), (columns / 2, rows / 2)),
        fill=255,
    )
    soft = np.asarray(mask.filter(ImageFilter.GaussianBlur(0.01 * page.shorter)), np.float32)
    _light(page, np.asarray(0.65 + 0.35 * soft / 255, np.float32))
    return _taken(page)


def _ruled(page: Page) -> bytes:
    return _on_lines(page, squared=False)


def _squared(page: Page) -> bytes:
    return _on_lines(page, squared=True)


def _on_lines(page: Page, *, squared: bool) -> bytes:
    page.paper, page.ink = _pair(page.rng, PAPERS[:3], INKS[:6])
    _lay_paper(page)
    _write(page)
    rows, columns = page.size
    mask, pen = _mask(page)
    step = page.between(0.2, 0.6) * page.share * page.shorter
    thick = max(1, round(0.02 * step))
    tilt = np.tan(np.deg2rad(page.between(-4, 4)))
    start = page.between(0, step)
    for at in np.arange(start - step * 3, rows + step * 3, step):
        pen.line([(0, at), (columns, at + tilt * columns)], fill=255, width=thick)
    if squared:
        for at in np.arange(start - step * 3, columns + step * 3, step):
            pen.line([(at, 0), (at - tilt * rows, rows)], fill=255, width=thick)
    strength = page.between(0.25, 0.6)
    line_ink = (90, 120, 190) if page.rng.random() < 0.6 else (110, 110, 110)
    _paint(page, np.asarray(np.asarray(mask) * (strength / 255), np.float32), line_ink)
    _paint(page, page.cover, page.ink)
    _slope(page, page.between(0, 0.2))
    return _taken(page)


def _boxed(page: Page) -> bytes:
    return _in_box(page, gap=page.between(0.08, 0.4))


def _boxed_touching(page: Page) -> bytes:
    return _in_box(page, gap=page.between(-0.03, 0.0))


def _framed(page: Page) -> bytes:
    """A box close to the borders of the picture."""
    page.share = page.between(0.5, 0.75)
    return _in_box(page, gap=None)


def _in_box(page: Page, *, gap: float | None) -> bytes:
    """A printed box around the digit; `gap` is relative to the digit, None for the page's edge."""
    page.paper, page.ink = _pair(page.rng, PAPERS[:5], INKS)
    page.share = min(page.share, 0.6)
    _lay_paper(page)
    rows, columns = page.size
    # The middle, so that the box fits on the page.
    _write(page, (rows / 2, columns / 2))
    left, top, right, low = page.place
    longer = max(right - left, low - top)
    thick = max(1, round(page.between(0.008, 0.04) * longer))
    if gap is None:
        edge = page.between(0.01, 0.06) * page.shorter
        corners = _corners(edge, edge, columns - 1 - edge, rows - 1 - edge)
        tilt = 0.0
    else:
        around = gap * longer + thick / 2
        # A square or a box that fits; one side comes nearest, the others have room.
        room = [around + max(0.0, page.between(-0.1, 0.25)) * longer for _ in range(4)]
        room[page.rng.integers(4)] = around
        corners = _corners(left - room[0], top - room[1], right + room[2], low + room[3])
        tilt = page.between(-4, 4) if gap > 0.1 else 0.0
    mask, pen = _mask(page)
    corners = _turned(corners, tilt, (columns / 2, rows / 2))
    pen.line([*corners, corners[0], corners[1]], fill=255, width=thick, joint="curve")
    printed = (page.ink, (20, 20, 20), (90, 90, 200), (190, 60, 60))[page.rng.integers(4)]
    _paint(page, mask, printed)
    _paint(page, page.cover, page.ink)
    _slope(page, page.between(0, 0.2))
    return _taken(page)


def _cell(page: Page) -> bytes:
    """A cell of a printed grid, cut out with some of its lines."""
    page.paper, page.ink = _pair(page.rng, PAPERS[:4], INKS[:6])
    side = int(page.rng.integers(60, 300))
    page.size = (side, side)
    page.share = page.between(0.45, 0.7)
    _lay_paper(page)
    _write(page, (side * page.between(0.47, 0.53), side * page.between(0.47, 0.53)))
    thick = max(1, round(page.between(0.01, 0.05) * side))
    mask, pen = _mask(page)
    lines = [page.between(-0.03, 0.08) * side for _ in range(4)]
    corners = _corners(lines[0], lines[1], side - lines[2], side - lines[3])
    corners = _turned(corners, page.between(-3, 3), (side / 2, side / 2))
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        more_x, more_y = 0.3 * (x1 - x0), 0.3 * (y1 - y0)  # the grid goes on
        pen.line([(x0 - more_x, y0 - more_y), (x1 + more_x, y1 + more_y)], fill=255, width=thick)
    _paint(page, mask, ((20, 20, 20), (100, 100, 100))[page.rng.integers(2)])
    _paint(page, page.cover, page.ink)
    return _taken(page)


def _on_table(page: Page) -> bytes:
    """A whole sheet on a table, seen a little from the side."""
    table = TABLES[page.rng.integers(len(TABLES))]
    page.paper, page.ink = _pair(page.rng, PAPERS[:4], INKS)
    page.share = page.between(0.3, 0.55)
    page.size = (round(page.size[0] * 1.2), round(page.size[1] * 1.2))
    _lay_paper(page)
    rows, columns = page.size
    _write(page, (rows * page.between(0.45, 0.55), columns * page.between(0.45, 0.55)))
    _paint(page, page.cover, page.ink)
    left, top, right, low = page.place
    edge = [page.between(0.15, 0.95) for _ in range(4)]
    corners = _corners(
        left * edge[0] * 0.9,
        top * edge[1] * 0.9,
        columns - (columns - right) * edge[2] * 0.9,
        rows - (rows - low) * edge[3] * 0.9,
    )
    bend = 0.03 * page.shorter
    corners = [(x + page.between(-bend, bend), y + page.between(-bend, bend)) for x, y in corners]
    mask, pen = _mask(page)
    pen.rectangle((0, 0, columns, rows), fill=255)
    pen.polygon(corners, fill=0)
    # The digit stays on the sheet.
    pen.rectangle((left - 4, top - 4, right + 4, low + 4), fill=0)
    _paint(page, mask, table)
    _slope(page, page.between(0, 0.2))
    return _taken(page)


def _table_edge(page: Page) -> bytes:
    """A sheet that ends on one or two sides of the picture."""
    table = TABLES[page.rng.integers(len(TABLES))]
    page.paper, page.ink = _pair(page.rng, PAPERS[:4], INKS)
    page.share = page.between(0.35, 0.6)
    _lay_paper(page)
    rows, columns = page.size
    _write(page, (rows / 2, columns / 2))
    _paint(page, page.cover, page.ink)
    left, top, right, low = page.place
    mask, pen = _mask(page)
    slant = 0.03 * page.shorter
    room = (left, top, columns - right, rows - low)
    for side in page.rng.permutation(4)[: page.rng.integers(1, 3)]:
        depth = max(8.0, room[side] * page.between(0.15, 0.75))
        near, far = (depth + page.between(-slant, slant) for _ in range(2))
        strips: tuple[list[tuple[float, float]], ...] = (
            [(-1, -1), (near, -1), (far, rows), (-1, rows)],
            [(-1, -1), (columns, -1), (columns, near), (-1, far)],
            [(columns, -1), (columns, rows), (columns - near, rows), (columns - far, -1)],
            [(-1, rows), (columns, rows), (columns, rows - near), (-1, rows - far)],
        )
        pen.polygon(strips[side], fill=255)
    _paint(page, mask, table)
    _slope(page, page.between(0, 0.2))
    return _taken(page)


def _tight(margin: float) -> Callable[[Page], bytes]:
    """Return the kind that is cropped to the ink, with a margin relative to the digit."""

    def cropped(page: Page) -> bytes:
        if page.rng.random() < 0.25:
            page.paper, page.ink = _pair(page.rng, BOARDS, CHALKS)
        _lay_paper(page)
        _write(page, (page.size[0] / 2, page.size[1] / 2))
        _paint(page, page.cover, page.ink)
        _slope(page, page.between(0, 0.2))
        left, top, right, low = page.place
        room = margin * max(right - left, low - top)
        rows = slice(max(0, round(top - room)), round(low + room))
        columns = slice(max(0, round(left - room)), round(right + room))
        page.colours = np.ascontiguousarray(page.colours[rows, columns])
        page.size = page.colours.shape[:2]
        return _taken(page)

    return cropped


def _blurred(page: Page) -> bytes:
    _lay_paper(page)
    _write(page)
    return _photographed(page, blur=page.between(0.01, 0.02) * page.share * page.shorter)


def _noisy(page: Page) -> bytes:
    page.paper, page.ink = _pair(page.rng, PAPERS[:5], INKS[:5])
    _lay_paper(page)
    _write(page)
    return _photographed(page, noise=page.between(10, 25))


def _compressed(page: Page) -> bytes:
    _lay_paper(page)
    _write(page)
    _paint(page, page.cover, page.ink)
    return encoded(
        Image.fromarray(page.colours.astype(np.uint8)),
        "JPEG",
        quality=int(page.rng.integers(8, 30)),
    )


def _thin_pen(page: Page) -> bytes:
    """A fine pen: only the middle of each stroke."""
    page.paper, page.ink = _pair(page.rng, PAPERS[:5], INKS)
    _lay_paper(page)
    _write(page)
    cover = Image.fromarray((page.cover * 255).astype(np.uint8))
    half = max(1, round(0.02 * page.share * page.shorter))
    thinner = cover.filter(ImageFilter.MinFilter(2 * half + 1))
    thinned = np.asarray(np.asarray(thinner) / 255, np.float32)
    if thinned.sum() > 0.35 * page.cover.sum():  # else the pen would lift
        page.cover = thinned
    return _photographed(page)


def _two_level(page: Page) -> bytes:
    """Two grey levels and nothing between, from 28 pixels upwards."""
    side = int(page.rng.integers(28, 300))
    page.size = (side, side)
    page.share = page.between(0.6, 0.8)
    _lay_paper(page)
    _write(page)
    dark = np.where(page.cover > 0.5, 0, 255).astype(np.uint8)
    if page.rng.random() < 0.5:
        dark = 255 - dark
    if page.rng.random() < 0.5:
        dark[page.rng.integers(side), page.rng.integers(side)] ^= 1
    return encoded(Image.fromarray(dark))


def _sixteen_bits(page: Page) -> bytes:
    """Sixteen bits a pixel of which only some are used."""
    _lay_paper(page)
    _write(page)
    grey = 235 - 200 * page.cover + page.rng.normal(0, 1.5, page.size)
    top = (255, 1023, 4095, 16383, 65535)[page.rng.integers(5)]
    return encoded(Image.fromarray(np.clip(grey * (top / 255), 0, top).astype(np.uint16)))


def _transparent(page: Page) -> bytes:
    """Ink on nothing."""
    _lay_paper(page)
    _write(page)
    colour = page.ink if page.rng.random() < 0.5 else CHALKS[page.rng.integers(4)]
    picture = Image.new("RGBA", page.size[::-1], (*colour, 0))
    picture.putalpha(Image.fromarray((page.cover * 255).astype(np.uint8)))
    return encoded(picture)


def _small(page: Page) -> bytes:
    """Pictures of 28 to 64 pixels."""
    side = int(page.rng.integers(28, 65))
    page.size = (side, side)
    page.share = page.between(0.65, 0.85)
    if page.rng.random() < 0.5:
        page.paper, page.ink = _pair(page.rng, BOARDS, CHALKS)
    _lay_paper(page)
    _write(page)
    return _photographed(page, blur=0)


def _large(page: Page) -> bytes:
    """Pictures of up to twelve million pixels, as telephones take them."""
    page.size = (3000, 4000) if page.rng.random() < 0.5 else (4000, 3000)
    page.share = page.between(0.15, 0.6)
    _lay_paper(page)
    _write(page)
    _paint(page, page.cover, page.ink)
    _slope(page, page.between(0, 0.3))
    picture = Image.fromarray(np.clip(page.colours, 0, 255).astype(np.uint8))
    return encoded(picture, "JPEG", quality=80)


def _in_two_strokes(page: Page) -> bytes:
    """A gap of two of 28 pixels where the pen was lifted, in at most a twelfth of the ink."""
    ink = page.digit.astype(float)
    cuts = [
        (axis, at)
        for axis in (0, 1)
        for at in range(4, 23)
        if 0 < ink.take((at, at + 1), axis).sum() <= 0.08 * ink.sum()
        and ink.take(range(at), axis).sum() > 0.1 * ink.sum()
        and ink.take(range(at + 2, 28), axis).sum() > 0.1 * ink.sum()
    ]
    cut = page.digit.copy()
    if cuts:
        axis, at = cuts[page.rng.integers(len(cuts))]
        np.moveaxis(cut, axis, 0)[at : at + 2] = 0
    page.digit = cut
    return _plain(page)


def _turned_digit(page: Page) -> bytes:
    page.turn = page.between(-10, 10)
    return _plain(page)


def _with_dirt(page: Page) -> bytes:
    """Specks, and a thumb or a clip at the picture's edge."""
    _lay_paper(page)
    page.share = min(page.share, 0.65)
    _write(page, (page.size[0] / 2, page.size[1] / 2))
    rows, columns = page.size
    mask, pen = _mask(page)
    for _ in range(page.rng.integers(2, 12)):
        x, y = page.between(0, columns), page.between(0, rows)
        size = page.between(0.002, 0.012) * page.shorter
        pen.ellipse((x - size, y - size, x + size, y + size), fill=255)
    if page.rng.random() < 0.5:
        x, size = page.between(0.1, 0.9) * columns, 0.12 * page.shorter
        y = 0 if page.rng.random() < 0.5 else rows
        pen.ellipse((x - size, y - size, x + size, y + size), fill=255)
    _paint(page, mask, (70, 50, 45))
    return _photographed(page)


KINDS: dict[str, Callable[[Page], bytes]] = {
    "dark ink on light paper": _plain,
    "light ink on dark ground": _light_on_dark,
    "drawn on a screen": _drawn_on_screen,
    "ink and paper equally light": _equally_light,
    "light that falls off": _in_slope,
    "soft shadow": _in_soft_shadow,
    "hard shadow": _in_hard_shadow,
    "vignette": _in_vignette,
    "window light": _in_window_light,
    "ruled paper": _ruled,
    "squared paper": _squared,
    "printed box": _boxed,
    "printed box, touched": _boxed_touching,
    "frame along the border": _framed,
    "cell of a grid": _cell,
    "sheet on a table": _on_table,
    "edge of a sheet": _table_edge,
    "cropped to the ink": _tight(0.0),
    "cropped, margin 2 %": _tight(0.02),
    "cropped, margin 5 %": _tight(0.05),
    "cropped, margin 10 %": _tight(0.1),
    "blurred": _blurred,
    "noisy": _noisy,
    "JPEG of low quality": _compressed,
    "thin pen": _thin_pen,
    "two grey levels": _two_level,
    "16 bits": _sixteen_bits,
    "transparent": _transparent,
    "28 to 64 pixels": _small,
    "12 million pixels": _large,
    "digit in two strokes": _in_two_strokes,
    "turned by up to 10 degrees": _turned_digit,
    "specks and a thumb": _with_dirt,
}
