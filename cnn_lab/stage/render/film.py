"""A film of traces: one picture per step, all of the same size."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from cnn_lab.stage.render.boxes import PlacedPanel
from cnn_lab.stage.render.fonts import REGULAR, Face, Type
from cnn_lab.stage.render.layout import UNITS_WIDE, lay_out
from cnn_lab.stage.render.legend import draw_legend, legend_of, with_shared_scales
from cnn_lab.stage.render.marks import Square, square_of
from cnn_lab.stage.render.paint import Painter, cell_text
from cnn_lab.stage.render.theme import Rgb, Theme
from cnn_lab.stage.render.words import Text, Writer
from cnn_lab.stage.source import LOOK
from cnn_lab.trace import Grid, Trace
from cnn_lab.trace.grid import IntArray
from cnn_lab.trace.numbers import FloatArray

MARGIN = 22


class Spot(NamedTuple):
    """Position of a cell: panel and grid, index in both row by row, and square."""

    placed: PlacedPanel
    grid: Grid
    at: int
    square: Square


class Progress:
    """Contents of a trace's cells after a step: empty, a running total, or the result.

    Attributes
    ----------
    done : int
        The last step taken; -1 before the first.
    shown : ndarray of float64, shape (cells,)
        The value of each cell by its id; NaN where a result has not been reached.
    """

    def __init__(self, trace: Trace) -> None:
        """Begin before the first step."""
        self._trace = trace
        self.done = -1
        self.shown: FloatArray = np.concatenate([grid.values.ravel() for grid in trace.grids])
        results = [trace.writes, trace.partials.ravel(), trace.activated]
        self.shown[np.concatenate(results)] = np.nan
        for grid in trace.result_grids if trace.targets.size else ():
            self.shown[grid.first_id : grid.first_id + grid.values.size] = np.nan

    def advance(self, step: int) -> IntArray:
        """Advance to a step and return the cells that changed, some of them twice."""
        trace, first, last = self._trace, self.done + 1, step + 1
        self.done = step
        if trace.targets.size:
            links = slice(int(trace.step_starts[first]), int(trace.step_starts[last]))
            cells = trace.targets[links]
            self.shown[cells] = trace.totals[links]  # of several in one cell, the last remains
            return cells
        steps = slice(first, last)
        results = [trace.writes[steps], trace.partials[steps].ravel(), trace.activated[steps]]
        cells = np.concatenate(results)
        values = np.concatenate([grid.values.ravel() for grid in trace.grids])
        self.shown[cells] = values[cells]
        return cells


class Film:
    """Pictures of the steps of traces played together; shorter ones stop at their last step.

    Parameters
    ----------
    traces : sequence of Trace
        At least one.
    steps : sequence of int
        The steps that will be drawn; space below the picture is reserved for all their texts.
    theme : Theme
    width_px : int

    Notes
    -----
    The grids are painted once and then updated only where a result arrives, so draw steps in
    ascending order.
    """

    def __init__(
        self, traces: Sequence[Trace], steps: Sequence[int], *, theme: Theme, width_px: int
    ) -> None:
        self.traces = with_shared_scales(traces)
        self.n_steps = max(map(len, traces))
        self.theme = theme
        unit = width_px / UNITS_WIDE
        margin = round(MARGIN * unit)
        inside = width_px - 2 * margin
        type_ = Type()
        sketch = Painter(theme, type_, (width_px, 1), unit)
        writer = Writer(sketch, inside)
        self._words = {step: writer.step(self.traces, self._steps(step)) for step in steps}
        layout = lay_out(self.traces, inside, sketch.px, sketch.measure)
        legend, legend_height = legend_of(self.traces, inside, sketch.px, sketch.measure)
        below = margin + layout.height + sketch.px(LOOK["legend"]["above"])
        self._bar = below + legend_height + sketch.px(14)
        self._words_at = self._bar + sketch.px(13)
        tallest = max(words.height for words in self._words.values())
        self.size = width_px, round(self._words_at + tallest) + margin
        self._painter = Painter(theme, type_, self.size, unit)
        self._margin = margin
        self._placed = layout.placed
        for n, placed in enumerate(self._placed.panels):
            moved = placed._replace(
                left=placed.left + margin,
                right=placed.right + margin,
                head_y=placed.head_y + margin,
                x=placed.x + margin,
                y=placed.y + margin,
            )
            self._placed.panels[n] = moved
        self._panel_of = {
            (index, grid.key): placed
            for placed in self._placed.panels
            for index, grid in placed.panel.members
        }
        for text in self._placed.texts:
            self._painter.text(text._replace(x=text.x + margin, y=text.y + margin))
        draw_legend(self._painter, legend, margin, below)
        self._ground = self._painter.image
        self._begin()
        for trace in self.traces:
            if trace.targets.size:
                self._painter.extents |= dict.fromkeys(trace.result_grids, trace.totals)

    def frame(self, step: int) -> Image.Image:
        """Return the picture of a step, in mode RGB.

        Raises
        ------
        KeyError
            If the step is not one of `steps`.
        """
        words = self._words[step]
        self._painter.turn_to(self._ground)
        self._advance(step)
        self._painter.turn_to(self._ground.copy())
        for index, at in enumerate(self._steps(step)):
            self._draw_now(index, at)
        self._write(step, words)
        return self._painter.image

    @property
    def panels(self) -> Sequence[PlacedPanel]:
        """All panels at their places."""
        return self._placed.panels

    def spot(self, index: int, cell: int) -> Spot | None:
        """Return where a cell of a trace is drawn; None if another filter is shown."""
        grid, row, column = self.traces[index].locate(cell)
        placed = self._panel_of[index, grid.key]
        if self._shown(placed)[1] is not grid and placed.panel.role != "input":
            return None
        at = row * grid.values.shape[1] + column
        return Spot(placed, grid, at, square_of(placed, at))

    def _steps(self, step: int) -> list[int]:
        return [min(step, len(trace) - 1) for trace in self.traces]

    def _begin(self) -> None:
        self._progress = [Progress(trace) for trace in self.traces]
        self._filters = [-1 for _ in self.traces]

    # What stays

    def _advance(self, step: int) -> None:
        """Update the background, painting as little as possible."""
        pairs = zip(self._progress, self._steps(step), strict=True)
        if any(progress.done > at for progress, at in pairs):
            self._begin()
        firsts = [self._advance_trace(index, at) for index, at in enumerate(self._steps(step))]
        # Last, because traces may share the panel of their winners.
        for index, (first, at) in enumerate(zip(firsts, self._steps(step), strict=True)):
            self._ring_winners(index, first, at)

    def _advance_trace(self, index: int, step: int) -> int:
        """Paint the changes of a trace and return the first step that is new on the background."""
        trace, progress = self.traces[index], self._progress[index]
        earlier, before = progress.done, self._filters[index]
        changed = progress.advance(step)
        self._filters[index] = trace.locate(trace.leads[step])[0].filter
        fresh, switched = before == -1, before != self._filters[index]
        for placed in self._placed.panels:
            members = placed.panel.members
            own = bool(members) and members[0][0] == index  # other traces may show in it too
            if own and (fresh or (switched and len(members) > 1)):
                self._paint_panel(placed)
        for cell in () if fresh else np.unique(changed):
            self._paint_cell(index, int(cell))
        return earlier + 1

    def _paint_panel(self, placed: PlacedPanel) -> None:
        panel = placed.panel
        index, grid = self._shown(placed)
        shown = self._progress[index].shown
        title = panel.title and grid.title
        self._painter.heading(placed, title, panel.subtitle)
        self._painter.panel(
            placed,
            grid,
            lambda i: None if np.isnan(shown[grid.first_id + i]) else shown[grid.first_id + i],
            silent_padding=self.traces[index].skip_padding,
        )

    def _paint_cell(self, index: int, cell: int) -> None:
        spot = self.spot(index, cell)
        if spot:
            self._painter.cell(
                spot.grid,
                spot.at,
                spot.square,
                value=float(self._progress[index].shown[cell]),
                silent_padding=self.traces[index].skip_padding,
            )

    def _ring_winners(self, index: int, first: int, last: int) -> None:
        winners = self.traces[index].winners
        for cell in np.unique(winners[first : last + 1]) if winners.size else ():
            spot = self.spot(index, int(cell))
            if spot:
                self._painter.winner(spot.grid, spot.at, spot.square, "done")

    def _shown(self, placed: PlacedPanel) -> tuple[int, Grid]:
        """Return the grid that a panel shows, of several filters the current one."""
        members = placed.panel.members
        at_work = self._filters[members[0][0]]
        return next((each for each in members if each[1].filter == at_work), members[0])

    # What moves

    def _draw_now(self, index: int, step: int) -> None:
        """Draw the window, its weights, and the target of the result."""
        trace = self.traces[index]
        reads = trace.step_reads(step)
        for placed in self._placed.panels:
            if placed.panel.role == "lens" and placed.panel.trace == index:
                self._draw_lens(placed, step)
        if trace.weights.size:
            self._draw_corner_weights(index, step)
        if trace.windows.size:
            self._outline(index, trace.windows.reshape(len(trace), -1)[step], self.theme.now)
        self._outline(index, reads, self.theme.now)
        if trace.winners.size:
            spot = self.spot(index, int(trace.winners[step]))
            if spot:
                self._painter.winner(spot.grid, spot.at, spot.square, "now")
        if trace.targets.size:
            self._outline(index, trace.sources[[step]], self.theme.now)
            self._outline(index, trace.targets[trace.links(step)], self.theme.now)
        else:
            shares = trace.partials[step] if trace.partials.size else []
            after = trace.activated[step : step + 1]
            self._outline(index, [trace.writes[step], *shares, *after], self.theme.now)

    def _draw_corner_weights(self, index: int, step: int) -> None:
        """Write the matching weight into each cell of the window, moving its number up."""
        trace, painter = self.traces[index], self._painter
        links = trace.links(step)
        for cell, weight in zip(trace.reads[links], trace.weights[links], strict=True):
            spot = self.spot(index, int(cell))
            if spot is None or spot.square.side < painter.px(LOOK["cells"]["weights"]):
                return
            lift = spot.square.side * LOOK["weight"]["lift"]
            painter.cell(spot.grid, spot.at, spot.square, lift=lift)
            precision = trace.locate(weight)[0].precision
            painter.badge(spot.square, f"×{cell_text(trace.value(weight), precision)}")

    def _draw_lens(self, placed: PlacedPanel, step: int) -> None:
        panel, painter = placed.panel, self._painter
        trace = self.traces[panel.trace]
        reads = trace.step_reads(step).reshape(trace.channels, -1)[panel.channel]
        painter.heading(placed, panel.title, panel.subtitle)
        painter.frame(placed)
        for at, cell in enumerate(map(int, reads)):
            grid, row, column = trace.locate(cell)
            square = square_of(placed, at)
            index = row * grid.values.shape[1] + column
            painter.cell(grid, index, square, silent_padding=trace.skip_padding)
            for other in panel.winners:
                winners, then = self.traces[other].winners, self._steps(step)[other]
                if winners.size and int(winners[then]) == cell:
                    painter.winner(grid, index, square, "now")
        painter.outline(placed, set(range(len(reads))), self.theme.now)

    def _outline(self, index: int, cells: Iterable[int], colour: Rgb) -> None:
        by_panel: dict[int, tuple[PlacedPanel, set[int]]] = {}
        for cell in map(int, cells):
            spot = self.spot(index, cell)
            if spot:
                known = by_panel.setdefault(id(spot.placed), (spot.placed, set()))
                known[1].add(spot.at)
        for placed, members in by_panel.values():
            self._painter.outline(placed, members, colour)

    # What is said

    def _write(self, step: int, words: Text) -> None:
        painter, theme = self._painter, self.theme
        width, _ = self.size
        face = Face("sans", REGULAR, 13 * painter.unit)
        count = f"{step + 1} / {self.n_steps}"
        right = (
            width
            - self._margin
            - round(painter.type.width(f"{self.n_steps} / {self.n_steps}", face))
        )
        end = right - painter.px(12)
        middle, half = self._bar, painter.px(2) // 2
        share = step / max(1, self.n_steps - 1)
        box = (self._margin, middle - half, end, middle + half)
        painter.pen.rectangle(box, fill=theme.tint(0.22))
        reached = self._margin + round((end - self._margin) * share)
        painter.pen.rectangle((self._margin, middle - half, reached, middle + half), fill=theme.now)
        radius = painter.px(4)
        painter.pen.ellipse(
            (reached - radius, middle - radius, reached + radius, middle + radius), fill=theme.now
        )
        place = width - self._margin, middle
        painter.type.draw(painter.pen, count, place, face, theme.muted, anchor="rm")
        for piece in words.at(self._margin, self._words_at):
            baseline = round(piece.x), round(piece.y - painter.px(4.5))
            painter.type.draw(painter.pen, piece.text, baseline, piece.face, piece.colour)
