"""Sections of the Pooling page: the stage, and what its tabs hold."""

from math import prod

import numpy as np
import streamlit as st

from cnn_lab.app.caches import test_digits
from cnn_lab.app.pooling.controls import KINDS, OVERLAP, TIES, Kind, PoolingSetup
from cnn_lab.app.widgets.inputs import choice, whole_number
from cnn_lab.app.widgets.keras_check import code_in_tabs, show_proof
from cnn_lab.app.widgets.pictures import instead_of_steps, show_image, show_panels
from cnn_lab.app.widgets.predict import predict_first, predict_switch
from cnn_lab.app.widgets.sizes import show_output_size
from cnn_lab.app.widgets.stage import stage
from cnn_lab.app.widgets.story import Experiment
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.charts.panels import Panel
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
    pooled_again,
    read_cell_latex,
    remains,
    routes,
    shift_response,
)
from cnn_lab.content import prose
from cnn_lab.content.words import counted, shape_words
from cnn_lab.ops.types import Array
from cnn_lab.trace import Trace, TraceTooLarge, arithmetic_latex

MAX_SHIFTED = 6
# Longer sums do not fit into a column.
MAX_TERMS, MAX_LETTERS = 9, 50
AXES, LINES = ("down", "right"), ("row", "column")
TRY, SHIFT = "Try this", "Shift"
BACK = {"pool_direction": "back", "pool_tab": TRY}
EXPERIMENTS = (
    Experiment(
        "digit",
        {"pool_input": "digit", "pool_crop": "28", "pool_size": "4", "pool_tab": TRY},
    ),
    Experiment("shift", {"pool_values": "9 0 0 0; 0 0 0 0; 0 0 0 0; 0 0 0 0", "pool_tab": SHIFT}),
    Experiment("overlap", {"pool_input": OVERLAP, "pool_size": "3", "pool_stride": "1", **BACK}),
    Experiment("ties", {"pool_input": TIES, **BACK}),
)
N_HALVINGS = 2
RESULTS: dict[Kind, str] = {"max": "Maxima", "average": "Means"}
CONVOLUTION = 9  # weights of a 3 x 3 convolution, which is what often follows


def show_pooling(setup: PoolingSetup) -> list[Trace] | None:
    """Show both kinds of pooling on the stage, or as pictures; return their traces.

    None is returned while the stage hides numbers that a question asks for.
    """
    try:
        traces = [setup.trace(kind) for kind in KINDS]
    except TraceTooLarge:
        with instead_of_steps():
            backwards = setup.grad_output is not None
            show_image(setup.image, alt="The image")
            for kind, title in KINDS.items():
                what = "gradient" if backwards else "output"
                show_image(setup.result(kind), signed=backwards, alt=f"{title}: the {what}")
        return []
    prediction = None
    if predict_switch("pool"):
        prediction = predict_first("pool", traces, setup.prompts(traces))
    stage(
        traces,
        key="pool_stage",
        heading=setup.heading,
        editable=setup.editable,
        prediction=prediction,
        predicts="pool",
    )
    return None if prediction is not None and prediction.hides else traces


def show_explained(setup: PoolingSetup) -> None:
    """Explain pooling or, in the backward pass, how gradients go through it."""
    if setup.grad_output is None:
        explain_pooling(setup)
    else:
        explain_way_back(setup)


def explain_pooling(setup: PoolingSetup) -> None:
    """Explain with a digit and with the reader's map what is kept and what is lost."""
    pictures, words = st.columns(2, gap="large")
    with pictures:
        show_halvings(setup)
        show_kept(setup)
    with words:
        st.markdown(prose("pooling", "prose"))


def show_halvings(setup: PoolingSetup) -> None:
    """Show a whole digit pooled once and twice by each kind."""
    image = test_digits().image(setup.digit)[..., 0].astype(np.float64)
    st.markdown(prose("pooling", "why"))
    first = _picture("Digit", image)
    for kind, results in RESULTS.items():
        pooled = pooled_again(image, setup.settings, average=kind == "average", most=N_HALVINGS)
        names = [results, *["again"] * (len(pooled) - 1)]
        later = [_picture(*each, sign="→") for each in zip(names, pooled, strict=True)]
        show_panels([first, *later])


def _picture(name: str, values: Array, *, sign: str = "") -> Panel:
    title = f"{name}, {shape_words(values.shape)}"
    return Panel(title, values, 1.0, signed=False, sign=sign, in_numbers=False)


def show_code(setup: PoolingSetup, traces: list[Trace]) -> None:
    """Show the code of one kind, downloads and the check against Keras."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        checked = choice(
            "Code and check for",
            list(KINDS),
            "pool_checked",
            format_func=KINDS.__getitem__,
            width="content",
        )
        check = setup.check(checked)
        backwards = setup.grad_output is not None
        show_proof("pool", check, traces, name=f"pooling-{'gradient-' * backwards}{setup.label}")
    code_in_tabs(check.call)


def show_cost(setup: PoolingSetup) -> None:
    """Show what pooling takes, what it saves, and how far a pooled cell sees."""
    n_windows, cells = prod(setup.out_size), prod(setup.settings.pool_size)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(
            prose(
                "pooling",
                "cost",
                windows=n_windows,
                cells=cells,
                steps=f"{n_windows * (cells - 1):,}",
                before=f"{CONVOLUTION * setup.image.size:,}",
                after=f"{CONVOLUTION * n_windows:,}",
            )
        )
    with right:
        show_stack(setup)


def show_formulas(setup: PoolingSetup) -> None:
    """Show the equations of the page's direction, and the output size."""
    left, right = st.columns(2, gap="large")
    with left:
        _show_kinds(setup)
    with right:
        show_sizes(setup)


def _show_kinds(setup: PoolingSetup) -> None:
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


def explain_way_back(setup: PoolingSetup) -> None:
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
