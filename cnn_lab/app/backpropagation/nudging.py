"""Gradient check and gradient step of the small layer."""

import numpy as np
import streamlit as st

from cnn_lab.app.backpropagation.controls import Study
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.charts.backpropagation import (
    error_spec,
    line_spec,
    line_table,
)
from cnn_lab.concepts.backpropagation.descent import Line, line_of_steps
from cnn_lab.concepts.backpropagation.nudge import error_table, nudge, nudged_slopes
from cnn_lab.concepts.formulas import matrix_latex, number_latex
from cnn_lab.content import prose
from cnn_lab.content.words import significant
from cnn_lab.ops.types import Array

EPSILONS = tuple(float(f"1e-{power}") for power in range(13))
RATES = tuple(float(f"{first}e{power}") for power in range(-9, 1) for first in (1, 2, 5))
FIRST_RATE = 5e-4
ALIKE = 1e-4


def nudge_controls() -> float:
    """Show the size of the nudge and return it."""
    epsilon: float = st.select_slider(
        "Nudge",
        EPSILONS,
        value=1e-3,
        format_func=_short,
        key="back_nudge",
        bind="query-params",
    )
    return epsilon


def show_nudge(study: Study, cell: tuple[int, int], epsilon: float) -> None:
    """Show one nudged weight against its gradient, then the error for all nudge sizes."""
    found = nudge(study.layer, study.at, cell, epsilon)
    gradient = float(study.back.parameters.kernel[cell])
    difference = abs(found.slope - gradient)
    st.markdown(prose("backpropagation", "nudge_ask"))
    st.markdown(
        prose(
            "backpropagation",
            "nudge_result",
            above=_long(found.above),
            below=_bracketed(_long(found.below)),
            epsilon=number_latex(epsilon),
            slope=_long(found.slope),
            gradient=_long(gradient),
            row=cell[0],
            column=cell[1],
        )
    )
    if study.layer.activation.kink and found.crossed:
        counts = {"crossed": found.crossed, "cells": study.back.sums.size}
        st.markdown(prose("backpropagation", "nudge_crossed", **counts))
    else:
        section = "agrees" if difference <= ALIKE * max(1.0, abs(gradient)) else "differs"
        st.markdown(
            prose("backpropagation", f"nudge_{section}", difference=number_latex(difference))
        )
    st.markdown(prose("backpropagation", "nudge_curve"))
    st.vega_lite_chart(
        error_table(study.layer, study.at, cell, np.array(EPSILONS)),
        error_spec(epsilon=epsilon),
        key="back_errors",
        alt="Error of the slope against the size of the nudge, measured on one side and on both",
    )


def rate_controls() -> float:
    """Show the learning rate and return it."""
    rate: float = st.select_slider(
        "Learning rate",
        RATES,
        value=FIRST_RATE,
        format_func=_short,
        key="back_rate",
        bind="query-params",
    )
    return rate


def show_step(study: Study, rate: float) -> None:
    """Show one step downhill and the loss along the same line."""
    line = line_of_steps(study.layer, study.at, rate)
    st.markdown(prose("backpropagation", "step_ask", rate=number_latex(rate)))
    st.markdown(_verdict(line))
    st.vega_lite_chart(
        line_table(line, rate),
        line_spec(),
        key="back_line",
        alt="The loss against the learning rate, with the points before and after the step",
    )
    st.markdown(_best(line, rate))


def show_new_weights(study: Study, rate: float) -> None:
    """Show the step in numbers: old weights, gradient, new weights."""
    gradient = study.back.parameters
    after = study.at.moved(gradient, -rate)
    amount = number_latex(rate)
    st.latex(
        rf"{matrix_latex(study.at.kernel)} - {amount} \cdot {matrix_latex(gradient.kernel)} = "
        rf"{matrix_latex(after.kernel)}"
    )
    st.latex(
        rf"{number_latex(study.at.bias)} - {amount} \cdot "
        rf"{_bracketed(number_latex(gradient.bias))} = {number_latex(after.bias)}"
    )


def show_all_nudges(study: Study, epsilon: float) -> None:
    """Show a table of every weight's slope by nudging and by backpropagation."""
    st.markdown(prose("backpropagation", "nudge_all"))
    slopes = nudged_slopes(study.layer, study.at, epsilon)
    gradient = study.back.parameters.kernel
    cells = list(np.ndindex(gradient.shape))
    show_table(
        {
            "Weight": [f"row {row}, column {column}" for row, column in cells],
            "Value": _column(study.at.kernel),
            "By nudging": _column(slopes),
            "By backpropagation": _column(gradient),
            "Difference": [f"{each:.2g}" for each in np.abs(slopes - gradient).ravel()],
        },
        label="Slope of every weight by nudging, next to its gradient",
    )


def _verdict(line: Line) -> str:
    before, after = _words(line.before), _words(line.after)
    if before == after:
        return prose("backpropagation", "step_same", before=before)
    section = "step_better" if line.after < line.before else "step_worse"
    return prose("backpropagation", section, before=before, after=after)


def _best(line: Line, rate: float) -> str:
    if line.best_rate is None:
        return prose("backpropagation", "step_best_none")
    best = number_latex(line.best_rate)
    if not line.is_exact:
        return prose("backpropagation", "step_best_seen", best=best)
    yours = prose("backpropagation", "step_over", times=f"{rate / line.best_rate:.3g}")
    return prose("backpropagation", "step_best_exact", best=best, yours=yours)


def _words(value: float) -> str:
    return f"${number_latex(value)}$"


def _long(value: float) -> str:
    """Return a number with enough digits to show a small difference."""
    return f"{value:.10g}" if abs(value) < 1e7 else number_latex(value)


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _column(values: Array) -> list[str]:
    return [significant(value, 6) for value in values.ravel().tolist()]


def _short(value: float) -> str:
    return f"{value:g}"
