"""Painting of cells, numbers, hatching, rings and outlines, as on the stage."""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from cnn_lab.stage.render.boxes import BASELINE, BOX, PlacedPanel, PlacedText, TextRole
from cnn_lab.stage.render.fonts import REGULAR, SEMIBOLD, Face, Family, Type
from cnn_lab.stage.render.marks import RING, Square, edges_of, hatching, ring_mask, square_of
from cnn_lab.stage.render.theme import Rgb, Theme, mix
from cnn_lab.stage.source import LOOK
from cnn_lab.trace import Grid, Precision, format_number
from cnn_lab.trace.grid import PADDING, UNREAD, WINNER
from cnn_lab.trace.numbers import MINUS, FloatArray

NUMBER, AXIS, OUTLINE, WEIGHT = (LOOK[part] for part in ("number", "axis", "outline", "weight"))
SHADE, FADE = LOOK["shade"], LOOK["fade"]
SAMPLE = 2000


class NumberStyle(NamedTuple):
    """The digits that fit into the cells of a grid, and their size in pixels."""

    precision: Precision
    size: float


class Painter:
    """Painter for one picture at a time, which caches what it has computed.

    Attributes
    ----------
    extents : dict of Grid to ndarray
        Extremes of the cells of a grid, if they exceed its values.
    """

    def __init__(self, theme: Theme, type_: Type, size: tuple[int, int], unit: float) -> None:
        """Prepare for pictures of this size and units of this many pixels."""
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
        """Switch to another picture of the same size."""
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
        """Paint a cell: its colour, its hatching and, if it fits, its number.

        Parameters
        ----------
        grid : Grid
        index : int
            Counted row by row.
        square : Square
        value : float, optional
            Current value, if it differs from the final one.
        silent_padding : bool
            Whether padding does not count and has no number.
        lift : float
            Pixels by which the number is moved up.
        """
        mask = int(grid.mask.flat[index])
        speaks = not (silent_padding and mask & PADDING)
        shown = float(grid.values.flat[index]) if value is None else value
        colour = self._colour(grid, shown, mask) if speaks else self.theme.tint(SHADE["padding"])
        box = self._inner(square)
        self.pen.rectangle(box, fill=colour)
        if mask & PADDING:
            self.hatch("padding", box)
        if mask & UNREAD:
            self.hatch("unread", box)
        if mask & WINNER:
            self.ring(square, "done")
        if speaks:
            raised = square._replace(y=square.y - round(lift))
            self._number(grid, shown, raised, colour, on_hatching=bool(mask & (PADDING | UNREAD)))

    def winner(self, grid: Grid, index: int, square: Square, when: Literal["now", "done"]) -> None:
        """Draw the ring of a winner, and its number again on top."""
        self.ring(square, when)
        value = float(grid.values.flat[index])
        self._number(grid, value, square, self._colour(grid, value, 0), on_hatching=False)

    def empty(self, square: Square) -> None:
        """Paint an output cell that has not been reached."""
        self.pen.rectangle(self._inner(square), fill=self.theme.empty)

    def hatch(self, name: str, box: tuple[int, int, int, int]) -> None:
        """Hatch a box; its last pixels are included."""
        left, top, right, bottom = box
        area = (left, top, right + 1, bottom + 1)
        self.image.paste(self.theme.tint(SHADE["hatch"]), area, self._hatches[name].crop(area))

    def _inner(self, square: Square) -> tuple[int, int, int, int]:
        gap = self._gap(square.side)
        x, y, side = square
        return x, y, x + side - gap - 1, y + side - gap - 1

    def _gap(self, side: int) -> int:
        """Return the gap between cells; small ones have none."""
        return self.px(1) if side >= self.px(LOOK["cells"]["gaps"]) else 0

    def _colour(self, grid: Grid, value: float, mask: int) -> Rgb:
        colour = self.theme.colour(value if np.isfinite(value) else 0.0, grid.scale)
        if mask & PADDING:
            neutral = self.theme.tint(SHADE["padding"])
            return neutral if value == 0 else mix(colour, neutral, FADE["padding"])
        return mix(colour, self.theme.paper, FADE["unread"]) if mask & UNREAD else colour

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
            halo=(self.px(NUMBER["halo"]), colour) if on_hatching else None,
        )

    def _style(self, grid: Grid, side: int) -> NumberStyle | None:
        if (grid, side) not in self._styles:
            self._styles[grid, side] = self._fit(grid, side)
        return self._styles[grid, side]

    def _fit(self, grid: Grid, side: int) -> NumberStyle | None:
        """Return the style in which the numbers of a grid fit, or None; decimals may be dropped."""
        exact, most = grid.precision.exact, grid.precision.decimals
        values = self.extents.get(grid, grid.values)
        largest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
        shorter = [n for n in (2, 1) if n < most and largest * 10**n >= 10]
        for decimals in (most, *shorter):
            precision = Precision(decimals, exact=exact and decimals == most)
            face = Face("sans", REGULAR, 100.0)
            texts = {cell_text(float(v), precision) for v in _sample(values)}
            length = max(len(text) for text in texts)
            widest = max(self.type.width(text, face) for text in texts if len(text) == length)
            share, room = NUMBER["share"], side - self.px(NUMBER["margin"])
            roomy = side * share["small" if side < self.px(share["from"]) else "large"]
            size = min(NUMBER["largest"] * self.unit, roomy, room / widest * 100)
            if size >= NUMBER["smallest"] * self.unit:
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
        """Paint the hairline around a panel."""
        panel, side = placed.panel, placed.cell
        gap, trim = self.px(1), self._gap(side)
        box = (
            placed.x - gap - trim,
            placed.y - gap - trim,
            placed.x + panel.columns * side + gap - 1,
            placed.y + panel.rows * side + gap - 1,
        )
        self.pen.rectangle(box, outline=self.theme.line, width=gap)

    def heading(self, placed: PlacedPanel, title: str, subtitle: str) -> None:
        """Clear a panel, and write title and subtitle above it."""
        y, bottom = placed.head_y, placed.y + placed.panel.rows * placed.cell
        self.pen.rectangle((placed.left, y, placed.right - 1, bottom), fill=self.theme.paper)
        if title:
            self.text(PlacedText(title, "title", placed.x, y + self.px(BASELINE["title"])))
            y += self.px(BOX["title"])
        if subtitle:
            self.text(PlacedText(subtitle, "subtitle", placed.x, y + self.px(BASELINE["subtitle"])))

    def _axes(self, placed: PlacedPanel, grid: Grid) -> None:
        face, muted, side = self.face("axis"), self.theme.muted, placed.cell
        if not placed.panel.has_axes:
            return
        left, above = placed.x - self.px(AXIS["left"]), placed.y - self.px(AXIS["above"])
        for i, text in self._labels(grid.row_labels, side, AXIS["row"]):
            place = left, placed.y + (i + 0.5) * side
            self.type.draw(self.pen, text, place, face, muted, anchor="rm")
        for i, text in self._labels(grid.column_labels, side, AXIS["column"]):
            if placed.panel.has_column_labels:
                x = placed.x + (i + 0.5) * side
                self.type.draw(self.pen, text, (x, above), face, muted, anchor="ms")

    def _labels(self, labels: tuple[int, ...], side: int, room: float) -> Iterable[tuple[int, str]]:
        steps = AXIS["every"]
        every = next((n for n in steps if n * side >= self.px(room)), steps[-1])
        return [(i, str(n).replace("-", MINUS)) for i, n in enumerate(labels) if n % every == 0]

    # Texts and signs

    def face(self, role: TextRole | Literal["axis", "dot"]) -> Face:
        """Return the font of a heading, a sign or a number beside a panel."""
        family: Family = "serif" if role in ("title", "join") else "sans"
        weight = SEMIBOLD if role == "title" else REGULAR
        return Face(family, weight, LOOK["font"][role] * self.unit)

    def measure(self, text: str, role: TextRole) -> int:
        """Return the width of a heading or sign in pixels."""
        return int(np.ceil(self.type.width(text, self.face(role)))) if text else 0

    def text(self, text: PlacedText) -> None:
        """Write a heading, or a sign centred at its place."""
        colour = self.theme.muted if text.role == "subtitle" else self.theme.ink
        face = self.face(text.role)
        if text.role != "join":
            self.type.draw(self.pen, text.text, (text.x, text.y), face, colour)
            return
        if text.text == "·":
            face = self.face("dot")
        left, top, right, bottom = self.type.ink(text.text, face)
        place = text.x - (left + right) / 2, text.y - (top + bottom) / 2
        self.type.draw(self.pen, text.text, place, face, colour)

    def ring(self, square: Square, when: Literal["now", "done"]) -> None:
        """Draw the ring of a winner inside its cell, on a contrasting rim."""
        box = self._inner(square)
        colour = self.theme.now if when == "now" else self.theme.ink
        width = RING[when]["wide" if self._gap(square.side) else "thin"]
        for thickness, ink in ((width + RING["rim"], self.theme.paper), (width, colour)):
            mask = ring_mask(box[2] - box[0] + 1, thickness * self.unit, self.unit)
            self.image.paste(ink, box[:2], mask)

    def outline(self, placed: PlacedPanel, members: set[int], colour: Rgb) -> None:
        """Draw the edges between marked and unmarked cells."""
        thick = OUTLINE["thin" if placed.cell < self.px(OUTLINE["from"]) else "wide"]
        edges = list(edges_of(placed, members, self.px(1) / 2))
        for ink, wanted in ((self.theme.paper, thick + OUTLINE["rim"]), (colour, thick)):
            thickness = max(1, self.px(wanted))
            for x1, y1, x2, y2 in edges:
                left, top, right, bottom = (round(at - thickness / 2) for at in (x1, y1, x2, y2))
                box = (left, top, right + thickness - 1, bottom + thickness - 1)
                self.pen.rectangle(box, fill=ink)

    def badge(self, square: Square, text: str) -> None:
        """Write the weight that a cell meets into its lower right corner."""
        font, tall = WEIGHT["font"], WEIGHT["height"]
        size = min(font["most"] * self.unit, square.side * font["share"])
        face = Face("sans", SEMIBOLD, size)
        width = self.type.width(text, face) + self.px(WEIGHT["padding"])
        height = min(tall["most"] * self.unit, square.side * tall["share"])
        edge = square.side - self.px(WEIGHT["edge"])
        left, top = square.x + edge - width, square.y + edge - height
        box = (left, top, left + width, top + height)
        self.pen.rounded_rectangle(box, radius=self.px(3), fill=self.theme.paper)
        place = left + width / 2, top + height / 2
        self.type.draw(self.pen, text, place, face, self.theme.now, anchor="mm")


def cell_text(value: float, precision: Precision) -> str:
    """Return a number as shown in a cell: rounded ones have one digit less than in captions."""
    decimals = precision.decimals - (not precision.exact)
    return format_number(value, Precision(decimals, precision.exact))


def _sample(values: FloatArray) -> FloatArray:
    finite = values[np.isfinite(values)]
    return np.unique(finite[:: max(1, finite.size // SAMPLE)]) if finite.size else np.zeros(1)
