"""Matrices that can be edited by cell or as text and are kept in the address."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.errors import StreamlitAPIException

from cnn_lab.app.messages import explained
from cnn_lab.app.widgets.bound import is_only_read, only_read
from cnn_lab.app.widgets.guidance import is_hidden, is_locked
from cnn_lab.app.widgets.inputs import text_field
from cnn_lab.content.words import counted
from cnn_lab.data.teaching_images import MAX_TEXT, format_matrix, parse_matrix
from cnn_lab.ops.types import Array, Pair

if TYPE_CHECKING:
    from streamlit.elements.lib.mutable_popover_container import PopoverContainer


class MatrixEditor:
    """A popover in which one or several matrices are edited; use it in a `with` statement.

    The numbers that are typed count until the user chooses a preset. The preset then counts, and
    a button brings the numbers back. An address with both shows the numbers.

    Parameters
    ----------
    label : str
        On the button that opens the popover.
    key : str
        Key of the popover.
    """

    def __init__(self, label: str, key: str) -> None:
        self._key = key
        self._label = label
        self._keys: list[str] = []
        self._problems: list[str] = []

    @cached_property
    def _popover(self) -> "PopoverContainer":
        return st.popover(
            self._label, key=self._key, on_change="rerun", icon=":material/edit:", width="stretch"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Show what is wrong, in the popover while it is open, and the buttons below it."""
        if error is not None:
            return
        if self._problems:
            shown = "_popover" in vars(self) and self._popover.open
            with self._popover if shown else st.container():
                for problem in self._problems:
                    st.warning(problem, icon=":material/edit_off:")
        free = [key for key in self._keys if not is_locked(key)]
        typed = [key for key in free if st.session_state.get(key, "").strip()]
        aside = [key for key in free if _aside(key) in st.session_state]
        if typed:
            self._button("Back to the preset", "preset", _set_aside, typed)
        if aside:
            self._button("Back to your numbers", "numbers", _bring_back, aside)

    def matrix(
        self,
        key: str,
        default: Array,
        *,
        label: str,
        max_rows: int,
        max_columns: int,
        preset: object = None,
    ) -> Array:
        """Return an edited matrix, and show it in the popover for editing.

        While the popover is closed there is no table of cells, and no text field either as long
        as nothing has been typed: the field holds the address parameter.

        Parameters
        ----------
        key : str
            Widget key and address parameter of the text; an empty text means `default`.
        default : ndarray, shape (rows, columns)
            Matrix before any edits.
        label : str
            Name of the matrix, for example "Kernel".
        max_rows, max_columns : int
            Largest matrix that may be typed.
        preset : object, optional
            What the user has chosen `default` by. When it changes, `default` counts again.

        Returns
        -------
        ndarray of float64, shape (rows, columns)
            The edited matrix, or `default` if the text is not a matrix; the page says why.
        """
        return self._matrix(key, default, label, (max_rows, max_columns), preset=preset)

    def _matrix(
        self,
        key: str,
        default: Array,
        label: str,
        room: Pair,
        *,
        preset: object,
        fixed: bool = False,
    ) -> Array:
        state, seen = st.session_state, f"{key}_seen"
        state[_base(key)] = _Base(default, room, fixed)
        if is_only_read(key):
            return default
        if is_hidden(key) or is_locked(key):
            state.pop(_aside(key), None)
        before = state.get(seen)
        pending: _Pending | None = state.pop(_pending(key), None)
        if before is not None and before[0] != preset:
            if before[1] == state.get(key):
                _set_aside([key])
            elif pending is not None and pending.text == state.get(key):
                # Edited on the stage before it showed the new preset, which the edit is of.
                state[key] = ""
                _write(key, pending.cells)
        if state.get(key) and not st.query_params.get_all(key):
            # Streamlit leaves out of the address what is set before a widget is first shown.
            with suppress(StreamlitAPIException):  # it has been shown
                st.query_params[key] = state[key]
        place = nullcontext() if is_hidden(key) else self._popover
        is_open = not is_hidden(key) and self._popover.open
        with place, only_read(when=not is_open):
            cells = st.container() if is_open else None
            text = text_field(
                f"{label} as text",
                key,
                placeholder=format_matrix(default),
                help="Separate rows by semicolons and numbers by spaces, and write decimals with "
                "a point. Clear the field to start over.",
            )
        self._keys.append(key)
        state[seen] = preset, text
        matrix = default
        if text.strip():
            state.pop(_aside(key), None)
            try:
                matrix = parse_matrix(text, max_rows=room[0], max_columns=room[1])
            except ValueError as error:
                self._replaced(label, explained(error))
        if cells is not None:
            with cells:
                _show_cells(key, matrix, label)
        else:
            # Closed, the table forgets its edits.
            state.pop(f"{key}_base", None)
        return matrix

    def fixed_matrix(self, key: str, default: Array, *, label: str, preset: object = None) -> Array:
        """Return an edited matrix, which must have the shape of the default.

        The arguments are those of `matrix`.
        """
        room = MAX_TEXT, MAX_TEXT
        typed = self._matrix(key, default, label, room, preset=preset, fixed=True)
        if typed.shape == default.shape:
            return typed
        needed, given = (
            f"{counted(rows, 'row')} and {counted(columns, 'column')}"
            for rows, columns in (default.shape, typed.shape)
        )
        self._replaced(label, f"It must have {needed}; these numbers have {given}.")
        return default

    def problem(self, sentence: str) -> None:
        """Have a sentence shown about what was typed."""
        self._problems.append(sentence)

    def _replaced(self, label: str, sentence: str) -> None:
        self.problem(f"**{label}.** {sentence} The preset is shown instead.")

    def _button(
        self, label: str, name: str, act: Callable[[Sequence[str]], None], keys: Sequence[str]
    ) -> None:
        st.button(
            label,
            icon=":material/undo:",
            key=f"{self._key}_{name}",
            width="stretch",
            on_click=act,
            args=(keys,),
        )


