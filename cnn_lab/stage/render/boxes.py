"""Boxes in rows and columns, their sizes, and the places of their panels.

The same boxes as in the player (`js/boxes.js`), in the pixels of a picture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from cnn_lab.stage.source import LOOK
from cnn_lab.trace import Grid

TextRole = Literal["title", "subtitle", "join", "legend"]
Measure = Callable[[str, TextRole], int]

BOX, BASELINE = LOOK["box"], LOOK["baseline"]
_SMALL_ROLES = ("lens", "kernel", "bias")
_RESULT_ROLES = ("output", "activated")


class Sizes(NamedTuple):
    """Measures of a layout: pixels of a large and a small cell, unit and texts.

    The cells of outputs have `result` pixels where that is more than `cell`.
    """

    cell: int
    small: int
    px: Callable[[float], int]
    measure: Measure
    result: int = 0


class Extent(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A grid, or the current window enlarged ("lens"), with its heading.

    Attributes
    ----------
    role : str
        Role of the grid, or "lens".
    members : tuple of (int, Grid)
        The grids drawn here, each with the number of its trace: one per filter for kernels and
        partial results, one per trace for an input that they share.
    title, subtitle : str
    rows, columns : int
    trace, channel : int
        Trace, and part of its window, that a lens shows.
    winners : tuple of int
        Traces whose winners are ringed in a lens.
    peers : tuple of Panel
        Panels that must be equally wide.
    """

    role: str
    members: tuple[tuple[int, Grid], ...] = ()
    title: str = ""
    subtitle: str = ""
    rows: int
    columns: int
    trace: int = 0
    channel: int = 0
    winners: tuple[int, ...] = ()
    peers: tuple["Panel", ...] = ()

    def cell(self, sizes: Sizes) -> int:
        """Return the side of a cell."""
        if self.role in _RESULT_ROLES:
            return max(sizes.cell, sizes.result)
        return sizes.small if self.role in _SMALL_ROLES else sizes.cell

    @property
    def has_axes(self) -> bool:
        """Whether rows are numbered."""
        return self.role not in ("lens", "bias")

    @property
    def has_column_labels(self) -> bool:
        """Whether columns are numbered; of several channels only the first."""
        return self.has_axes and (bool(self.title) or self.role in _RESULT_ROLES)

    def axes(self, sizes: Sizes) -> Extent:
        """Return the space for row and column numbers."""
        left = sizes.px(BOX["left"]) if self.has_axes else 0
        return Extent(left, sizes.px(BOX["above" if self.has_column_labels else "bare"]))

    def head(self, sizes: Sizes) -> int:
        """Return the height of title and subtitle."""
        title, subtitle = sizes.px(BOX["title"]), sizes.px(BOX["subtitle"])
        return title * bool(self.title) + subtitle * bool(self.subtitle)

    def own_width(self, sizes: Sizes) -> int:
        """Return the width regardless of its peers."""
        texts = (sizes.measure(self.title, "title"), sizes.measure(self.subtitle, "subtitle"))
        return self.axes(sizes).width + max(self.columns * self.cell(sizes) + 2, *texts)

    def extent(self, sizes: Sizes) -> Extent:
        """Return width and height."""
        return Extent(
            max(peer.own_width(sizes) for peer in (self, *self.peers)),
            self.head(sizes) + self.axes(sizes).height + self.rows * self.cell(sizes) + 2,
        )


@dataclass(frozen=True)
class Label:
    """The name of a trace above its panels."""

    text: str

    def extent(self, sizes: Sizes) -> Extent:
        """Return width and height."""
        return Extent(sizes.measure(self.text, "title"), sizes.px(BOX["label"]))


@dataclass(frozen=True)
class Row:
    """Boxes side by side with signs between them.

    Attributes
    ----------
    children : sequence of boxes
    joins : sequence of str
        The sign before each child except the first; an empty one leaves a gap.
    prefix : str
        The sign before the first.
    lean : float
        Position of lower boxes: 0 at the top, 1 at the bottom.
    """

    children: "Sequence[Box]"
    joins: Sequence[str] = ()
    prefix: str = ""
    lean: float = 0.5

    def signs(self) -> list[str]:
        """Return the sign before each child."""
        return [self.prefix, *self.joins, *[""] * len(self.children)][: len(self.children)]

    def gaps(self, sizes: Sizes) -> list[int]:
        """Return the space before each child."""
        first, *others = self.signs()
        lead = join_width(first, sizes) if first else 0
        return [lead, *(join_width(sign, sizes) for sign in others)]

    def extent(self, sizes: Sizes) -> Extent:
        """Return width and height."""
        extents = [child.extent(sizes) for child in self.children]
        return Extent(
            sum(extent.width for extent in extents) + sum(self.gaps(sizes)),
            max(extent.height for extent in extents),
        )


@dataclass(frozen=True)
class Column:
    """Boxes below each other, `gap` units apart."""

    children: "Sequence[Box]"
    gap: int = BOX["gap"]

    def extent(self, sizes: Sizes) -> Extent:
        """Return width and height."""
        extents = [child.extent(sizes) for child in self.children]
        return Extent(
            max(extent.width for extent in extents),
            sum(extent.height for extent in extents) + sizes.px(self.gap) * (len(extents) - 1),
        )


Box = Panel | Label | Row | Column


class PlacedPanel(NamedTuple):
    """A panel with its left and right end, the start of its heading, and its first cell."""

    panel: Panel
    cell: int
    left: int
    right: int
    head_y: int
    x: int
    y: int


class PlacedText(NamedTuple):
    """A text at its place: left end and baseline of a title, or middle of a sign."""

    text: str
    role: TextRole
    x: float
    y: float


@dataclass
class Placed:
    """Places of all panels and texts."""

    panels: list[PlacedPanel] = field(default_factory=list)
    texts: list[PlacedText] = field(default_factory=list)

    def put(self, box: Box, x: int, y: int, sizes: Sizes) -> None:
        """Put a box at a place, and everything in it."""
        if isinstance(box, Label):
            baseline = y + sizes.px(BASELINE["title"])
            self.texts.append(PlacedText(box.text, "title", x, baseline))
        elif isinstance(box, Panel):
            axes = box.axes(sizes)
            top = y + box.head(sizes) + axes.height
            right = x + box.extent(sizes).width
            place = PlacedPanel(box, box.cell(sizes), x, right, y, x + axes.width, top)
            self.panels.append(place)
        elif isinstance(box, Column):
            for child in box.children:
                self.put(child, x, y, sizes)
                y += child.extent(sizes).height + sizes.px(box.gap)
        else:
            self._put_row(box, x, y, sizes)

    def _put_row(self, row: Row, x: int, y: int, sizes: Sizes) -> None:
        height = row.extent(sizes).height
        middle = y + height / 2 + sizes.px(BOX["title"]) / 2
        for child, gap, sign in zip(row.children, row.gaps(sizes), row.signs(), strict=True):
            if sign:
                self.texts.append(PlacedText(sign, "join", x + gap / 2, middle))
            x += gap
            extent = child.extent(sizes)
            self.put(child, x, y + int((height - extent.height) * row.lean), sizes)
            x += extent.width


def join_width(sign: str, sizes: Sizes) -> int:
    """Return the space between two boxes, with or without a sign."""
    if not sign:
        return sizes.px(BOX["gap"])
    return max(sizes.px(BOX["join"]), sizes.measure(sign, "join") + sizes.px(BOX["around"]))
