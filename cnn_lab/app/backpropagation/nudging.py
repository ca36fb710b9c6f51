"""Gradient check of the small layer."""

import numpy as np
import streamlit as st

from cnn_lab.app.backpropagation.controls import LayerSetup
from cnn_lab.app.widgets.inputs import value_slider
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.charts.backpropagation import error_spec
from cnn_lab.concepts.backpropagation.nudge import error_table, nudge, nudged_slopes
from cnn_lab.concepts.formulas import number_latex
from cnn_lab.content import prose
from cnn_lab.content.words import significant
from cnn_lab.ops.types import Array

EPSILONS = tuple(float(f"1e-{power}") for power in range(13))
ALIKE = 1e-4


def nudge_controls() -> float:
    """Show the size of the nudge and return it."""
    return value_slider("Nudge", EPSILONS, "back_nudge", value=1e-3)


def show_nudge(setup: LayerSetup, cell: tuple[int, int], epsilon: float) -> None:
    """Show the slope that nudging one weight measures, against its gradient."""
    found = nudge(setup.layer, setup.at, cell, epsilon)
    gradient = float(setup.back.parameters.kernel[cell])
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
    if setup.layer.activation.kink and found.crossed:
        counts = {"crossed": found.crossed, "cells": setup.back.sums.size}
        st.markdown(prose("backpropagation", "nudge_crossed", **counts))
    else:
        section = "agrees" if difference <= ALIKE * max(1.0, abs(gradient)) else "differs"
        st.markdown(
            prose("backpropagation", f"nudge_{section}", difference=number_latex(difference))
        )


def show_nudge_sizes(setup: LayerSetup, cell: tuple[int, int], epsilon: float) -> None:
    """Show the error of the slope for nudges of every size."""
    st.markdown(prose("backpropagation", "nudge_curve"))
    st.vega_lite_chart(
        error_table(setup.layer, setup.at, cell, np.array(EPSILONS)),
        error_spec(epsilon=epsilon),
        key="back_errors",
        alt="Error of the slope against the size of the nudge, measured on one side and on both",
    )
    st.markdown(prose("backpropagation", "look_nudge"))


def show_all_nudges(setup: LayerSetup, epsilon: float) -> None:
    """Show a table of every weight's slope by nudging and by backpropagation."""
    st.markdown(prose("backpropagation", "nudge_all"))
    slopes = nudged_slopes(setup.layer, setup.at, epsilon)
    gradient = setup.back.parameters.kernel
    cells = list(np.ndindex(gradient.shape))
    show_table(
        {
            "Weight": [f"row {row}, column {column}" for row, column in cells],
            "Value": _column(setup.at.kernel),
            "By nudging": _column(slopes),
            "By backpropagation": _column(gradient),
            "Difference": [f"{each:.2g}" for each in np.abs(slopes - gradient).ravel()],
        },
        label="Slope of every weight by nudging, next to its gradient",
    )


def _long(value: float) -> str:
    """Return a number with enough digits to show a small difference."""
    return f"{value:.10g}" if abs(value) < 1e7 else number_latex(value)


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _column(values: Array) -> list[str]:
    return [significant(value, 6) for value in values.ravel().tolist()]
