"""Which panels a trace has, and the ways of putting them together."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cnn_lab.stage.render.boxes import Box, Column, Label, Panel, Row
from cnn_lab.trace import Grid, Trace

MAX_LENS = 64
TIGHT_GAP = 8


class Candidate(NamedTuple):
    """A way to put all panels together; candidates of one style are as good as each other."""

    style: str
    tree: Box


class _Parts(NamedTuple):
    """The panels of one trace by role, channel by channel."""

    name: str
    weighs: bool
    inputs: list[Panel]
    lenses: list[Panel]
    kernels: list[Panel]
    partials: list[Panel]
    bias: Panel | None
    outputs: list[Panel]


def arrangements(traces: Sequence[Trace], *, with_lens: bool) -> list[Candidate]:
    """Return the ways of putting all panels together, the most natural first."""
    shared = len(traces) > 1 and all(shares_input(traces[0], other) for other in traces[1:])
    parts = [_parts(trace, index, traces, with_lens) for index, trace in enumerate(traces)]
    if shared:
        members = tuple((index, trace.grids[0]) for index, trace in enumerate(traces))
        common = replace(parts[0].inputs[0], members=members)
        head = [common, *parts[0].lenses[:1]]
        parts = [each._replace(inputs=[], lenses=[]) for each in parts]
    styles: list[tuple[str, Callable[[_Parts], Box]]] = [
        *(("wide", lambda part, n=across: _wide(part, n)) for across in (1, 2, 4)),
        ("narrow", lambda part: _narrow(part, 2)),
        ("narrow", lambda part: _narrow(part, 4)),
        ("thin", lambda part: _thin(part, 2)),
    ]
    candidates = []
    for style, arrange in styles:
        if len(traces) == 1:
            candidates.append(Candidate(style, arrange(parts[0])))
            continue
        each = [_labelled(part, arrange(part)) for part in parts]
        for several in (Column(each), Row(children=each, lean=0)):
            if shared:
                beside = Row(children=[*head, several], joins=["→"] * len(head))
                above = Column([Row(children=head, joins=["→"]), several])
                candidates += [Candidate(style, beside), Candidate("above", above)]
            else:
                candidates.append(Candidate(style, several))
    return candidates


def shares_input(a: Trace, b: Trace) -> bool:
    """Return whether two traces read the very same picture, so that it is drawn once."""
    left, right = a.grids[0], b.grids[0]
    return (
        not (a.weights.size or b.weights.size)
        and a.channels == b.channels == 1
        and left.role == right.role == "input"
        and left.title == right.title
        and np.array_equal(left.mask, right.mask)
        and np.array_equal(
            np.nan_to_num(left.values, neginf=0), np.nan_to_num(right.values, neginf=0)
        )
    )


def _parts(trace: Trace, index: int, traces: Sequence[Trace], with_lens: bool) -> _Parts:
    def of(role: str) -> list[Grid]:
        return [grid for grid in trace.grids if grid.role == role]

    def by_channel(role: str) -> list[Panel]:
        grids = of(role)
        channels = sorted({grid.channel for grid in grids})
        groups = [[grid for grid in grids if grid.channel == channel] for channel in channels]
        panels = [_leaf(index, group, first=i == 0) for i, group in enumerate(groups)]
        return [replace(panel, peers=tuple(panels)) for panel in panels]

    inputs, outputs = by_channel("input"), of("output")
    lenses = list(_lenses(trace, index, of("input"))) if with_lens else []
    biases = of("bias")
    return _Parts(
        name=trace.name if len(traces) > 1 and outputs[0].title != trace.name else "",
        weighs=bool(trace.weights.size),
        inputs=inputs,
        lenses=lenses,
        kernels=by_channel("kernel"),
        partials=by_channel("partial"),
        bias=_leaf(index, biases, first=True) if biases else None,
        outputs=[_leaf(index, [grid], first=i == 0) for i, grid in enumerate(outputs)],
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


def _lenses(trace: Trace, index: int, inputs: Sequence[Grid]) -> Iterator[Panel]:
    """Yield the window enlarged, one per channel, where all windows are small and alike."""
    if trace.targets.size or trace.term == "sum" or trace.channels != len(inputs):
        return
    n_inputs = sum(grid.values.size for grid in inputs)
    size, ragged = divmod(len(trace.reads), len(trace) * trace.channels)
    alike = not ragged and bool(np.all(np.diff(trace.step_starts) == size * trace.channels))
    if not alike or not 0 < size <= MAX_LENS or trace.reads.max() >= n_inputs:
        return
    for channel, grid in enumerate(inputs):
        yield Panel(
            role="lens",
            title="" if channel else "Window",
            subtitle=grid.part,
            rows=-(-size // trace.window_columns),
            columns=trace.window_columns,
            trace=index,
            channel=channel,
        )


def _labelled(part: _Parts, tree: Box) -> Box:
    return Column([Label(part.name), tree], TIGHT_GAP) if part.name else tree


def _channel_rows(part: _Parts, *, with_partials: bool) -> list[Box]:
    """Return a row per channel; what stands in one column is equally wide."""
    times = ("·" if part.lenses else "∗") if part.weighs else ""
    columns = [("", part.inputs), ("→", part.lenses), (times, part.kernels)]
    if with_partials:
        columns.append(("=", part.partials))
    rows: list[Box] = []
    for channel in range(max(len(panels) for _, panels in columns)):
        present = [(sign, panels[channel]) for sign, panels in columns if channel < len(panels)]
        rows.append(
            Row(
                children=[panel for _, panel in present],
                joins=[sign for sign, _ in present[1:]],
            )
        )
    return rows


def _results(part: _Parts, across: int) -> tuple[list[Box], list[str]]:
    """Return bias and outputs, and the sign before each."""
    rows = [
        Row(children=part.outputs[i : i + across], lean=1)
        for i in range(0, len(part.outputs), across)
    ]
    outputs = Column(rows)
    sum_sign = "Σ" if part.partials else ""
    if part.bias:
        return [part.bias, outputs], [f"{sum_sign} +".strip(), "="]
    return [outputs], ["Σ =" if sum_sign else "=" if part.weighs else "→"]


def _wide(part: _Parts, across: int) -> Box:
    rows = _channel_rows(part, with_partials=True) if part.inputs or part.kernels else []
    children, signs = _results(part, across)
    if not rows:
        return Row(children=children, joins=signs[1:])
    return Row(children=[Column(rows, TIGHT_GAP), *children], joins=signs)


def _narrow(part: _Parts, across: int) -> Box:
    rows = _channel_rows(part, with_partials=True) if part.inputs or part.kernels else []
    return Column([*rows, _tail(part, across)])


def _thin(part: _Parts, across: int) -> Box:
    rows = _channel_rows(part, with_partials=False) if part.inputs or part.kernels else []
    alone = [replace(panel, peers=()) for panel in part.partials]
    shares = [Row(children=alone, prefix="=", lean=1)] if alone else []
    return Column([*rows, *shares, _tail(part, across)])


def _tail(part: _Parts, across: int) -> Row:
    children, signs = _results(part, across)
    return Row(children=children, joins=signs[1:], prefix=signs[0])
