"""The legend: every colour scale once, and the signs that occur."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cnn_lab.stage.render.fonts import REGULAR, Face
from cnn_lab.stage.render.marks import Square
from cnn_lab.stage.render.paint import Painter, cell_text
from cnn_lab.trace import Grid, Scale, Trace
from cnn_lab.trace.grid import PADDING, UNREAD, WINNER
from cnn_lab.trace.numbers import MINUS

LINE = 26
_RAMP, _SIGN, _GAP = 64, 14, 22
_FAMILIES = {"input": "Input", "kernel": "Kernel", "bias": ""}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One scale, or one sign, with its words and its width in pixels.

    Attributes
    ----------
    kind : str
        "ramp", "padding", "unread" or "winner".
    name : str
    scale : Scale, optional
    ends : (str, str)
        The numbers at both ends of a scale.
    width : float
    """

    kind: str
    name: str
    scale: Scale | None = None
    ends: tuple[str, str] = ("", "")
    width: float = 0


def family_of(grid: Grid) -> str:
    """Return what the legend calls a grid's scale; nothing for a bias, which has its result's."""
    return grid.family or _FAMILIES.get(grid.role, "Result")


def with_shared_scales(traces: Sequence[Trace]) -> list[Trace]:
    """Return the traces with one scale for what is compared: inputs, kernels, results."""
    limits: dict[tuple[str, str], float] = {}
    for grid in (grid for trace in traces for grid in trace.grids):
        key = family_of(grid) or "Result", grid.scale.kind
        limits[key] = max(limits.get(key, 0.0), grid.scale.limit)

    def shared(grid: Grid) -> Grid:
        limit = limits[family_of(grid) or "Result", grid.scale.kind]
        return replace(grid, scale=Scale(grid.scale.kind, limit))

    return [replace(trace, grids=tuple(map(shared, trace.grids))) for trace in traces]


def legend_of(traces: Sequence[Trace], painter: Painter, width: int) -> list[list[Entry]]:
    """Return the entries, line by line."""
    grids = [grid for trace in traces for grid in trace.grids]
    named: dict[Scale, list[Grid]] = {}
    for grid in grids:
        if family_of(grid):
            named.setdefault(grid.scale, []).append(grid)
    entries = [_ramp(scale, members) for scale, members in named.items()]
    for bit, kind in ((PADDING, "padding"), (UNREAD, "unread")):
        names = {
            trace.padding_name if bit == PADDING else "Never read": None
            for trace in traces
            if any((grid.mask & bit).any() for grid in trace.grids)
        }
        if names:
            entries.append(Entry(kind=kind, name=" · ".join(names)))
    has_mark = any((grid.mask & WINNER).any() for grid in grids)
    if has_mark or any(trace.winners.size for trace in traces):
        entries.append(Entry(kind="winner", name="Largest of its window"))
    lines: list[list[Entry]] = [[]]
    used = 0.0
    for entry in entries:
        sized = replace(entry, width=_width(entry, painter))
        if lines[-1] and used + sized.width > width:
            lines.append([])
            used = 0.0
        lines[-1].append(sized)
        used += sized.width + painter.px(_GAP)
    return lines


def draw_legend(painter: Painter, lines: Sequence[Sequence[Entry]], top: int) -> None:
    """Draw the lines below each other, each in the middle of the picture."""
    gap = painter.px(_GAP)
    for n, line in enumerate(lines):
        length = sum(entry.width for entry in line) + gap * (len(line) - 1)
        x = (painter.image.width - length) / 2
        for entry in line:
            _draw(painter, entry, round(x), top + n * painter.px(LINE) + painter.px(LINE) // 2)
            x += entry.width + gap


def _ramp(scale: Scale, grids: Sequence[Grid]) -> Entry:
    names = list(dict.fromkeys(family_of(grid) for grid in grids))
    name = ", ".join([names[0], *(name[0].lower() + name[1:] for name in names[1:])])
    limit = cell_text(scale.limit, grids[0].precision)
    low = "0" if scale.kind == "grey" else MINUS + limit
    return Entry(kind="ramp", name=name, scale=scale, ends=(low, limit))


def _width(entry: Entry, painter: Painter) -> float:
    face = _face(painter)
    name = painter.type.width(entry.name, face)
    if entry.kind != "ramp":
        return painter.px(_SIGN + 7) + name
    numbers = sum(painter.type.width(end, face) for end in entry.ends)
    return name + numbers + painter.px(_RAMP + 8 + 6 + 6)


def _draw(painter: Painter, entry: Entry, x: int, middle: int) -> None:
    face, theme, px = _face(painter), painter.theme, painter.px

    def write(text: str, *, muted: bool) -> None:
        colour = theme.muted if muted else theme.ink
        painter.type.draw(painter.pen, text, (x, middle), face, colour, anchor="lm")

    if entry.scale is None:
        side = px(_SIGN)
        square = Square(x, middle - side // 2, side)
        if entry.kind == "winner":
            painter.ring(square, theme.ink, 1.5 * painter.unit)
        else:
            box = (x, square.y, x + side - 1, square.y + side - 1)
            painter.pen.rectangle(box, fill=theme.tint(0.04))
            painter.hatch(entry.kind, box)
            painter.pen.rectangle(box, outline=theme.line, width=px(1))
        x += px(_SIGN + 7)
        write(entry.name, muted=True)
        return
    low, high = entry.ends
    write(entry.name, muted=False)
    x += round(painter.type.width(entry.name, face)) + px(8)
    write(low, muted=True)
    x += round(painter.type.width(low, face)) + px(6)
    length, half = px(_RAMP), px(6)
    start = 0.0 if entry.scale.kind == "grey" else -entry.scale.limit
    for i in range(length):
        value = start + (entry.scale.limit - start) * i / (length - 1)
        box = (x + i, middle - half, x + i, middle + half)
        painter.pen.rectangle(box, fill=theme.colour(value, entry.scale))
    edge = (x - px(1), middle - half - px(1), x + length, middle + half + px(1))
    painter.pen.rectangle(edge, outline=theme.line, width=px(1))
    x += length + px(6)
    write(high, muted=True)


def _face(painter: Painter) -> Face:
    return Face("sans", REGULAR, 12.5 * painter.unit)
