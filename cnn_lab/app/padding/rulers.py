"""Padding in Keras and PyTorch: rulers with all windows, and the values that differ."""

import numpy as np
import streamlit as st

from cnn_lab.app.padding.controls import Setup
from cnn_lab.app.widgets.cells import Cell, show_cells
from cnn_lab.concepts.differences import Differences, differences
from cnn_lab.concepts.padding import KERAS, PYTORCH, Ruler, ruler
from cnn_lab.content import prose
from cnn_lab.content.words import shape_words
from cnn_lab.ops.sizes import effective_kernel_size
from cnn_lab.ops.types import Array

MAX_COMPARED = 10
MAX_WINDOWS = 7
LAST_WINDOWS = 2


def show_rulers(setup: Setup, results: dict[str, Array]) -> None:
    """Show the windows of Keras and PyTorch, and which of their output values differ."""
    left, right = st.columns(2, gap="large")
    with left:
        spans = [
            effective_kernel_size(*axis) // 2
            for axis in zip(setup.kernel_size, setup.layers[KERAS].dilation_rate, strict=True)
        ]
        written = str(spans[0]) if spans[0] == spans[1] else str(tuple(spans))
        st.markdown(prose("padding", "ruler", written=written))
        rows, columns = (
            {
                name: ruler(axis, setup.size, setup.kernel_size, settings)
                for name, settings in setup.layers.items()
            }
            for axis in (0, 1)
        )
        if rows == columns:
            _show_ruler("Rows and columns", rows)
        else:
            _show_ruler("Rows", rows)
            _show_ruler("Columns", columns)
    with right:
        _show_disagreement(setup, results[KERAS], results[PYTORCH])
        st.markdown(prose("padding", "agree_when"))
        st.markdown(prose("padding", "pytorch_same"))
        st.caption(prose("padding", "pytorch_source"))


def _show_ruler(title: str, rulers: dict[str, Ruler]) -> None:
    first = min(-one.before for one in rulers.values())
    last = max(one.length + one.after for one in rulers.values())
    lines: list[list[Cell]] = []
    heads, words = [], []
    for name, one in rulers.items():
        if lines:
            heads.append("")
            lines.append([Cell(kind="blank")])
        heads.append(name)
        lines.append([_tick(pixel, one) for pixel in range(first, last)])
        for number, window in _some(one.windows):
            heads.append(f"window {number}" if window else "…")
            lines.append([_mark(pixel, one, window) for pixel in range(first, last)])
        starts = ", ".join(str(window[0]) for _, window in _some(one.windows) if window)
        words.append(
            f"{name} pads {one.before} before and {one.after} after; {len(one.windows)} windows, "
            f"beginning at {starts}"
        )
    st.caption(title)
    show_cells(lines, heads=heads, label=f"{title}: {'. '.join(words)}.".replace("-", "−"))


def _some(windows: tuple[tuple[int, ...], ...]) -> list[tuple[int, tuple[int, ...]]]:
    """Return the numbered windows; of many, the first and last with a gap between."""
    numbered = list(enumerate(windows))
    if len(numbered) <= MAX_WINDOWS:
        return numbered
    head = numbered[: MAX_WINDOWS - LAST_WINDOWS - 1]
    return [*head, (-1, ()), *numbered[-LAST_WINDOWS:]]


def _tick(pixel: int, one: Ruler) -> Cell:
    if 0 <= pixel < one.length:
        return Cell(str(pixel), 0.3)
    outside = pixel < -one.before or pixel >= one.length + one.after
    return Cell(kind="blank") if outside else Cell("0", kind="padding")


def _mark(pixel: int, one: Ruler, window: tuple[int, ...]) -> Cell:
    if pixel not in window:
        return Cell(kind="blank")
    inside = 0 <= pixel < one.length
    return Cell("" if inside else "0", 1.0, kind="plain" if inside else "padding")


def _show_disagreement(setup: Setup, keras: Array, pytorch: Array) -> None:
    found = differences(keras, pytorch)
    n, differing = found.differs.size, int(found.differs.sum())
    borders = [each.borders(setup.size, setup.kernel_size) for each in setup.layers.values()]
    if borders[0] == borders[1]:
        st.markdown(prose("padding", "agree", n=n))
        return
    if keras.shape != pytorch.shape:
        sizes = {"keras": shape_words(keras.shape), "pytorch": shape_words(pytorch.shape)}
        st.markdown(prose("padding", "sizes_differ", **sizes))
    if not differing:
        st.markdown(prose("padding", "numbers_agree", n=n))
        return
    row, column = found.cell
    places = {"row": row, "column": column, "n": n, "differing": differing}
    pair = {"first": f"{found.first:g}", "second": f"{found.second:g}"}
    st.markdown(prose("padding", "numbers_differ", **places, **pair))
    if max(keras.shape + pytorch.shape) <= MAX_COMPARED:
        for place, name, values in zip(
            st.columns(2), (KERAS, PYTORCH), (keras, pytorch), strict=True
        ):
            with place:
                st.caption(f"{name}, {shape_words(values.shape)}")
                label = f"Output of {name}, with a ring around values that differ"
                show_cells(_compared(values, found), label=label)


def _compared(values: Array, found: Differences) -> list[list[Cell]]:
    limit = max(1e-12, float(np.abs(values).max()))
    rings = np.zeros(values.shape, bool)
    rings[: found.differs.shape[0], : found.differs.shape[1]] = found.differs
    return [
        [
            Cell(f"{value:.4g}", abs(value) / limit, ringed=bool(ring))
            for value, ring in zip(line, line_rings, strict=True)
        ]
        for line, line_rings in zip(values, rings, strict=True)
    ]
