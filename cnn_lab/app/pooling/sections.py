"""Sections of the Pooling page: formulas, gradients, losses and receptive fields."""

from typing import Any

import streamlit as st

from cnn_lab.app.pooling.controls import AS_WINDOW, KINDS, ONES, OVERLAP, TIES, Kind, PoolingSetup
from cnn_lab.app.widgets.inputs import choice, whole_number
from cnn_lab.app.widgets.sizes import show_output_size
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.charts.pooling import shift_spec, shift_table
from cnn_lab.concepts.pooling import (
    Direction,
    Routes,
    contrast_divisors,
    divides_differently,
    divisor_latex,
    fields_behind,
    fields_table,
    gradient_sum_latex,
    read_cell_latex,
    remains,
    routes,
    shift_response,
)
from cnn_lab.content import prose
from cnn_lab.content.words import counted, shape_words
from cnn_lab.trace import arithmetic_latex

MAX_SHIFTED = 6
# Longer sums do not fit into a column.
MAX_TERMS, MAX_LETTERS = 9, 50
AXES, LINES = ("down", "right"), ("row", "column")
# Settings of the examples in addition to their map; all these controls are always on the page.
EXAMPLES: dict[str, dict[str, Any]] = {
    TIES: {"pool_size": 2, "pool_stride": AS_WINDOW},
    OVERLAP: {"pool_size": 3, "pool_stride": 1},
}
PLAIN = {"pool_apart": False, "pool_padding": "valid", "pool_grad": ONES}


def show_formulas(setup: PoolingSetup) -> None:
    """Show both kinds of pooling as equations with the numbers of the page."""
    rows, columns = setup.settings.pool_size
    st.markdown(
        prose(
            "pooling",
            "formula",
            rows=rows,
            columns=columns,
            cells=rows * columns,
            cell=read_cell_latex(setup.settings, setup.size),
            divisor=divisor_latex(setup.settings, setup.size),
        )
    )
    if divides_differently(setup.settings, setup.size):
        st.markdown(prose("pooling", "cells_inside"))


def show_sizes(setup: PoolingSetup) -> None:
    """Show the output size, and the divisor of a padded mean."""
    geometry = setup.settings.geometry(setup.size)
    show_output_size(geometry)
    if any(geometry.borders[0] + geometry.borders[1]):
        _show_divisors(setup)


def _show_divisors(setup: PoolingSetup) -> None:
    st.markdown(prose("pooling", "padded"))
    found = contrast_divisors(setup.image, setup.settings)
    n_different, n_results = int(found.means.differs.sum()), found.means.differs.size
    if not n_different:
        st.markdown(prose("pooling", "divisors_agree", n_results=n_results))
        return
    way = "window" if setup.settings.count_include_pad else "inside"
    row, column = found.means.cell
    st.markdown(
        prose(
            "pooling",
            "divisors",
            row=row,
            column=column,
            n_inside=found.n_inside,
            n_window=found.n_window,
            by_inside=_short(found.means.first),
            by_window=_short(found.means.second),
            n_different=n_different,
            n_results=n_results,
            shown=prose("pooling", f"shown_{way}"),
        )
    )


def show_way_back(setup: PoolingSetup) -> None:
    """Show the equations of the gradients, and the effect of ties and overlap here."""
    found = routes(setup.image, setup.settings)
    left, right = st.columns(2, gap="large")
    with left:
        divisor = divisor_latex(setup.settings, setup.size)
        st.markdown(prose("pooling", "gradient", divisor=divisor))
        borders = setup.settings.borders(setup.size)
        if setup.settings.count_include_pad and any(borders[0] + borders[1]):
            st.markdown(prose("pooling", "dropped"))
    with right:
        if found.n_ties:
            st.markdown(prose("pooling", "ties", ties=found.n_ties, windows=found.n_windows))
        else:
            st.markdown(prose("pooling", "no_ties"))
        _show_overlap(setup, found)
        st.markdown(prose("pooling", "forms"))


def show_examples() -> None:
    """Show buttons for a map with ties and for overlapping windows."""
    with st.container(horizontal=True):
        for name in EXAMPLES:
            label = prose("pooling", f"example_{name}")
            st.button(label, key=f"pool_show_{name}", on_click=_show_example, args=(name,))


def _show_example(name: str) -> None:
    """Set the controls, and with them the address, to an example."""
    for key, value in {"pool_input": name, **PLAIN, **EXAMPLES[name]}.items():
        st.session_state[key] = value


