"""Cells edited on the stage: which may be, and what the browser's edits do to the controls.

The browser numbers its edits and sends each of them until the stage's data says that it has been
seen, so quick edits do not get lost while the script runs. They are written into the same texts
and numbers as the other controls hold, before the script runs.
"""

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import streamlit as st

from cnn_lab.app.widgets.guidance import LOCKED, is_locked
from cnn_lab.app.widgets.matrix import set_cells, type_matrix
from cnn_lab.data.teaching_images import MAX_NUMBER, MAX_TEXT, format_matrix
from cnn_lab.ops.types import Array

MAX_UNDO = 100
MAX_CELLS = 10_000  # of one edit
SPREAD = "These numbers are shown with zeros between them; choose the form scatter to edit them."
_LONGEST = len("-1000000.123456; ")
_TOO_LONG = "These numbers have too many digits to be edited; choose a smaller part."


@dataclass(frozen=True, eq=False)
class Editable:
    """A grid of the stage whose cells can be edited.

    Attributes
    ----------
    name : str
        What the reader calls it, for example "kernel".
    key : str
        Of the matrix or the number that an edit changes.
    values : ndarray of float64, shape (rows, columns)
        As computed with, without padding.
    is_number : bool
        Whether `key` is that of a number field; otherwise of a `MatrixEditor`'s text.
    is_painted : bool
        Whether a drag across cells paints.
    source : mapping of str to object
        Other controls and the values they must have for the typed numbers to count.
    typed : mapping of str to ndarray
        All matrices that get typed when `source` changes, by their keys.
    obstacle : str
        Sentence on why the cells cannot be edited with these settings; "" if they can.
    """

    name: str
    key: str
    values: Array
    is_number: bool = False
    is_painted: bool = False
    source: Mapping[str, Any] = field(default_factory=dict)
    typed: Mapping[str, Array] = field(default_factory=dict)
    obstacle: str = ""

    @property
    def counts(self) -> bool:
        """Whether the controls already let the typed numbers count."""
        return all(_held(key, value) == value for key, value in self.source.items())

    @cached_property
    def refusal(self) -> str:
        """Why the cells cannot be edited; "" if they can."""
        typed = () if self.counts else self.typed.values()
        too_long = any(
            values.size * _LONGEST > MAX_TEXT and len(format_matrix(values)) > MAX_TEXT
            for values in typed
        )
        return (LOCKED if self._is_locked else self.obstacle) or (_TOO_LONG if too_long else "")

    @property
    def _is_locked(self) -> bool:
        """Whether an edit would change a control that is locked."""
        changed = () if self.counts else (*self.source, *self.typed)
        return any(map(is_locked, (self.key, *changed)))

    def to_wire(self) -> dict[str, Any]:
        """Return what the stage needs to know, as JSON-serializable data."""
        rows, columns = self.values.shape
        largest = float(self.values.max())
        return {
            "name": self.name,
            "rows": rows,
            "columns": columns,
            "brush": (largest if largest > 0 else 1.0) if self.is_painted else None,
            "refusal": self.refusal,
        }

    def edit(self, cells: Mapping[tuple[int, int], float]) -> None:
        """Write cells, by row and column, into the controls."""
        if self.is_number:
            _put(self.key, cells[0, 0], 0.0)
            return
        if not self.counts:
            for key, value in self.source.items():
                _put(key, value, value)
            for key, values in self.typed.items():
                type_matrix(key, values)
        set_cells(self.key, cells)

    def defaults(self) -> dict[str, Any]:
        """Return the controls that an edit can change, with their defaults."""
        matrices = dict.fromkeys(self.typed, "")
        return {self.key: 0.0 if self.is_number else "", **matrices, **self.source}


def _held(key: str, default: Any) -> Any:
    """Return the value that counts of a control, which may not have been shown yet."""
    if key in st.session_state:
        return st.session_state[key]
    text = st.query_params.get(key)
    try:
        return default if text is None else type(default)(text)
    except ValueError:
        return default


def _put(key: str, value: Any, default: Any) -> None:
    """Set a control. One that has not been shown yet takes its value from the address."""
    if key in st.session_state or default == "":
        st.session_state[key] = value
    elif value == default:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = str(value).removesuffix(".0")


@dataclass
class _Change:
    """What an edit has changed: the controls' defaults, and values before and after, by key."""

    defaults: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]

    def now(self) -> dict[str, Any]:
        """Return the values that the controls have."""
        return {key: _held(key, default) for key, default in self.defaults.items()}

    def restore(self, values: Mapping[str, Any]) -> None:
        """Give the controls these values."""
        for key, value in values.items():
            _put(key, value, self.defaults[key])