class _Base(NamedTuple):
    """What the numbers of a matrix start from, and which may be typed instead."""

    default: Array
    room: Pair
    is_fixed: bool

    def matrix(self, text: str) -> Array:
        """Return the typed matrix, or the default if the text is none that counts."""
        rows, columns = self.room
        with suppress(ValueError):
            typed = parse_matrix(text, max_rows=rows, max_columns=columns)
            if typed.shape == self.default.shape or not self.is_fixed:
                return typed
        return self.default


class _Pending(NamedTuple):
    """Cells edited since a matrix was last shown, and the text with all of them."""

    text: str
    cells: dict[tuple[int, int], float]


def type_matrix(key: str, matrix: Array) -> None:
    """Have a matrix typed, whatever preset is chosen by now; for callbacks."""
    state = st.session_state
    state[key] = format_matrix(matrix)
    for name in (f"{key}_seen", _base(key), _pending(key)):
        state.pop(name, None)


def set_cells(key: str, cells: Mapping[tuple[int, int], float]) -> None:
    """Change cells of a matrix from outside its editor; for callbacks.

    If a preset is chosen before the matrix is shown again, the cells of the preset change.

    Parameters
    ----------
    key : str
        Of the matrix, which was shown or typed before.
    cells : mapping of (int, int) to float
        Values by row and column, from 0.
    """
    state = st.session_state
    pending: _Pending | None = state.get(_pending(key))
    earlier = pending.cells if pending is not None and pending.text == state.get(key) else {}
    _write(key, cells)
    state[_pending(key)] = _Pending(state.get(key, ""), {**earlier, **cells})


def _write(key: str, cells: Mapping[tuple[int, int], float]) -> None:
    state = st.session_state
    base: _Base = state.get(_base(key), _Base(np.zeros((0, 0)), (MAX_TEXT, MAX_TEXT), False))
    matrix = base.matrix(state.get(key, "")).copy()
    for (row, column), value in cells.items():
        if row < matrix.shape[0] and column < matrix.shape[1]:
            matrix[row, column] = value
    text = format_matrix(matrix)
    if text and len(text) <= MAX_TEXT:
        state[key] = text


def _base(key: str) -> str:
    """Return the session key of what a matrix starts from."""
    return f"{key}_default"


def _pending(key: str) -> str:
    """Return the session key of the cells edited since the matrix was last shown."""
    return f"{key}_pending"


def _aside(key: str) -> str:
    """Return the session key of the text that a preset has replaced."""
    return f"{key}_aside"


def _set_aside(keys: Sequence[str]) -> None:
    state = st.session_state
    for key in keys:
        if state.get(key, "").strip():
            state[_aside(key)], state[key] = state[key], ""


def _bring_back(keys: Sequence[str]) -> None:
    for key in keys:
        st.session_state[key] = st.session_state.pop(_aside(key))


def _show_cells(key: str, matrix: Array, label: str) -> None:
    editor = f"{key}_cells_{_version(key, matrix)}"
    base: Array = st.session_state[f"{key}_base"]

    def take_cells() -> None:
        """Write the edited cells into the text, the single source of the matrix."""
        edited = base.copy()
        for row, changes in st.session_state[editor]["edited_rows"].items():
            for column, value in changes.items():
                edited[int(row), int(column)] = 0.0 if value is None else value
        st.session_state[key] = st.session_state[f"{key}_written"] = format_matrix(edited)

    n_columns = base.shape[1]
    st.data_editor(
        pd.DataFrame(base, columns=[str(column) for column in range(n_columns)]),
        key=editor,
        on_change=take_cells,
        disabled=is_locked(key),
        hide_index=False,
        width="content",
        alt=f"{label}, editable cells",
        column_config={
            str(column): st.column_config.NumberColumn(
                width=56, min_value=-1_000_000, max_value=1_000_000, format="%g"
            )
            for column in range(n_columns)
        },
    )


def _version(key: str, matrix: Array) -> int:
    """Return a number that changes when the matrix changes other than through its cells.

    The cell editor applies its edits to the matrix it started with, so it must restart when the
    matrix changes elsewhere, and only then, or it would lose focus.
    """
    state = st.session_state
    typed_here = state.get(f"{key}_written") == state.get(key) != ""
    base = state.get(f"{key}_base")
    if base is None or (not typed_here and not np.array_equal(base, matrix)):
        state[f"{key}_base"] = matrix
        state[f"{key}_version"] = state.get(f"{key}_version", 0) + 1
    return int(state[f"{key}_version"])
