"""Gradients of the layer on the Backpropagation page, on the stage and as equations."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import streamlit as st

from cnn_lab.app.backpropagation.controls import LayerSetup
from cnn_lab.app.widgets.cell_edits import SPREAD, Editable
from cnn_lab.app.widgets.inputs import choice
from cnn_lab.app.widgets.pictures import instead_of_steps, show_image
from cnn_lab.app.widgets.predict import (
    Prompt,
    in_turn,
    predict_first,
    predict_switch,
)
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


def show_gradient(setup: LayerSetup, quantity: Quantity, form: str) -> list[Trace] | None:
    """Show a gradient on the stage, or as a picture if it is too long; return its traces.

    None is returned while the stage hides numbers that a question asks for.
    """
    forms = FORMS if form == BOTH else [each for each in FORMS if each == form]
    try:
        shown = [_trace(setup, quantity, each) for each in forms]
    except TraceTooLarge:
        _show_pictures(setup, quantity)
        return []
    prediction = None
    if predict_switch("back"):
        prediction = predict_first("back", shown, _prompts(setup, quantity, shown))
    stage(
        shown,
        key="back_stage",
        editable=_editable(setup, quantity, form),
        prediction=prediction,
        predicts="back",
    )
    return None if prediction is not None and prediction.hides else shown


def _prompts(setup: LayerSetup, quantity: Quantity, traces: list[Trace]) -> list[Prompt]:
    """Return questions about the cells of a gradient, which all forms show alike."""
    if quantity == "bias":
        whole = tuple(range(len(traces)))
        return [Prompt("bias-gradient", {"grad_output": setup.back.delta}, whole=whole)]
    settings = setup.layer.settings
    given = {
        "input": setup.layer.image,
        "kernel": setup.at.kernel,
        "grad_output": setup.back.delta,
        "strides": settings.strides,
        "padding": settings.padding,
        "dilation_rate": settings.dilation_rate,
    }
    results = [trace.result_grids[0] for trace in traces]
    return [
        Prompt(
            f"{quantity}-gradient-cell",
            {**given, "row": row, "column": column},
            tuple((number, grid.cell(row, column)) for number, grid in enumerate(results)),
        )
        for row, column in in_turn(np.abs(_values(setup, quantity)))
    ]


def _editable(setup: LayerSetup, quantity: Quantity, form: str) -> dict[str, Editable]:
    """Return what can be edited on the stage, by the keys of its grids."""
    grids = setup.editable
    spreads = quantity == "input" and form != "scatter" and max(setup.layer.settings.strides) > 1
    if spreads:
        grids["grad-output"] = replace(grids["grad-output"], obstacle=SPREAD)
    return grids


def explain_gradient(setup: LayerSetup, quantity: Quantity) -> None:
    """Show the source of the output gradient, and the equations with the sizes of the page."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(prose("backpropagation", "chain"))
    with right:
        loss = number_latex(setup.back.loss)
        if setup.target:
            st.markdown(prose("backpropagation", "loss_error", target=setup.target, loss=loss))
        else:
            st.markdown(prose("backpropagation", "loss_chosen", loss=loss))
    _show_delta(setup)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(prose("backpropagation", quantity, **_slots(setup, quantity)))
    with right:
        st.markdown(prose("backpropagation", "symbols", **_symbols(setup)))
        _show_activation(setup)
        _show_agreement(setup, quantity)
        st.markdown(prose("backpropagation", "look_gradients"))


def _trace(setup: LayerSetup, quantity: Quantity, form: Form) -> Trace:
    delta = setup.back.delta
    if quantity == "bias":
        return bias_gradient_trace(delta, form=form)
    build = kernel_gradient_trace if quantity == "kernel" else input_gradient_trace
    settings = setup.layer.settings
    return build(
        setup.layer.image,
        setup.at.kernel,
        delta,
        strides=settings.strides,
        padding=settings.padding,
        dilation_rate=settings.dilation_rate,
        form=form,
    )


def _values(setup: LayerSetup, quantity: Quantity) -> Array:
    gradient = setup.back.parameters
    match quantity:
        case "kernel":
            return gradient.kernel
        case "input":
            return setup.back.image
        case "bias":
            return np.array([[gradient.bias]])


