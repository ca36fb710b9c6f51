"""A matrix that the reader can edit cell by cell or as text, and that lives in the address."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from cnn_lab.data.teaching_images import format_matrix, parse_matrix
from cnn_lab.ops.types import Array

if TYPE_CHECKING:
    from streamlit.elements.lib.mutable_popover_container import PopoverContainer


def editing(label: str, key: str) -> "PopoverContainer":
    """Return a popover for matrix editors; `.open` tells whether they are worth showing."""
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
    """Return the reader's matrix, and show it in the popover for editing.

    The text is always there, for it holds the address' parameter; the table of cells, ten
    times as expensive, only while the popover is open.

    Parameters
    ----------
    key : str
        Widget key and address parameter of the text; empty text means `default`.
    default : ndarray, shape (rows, columns)
        What there is before anybody edits.
    popover : PopoverContainer
        From `editing`.
    label : str
        What the matrix is, for example "Kernel".
    max_rows, max_columns : int
        Bounds of what may be typed.

    Returns
    -------
    ndarray of float64, shape (rows, columns)
        The reader's matrix, or `default` where the text is none; the page says why.
    """
    matrix = _read(key, default, max_rows=max_rows, max_columns=max_columns)
    with popover:
        if popover.open:
            _show_cells(key, matrix, label)
        else:
            # Closed, the table forgets what was typed on top of its beginning.
            st.session_state.pop(f"{key}_base", None)
        st.text_input(
            f"{label} as text",
            key=key,
            bind="query-params",
            persist_state="session",
            placeholder=format_matrix(default),
            help="Rows parted by semicolons, numbers by spaces. Empty it to start over.",
        )
    return matrix


def of_shape(typed: Array, default: Array, what: str) -> Array:
    """Return what was typed if it has the default's shape; else say so and return the default."""
    if typed.shape == default.shape:
        return typed
    st.warning(f"{what} must have {default.shape[0]} rows and {default.shape[1]} columns.")
    return default


def _show_cells(key: str, matrix: Array, label: str) -> None:
    editor = f"{key}_cells_{_version(key, matrix)}"
    base: Array = st.session_state[f"{key}_base"]

    def take_cells() -> None:
        """Write the edited cells into the text, which is the one truth."""
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


def _read(key: str, default: Array, *, max_rows: int, max_columns: int) -> Array:
    """Return the matrix that the address or the reader asks for, or `default`."""
    text = str(st.session_state.get(key) or st.query_params.get(key) or "")
    if not text.strip():
        return default
    try:
        return parse_matrix(text, max_rows=max_rows, max_columns=max_columns)
    except ValueError as error:
        st.warning(f"{error} The preset is shown instead.", icon=":material/edit_off:")
        return default


def _version(key: str, matrix: Array) -> int:
    """Return a number that changes when the matrix changes by other means than its cells.

    The cell editor keeps what was typed on top of the matrix it began with, so it must begin
    anew when the matrix comes from elsewhere, and only then, or it would lose its focus.
    """
    state = st.session_state
    typed_here = state.get(f"{key}_written") == state.get(key) != ""
    base = state.get(f"{key}_base")
    if base is None or (not typed_here and not np.array_equal(base, matrix)):
        state[f"{key}_base"] = matrix
        state[f"{key}_version"] = state.get(f"{key}_version", 0) + 1
    return int(state[f"{key}_version"])
