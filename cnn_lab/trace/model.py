"""Trace: grids of cells, and for each step the cells that it reads and writes."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from cnn_lab.trace.captions import caption, is_exact
from cnn_lab.trace.grid import Grid, IntArray
from cnn_lab.trace.numbers import FloatArray
from cnn_lab.trace.wire import pack_integers, pack_table, pack_values, wire_size

Term = Literal["product_sum", "sum", "maximum", "mean", "scatter_add"]
Span = Literal["reads", "targets"]

MAX_WIRE_BYTES = 200_000
MAX_LINKS = 500_000


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
        "scatter_add" each read cell (times its weight, where there are weights) is added to
        its target.
    step_starts : ndarray of int, shape (steps + 1,)
        Step i reads ``reads[step_starts[i]:step_starts[i + 1]]``.
    reads : ndarray of int
        Cell ids, channel by channel, each channel row by row of the window.
    weights : ndarray of int, shape of `reads`, or empty
        The kernel cell paired with each; empty where there is no kernel.
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
    winners : ndarray of int, shape (steps,), or empty
        The cell that holds the maximum; the first one on ties, as in TensorFlow.
    windows : ndarray of int, or empty
        The same number of cells for each step, highlighted to explain it but not part of the
        arithmetic.
    channels, window_columns : int
        The reads of a step are `channels` equal parts, written in rows of `window_columns`.
    skip_padding : bool
        Whether padding has a place in the window but does not count.
    padding_name : str
        Legend name of the cells that are marked as padding.
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
    winners: IntArray = field(default_factory=_no_cells)
    windows: IntArray = field(default_factory=_no_cells)
    channels: int = 1
    window_columns: int = 1
    skip_padding: bool = False
    padding_name: str = "Padding"
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
            If there is none.
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

    def links(self, step: int) -> slice:
        """Return the slice of a step in `reads`, `weights`, `targets` and `totals`."""
        return slice(int(self.step_starts[step]), int(self.step_starts[step + 1]))

    def step_reads(self, step: int) -> IntArray:
        """Return the ids of the cells that a step reads."""
        return self.reads[self.links(step)]

    def is_exact(self, step: int) -> bool:
        """Return whether the digits shown for a step's terms and result are exact."""
        return is_exact(self, step)

    def caption(self, step: int) -> str:
        """Return a description of a step in words, the same as on the stage."""
        return caption(self, step)

    def to_wire(self) -> dict[str, Any]:
        """Return the trace as JSON-serializable data: short texts and integers in base64."""
        return self._wire

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
            "targets": self._table(self.targets),
            "totals": self._packed_totals(),
            "biases": _integers(self.biases),
            "partials": _integers(self.partials),
            "winners": _integers(self.winners),
            "windows": _integers(self.windows),
            "channels": self.channels,
            "windowColumns": self.window_columns,
            "skipPadding": self.skip_padding,
            "paddingName": self.padding_name,
            "span": self.span,
            "caption": self.caption_template,
            "paddingCaption": self.padding_template,
            "fewCaptions": list(self.few_templates),
        }

    def _table(self, cells: IntArray) -> dict[str, Any] | None:
        return pack_table(self.step_starts, cells) if cells.size else None

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


def _integers(cells: IntArray) -> dict[str, Any] | None:
    return pack_integers(cells) if cells.size else None
