"""The bank of kernels that the Convolution page slides."""

import numpy as np
import streamlit as st

from cnn_lab.kernels import KERNELS, MAX_SIZE
from cnn_lab.samples import Array
from cnn_lab.ui.inputs import CHANNEL_NAMES, whole_number
from cnn_lab.ui.matrix import editable_matrix, editing

# What each filter begins with, so that several filters show several things.
FIRST_CHOICES = ("sobel_columns", "sobel_rows", "laplacian", "binomial")


def kernel_choice(n_filters: int, rows: int, columns: int) -> list[str]:
    """Show one menu of named kernels per filter and return the names chosen."""
    names = [name for name, kernel in KERNELS.items() if kernel.fits(rows, columns)]
    return [
        st.selectbox(
            "Kernel" if n_filters == 1 else f"Filter {number}",
            names,
            index=names.index(first) if first in names else names.index("ones"),
            format_func=lambda name: KERNELS[name].title,
            key="conv_kernel" if number == 1 else f"conv_kernel_{number}",
            bind="query-params",
        )
        for number, first in enumerate(FIRST_CHOICES[:n_filters], start=1)
    ]


def kernel_size() -> tuple[int, int]:
    """Show the two numbers of a kernel's size and return (rows, columns)."""
    left, right = st.columns(2)
    with left:
        rows = whole_number("Kernel rows", "conv_kernel_rows", value=3, minimum=1, maximum=MAX_SIZE)
    with right:
        columns = whole_number(
            "Kernel columns", "conv_kernel_columns", value=3, minimum=1, maximum=MAX_SIZE
        )
    return rows, columns


def kernel_bank(chosen: list[str], rows: int, columns: int, channels: int) -> Array:
    """Show the way to edit all kernels and return the bank.

    Returns
    -------
    ndarray of float64, shape (rows, columns, channels, filters)
        Rows and columns are those asked for, whatever was typed.
    """
    popover = editing("Edit the weights", "conv_edit_kernel")
    bank = np.empty((rows, columns, channels, len(chosen)))
    for f, name in enumerate(chosen):
        preset = KERNELS[name].values(rows, columns)
        for c in range(channels):
            key, label = _name(f, c, len(chosen), channels)
            typed = editable_matrix(
                key, preset, popover, label=label, max_rows=rows, max_columns=columns
            )
            if typed.shape == preset.shape:
                bank[..., c, f] = typed
            else:
                st.warning(f"{label} must have {rows} rows and {columns} columns.")
                bank[..., c, f] = preset
    return bank


def _name(f: int, c: int, n_filters: int, channels: int) -> tuple[str, str]:
    key, label = "conv_weights", "Kernel" if n_filters == 1 else f"Filter {f + 1}"
    if n_filters > 1:
        key += f"_{f + 1}"
    if channels > 1:
        key, label = f"{key}_{CHANNEL_NAMES[c]}", f"{label}, {CHANNEL_NAMES[c]}"
    return key, label
