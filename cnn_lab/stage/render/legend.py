"""Legend: every colour scale once, and the marks that occur."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from cnn_lab.stage.render.boxes import Measure
from cnn_lab.stage.render.marks import Square
from cnn_lab.stage.render.paint import Painter, cell_text
from cnn_lab.stage.source import LOOK
from cnn_lab.trace import Grid, Scale, Trace
from cnn_lab.trace.grid import PADDING, UNREAD, WINNER
from cnn_lab.trace.numbers import MINUS

LEGEND, WORDS = LOOK["legend"], LOOK["words"]
RAMP, SIGN, AROUND = LEGEND["ramp"], LEGEND["sign"], LEGEND["around"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One scale, or one mark, with its text, place and width in pixels.

    Attributes
    ----------
    kind : str
        "ramp", "padding", "unread" or "winner".
    text : str
    scale : Scale, optional
    ends : (str, str)
        The numbers at both ends of a scale.
    lead : int
        Where a scale begins, after its text.
    width, x, y : int
    """

    kind: str
    text: str
    scale: Scale | None = None
    ends: tuple[str, str] = ("", "")
    lead: int = 0
    width: int
    x: int = 0
    y: int = 0


def family_of(grid: Grid) -> str:
    """Return the legend name of the grids that share a scale."""
    return grid.family or str(WORDS["families"][grid.role])


def with_shared_scales(traces: Sequence[Trace]) -> list[Trace]:
    """Return the traces with shared scales for what is compared: inputs, kernels, outputs."""
    limits: dict[tuple[str, str], float] = {}
    for grid in (grid for trace in traces for grid in trace.grids):
        key = family_of(grid), grid.scale.kind
        limits[key] = max(limits.get(key, 0.0), grid.scale.limit)

    def shared(grid: Grid) -> Grid:
        return replace(grid, scale=Scale(grid.scale.kind, limits[family_of(grid), grid.scale.kind]))

    return [replace(trace, grids=tuple(map(shared, trace.grids))) for trace in traces]


def legend_of(
    traces: Sequence[Trace], width: int, px: Callable[[float], int], measure: Measure
) -> tuple[list[Entry], int]:
    """Return the entries at their places, each line centred, and their height."""
    lines: list[list[Entry]] = [[]]
    used = 0
    for entry in _entries(traces, px, measure):
        if used and used + entry.width > width:
            lines.append([])
            used = 0
        lines[-1].append(entry)
        used += entry.width + px(LEGEND["gap"])
    placed = []
    for row, line in enumerate(lines):
        length = sum(entry.width for entry in line) + px(LEGEND["gap"]) * (len(line) - 1)
        x = max(0, (width - length) // 2)
        for entry in line:
            placed.append(replace(entry, x=x, y=row * px(LEGEND["line"])))
            x += entry.width + px(LEGEND["gap"])
    return placed, len(lines) * px(LEGEND["line"])


def _entries(
    traces: Sequence[Trace], px: Callable[[float], int], measure: Measure
) -> Iterator[Entry]:
    grids = [grid for trace in traces for grid in trace.grids]
    scales: dict[Scale, list[Grid]] = {}
    for grid in grids:
        if grid.role != "bias":  # it has the scale of its output
            scales.setdefault(grid.scale, []).append(grid)
    for scale, members in scales.items():
        first, *others = dict.fromkeys(map(family_of, members))
        text = ", ".join([first, *(name[0].lower() + name[1:] for name in others)])
        high = cell_text(scale.limit, members[0].precision)
        low = "0" if scale.kind == "grey" else MINUS + high
        lead = measure(text, "legend") + px(AROUND["name"])
        lead += measure(low, "legend") + px(AROUND["number"])
        end = px(RAMP["width"]) + px(AROUND["number"]) + measure(high, "legend")
        yield Entry(
            kind="ramp", text=text, scale=scale, ends=(low, high), lead=lead, width=lead + end
        )
    for kind, text in _signs(traces, grids):
        room = px(SIGN) + px(AROUND["sign"])
        yield Entry(kind=kind, text=text, width=room + measure(text, "legend"))


def _signs(traces: Sequence[Trace], grids: Sequence[Grid]) -> Iterator[tuple[str, str]]:
    def has(grids: Sequence[Grid], bit: int) -> bool:
        return any((grid.mask & bit).any() for grid in grids)

    hatched = [trace.padding_name for trace in traces if has(trace.grids, PADDING)]
    if hatched:
        yield "padding", " · ".join(dict.fromkeys(hatched))
    if has(grids, UNREAD):
        yield "unread", WORDS["unread"]
    if has(grids, WINNER) or any(trace.winners.size for trace in traces):
        yield "winner", WORDS["winner"]


def draw_legend(painter: Painter, entries: Sequence[Entry], left: int, top: int) -> None:
    """Draw the entries, starting at a place."""
    face, theme, px = painter.face("legend"), painter.theme, painter.px

    def write(text: str, x: int, anchor: str = "lm", *, muted: bool = True) -> None:
        colour = theme.muted if muted else theme.ink
        painter.type.draw(painter.pen, text, (x, middle), face, colour, anchor=anchor)

    for entry in entries:
        x, middle = left + entry.x, top + entry.y + px(LEGEND["middle"])
        if entry.scale is None:
            side = px(SIGN)
            square = Square(x, middle - side // 2, side)
            if entry.kind == "winner":
                painter.ring(square, "done")
            else:
                box = (x, square.y, x + side - 1, square.y + side - 1)
                painter.pen.rectangle(box, fill=theme.tint(LOOK["shade"]["padding"]))
                painter.hatch(entry.kind, box)
                painter.pen.rectangle(box, outline=theme.line, width=px(1))
            write(entry.text, x + side + px(AROUND["sign"]))
            continue
        low, high = entry.ends
        start, length, half = x + entry.lead, px(RAMP["width"]), px(RAMP["height"] / 2)
        write(entry.text, x, muted=False)
        write(low, start - px(AROUND["number"]), "rm")
        write(high, start + length + px(AROUND["number"]))
        limit = entry.scale.limit
        least = 0.0 if entry.scale.kind == "grey" else -limit
        for i in range(length):
            value = least + (limit - least) * i / (length - 1)
            column = (start + i, middle - half, start + i, middle + half)
            painter.pen.rectangle(column, fill=theme.colour(value, entry.scale))
        edge = (start - px(1), middle - half - px(1), start + length, middle + half + px(1))
        painter.pen.rectangle(edge, outline=theme.line, width=px(1))
