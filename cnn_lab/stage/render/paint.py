"""Cells, numbers, hatching, rings and outlines, as the stage paints them."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from cnn_lab.stage.render.boxes import PlacedPanel, PlacedText, TextRole
from cnn_lab.stage.render.fonts import REGULAR, SEMIBOLD, Face, Type
from cnn_lab.stage.render.marks import Square, edges_of, hatching, ring_mask, square_of
from cnn_lab.stage.render.theme import Rgb, Theme, mix
from cnn_lab.trace import Grid, Precision, format_number
from cnn_lab.trace.grid import PADDING, UNREAD, WINNER
from cnn_lab.trace.numbers import MINUS, FloatArray

SMALLEST_NUMBER = 9.5
MAX_NUMBER = 24
GAPLESS_BELOW = 10
SAMPLE = 2000


class NumberStyle(NamedTuple):
    """The digits that fit into the cells of a grid, and their size in pixels."""

    precision: Precision
    size: float


class Painter:
    """Paints on one picture at a time; what it has once worked out it keeps.

    Attributes
    ----------
    extents : dict of Grid to ndarray
        What the cells of a grid may hold, where that is more than its values.
    """

    def __init__(self, theme: Theme, type_: Type, size: tuple[int, int], unit: float) -> None:
        """Prepare for pictures of a size, a unit being that many pixels."""
        self.theme, self.type, self.unit = theme, type_, unit
        self.image = Image.new("RGB", size, theme.paper)
        self.pen = ImageDraw.Draw(self.image)
        self.extents: dict[Grid, FloatArray] = {}
        self._styles: dict[tuple[Grid, int], NumberStyle | None] = {}
        self._hatches = {name: hatching(size, unit, name) for name in ("padding", "unread")}

    def px(self, units: float) -> int:
        """Return units in whole pixels."""
        return round(units * self.unit)

    def turn_to(self, image: Image.Image) -> None:
        """Paint on another picture of the same size from now on."""
        self.image = image
        self.pen = ImageDraw.Draw(image)

    # Cells

    def cell(
        self,
        grid: Grid,
        index: int,
        square: Square,
        *,
        value: float | None = None,
        silent_padding: bool = False,
        lift: float = 0,
    ) -> None:
        """Paint a cell: its colour, its hatching and, where there is room, its number.

        Parameters
        ----------
        grid : Grid
        index : int
            Counted row by row.
        square : Square
        value : float, optional
            What is in it so far, where that is not what is in it at the end.
        silent_padding : bool
            Padding takes no part in the result and has no number.
        lift : float
            Pixels by which the number makes room below.
        """
        mask = int(grid.mask.flat[index])
        speaks = not (silent_padding and mask & PADDING)
        shown = float(grid.values.flat[index]) if value is None else value
        colour = self._colour(grid, shown, mask) if speaks else self.theme.tint(0.04)
        box = self._inner(square)
        self.pen.rectangle(box, fill=colour)
        if mask & PADDING:
            self.hatch("padding", box)
        if mask & UNREAD:
            self.hatch("unread", box)
        if mask & WINNER:
            self.ring(square, self.theme.ink, 1.5 * self.unit)
        if speaks:
            raised = square._replace(y=square.y - round(lift))
            self._number(grid, shown, raised, colour, on_hatching=bool(mask & (PADDING | UNREAD)))

    def empty(self, square: Square) -> None:
        """Paint a result cell that has not been reached."""
        self.pen.rectangle(self._inner(square), fill=self.theme.empty)

    def hatch(self, name: str, box: tuple[int, int, int, int]) -> None:
        """Lay a hatching over a box whose last pixels are included."""
        left, top, right, bottom = box
        area = (left, top, right + 1, bottom + 1)
        self.image.paste(self.theme.tint(0.45), area, self._hatches[name].crop(area))

    def _inner(self, square: Square) -> tuple[int, int, int, int]:
        gap = self.px(1) if square.side >= self.px(GAPLESS_BELOW) else 0
        x, y, side = square
        return x, y, x + side - gap - 1, y + side - gap - 1

    def _colour(self, grid: Grid, value: float, mask: int) -> Rgb:
        colour = self.theme.colour(value if np.isfinite(value) else 0.0, grid.scale)
        if mask & PADDING:
            neutral = self.theme.tint(0.04)
            return neutral if value == 0 else mix(colour, neutral, 0.55)
        return mix(colour, self.theme.paper, 0.5) if mask & UNREAD else colour

    def _number(
        self, grid: Grid, value: float, square: Square, colour: Rgb, *, on_hatching: bool
    ) -> None:
        style = self._style(grid, square.side)
        if style is None:
            return
        left, top, right, bottom = self._inner(square)
        self.type.draw(
            self.pen,
            cell_text(value, style.precision),
            ((left + right + 1) / 2, (top + bottom + 1) / 2),
            Face("sans", REGULAR, style.size),
            self.theme.on(colour),
            anchor="mm",
            halo=(self.px(2), colour) if on_hatching else None,
        )

    def _style(self, grid: Grid, side: int) -> NumberStyle | None:
        if (grid, side) not in self._styles:
            self._styles[grid, side] = self._fit(grid, side)
        return self._styles[grid, side]

    def _fit(self, grid: Grid, side: int) -> NumberStyle | None:
        """Return how the numbers of a grid fit into cells, or None; some decimals may go."""
        exact, most = grid.precision.exact, grid.precision.decimals
        values = self.extents.get(grid, grid.values)
        largest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
        shorter = [n for n in (2, 1) if n < most and largest * 10**n >= 10]
        for decimals in (most, *shorter):
            precision = Precision(decimals, exact=exact and decimals == most)
            face = Face("sans", REGULAR, 100.0)
            texts = {cell_text(float(v), precision) for v in _sample(values)}
            length = max(len(text) for text in texts)
            widest = max(self.type.width(text, face) for text in texts if len(text) >= length - 1)
            roomy = side * (0.5 if side < self.px(30) else 0.42)
            size = min(MAX_NUMBER * self.unit, roomy, (side - self.px(5)) / widest * 100)
            if size >= SMALLEST_NUMBER * self.unit:
                return NumberStyle(precision, round(size, 1))
        return None

    # Panels

    def panel(
        self,
        placed: PlacedPanel,
        grid: Grid,
        value: Callable[[int], float | None],
        *,
        silent_padding: bool,
    ) -> None:
        """Paint a grid with its frame, numbers and heading; cells without a value stay empty."""
        for index in range(grid.values.size):
            square = square_of(placed, index)
            shown = value(index)
            if shown is None:
                self.empty(square)
            else:
                self.cell(grid, index, square, value=shown, silent_padding=silent_padding)
        self.frame(placed)
        self._axes(placed, grid)

    def frame(self, placed: PlacedPanel) -> None:
        """Paint the hair line around a panel."""
        panel, side = placed.panel, placed.cell
        gap = self.px(1)
        trim = gap if side >= self.px(GAPLESS_BELOW) else 0
        box = (
            placed.x - gap - trim,
            placed.y - gap - trim,
            placed.x + panel.columns * side + gap - 1,
            placed.y + panel.rows * side + gap - 1,
        )
        self.pen.rectangle(box, outline=self.theme.line, width=gap)

    def heading(self, placed: PlacedPanel, title: str, subtitle: str) -> None:
        """Write title and subtitle above a panel."""
        y = placed.head_y
        if title:
            self.text(PlacedText(title, "title", placed.x, y + self.px(16)))
            y += self.px(22)
        if subtitle:
            self.text(PlacedText(subtitle, "subtitle", placed.x, y + self.px(12)))

    def _axes(self, placed: PlacedPanel, grid: Grid) -> None:
        face, muted, side = Face("sans", REGULAR, 11 * self.unit), self.theme.muted, placed.cell
        if not placed.panel.has_axes:
            return
        left, above = placed.x - self.px(6), placed.y - self.px(5)
        for i, text in self._labels(grid.row_labels, side, 14):
            place = left, placed.y + (i + 0.5) * side
            self.type.draw(self.pen, text, place, face, muted, anchor="rm")
        for i, text in self._labels(grid.column_labels, side, 20):
            if placed.panel.has_column_labels:
                x = placed.x + (i + 0.5) * side
                self.type.draw(self.pen, text, (x, above), face, muted, anchor="ms")

    def _labels(self, labels: tuple[int, ...], side: int, room: float) -> Iterable[tuple[int, str]]:
        steps = (1, 2, 5, 10, 20, 50)
        every = next((n for n in steps if n * side >= self.px(room)), 100)
        return [(i, str(n).replace("-", MINUS)) for i, n in enumerate(labels) if n % every == 0]

    # Words and signs

    def face(self, role: TextRole) -> Face:
        """Return the font of a heading or a sign."""
        if role == "subtitle":
            return Face("sans", REGULAR, 13 * self.unit)
        if role == "title":
            return Face("serif", SEMIBOLD, 16 * self.unit)
        return Face("serif", REGULAR, 24 * self.unit)

    def measure(self, text: str, role: TextRole) -> int:
        """Return the pixels that a heading or a sign takes."""
        return int(np.ceil(self.type.width(text, self.face(role)))) if text else 0

    def text(self, text: PlacedText) -> None:
        """Write a heading, or a sign around its middle."""
        colour = self.theme.muted if text.role == "subtitle" else self.theme.ink
        face = self.face(text.role)
        if text.role != "join":
            self.type.draw(self.pen, text.text, (text.x, text.y), face, colour)
            return
        if text.text in "·∗":  # small and high in the font
            face = face._replace(size=face.size * 1.4)
        left, top, right, bottom = self.type.ink(text.text, face)
        place = text.x - (left + right) / 2, text.y - (top + bottom) / 2
        self.type.draw(self.pen, text.text, place, face, colour)

    def ring(self, square: Square, colour: Rgb, width: float) -> None:
        """Draw the ring of a winner, inside its cell, on a rim that sets it off."""
        box = self._inner(square)
        for thickness, ink in ((width + 2 * self.unit, self.theme.paper), (width, colour)):
            self.image.paste(ink, box[:2], ring_mask(box[2] - box[0] + 1, thickness, self.unit))

    def outline(self, placed: PlacedPanel, members: set[int], colour: Rgb) -> None:
        """Draw the edges between cells that belong and cells that do not."""
        width = self.unit * (1.75 if placed.cell < self.px(12) else 3)
        edges = list(edges_of(placed, members, self.px(1) / 2))
        for ink, wanted in ((self.theme.paper, width + 2.5 * self.unit), (colour, width)):
            thickness = max(1, round(wanted))
            for x1, y1, x2, y2 in edges:
                left, top, right, bottom = (round(at - thickness / 2) for at in (x1, y1, x2, y2))
                box = (left, top, right + thickness - 1, bottom + thickness - 1)
                self.pen.rectangle(box, fill=ink)

    def badge(self, square: Square, text: str) -> None:
        """Write the weight that a cell meets into its lower right corner."""
        face = Face("sans", SEMIBOLD, min(13 * self.unit, square.side * 0.26))
        width, height = self.type.width(text, face) + self.px(5), face.size * 1.2
        _, _, right, bottom = self._inner(square)
        left, top = right + 1 - width - self.px(2), bottom + 1 - height - self.px(2)
        box = (left, top, left + width, top + height)
        self.pen.rounded_rectangle(box, radius=self.px(3), fill=self.theme.paper)
        place = left + width / 2, top + height / 2
        self.type.draw(self.pen, text, place, face, self.theme.now, anchor="mm")


def cell_text(value: float, precision: Precision) -> str:
    """Return a number as a cell shows it: rounded ones with a digit less than the words."""
    decimals = precision.decimals - (not precision.exact)
    return format_number(value, Precision(decimals, precision.exact))


def _sample(values: FloatArray) -> FloatArray:
    finite = values[np.isfinite(values)]
    return np.unique(finite[:: max(1, finite.size // SAMPLE)]) if finite.size else np.zeros(1)