@dataclass
class _Editing:
    """What a session knows of the edits on one stage.

    Attributes
    ----------
    grids : mapping of str to Editable
        By the key of the grid; those that were shown last.
    session : str
        Tells the browser when a new session has taken over.
    seen : int
        Number of the last edit that has arrived.
    done, undone : list of _Change
        That can be undone and redone, latest last.
    is_fresh : bool
        Whether the controls have not been shown since the last edit.
    """

    grids: Mapping[str, Editable] = field(default_factory=dict)
    session: str = field(default_factory=lambda: secrets.token_hex(8))
    seen: int = 0
    done: list[_Change] = field(default_factory=list)
    undone: list[_Change] = field(default_factory=list)
    is_fresh: bool = False


def editing_data(key: str, grids: Mapping[str, Editable]) -> dict[str, Any]:
    """Return what a stage needs for editing, and remember its grids for `take_edits`.

    Parameters
    ----------
    key : str
        Of the stage.
    grids : mapping of str to Editable
        By the keys of the trace's grids.
    """
    editing = _editing(key)
    editing.grids = grids
    if editing.is_fresh and editing.done:
        # A preset chosen at the same time has changed what the edit started from.
        editing.done[-1].after = editing.done[-1].now()
    editing.is_fresh = False
    return {
        "session": editing.session,
        "seen": editing.seen,
        "undo": any(last.now() == last.after for last in editing.done[-1:]),
        "redo": any(last.now() == last.before for last in editing.undone[-1:]),
        "limit": MAX_NUMBER,
        "grids": {name: grid.to_wire() for name, grid in grids.items()},
    }


def take_edits(key: str) -> None:
    """Apply the edits that the browser has sent; the callback of the stage.

    A browser may send anything; what is not an edit of a cell of this stage is ignored.
    """
    kept = st.session_state.get(key)
    sent = kept.get("kept") if isinstance(kept, Mapping) else None
    editing = _editing(key)
    if not isinstance(sent, Mapping) or sent.get("session") != editing.session:
        return
    actions = sent.get("actions")
    for action in actions if isinstance(actions, list) else ():
        number = action.get("number") if isinstance(action, Mapping) else None
        if type(number) is int and number > editing.seen:
            editing.seen = number
            _act(editing, action)


def _act(editing: _Editing, action: Mapping[str, Any]) -> None:
    if action.get("undo") is True:
        _restore(editing.done, editing.undone, back=True)
        return
    if action.get("redo") is True:
        _restore(editing.undone, editing.done, back=False)
        return
    grid = editing.grids.get(str(action.get("grid")))
    cells = None if grid is None else _cells(action.get("cells"), grid)
    if grid is None or not cells or grid.refusal:
        return
    change = _Change(grid.defaults(), {}, {})
    change.before = change.now()
    grid.edit(cells)
    change.after = change.now()
    if action.get("joins") is True and editing.done and editing.done[-1].after == change.before:
        change.before = editing.done.pop().before
    editing.done = [*editing.done, change][-MAX_UNDO:]
    editing.undone.clear()
    editing.is_fresh = True


def _restore(source: list[_Change], target: list[_Change], *, back: bool) -> None:
    """Undo or redo the latest change, unless the controls were changed otherwise since."""
    if not source:
        return
    change = source.pop()
    expected, wanted = (change.after, change.before) if back else (change.before, change.after)
    if change.now() == expected:
        change.restore(wanted)
        target.append(change)
    else:
        source.clear()


def _cells(sent: Any, grid: Editable) -> dict[tuple[int, int], float] | None:
    """Return the cells of an edit by row and column, None if they are not cells of the grid."""
    if not isinstance(sent, list) or len(sent) > MAX_CELLS:
        return None
    rows, columns = grid.values.shape
    cells = {}
    for cell in sent:
        if not isinstance(cell, list) or len(cell) != 3:
            return None
        row, column, value = cell
        inside = type(row) is int and type(column) is int
        if not (inside and 0 <= row < rows and 0 <= column < columns):
            return None
        if type(value) not in (int, float) or not math.isfinite(value) or abs(value) > MAX_NUMBER:
            return None
        cells[row, column] = float(value)
    return cells


def _editing(key: str) -> _Editing:
    editing: _Editing = st.session_state.setdefault(f"{key}_editing", _Editing())
    return editing
