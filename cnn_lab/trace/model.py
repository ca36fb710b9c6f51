"""Trace: grids of cells, and for each step the cells that it reads and writes."""

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from cnn_lab.trace.grid import PADDING, UNREAD, WINNER, Grid, IntArray
from cnn_lab.trace.numbers import MINUS, FloatArray, Precision, format_number
from cnn_lab.trace.wire import pack_integers, pack_table, pack_values, wire_size

Form = Literal["gather", "scatter"]
Term = Literal["product_sum", "sum", "maximum", "mean", "scatter_add"]
Span = Literal["reads", "targets"]

MAX_WIRE_BYTES = 200_000
MAX_LINKS = 500_000
HIDDEN = "?"  # what stands for a value that has been taken out


class TraceTooLarge(ValueError):  # noqa: N818 (named after the problem)
    """Too many steps for the stage; show a picture of the result instead."""


def _no_cells() -> IntArray:
    return np.empty(0, np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class Trace:
    """An operation, cell by cell.

    A *gather* step combines the cells it reads and writes the one cell `writes`. A *scatter* step
    adds something from the cell `sources` to each of several `targets`, whose running totals
    are kept.

    Attributes
    ----------
    name : str
        "Convolution", "Max pooling", ...
    grids : tuple of Grid
    term : str
        How a step combines what it reads: "product_sum", "sum", "maximum" or "mean"; with
        "scatter_add" each read cell (times its weight, if there are weights) is added to
        its target.
    step_starts : ndarray of int, shape (steps + 1,)
        Step i reads ``reads[step_starts[i]:step_starts[i + 1]]``.
    reads : ndarray of int
        Cell ids, channel by channel, each channel row by row of the window.
    weights : ndarray of int, shape of `reads`, or empty
        The kernel cell paired with each; empty without a kernel.
    writes : ndarray of int, shape (steps,), or empty
        The output cell of each step: filter by filter, row by row.
    sources : ndarray of int, shape (steps,), or empty
        The cell that each step hands out.
    targets : ndarray of int, shape of `reads`, or empty
        The output cell that each read adds to.
    totals : ndarray of float64, shape of `reads`, or empty
        The value of the target after that.
    biases : ndarray of int, shape (steps,), or empty
    partials : ndarray of int, shape (steps, channels), or empty
        The cell with the partial result of each channel.
    activated : ndarray of int, shape (steps,), or empty
        The cell with the result after the activation.
    activation : str
        Name of the activation as it is written, such as "ReLU"; empty without one.
    winners : ndarray of int, shape (steps,), or empty
        The cell that holds the maximum; the first one on ties, as in TensorFlow.
    windows : ndarray of int, or empty
        The same number of cells for each step, highlighted to explain it but not part of the
        arithmetic.
    channels, window_columns : int
        The reads of a step are `channels` equal parts, written in rows of `window_columns`.
    routed : bool
        Whether the values decide which cells a step reads or adds to, as in the gradient of a
        maximum.
    skip_padding : bool
        Whether padding has a place in the window but does not count.
    padding_name : str
        Legend name of the cells that are marked as padding.
    excerpt : bool
        Whether the steps are only some of those of the operation.
    span : str
        Which rows and columns a caption names: those of the "reads" or of the "targets".
    caption_template, padding_template : str
        One sentence per step with named slots; the second is added if a step touches padding.
    few_templates : tuple of str
        Sentences for steps that read no cell, one cell, ... if these differ.
    """

    name: str
    grids: tuple[Grid, ...]
    term: Term
    step_starts: IntArray
    reads: IntArray
    weights: IntArray = field(default_factory=_no_cells)
    writes: IntArray = field(default_factory=_no_cells)
    sources: IntArray = field(default_factory=_no_cells)
    targets: IntArray = field(default_factory=_no_cells)
    totals: FloatArray = field(default_factory=lambda: np.empty(0))
    biases: IntArray = field(default_factory=_no_cells)
    partials: IntArray = field(default_factory=lambda: np.empty((0, 0), np.int64))
    activated: IntArray = field(default_factory=_no_cells)
    activation: str = ""
    winners: IntArray = field(default_factory=_no_cells)
    windows: IntArray = field(default_factory=_no_cells)
    channels: int = 1
    window_columns: int = 1
    routed: bool = False
    skip_padding: bool = False
    padding_name: str = "Padding"
    excerpt: bool = False
    span: Span = "reads"
    caption_template: str
    padding_template: str = ""
    few_templates: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.step_starts) - 1

    @property
    def leads(self) -> IntArray:
        """The leading cell of each step: the one it writes, or the one it hands out."""
        return self.sources if self.sources.size else self.writes

    @property
    def result_grids(self) -> tuple[Grid, ...]:
        """The grids that the steps fill, without partial results."""
        return tuple(grid for grid in self.grids if grid.role == "output")

    def grid(self, key: str) -> Grid:
        """Return the grid with this key.

        Raises
        ------
        KeyError
            If it does not exist.
        """
        for grid in self.grids:
            if grid.key == key:
                return grid
        keys = [grid.key for grid in self.grids]
        raise KeyError(f"`key` must be one of {keys}. Received: key={key!r}")

    def locate(self, cell: int) -> tuple[Grid, int, int]:
        """Return the grid, row and column of a cell id."""
        grid = next(g for g in reversed(self.grids) if g.first_id <= cell)
        row, column = divmod(int(cell) - grid.first_id, grid.values.shape[1])
        return grid, row, column

    def value(self, cell: int) -> float:
        """Return the value in a cell."""
        grid, row, column = self.locate(cell)
        return float(grid.values[row, column])

    def is_hidden(self, cell: int) -> bool:
        """Return whether the value of a cell has been taken out."""
        grid, row, column = self.locate(cell)
        return grid.hidden is not None and bool(grid.hidden[row, column])

    def text(self, cell: int) -> str:
        """Return the value in a cell as captions and the arithmetic line write it."""
        if self.is_hidden(cell):
            return HIDDEN
        return format_number(self.value(cell), self.locate(cell)[0].precision)

    def links(self, step: int) -> slice:
        """Return the slice of a step in `reads`, `weights`, `targets` and `totals`."""
        return slice(int(self.step_starts[step]), int(self.step_starts[step + 1]))

    def step_reads(self, step: int) -> IntArray:
        """Return the ids of the cells that a step reads."""
        return self.reads[self.links(step)]

    def running_totals(self, step: int) -> list[tuple[int, float, float]]:
        """Return each target of a scatter step with its total before and after.

        A step adds to a target once.
        """
        if not self.targets.size:
            return []
        links = self.links(step)
        earlier = self.targets[: links.start]
        result = []
        for target, after in zip(self.targets[links], self.totals[links], strict=True):
            visits = np.flatnonzero(earlier == target)
            before = float(self.totals[visits[-1]]) if visits.size else 0.0
            result.append((int(target), before, float(after)))
        return result

    def is_exact(self, step: int) -> bool:
        """Return whether the digits shown for a step's terms and result are exact."""
        results = self.targets[self.links(step)] if self.targets.size else self.writes[[step]]
        if all(self.locate(cell)[0].precision.exact for cell in results):
            return True
        return all(precision.writes(value) for value, precision in self._shown(step))

    def activates_exactly(self, step: int) -> bool:
        """Return whether a step's result after the activation has the digits shown.

        It does where the activation passes the result on, where it gives zero, and at zero itself.
        """
        before, after = self.value(self.writes[step]), self.value(self.activated[step])
        return before == after or not before * after

    def _shown(self, step: int) -> list[tuple[float, Precision]]:
        """Return the numbers that a step shows, except those multiplied by zero."""
        cells = list(self.biases[step : step + 1])
        links = self.links(step)
        reads = self.reads[links]
        if self.weights.size:
            for read, weight in zip(reads, self.weights[links], strict=True):
                if self.value(read) and self.value(weight):
                    cells += [read, weight]
        else:
            cells += [cell for cell in reads if np.isfinite(self.value(cell))]
        if not self.targets.size:
            cells.append(self.writes[step])
        numbers = [(self.value(cell), self.locate(cell)[0].precision) for cell in cells]
        for target, before, after in self.running_totals(step):
            precision = self.locate(target)[0].precision
            numbers += [(before, precision), (after, precision)]
        return numbers

    def caption(self, step: int) -> str:
        """Return a description of a step in words, the same as on the stage.

        The stage fills the same slots in the browser: `output`, `row` and `column` of the step's
        leading cell; `top`, `bottom`, `left` and `right` of the cells that `span` names; the
        `count` of cells combined and of `padding`; `result` (for a scatter step, the value
        handed out), and `about`, which is "about " if digits are cut off; `share`, the first
        number read, with its own `about_share`; `bias`; the `activated` result with its own
        `about_activated`; and, for a maximum, `winner_row` and `winner_column`.
        """
        lead, row, column = self.locate(self.leads[step])
        reads = self.step_reads(step)
        spanned = self.reads if self.span == "reads" else self.targets
        span = [self.locate(cell) for cell in spanned[self.links(step)]]
        n_padding = sum(bool(grid.mask[r, c] & PADDING) for grid, r, c in span)
        count = len(reads) - n_padding * self.skip_padding
        slots: dict[str, Any] = {
            "output": lead.name,
            "row": lead.row_labels[row],
            "column": lead.column_labels[column],
            "result": self.text(self.leads[step]),
            "about": "" if self.is_exact(step) else "about ",
            "count": count,
            "padding": n_padding,
        }
        if span:
            (first, top, left), (_, bottom, right) = span[0], span[-1]
            slots["top"], slots["bottom"] = first.row_labels[top], first.row_labels[bottom]
            slots["left"], slots["right"] = first.column_labels[left], first.column_labels[right]
        if len(reads) and np.isfinite(self.value(reads[0])):
            slots["share"] = self.text(reads[0])  # the padding of a maximum has no number
            exact = self.locate(reads[0])[0].precision.writes(self.value(reads[0]))
            slots["about_share"] = "" if exact else "about "
        if self.biases.size:
            slots["bias"] = self.text(self.biases[step])
        if self.activated.size:
            slots["activated"] = self.text(self.activated[step])
            slots["about_activated"] = "" if self.activates_exactly(step) else "about "
        if self.winners.size and self.winners[step] < 0:
            slots["winner_row"] = slots["winner_column"] = HIDDEN
        elif self.winners.size:
            grid, r, c = self.locate(self.winners[step])
            slots["winner_row"], slots["winner_column"] = grid.row_labels[r], grid.column_labels[c]
        few = self.few_templates
        template = few[count] if count < len(few) else self.caption_template
        template += self.padding_template if n_padding else ""
        return re.sub(r"\{(\w+)\}", lambda slot: str(slots[slot[1]]).replace("-", MINUS), template)

    @property
    def result_cells(self) -> IntArray:
        """The ids of all cells that the steps fill, those of partial results too."""
        filled = [grid for grid in self.grids if grid.role in ("partial", "output", "activated")]
        return np.concatenate([grid.first_id + np.arange(grid.values.size) for grid in filled])

    def cells_behind(self, cell: int) -> IntArray:
        """Return a cell of the result with the others that the same step fills.

        These are its partial results and the result after the activation. A cell that steps add
        to stands alone.
        """
        steps = np.flatnonzero(self.writes == cell)
        if not steps.size:
            return np.array([cell])
        (step,) = steps
        others = [table[step].ravel() for table in (self.partials, self.activated) if table.size]
        return np.concatenate([[cell], *others]).astype(np.int64)

    def steps_of(self, cell: int) -> tuple[int, int]:
        """Return the first and the last step that give a cell of the result its value.

        (0, 0) for a cell that no step writes or adds to.
        """
        table = self.targets if self.targets.size else self.writes
        places = np.flatnonzero(table == cell)
        if not places.size:
            return 0, 0
        steps = places
        if self.targets.size:
            steps = np.searchsorted(self.step_starts, places, side="right") - 1
        return int(steps[0]), int(steps[-1])

    def error_of(self, cell: int) -> float:
        """Return the largest error of a result that is computed from the digits shown.

        Zero where all that goes into it is exact. A sum with n terms may be off by n half units of
        the last digit, times the weights.
        """
        first, last = self.steps_of(cell)
        links = slice(int(self.step_starts[first]), int(self.step_starts[last + 1]))
        reads = self.reads[links]
        weights = self.weights[links] if self.weights.size else None
        if self.targets.size:
            own = self.targets[links] == cell
            reads, weights = reads[own], None if weights is None else weights[own]
        errors = np.array([self.half_unit(each) for each in reads])
        if not len(errors):
            return 0.0
        if weights is None:
            found = errors.sum() if self.term in ("sum", "scatter_add") else errors.mean()
            return float(found)
        by_weight = [abs(self.value(each)) for each in weights]
        by_read = [
            abs(self.value(each)) * self.half_unit(at)
            for each, at in zip(reads, weights, strict=True)
        ]
        return float(errors @ by_weight) + float(np.sum(by_read))

    def half_unit(self, cell: int) -> float:
        """Return half a unit of the last digit that a cell shows; 0 if its digits are exact."""
        precision = self.locate(cell)[0].precision
        return 0.0 if precision.exact else 0.5 * 10.0**-precision.decimals

    def without(self, cells: IntArray) -> "Trace":
        """Return the trace without the values of some cells of the result.

        All that would give them away goes too: the totals on their way there, the largest cells
        of their windows, their share in a colour scale, and, where the values decide which cells
        a step reads, these links.

        Parameters
        ----------
        cells : ndarray of int
            Ids among `result_cells`.
        """
        if not cells.size:
            return self
        hides = np.zeros(max(grid.first_id + grid.values.size for grid in self.grids), bool)
        hides[cells] = True
        grids = [
            grid.without(hides[grid.first_id :][: grid.values.size].reshape(grid.values.shape))
            for grid in self.grids
        ]
        changes: dict[str, Any] = {}
        if self.totals.size:
            changes["totals"] = np.where(hides[self.targets], 0.0, self.totals)
        if self.winners.size:
            known = ~hides[self.writes] if self.writes.size else np.zeros(len(self), bool)
            changes["winners"] = np.where(known, self.winners, -1)
            grids = [_with_winners(grid, self.winners[known]) for grid in grids]
        if self.routed:
            changes |= {
                "step_starts": np.zeros_like(self.step_starts),
                "reads": _no_cells(),
                "totals": np.empty(0),
                "caption_template": self.caption_template.replace("{count}", HIDDEN),
                "few_templates": (),
            }
            grids = [_with_winners(grid, _no_cells()) for grid in grids]
        return replace(self, grids=tuple(grids), **changes)

    def opening(self) -> "Trace":
        """Return a gathered trace at its first step, without a sign of how many there are.

        Its result is one hidden cell, and no cell of the input is marked as never read.
        """
        grids = []
        for grid in self.grids:
            if grid.role == "output" and grid.first_id == self.writes[0]:
                grids.append(_first_cell(grid))
            elif grid.role in ("input", "kernel", "bias"):
                grids.append(replace(grid, mask=grid.mask & ~np.uint8(UNREAD)))
        links = self.links(0)
        return replace(
            self,
            grids=tuple(grids),
            step_starts=self.step_starts[:2],
            reads=self.reads[links],
            weights=self.weights[links],
            writes=self.writes[:1],
            biases=self.biases[:1],
            partials=np.empty((0, 0), np.int64),
            activated=_no_cells(),
            activation="",
            excerpt=True,
        )

    def to_wire(self, mask: IntArray | None = None) -> dict[str, Any]:
        """Return the trace as JSON-serializable data: short texts and integers in base64.

        Parameters
        ----------
        mask : ndarray of int, optional
            Cells of the result whose values are not to be sent, as for `without`.
        """
        return self._wire if mask is None else self.without(mask)._wire

    @cached_property
    def _wire(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "term": self.term,
            "grids": [grid.to_wire() for grid in self.grids],
            "nSteps": len(self),
            "reads": pack_table(self.step_starts, self.reads),
            "weights": self._table(self.weights),
            "writes": _integers(self.writes),
            "sources": _integers(self.sources),
            "targets": self._packed_targets(),
            "totals": self._packed_totals(),
            "biases": _integers(self.biases),
            "partials": _integers(self.partials),
            "activated": _integers(self.activated),
            "activation": self.activation,
            "winners": _integers(self.winners),
            "windows": _integers(self.windows),
            "channels": self.channels,
            "windowColumns": self.window_columns,
            "skipPadding": self.skip_padding,
            "paddingName": self.padding_name,
            "excerpt": self.excerpt,
            "span": self.span,
            "caption": self.caption_template,
            "paddingCaption": self.padding_template,
            "fewCaptions": list(self.few_templates),
        }

    def _table(self, cells: IntArray) -> dict[str, Any] | None:
        return pack_table(self.step_starts, cells) if cells.size else None

    def _packed_targets(self) -> dict[str, Any] | None:
        if self.targets.size and not self.reads.size:  # its links have been taken out
            return pack_table(self.step_starts, self.reads)
        return self._table(self.targets)

    def _packed_totals(self) -> dict[str, Any] | None:
        if not self.totals.size:
            return None
        grid, _, _ = self.locate(self.targets[0])
        return pack_values(self.totals, grid.precision)

    def checked(self) -> "Trace":
        """Return the trace itself if it is small enough to send.

        Raises
        ------
        TraceTooLarge
            If its wire format exceeds `MAX_WIRE_BYTES`.
        """
        size = wire_size(self.to_wire())
        if size > MAX_WIRE_BYTES:
            raise TraceTooLarge(
                f"An animation may take at most {MAX_WIRE_BYTES // 1000} KB. Use a smaller image, "
                f"or fewer channels or filters. Received: {size // 1000} KB in {len(self)} steps"
            )
        return self


def _first_cell(grid: Grid) -> Grid:
    """Return a grid of the first cell alone, hidden."""
    one = replace(
        grid,
        values=grid.values[:1, :1],
        mask=grid.mask[:1, :1],
        row_labels=grid.row_labels[:1],
        column_labels=grid.column_labels[:1],
        note="",
    )
    return one.without(np.ones((1, 1), bool))


def _with_winners(grid: Grid, winners: IntArray) -> Grid:
    """Return a grid with no cells marked as winners but these ids."""
    mask = grid.mask & ~np.uint8(WINNER)
    inside = winners[(winners >= grid.first_id) & (winners < grid.first_id + mask.size)]
    marked = (grid.mask & WINNER).any()
    if marked:
        mask.ravel()[inside - grid.first_id] |= WINNER
    return replace(grid, mask=mask)


def _integers(cells: IntArray) -> dict[str, Any] | None:
    return pack_integers(cells) if cells.size else None
