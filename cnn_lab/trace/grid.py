"""A titled matrix of numbers with its marks, colour scale and wire format."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnn_lab.trace.numbers import FloatArray, Precision
from cnn_lab.trace.wire import pack_integers, pack_values

IntArray = NDArray[np.int64]
MaskArray = NDArray[np.uint8]
Role = Literal["input", "kernel", "bias", "partial", "output", "activated"]

PADDING = 1
UNREAD = 2
WINNER = 4


@dataclass(frozen=True)
class Scale:
    """Colour scale of values: greys from 0 to `limit`, or blue to orange around zero."""

    kind: Literal["grey", "signed"]
    limit: float

    @classmethod
    def for_image(cls, values: FloatArray) -> "Scale":
        """Return greys for an image without negative values, else a signed scale.

        Greys go from 0 to 1 if that holds all values, else to the largest.
        """
        finite = values[np.isfinite(values)]
        if finite.size and finite.min() < 0:
            return cls.signed(finite)
        largest = float(finite.max(initial=0.0))
        return cls("grey", largest if largest > 1 else 1.0)

    @classmethod
    def signed(cls, *values: FloatArray) -> "Scale":
        """Return a zero-centred scale that holds all the given values."""
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
        "Input", "channel 2", "6 × 6": title, which of several, and size.
    role : str
        "input", "kernel", "bias", "partial" (the partial result of one channel), "output" or
        "activated" (the output after the activation).
    values : ndarray of float64, shape (rows, columns)
    mask : ndarray of uint8, shape (rows, columns)
        Bits: 1 the cell is padding, 2 no window reads it, 4 it is the largest of a window.
    first_id : int
        Cell (row, column) has the trace-wide id ``first_id + row * columns + column``.
    row_labels, column_labels : tuple of int
        Padding counts down from -1, so that row 0 is the image's first.
    scale : Scale
    precision : Precision
    family : str
        Legend name of the grids that share its scale; by default it depends on the role.
    filter, channel : int
        Position among several, from 0.
    origins : ndarray of int, shape (rows, columns), or None
        Where padding repeats pixels: the index, row by row, of the pixel that each cell copies; a
        pixel's own index for itself.
    hidden : ndarray of bool, shape (rows, columns), or None
        Cells whose values have been taken out, see `without`.
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
    family: str = ""
    filter: int = 0
    channel: int = 0
    origins: IntArray | None = None
    hidden: NDArray[np.bool_] | None = None

    @property
    def name(self) -> str:
        """Title and part, as in captions."""
        return f"{self.title}, {self.part}" if self.part else self.title

    def cell(self, row: int, column: int) -> int:
        """Return the id of the cell at a row and column as they are labelled."""
        index = self.row_labels.index(row) * len(self.column_labels)
        return self.first_id + index + self.column_labels.index(column)

    def without(self, hidden: NDArray[np.bool_]) -> "Grid":
        """Return the grid without the values of some cells, nor anything that comes from them.

        The colour scale is that of the values that are left. If none is, it goes from -1 to 1, and
        the digits are those of a whole number.

        Parameters
        ----------
        hidden : ndarray of bool, shape (rows, columns)
        """
        if not hidden.any():
            return self
        left = self.values[~hidden]
        scale = Scale.signed(left)
        if left.size and self.scale.kind == "grey":
            scale = Scale.for_image(left)
        return replace(
            self,
            values=np.where(hidden, 0.0, self.values),
            scale=scale,
            precision=self.precision if left.size else Precision(0, exact=True),
            hidden=hidden,
        )

    def to_wire(self) -> dict[str, Any]:
        """Return the grid as JSON-serializable data.

        Minus infinity, the padding of a maximum, becomes 0.
        """
        shown = np.where(np.isfinite(self.values), self.values, 0.0)
        wire = {
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
            "family": self.family,
            "filter": self.filter,
            "channel": self.channel,
            "origins": None if self.origins is None else pack_integers(self.origins),
        }
        if self.hidden is not None:
            wire["hidden"] = pack_integers(self.hidden.astype(np.uint8))
        return wire
