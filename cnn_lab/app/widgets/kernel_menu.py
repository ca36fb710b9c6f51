"""Kernel menus and editors of the Convolution page."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from cnn_lab.app.widgets.inputs import whole_number
from cnn_lab.app.widgets.matrix import editable_matrix, editing, of_shape
from cnn_lab.data.kernels import KERNELS, MAX_SIZE
from cnn_lab.ops.types import Array

# Initial kernel of each filter, so that several filters differ.
FIRST_CHOICES = ("sobel_columns", "sobel_rows", "laplacian", "binomial")


def kernel_choice(n_filters: int, rows: int, columns: int) -> list[str]:
    """Show one menu of named kernels per filter (of a group) and return the chosen names."""
    names = [name for name, kernel in KERNELS.items() if kernel.fits(rows, columns)]
    return [
        st.selectbox(
            "Kernel" if n_filters == 1 else f"Kernel {number}",
            names,
            index=names.index(first) if first in names else names.index("ones"),
            format_func=lambda name: KERNELS[name].title,
            key="conv_kernel" if number == 1 else f"conv_kernel_{number}",
            bind="query-params",
        )
        for number, first in enumerate(FIRST_CHOICES[:n_filters], start=1)
    ]


def kernel_size() -> tuple[int, int]:
    """Show the size of the kernel and return (rows, columns)."""
    left, right = st.columns(2)
    with left:
        rows = whole_number("Kernel rows", "conv_kernel_rows", value=3, minimum=1, maximum=MAX_SIZE)
    with right:
        columns = whole_number(
            "Kernel columns", "conv_kernel_columns", value=3, minimum=1, maximum=MAX_SIZE
        )
    return rows, columns


def kernel_bank(
    chosen: list[str], rows: int, columns: int, channel_names: Sequence[str], groups: int = 1
) -> Array:
    """Show the editor of all kernels and return the bank.

    Parameters
    ----------
    chosen : list of str
        Named kernels: one for each filter, or for each filter of a group.
    rows, columns : int
    channel_names : sequence of str
        Names of the image channels; their number matters.
    groups : int

    Returns
    -------
    ndarray of float64, shape (rows, columns, channels / groups, groups * chosen filters)
        Always of the requested rows and columns, whatever was typed.
    """
    popover = editing("Edit the weights", "conv_edit_kernel")
    depth = len(channel_names) // groups
    bank = np.empty((rows, columns, depth, groups * len(chosen)))
    for f in range(bank.shape[3]):
        group, choice = divmod(f, len(chosen))
        preset = KERNELS[chosen[choice]].values(rows, columns)
        for c in range(depth):
            channel = channel_names[group * depth + c] if len(channel_names) > 1 else ""
            key = _joined("_", "conv_weights", str(choice + 1) if len(chosen) > 1 else "", channel)
            label = _joined(", ", "Kernel" if bank.shape[3] == 1 else f"Filter {f + 1}", channel)
            typed = editable_matrix(
                key, preset, popover, label=label, max_rows=rows, max_columns=columns
            )
            bank[..., c, f] = of_shape(typed, preset, label)
    return bank


def _joined(between: str, *words: str) -> str:
    return between.join(word for word in words if word)
