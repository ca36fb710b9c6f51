"""Arrangement of panels with the largest cells, and the place of each.

The layout of the player (`js/layout.js`) without the limits of a screen: pictures may be higher,
and arrangements for phones are tried as well.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import ceil
from typing import NamedTuple

import numpy as np

from cnn_lab.stage.render.boxes import Box, Column, Label, Measure, Panel, Placed, Row, Sizes
from cnn_lab.stage.source import LOOK
from cnn_lab.trace import Grid, Trace

# In units of the picture; a unit is a pixel if it is UNITS_WIDE pixels wide.
UNITS_WIDE = 720
CELLS, WORTH, HEIGHT = LOOK["cells"], LOOK["worth"], LOOK["height"]["picture"]
NUMBER = LOOK["number"]
TIGHT_GAP: int = LOOK["box"]["tight"]


class Layout(NamedTuple):
    """Panels and texts at their places, and their total height."""

    placed: Placed
    height: int


class _Candidate(NamedTuple):
    """A way to arrange all panels; candidates of the same style are equally good."""

    style: str
    tree: Box


class _Solution(NamedTuple):
    candidate: _Candidate
    sizes: Sizes


class _Parts(NamedTuple):
    """The panels of one trace by role; inputs, lenses, kernels and partial results by channel."""

    name: str
    weighs: bool
    inputs: Sequence[Panel | None]
    lenses: Sequence[Panel | None]
    kernels: Sequence[Panel | None]
    partials: Sequence[Panel | None]
    bias: Panel | None
    outputs: Sequence[Panel]
    activated: Sequence[Panel]


def lay_out(
    traces: Sequence[Trace], width: int, px: Callable[[float], int], measure: Measure
) -> Layout:
    """Return the place of everything.

    Parameters
    ----------
    traces : sequence of Trace
    width : int
        Maximum width in pixels.
    px : callable
        Units to pixels.
    measure : callable
        (text, role) -> pixels.
    """
    limits = width, px(height_for(traces))
    wide = width >= px(LOOK["wide"])
    candidates = _arrangements(traces, wide=wide)
    solution = _best(candidates, limits, px, measure)
    if solution is None or solution.sizes.cell < px(CELLS["readable"]):
        # Small cells lose their numbers; a lens shows those of the window.
        others = _arrangements(traces, wide=wide, with_lens=True)
        lensed = _best(others, limits, px, measure, CELLS["lens"])
        plain = solution.sizes.cell if solution else 0
        if lensed and lensed.sizes.cell > WORTH["lens"] * plain:
            solution = lensed
    if solution is None:
        solution = _narrowest(candidates, width, px, measure)
    tree = solution.candidate.tree
    sizes = _with_room_for_results(traces, tree, solution.sizes, limits)
    extent = tree.extent(sizes)
    placed = Placed()
    placed.put(tree, max(0, (width - extent.width) // 2), 0, sizes)
    return Layout(placed, extent.height)


def height_for(traces: Sequence[Trace]) -> int:
    """Return the maximum height of a picture in units: several figures need more."""
    deep = any(len(_of(trace, "input")) > 1 for trace in traces)
    return int(max(HEIGHT["channels" if deep else "figure"], HEIGHT["each"] * len(traces)))


def _best(
    candidates: Sequence[_Candidate],
    limits: tuple[int, int],
    px: Callable[[float], int],
    measure: Measure,
    small_cells: Sequence[int] = (),
) -> _Solution | None:
    """Return the arrangement with the largest cells; a later style must gain clearly."""
    found: _Solution | None = None
    for candidate in candidates:
        for cell in range(px(CELLS["largest"]), px(CELLS["smallest"]) - 1, -1):
            if found is not None:
                same = found.candidate.style == candidate.style
                if cell <= found.sizes.cell * (1 if same else WORTH["style"]):
                    break
            # Kernels may have somewhat larger cells than small images, because they have few.
            smalls = [px(small) for small in small_cells] or [px(CELLS["kernel"]), cell]
            sizes = [Sizes(cell, small, px, measure) for small in smalls if small >= cell]
            fitting = next((each for each in sizes if _fits(candidate.tree, each, limits)), None)
            if fitting:
                found = _Solution(candidate, fitting)
                break
    return found


def _with_room_for_results(
    traces: Sequence[Trace], tree: Box, sizes: Sizes, limits: tuple[int, int]
) -> Sizes:
    """Return larger cells for the outputs, if their numbers need them and there is room."""
    letters = max(_letters(trace, grid) for trace in traces for grid in _of(trace, "output"))
    room = sizes.measure("0" * letters, "subtitle") / LOOK["font"]["subtitle"]
    usual, least = (
        ceil(sizes.px(NUMBER["margin"]) + room * NUMBER[size]) for size in ("usual", "smallest")
    )
    if least > sizes.cell:
        for cell in (usual, least):
            if _fits(tree, larger := sizes._replace(result=cell), limits):
                return larger
    return sizes


def _letters(trace: Trace, grid: Grid) -> int:
    """Return about how many letters the longest number has, with one decimal at most."""
    values = trace.totals if trace.targets.size else grid.values
    values = values[np.isfinite(values)]
    least, most = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    return len(str(int(max(-least, most)))) + (least < 0) + 2 * (grid.precision.decimals > 0)


def _fits(tree: Box, sizes: Sizes, limits: tuple[int, int]) -> bool:
    extent = tree.extent(sizes)
    return extent.width <= limits[0] and extent.height <= limits[1]


def _narrowest(
    candidates: Sequence[_Candidate], width: int, px: Callable[[float], int], measure: Measure
) -> _Solution:
    """Return the narrowest arrangement, however high."""

    def with_cells(candidate: _Candidate, cell: int) -> tuple[int, _Solution]:
        sizes = Sizes(cell, cell, px, measure)
        return candidate.tree.extent(sizes).width, _Solution(candidate, sizes)

    least = px(CELLS["least"])
    narrowest = min(candidates, key=lambda candidate: with_cells(candidate, least)[0])
    cell = px(CELLS["readable"])
    while cell > least and with_cells(narrowest, cell)[0] > width:
        cell -= 1
    return with_cells(narrowest, cell)[1]


def _arrangements(
    traces: Sequence[Trace], *, wide: bool, with_lens: bool = False
) -> list[_Candidate]:
    """Return the ways of arranging all panels, the most natural first."""
    shared = _share_input(traces)
    parts = [_parts(trace, index, traces, with_lens) for index, trace in enumerate(traces)]
    candidates = []
    if wide and not with_lens and _stand(traces):
        candidates.append(_Candidate("towers", _towers(traces, parts)))
    head: list[Box] = []
    if shared:
        one_window = all(np.array_equal(trace.reads, traces[0].reads) for trace in traces)
        panels = [parts[0].inputs[0], parts[0].lenses[0] if one_window else None]
        head = [panel for panel in panels if panel]
        lenses = [[None] if one_window else part.lenses for part in parts]
        parts = [
            p._replace(inputs=[None], lenses=own) for p, own in zip(parts, lenses, strict=True)
        ]
    ways: list[tuple[str, Callable[[_Parts], Box]]] = [
        *(("wide", lambda part, n=n: _beside(part, _channel_rows(part), n)) for n in (1, 2, 4)),
        ("narrow", lambda part: _below(part, _channel_rows(part))),
        ("narrow", lambda part: _below(part, _channel_rows(part), apart=True)),
        ("thin", _thin),
    ]
    if with_lens:
        ways[3:3] = [
            ("wide", lambda part: _beside(part, _stacked_rows(part), 2)),
            ("side", lambda part: _below(part, [Row(r.children) for r in _stacked_rows(part)])),
        ]
    for style, arrange in ways:
        if len(traces) == 1:
            candidates.append(_Candidate(style, arrange(parts[0])))
            continue
        each = [_labelled(part, arrange(part)) for part in parts]
        beside, below = Row(each, lean=0), Column(each)
        trees: list[Box] = [beside, below]
        if shared:
            trees = []
            for several in (below, beside):
                trees += [Row([*head, several], ["→", "→"]), Column([Row(head), several])]
        candidates += [_Candidate("", tree) for tree in trees]
    return candidates


def _share_input(traces: Sequence[Trace]) -> bool:
    """Return whether several traces read the same picture, so that it is drawn once."""
    first = traces[0].grids[0]
    return len(traces) > 1 and all(
        trace.channels == 1
        and not trace.weights.size
        and np.array_equal(trace.grids[0].mask, first.mask)
        and np.array_equal(
            np.nan_to_num(trace.grids[0].values, neginf=0), np.nan_to_num(first.values, neginf=0)
        )
        for trace in traces
    )


def _stand(traces: Sequence[Trace]) -> bool:
    """Return whether there are too many figures with one kernel to stack them."""
    kernels = [_of(trace, "kernel") for trace in traces]
    return (
        len(traces) > 2
        and all(len(_of(trace, "input")) == 1 for trace in traces)
        and all(len(own) == 1 for own in kernels)
        and all(np.array_equal(own[0].values, kernels[0][0].values) for own in kernels)
    )


def _of(trace: Trace, role: str) -> list[Grid]:
    return [grid for grid in trace.grids if grid.role == role]


def _parts(trace: Trace, index: int, traces: Sequence[Trace], with_lens: bool) -> _Parts:
    roles = ("input", "output", "activated", "bias")
    inputs, outputs, activated, biases = (_of(trace, role) for role in roles)
    shared = _share_input(traces)

    def by_channel(role: str) -> list[Panel | None]:
        grids = [
            [grid for grid in _of(trace, role) if grid.channel == channel]
            for channel in range(len(inputs))
        ]
        panels = [_leaf(index, own, first=c == 0) if own else None for c, own in enumerate(grids)]
        peers = tuple(panel for panel in panels if panel)
        return [panel and replace(panel, peers=peers) for panel in panels]

    first, *others = by_channel("input")
    if shared and first:
        members = tuple((i, other.grids[0]) for i, other in enumerate(traces))
        first = replace(first, members=members)
    # A step reads one window of each input, so the window may be shown enlarged.
    has_window = (
        with_lens
        and not trace.targets.size
        and trace.term != "sum"
        and len(inputs) == trace.channels
    )
    n_reads = int(trace.step_starts[1]) // trace.channels
    lenses = [
        Panel(
            role="lens",
            title="" if channel else LOOK["words"]["window"],
            subtitle=grid.part if trace.channels > 1 else "",
            rows=-(-n_reads // trace.window_columns),
            columns=trace.window_columns,
            trace=index,
            channel=channel,
            winners=tuple(range(len(traces))) if shared else (index,),
        )
        if has_window
        else None
        for channel, grid in enumerate(inputs)
    ]
    return _Parts(
        name=trace.name if len(traces) > 1 and outputs[0].title != trace.name else "",
        weighs=bool(trace.weights.size),
        inputs=[first, *others],
        lenses=lenses,
        kernels=by_channel("kernel"),
        partials=by_channel("partial"),
        bias=_leaf(index, biases, first=True) if biases else None,
        outputs=[_leaf(index, [grid], first=i == 0) for i, grid in enumerate(outputs)],
        activated=[_leaf(index, [grid], first=i == 0) for i, grid in enumerate(activated)],
    )


def _leaf(index: int, grids: Sequence[Grid], *, first: bool) -> Panel:
    grid = grids[0]
    details = [grid.part, grid.note if first and grid.role != "partial" else ""]
    return Panel(
        role=grid.role,
        members=tuple((index, each) for each in grids),
        title=grid.title if first else "",
        subtitle=" · ".join(filter(None, details)),
        rows=grid.values.shape[0],
        columns=grid.values.shape[1],
    )


def _labelled(part: _Parts, tree: Box) -> Box:
    return Column([Label(part.name), tree]) if part.name else tree


def _towers(traces: Sequence[Trace], parts: Sequence[_Parts]) -> Row:
    """Return figures side by side, each output below its input, with one kernel."""
    (kernel,) = filter(None, parts[0].kernels)
    kernel = replace(
        kernel,
        members=tuple((i, _of(trace, "kernel")[0]) for i, trace in enumerate(traces)),
        subtitle=LOOK["words"]["shared"].format(note=kernel.subtitle),
        peers=(),
    )
    columns = []
    for index, part in enumerate(parts):
        results = [part.bias, *part.outputs, *part.activated]
        panels = [part.inputs[0], None if index else kernel, *results]
        figure = Column([panel for panel in panels if panel])
        columns.append(Column([Label(part.name), figure], gap=0))
    return Row(columns, lean=0)


def _joined(signed: Iterable[tuple[str, Box | None]], *, from_first: bool = False) -> Row:
    """Return the existing boxes in a row, with a sign before each except the first."""
    present = [(sign, box) for sign, box in signed if box]
    signs = [sign for sign, _ in present]
    prefix = signs[0] if from_first else ""
    return Row([box for _, box in present], signs[1:], prefix)


def _channel_rows(part: _Parts, *, with_partials: bool = True) -> list[Row]:
    """Return a row per channel."""
    rows = []
    for channel, panel in enumerate(part.inputs):
        lens = part.lenses[channel]
        times = ("·" if lens else "∗") if part.weighs else ""
        share = part.partials[channel] if with_partials else None
        signed = [("", panel), ("→", lens), (times, part.kernels[channel]), ("=", share)]
        rows.append(_joined(signed))
    return [row for row in rows if row.children]


def _stacked_rows(part: _Parts) -> list[Row]:
    """Return a row per channel with the window and the kernel one above the other."""
    rows = []
    for channel, panel in enumerate(part.inputs):
        details = [each for each in (part.lenses[channel], part.kernels[channel]) if each]
        stack = Column(details, TIGHT_GAP) if details else None
        rows.append(_joined([("", panel), ("→", stack), ("=", part.partials[channel])]))
    return [row for row in rows if row.children]


def _results(part: _Parts, across: int) -> list[tuple[str, Box | None]]:
    """Return how the outputs are joined: through the sum over channels, the bias, or directly."""
    total = "Σ" if any(part.partials) else ""
    equals = f"{total} =".strip() if total or part.weighs else "→"
    outputs = _shelves(part.outputs, across)
    return [(f"{total} +".strip(), part.bias), ("=" if part.bias else equals, outputs)]


def _activated(part: _Parts, across: int) -> list[tuple[str, Box | None]]:
    return [("→", _shelves(part.activated, across))] if part.activated else []


def _shelves(panels: Sequence[Panel], across: int) -> Column:
    return Column([Row(panels[i : i + across], lean=1) for i in range(0, len(panels), across)])


def _beside(part: _Parts, rows: Sequence[Row], across: int) -> Box:
    results = [*_results(part, across), *_activated(part, across)]
    return _joined([("", Column(rows, TIGHT_GAP) if rows else None), *results])


def _below(part: _Parts, rows: Sequence[Row], *, apart: bool = False) -> Box:
    """Return the results below the rows; with `apart`, the activated ones below the others."""
    before, after = _results(part, 2), _activated(part, 2)
    ends = [before, after] if apart else [[*before, *after]]
    return Column([*rows, *(_joined(end, from_first=True) for end in ends if end)])


def _thin(part: _Parts) -> Box:
    """Return the partial result of each channel below the rows, at its own width."""
    shares = [replace(panel, peers=()) for panel in part.partials if panel]
    below = [Row(shares, prefix="=", lean=1)] if shares else []
    return _below(part, [*_channel_rows(part, with_partials=False), *below])
