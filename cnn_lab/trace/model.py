"""Trace: grids of cells, and for each step the cells it reads and the one it writes."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnn_lab.trace.numbers import FloatArray, Precision, format_number
from cnn_lab.trace.wire import pack_integers, pack_table, pack_values, wire_size

IntArray = NDArray[np.int64]
MaskArray = NDArray[np.uint8]
Role = Literal["input", "kernel", "bias", "partial", "output"]
Term = Literal["product_sum", "maximum", "mean"]

PADDING = 1
UNREAD = 2
MAX_WIRE_BYTES = 200_000
MAX_LINKS = 500_000
NONE = -1


class TraceTooLarge(ValueError):  # noqa: N818 (says what is the matter, as ShapeError does)
    """More steps than the stage plays well; show a picture of the result instead."""


@dataclass(frozen=True)
class Scale:
    """Which colours a value has: greys from 0 to `limit`, or blue to orange around zero."""

    kind: Literal["grey", "signed"]
    limit: float

    @classmethod
    def for_image(cls, values: FloatArray) -> "Scale":
        """Greys for an image without negative values (0 to 1 where it fits), else signed."""
        finite = values[np.isfinite(values)]
        if finite.size and finite.min() < 0:
            return cls.signed(finite)
        largest = float(finite.max(initial=0.0))
        return cls("grey", largest if largest > 1 else 1.0)

    @classmethod
    def signed(cls, *values: FloatArray) -> "Scale":
        """One zero-centred scale that holds all the given values."""
        largest = max(float(np.abs(part[np.isfinite(part)]).max(initial=0.0)) for part in values)
        return cls("signed", largest or 1.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Grid:
    """One titled matrix.

    Attributes
    ----------
    key : str
        Unique within its trace, such as "input", "kernel-1-2" (filter, channel) or "output".
    title, part, note : str
        "Input", "channel 2", "6 × 6": what it is, which one of several, its size.
    role : str
        "input", "kernel", "bias", "partial" (one channel's share of a result) or "output".
    values : ndarray of float64, shape (rows, columns)
    mask : ndarray of uint8, shape (rows, columns)
        Bits: 1 the cell is padding, 2 no window ever reads it.
    first_id : int
        Cell (row, column) has the trace-wide id ``first_id + row * columns + column``.
    row_labels, column_labels : tuple of int
        Padding counts down from -1, so that row 0 is the image's first.
    scale : Scale
    precision : Precision
    filter, channel : int
        Position among several, from 0.
    """

    key: str
    title: str
    part: str = ""
    note: str = ""
    role: Role
    values: FloatArray
    mask: MaskArray
    first_id: int
    row_labels: tuple[int, ...]
    column_labels: tuple[int, ...]
    scale: Scale
    precision: Precision
    filter: int = 0
    channel: int = 0

    @property
    def name(self) -> str:
        """Title and part, as captions say it."""
        return f"{self.title}, {self.part}" if self.part else self.title

    def to_wire(self) -> dict[str, Any]:
        """Return the grid as JSON-able data; minus infinity, the padding of a maximum, as 0."""
        shown = np.where(np.isfinite(self.values), self.values, 0.0)
        return {
            "key": self.key,
            "title": self.title,
            "part": self.part,
            "note": self.note,
            "role": self.role,
            "rows": self.values.shape[0],
            "columns": self.values.shape[1],
            "values": pack_values(shown, self.precision),
            "mask": pack_integers(self.mask) if self.mask.any() else None,
            "firstId": self.first_id,
            "rowLabels": list(self.row_labels),
            "columnLabels": list(self.column_labels),
            "scale": {"kind": self.scale.kind, "limit": self.scale.limit},
            "decimals": self.precision.decimals,
            "exact": self.precision.exact,
            "filter": self.filter,
            "channel": self.channel,
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class Trace:
    """An operation, cell by cell.

    Attributes
    ----------
    name : str
        "Convolution", "Max pooling", ...
    grids : tuple of Grid
    term : str
        How a step combines what it reads: "product_sum", "maximum" or "mean".
    step_starts : ndarray of int, shape (steps + 1,)
        Step i reads ``reads[step_starts[i]:step_starts[i + 1]]``.
    reads : ndarray of int
        Cell ids, channel by channel, each channel row by row of the window.
    weights : ndarray of int, shape of `reads`, or empty
        The kernel cell paired with each; empty where there is no kernel.
    writes : ndarray of int, shape (steps,)
        The result cell of each step: filter by filter, row by row.
    biases : ndarray of int, shape (steps,), or empty
    partials : ndarray of int, shape (steps, channels), or empty
        The cell with each channel's share of the result.
    winners : ndarray of int, shape (steps,), or empty
        The cell that a maximum came from; the first one on ties, as in TensorFlow.
    channels, window_columns : int
        A step's reads fall into `channels` equal parts, written in rows of `window_columns`.
    skip_padding : bool
        Padding has a place in the window but no part in the result.
    caption_template, padding_template : str
        One sentence per step with named slots; the second one is added where a step touches
        padding.
    """

    name: str
    grids: tuple[Grid, ...]
    term: Term
    step_starts: IntArray
    reads: IntArray
    writes: IntArray
    weights: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    biases: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    partials: IntArray = field(default_factory=lambda: np.empty((0, 0), np.int64))
    winners: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    channels: int = 1
    window_columns: int = 1
    skip_padding: bool = False
    caption_template: str
    padding_template: str = ""

    def __len__(self) -> int:
        return len(self.writes)

    def grid(self, key: str) -> Grid:
        """Return the grid of that key.

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

    def step_reads(self, step: int) -> IntArray:
        """Return the ids of the cells that a step reads."""
        return self.reads[self.step_starts[step] : self.step_starts[step + 1]]

    def is_exact(self, step: int) -> bool:
        """Return whether the digits shown for a step's terms and result are all there are."""
        result, _, _ = self.locate(self.writes[step])
        if result.precision.exact:
            return True
        cells = [self.writes[step], *self.biases[step : step + 1], *self._used(step)]
        return all(
            grid.precision.writes(grid.values[r, c])
            for grid, r, c in (self.locate(cell) for cell in cells)
        )

    def _used(self, step: int) -> list[int]:
        """Return the cells whose digits matter: not those that are multiplied by zero."""
        reads = self.step_reads(step)
        if not self.weights.size:
            return [cell for cell in reads if np.isfinite(self.value(cell))]
        weights = self.weights[self.step_starts[step] : self.step_starts[step + 1]]
        pairs = [
            (read, weight)
            for read, weight in zip(reads, weights, strict=True)
            if self.value(read) and self.value(weight)
        ]
        return [cell for pair in pairs for cell in pair]

    def caption(self, step: int) -> str:
        """Return what happens in a step, in words.

        The stage fills the same slots in the browser: row, column and output of the result
        cell; top, bottom, left and right of the window; the count of cells combined and of
        padding; result, and "about " where its digits are cut; bias and, for a maximum,
        winner_row and winner_column.
        """
        result, row, column = self.locate(self.writes[step])
        cells = [self.locate(cell) for cell in self.step_reads(step)]
        n_padding = sum(bool(grid.mask[r, c] & PADDING) for grid, r, c in cells)
        (first, top, left), (_, bottom, right) = cells[0], cells[-1]
        slots: dict[str, Any] = {
            "output": result.name,
            "row": result.row_labels[row],
            "column": result.column_labels[column],
            "result": format_number(result.values[row, column], result.precision),
            "about": "" if self.is_exact(step) else "about ",
            "top": first.row_labels[top],
            "bottom": first.row_labels[bottom],
            "left": first.column_labels[left],
            "right": first.column_labels[right],
            "count": len(cells) - n_padding * self.skip_padding,
            "padding": n_padding,
        }
        if self.biases.size:
            bias, r, c = self.locate(self.biases[step])
            slots["bias"] = format_number(bias.values[r, c], bias.precision)
        if self.winners.size:
            grid, r, c = self.locate(self.winners[step])
            slots["winner_row"], slots["winner_column"] = grid.row_labels[r], grid.column_labels[c]
        template = self.caption_template + (self.padding_template if n_padding else "")
        return re.sub(r"\{(\w+)\}", lambda slot: str(slots[slot[1]]).replace("-", "−"), template)

    def to_wire(self) -> dict[str, Any]:
        """Return the trace as JSON-able data: small texts, and integers packed as base64."""
        return self._wire

    @cached_property
    def _wire(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "term": self.term,
            "grids": [grid.to_wire() for grid in self.grids],
            "nSteps": len(self),
            "reads": pack_table(self.step_starts, self.reads),
            "weights": pack_table(self.step_starts, self.weights) if self.weights.size else None,
            "writes": pack_integers(self.writes),
            "biases": pack_integers(self.biases) if self.biases.size else None,
            "partials": pack_integers(self.partials) if self.partials.size else None,
            "winners": pack_integers(self.winners) if self.winners.size else None,
            "channels": self.channels,
            "windowColumns": self.window_columns,
            "skipPadding": self.skip_padding,
            "caption": self.caption_template,
            "paddingCaption": self.padding_template,
        }

    def checked(self) -> "Trace":
        """Return the trace itself if it may travel.

        Raises
        ------
        TraceTooLarge
            If the wire form passes `MAX_WIRE_BYTES`.
        """
        size = wire_size(self.to_wire())
        if size > MAX_WIRE_BYTES:
            raise TraceTooLarge(
                f"An animation may weigh at most {MAX_WIRE_BYTES // 1000} KB; a smaller image, or "
                f"fewer channels or filters, will do. Received: {size // 1000} KB in "
                f"{len(self)} steps"
            )
        return self
