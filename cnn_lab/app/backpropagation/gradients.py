"""Gradients of the layer on the Backpropagation page, on the stage and as equations."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import streamlit as st

from cnn_lab.app.backpropagation.controls import LayerSetup
from cnn_lab.app.widgets.cell_edits import SPREAD, Editable
from cnn_lab.app.widgets.inputs import choice
from cnn_lab.app.widgets.pictures import instead_of_steps, show_image
from cnn_lab.app.widgets.stage import stage
from cnn_lab.charts.backpropagation import activation_spec, activation_table
from cnn_lab.concepts.backpropagation.gradients import (
    bias_gradient_latex,
    form_difference,
    input_gradient_latex,
    kernel_gradient_latex,
)
from cnn_lab.concepts.backpropagation.layer import ACTIVATIONS
from cnn_lab.concepts.formulas import matrix_latex, number_latex
from cnn_lab.content import prose
from cnn_lab.content.words import shape_words
from cnn_lab.ops.types import Array
from cnn_lab.trace import (
    Form,
    Trace,
    TraceTooLarge,
    bias_gradient_trace,
    input_gradient_trace,
    kernel_gradient_trace,
)

Quantity = Literal["kernel", "input", "bias"]
QUANTITIES: tuple[Quantity, ...] = ("kernel", "input", "bias")
FORMS: tuple[Form, ...] = ("gather", "scatter")
BOTH = "both"
MAX_WRITTEN = 8  # rows and columns of a matrix shown in numbers; larger ones become pictures
NEARLY_FLAT = 1e-3
PICTURE_PX = 180


def quantity_controls() -> tuple[Quantity, str]:
    """Show which gradient to follow, and in which form; return (quantity, form)."""
    quantity = choice("Gradient of the", QUANTITIES, "back_what")
    form = choice(
        "Form",
        (*FORMS, BOTH),
        "back_form",
        help="Gather: a step for each number of the gradient. Scatter: one for each cell of the "
        "output gradient. Both: side by side.",
    )
    return quantity, form


def show_gradient(setup: LayerSetup, quantity: Quantity, form: str) -> list[Trace]:
    """Show a gradient on the stage, or as a picture if it is too long; return its traces."""
    forms = FORMS if form == BOTH else [each for each in FORMS if each == form]
    try:
        shown = [_trace(setup, quantity, each) for each in forms]
    except TraceTooLarge:
        _show_pictures(setup, quantity)
        return []
    stage(shown, key="back_stage", editable=_editable(setup, quantity, form))
    return shown


def _editable(setup: LayerSetup, quantity: Quantity, form: str) -> dict[str, Editable]:
    """Return what can be edited on the stage, by the keys of its grids."""
    grids = setup.editable
    spreads = quantity == "input" and form != "scatter" and max(setup.layer.settings.strides) > 1
    if spreads:
        grids["grad-output"] = replace(grids["grad-output"], obstacle=SPREAD)
    return grids


def explain_gradient(setup: LayerSetup, quantity: Quantity) -> None:
