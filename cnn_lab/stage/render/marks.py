"""Positions of cells, and the marks on them: outlines, rings, hatching."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from cnn_lab.stage.render.boxes import PlacedPanel
from cnn_lab.stage.source import LOOK

RING = LOOK["ring"]
_SMOOTH = 4


class Square(NamedTuple):
    """A cell at its place: left and top edge and side in pixels, gap included."""

    x: int
    y: int
    side: int


def square_of(placed: PlacedPanel, index: int) -> Square:
    """Return the square of a cell of a panel, counted row by row."""
    row, column = divmod(index, placed.panel.columns)
    return Square(placed.x + column * placed.cell, placed.y + row * placed.cell, placed.cell)


def edges_of(
    placed: PlacedPanel, members: set[int], shift: float
) -> Iterator[tuple[float, float, float, float]]:
    """Yield the edges between marked and unmarked cells, `shift` pixels outwards."""
    columns = placed.panel.columns
    for index in members:
        x, y, side = square_of(placed, index)
        left, top, right, bottom = x - shift, y - shift, x + side - shift, y + side - shift
        column = index % columns
        if index - columns not in members:
            yield left, top, right, top
        if index + columns not in members:
            yield left, bottom, right, bottom
        if column == 0 or index - 1 not in members:
            yield left, top, left, bottom
        if column == columns - 1 or index + 1 not in members:
            yield right, top, right, bottom


@lru_cache(maxsize=64)
def ring_mask(side: int, width: float, unit: float) -> Image.Image:
    """Return the antialiased mask of a winner's ring for a cell of this side."""
    large = Image.new("L", (side * _SMOOTH, side * _SMOOTH))
    inset = max(RING["inset"]["least"] * unit, side * RING["inset"]["share"])
    outer = (inset - width / 2) * _SMOOTH
    ImageDraw.Draw(large).rounded_rectangle(
        (outer, outer, side * _SMOOTH - 1 - outer, side * _SMOOTH - 1 - outer),
        radius=(side - 2 * inset + width) * RING["corner"] * _SMOOTH,
        outline=255,
        width=max(1, round(width * _SMOOTH)),
    )
    return large.resize((side, side), Image.Resampling.BOX)


def hatching(size: tuple[int, int], unit: float, name: str) -> Image.Image:
    """Return a mask of lines that rise for padding and fall for unread cells."""
    pitch = LOOK["hatch"] * unit
    rows, columns = np.mgrid[: size[1], : size[0]].astype(np.float32) + 0.5
    along = columns + rows if name == "padding" else columns - rows
    # Distance to the nearest line; the part of a pixel that the line covers is its opacity.
    away = np.abs((along / pitch + 0.5) % 1 - 0.5) * pitch / np.sqrt(2)
    share = np.clip((unit * 0.5 + 0.5) - away, 0, 1)
    return Image.fromarray((share * 255).astype(np.uint8))