def _show_pictures(setup: LayerSetup, quantity: Quantity) -> None:
    with instead_of_steps("gradient"):
        show_image(setup.layer.image, alt="The image")
        show_image(setup.back.delta, signed=True, alt="The output gradient")
        show_image(_values(setup, quantity), signed=True, alt=f"The gradient of the {quantity}")


def _show_agreement(setup: LayerSetup, quantity: Quantity) -> None:
    """Say whether both forms give the same numbers, if they are not too long for the stage."""
    try:
        both = [_trace(setup, quantity, each) for each in FORMS]
    except TraceTooLarge:
        return
    difference = form_difference(*both)
    if difference == 0:
        st.markdown(prose("backpropagation", "agree"))
    else:
        largest = f"{np.abs(_values(setup, quantity)).max():.3g}"
        numbers = {"difference": f"{difference:.2g}", "largest": largest}
        st.markdown(prose("backpropagation", "agree_rounded", **numbers))


def _slots(setup: LayerSetup, quantity: Quantity) -> dict[str, Any]:
    """Return the slots of the section of a quantity."""
    given = (setup.layer.settings, setup.size, setup.window)
    if quantity == "bias":
        return {
            "sum": bias_gradient_latex(*given),
            "gradient": number_latex(setup.back.parameters.bias),
        }
    gradient = _matrix_or_dots(_values(setup, quantity))
    if quantity == "kernel":
        return {"sum": kernel_gradient_latex(*given), "gradient": gradient}
    down, right = setup.layer.settings.strides
    spread = prose("backpropagation", "spread_none")
    if max(down, right) > 1:
        zeros = {"down": down - 1, "right": right - 1}
        spread = prose("backpropagation", "spread_zeros", **zeros)
    return {"sum": input_gradient_latex(*given), "spread": spread, "gradient": gradient}


def _matrix_or_dots(values: Array) -> str:
    if max(values.shape) <= MAX_WRITTEN:
        return matrix_latex(values)
    return rf"\text{{{shape_words(values.shape)} numbers}}"


def _symbols(setup: LayerSetup) -> dict[str, Any]:
    settings = setup.layer.settings
    strides, dilation = settings.strides, settings.dilation_rate
    (top, _), (left, _) = settings.borders(setup.size, setup.window)
    return {
        "size": shape_words(setup.size),
        "window": shape_words(setup.window),
        "out": shape_words(setup.back.delta.shape),
        "strides": f"{strides[0]} down, {strides[1]} to the right",
        "dilation": f"{dilation[0]} down, {dilation[1]} to the right",
        "top": top,
        "left": left,
    }


def _show_delta(setup: LayerSetup) -> None:
    """Show the output gradient as a product of two matrices."""
    back = setup.back
    st.markdown(prose("backpropagation", "delta"))
    if max(back.delta.shape) <= MAX_WRITTEN:
        factors = rf"{matrix_latex(back.grad_results)} \odot {matrix_latex(back.slopes)}"
        st.latex(rf"\delta = {factors} = {matrix_latex(back.delta)}")
    else:
        with st.container(horizontal=True):
            pictures = {
                "Slope of the loss at each output": back.grad_results,
                "Slope of the activation": back.slopes,
                "The output gradient": back.delta,
            }
            for name, values in pictures.items():
                with st.container(width=PICTURE_PX):
                    show_image(values, signed=True, alt=name, width_px=PICTURE_PX)
                    st.caption(f"{name}, from {values.min():.3g} to {values.max():.3g}")


def _show_activation(setup: LayerSetup) -> None:
    """Show the activation and its slope as curves, if there is an activation."""
    back, activation = setup.back, setup.layer.activation
    if activation is ACTIVATIONS["linear"]:
        return
    st.latex(rf"f(z) = {activation.formula}, \qquad f'(z) = {activation.slope_formula}")
    dead = int(np.count_nonzero(np.abs(back.slopes) < NEARLY_FLAT))
    if dead:
        section = "silent" if activation is ACTIVATIONS["relu"] else "saturated"
        st.markdown(prose("backpropagation", section, dead=dead, cells=back.slopes.size))
    st.vega_lite_chart(
        activation_table(activation, back.sums),
        activation_spec(),
        key="back_activation_curve",
        alt="The activation and its slope, with the sums of this layer marked on them",
    )