def _show_overlap(setup: PoolingSetup, found: Routes) -> None:
    if not found.n_covered_twice:
        st.markdown(prose("pooling", "no_overlap"))
        return
    overlap = {"covered": found.n_covered_twice, "cells": found.won.size}
    if not found.n_won_twice:
        st.markdown(prose("pooling", "overlap_no_winner", **overlap))
        return
    row, column = divmod(int(found.won.argmax()), setup.size[1])
    busiest = {"row": row, "column": column, "won": found.n_won_twice}
    counts = {"most": int(found.won[row, column]), "count": int(found.covered[row, column])}
    st.markdown(prose("pooling", "overlap", **overlap, **busiest, **counts))
    for kind in KINDS:
        st.latex(_sum_latex(setup, kind, row, column, terms=max(counts.values())))


def _sum_latex(setup: PoolingSetup, kind: Kind, row: int, column: int, *, terms: int) -> str:
    """Return the gradient of a pixel as a sum; equal terms of a long one are counted."""
    if terms <= MAX_TERMS:
        step = row * setup.size[1] + column
        line = arithmetic_latex(setup.trace(kind, "gather"), step)
        if len(line) <= MAX_LETTERS:
            return line
    assert setup.grad_output is not None  # only a backward pass has gradients
    return gradient_sum_latex(
        setup.image,
        setup.grad_output,
        setup.settings,
        (row, column),
        average=kind == "average",
    )


def show_kept(setup: PoolingSetup) -> None:
    """Show what each kind keeps of the map, in numbers."""
    kept = remains(setup.image, setup.settings)
    cells, results = setup.image.size, setup.out_size[0] * setup.out_size[1]
    share = f"{results / cells:.0%}"
    st.markdown(prose("pooling", "kept", cells=cells, results=results, share=share))
    show_table(
        {
            "": list(KINDS.values()),
            "Cells that leave no trace": [f"{each.n_traceless} of {cells}" for each in kept],
            "Magnitude of the rest": [f"{each.magnitude:.0%}" for each in kept],
            "Reconstruction error": [f"{each.error:.0%}" for each in kept],
        },
        label="What max pooling and average pooling keep of the map",
    )
    st.markdown(prose("pooling", "kept_redrawn"))


def show_shift(setup: PoolingSetup) -> None:
    """Show how much the picture and both maps change when the picture moves."""
    words = st.container()
    direction: Direction = (
        "down"
        if choice("Move the picture", ("right", "down"), "pool_shift_way") == "down"
        else "right"
    )
    way, axis = prose("pooling", direction), AXES.index(direction)
    most = min(MAX_SHIFTED, setup.size[axis] - 1)
    if not most:
        words.markdown(prose("pooling", "shift_too_narrow", line=LINES[axis], way=way))
        return
    response = shift_response(setup.image, setup.settings, most=most, direction=direction)
    st.vega_lite_chart(
        shift_table(response),
        shift_spec(direction),
        key="pool_shift",
        alt="Change of the picture and of both pooled maps, for shifts of up to 6 pixels",
    )
    if not setup.image.any():
        words.markdown(prose("pooling", "shift_nothing"))
        return
    picture, *pooled = (
        float(curve[1]) for curve in (response.image, response.max_pooled, response.average_pooled)
    )
    percent = {
        name: f"{change:.0%}"
        for name, change in zip(("max_pooled", "average_pooled"), pooled, strict=True)
    }
    words.markdown(prose("pooling", "shift", way=way, image=f"{picture:.0%}", **percent))
    absorbing = [kind for kind, change in zip(KINDS, pooled, strict=True) if change < picture]
    which = {0: "none", 1: "".join(absorbing), 2: "both"}[len(absorbing)]
    stride = setup.settings.strides[axis]
    nearly = prose("pooling", "shift_nearly", stride=counted(stride, "pixel"))
    st.markdown(f"{prose('pooling', f'shift_{which}')} {nearly}")


def show_stack(setup: PoolingSetup) -> None:
    """Show the receptive field after several convolutions and poolings."""
    window, strides = setup.settings.pool_size, setup.settings.strides
    st.markdown(prose("pooling", "stack", rows=window[0], columns=window[1]))
    with st.container(horizontal=True):
        blocks = whole_number("Blocks", "pool_blocks", value=2, minimum=1, maximum=4)
        kernel = whole_number("Kernel", "pool_kernel", value=3, minimum=1, maximum=7)
    stack = fields_behind(blocks, kernel, window, strides)
    plain = fields_behind(blocks, kernel, (1, 1), (1, 1))[-1]
    seen = {"size": shape_words(stack[-1].size), "plain": shape_words(plain.size)}
    st.markdown(prose("pooling", "stack_seen", **seen))
    show_table(fields_table(stack), label="Receptive fields, layer by layer")


def _short(value: float) -> str:
    return f"{value:.4g}"
