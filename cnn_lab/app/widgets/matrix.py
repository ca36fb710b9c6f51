"""A matrix that can be edited by cell or as text and is kept in the address."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from cnn_lab.app.widgets.inputs import text_field
from cnn_lab.data.teaching_images import format_matrix, parse_matrix
from cnn_lab.ops.types import Array

if TYPE_CHECKING:
    from streamlit.elements.lib.mutable_popover_container import PopoverContainer


def editing(label: str, key: str) -> "PopoverContainer":
    """Return a popover for matrix editors; `.open` tells whether to show them."""
    return st.popover(label, key=key, on_change="rerun", icon=":material/edit:", width="stretch")


def editable_matrix(
    key: str,
    default: Array,
    popover: "PopoverContainer",
    *,
    label: str,
    max_rows: int,
    max_columns: int,
) -> Array:
    """Return the edited matrix, and show it in the popover for editing.

    The text field is always shown, because it holds the address parameter. The table of cells
    is ten times as expensive and is shown only while the popover is open.

    Parameters
    ----------
    key : str
        Widget key and address parameter of the text; an empty text means `default`.
    default : ndarray, shape (rows, columns)
        Matrix before any edits.
    popover : PopoverContainer
        Result of `editing`.
    label : str
        Name of the matrix, for example "Kernel".
    max_rows, max_columns : int
        Largest matrix that may be typed.

    Returns
    -------
    ndarray of float64, shape (rows, columns)
        The edited matrix, or `default` if the text is not a matrix; the page says why.
    """
    with popover:
        cells = st.container()
        text = text_field(
            f"{label} as text",
            key,
            placeholder=format_matrix(default),
            help="Separate rows by semicolons, numbers by spaces. Clear the field to start over.",
        )
    matrix = _read(text, default, max_rows=max_rows, max_columns=max_columns)
    if popover.open:
        with cells:
            _show_cells(key, matrix, label)
    else:
        # Closed, the table forgets its edits.
        st.session_state.pop(f"{key}_base", None)
    return matrix


def fixed_matrix(
    key: str,
    default: Array,
    popover: "PopoverContainer",
    *,
    label: str,
    what: str,
    max_side: int | None = None,
) -> Array:
    """Return the user's matrix, which must have the shape of the default.

    Parameters
    ----------
    key, default, popover, label
        As in `editable_matrix`.
    what : str
        Name of the matrix at the beginning of the warning that says so.
    max_side : int, optional
        Limit of what is typed, if a larger matrix is to get that warning too.
    """
    rows, columns = default.shape
    typed = editable_matrix(
        key,
        default,
        popover,
        label=label,
        max_rows=max_side or rows,
        max_columns=max_side or columns,
    )
    if typed.shape == default.shape:
        return typed
    st.warning(f"{what} must have {rows} rows and {columns} columns.")
    return default


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


def _read(text: str, default: Array, *, max_rows: int, max_columns: int) -> Array:
    """Return the matrix that a text describes, or `default`; the page says why."""
    if not text.strip():
        return default
    try:
        return parse_matrix(text, max_rows=max_rows, max_columns=max_columns)
    except ValueError as error:
        st.warning(f"{error} The preset is shown instead.", icon=":material/edit_off:")
        return default


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
