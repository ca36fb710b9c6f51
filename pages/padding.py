import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.padding.controls import Setup, comparison_control, padding_controls
from cnn_lab.app.padding.sections import EXPERIMENTS, show_code, show_cost, show_explained
from cnn_lab.app.widgets.inputs import does_not_fit
from cnn_lab.app.widgets.pictures import instead_of_steps, show_image
from cnn_lab.app.widgets.predict import predict_first, predict_switch
from cnn_lab.app.widgets.stage import stage
from cnn_lab.app.widgets.story import (
    instrument,
    instrument_tabs,
    next_chapter,
    open_chapter,
    show_experiments,
)
from cnn_lab.content import prose
from cnn_lab.ops.types import Array
from cnn_lab.trace import Trace, TraceTooLarge

Shown = tuple[Setup, dict[str, Array], list[Trace]]

frame.ensure()

open_chapter("padding")


def show_instrument() -> Shown | None:
    """Show the stage beside its controls."""
    stage_side, controls = st.columns([8, 3], gap="small")
    with stage_side:
        comparison = comparison_control()
    with controls:
        setup = padding_controls(comparison)
    results = {}
    traces = []
    with stage_side:
        for name in setup.layers:
            try:
                results[name] = setup.result(name)
            except ValueError as error:
                remedy = prose("padding", "less_cut_off") if setup.is_transposed else None
                does_not_fit(error, remedy=remedy)
        setup = setup.without(setup.layers.keys() - results.keys())
        try:
            traces = [setup.trace(name) for name in results]
            prediction, shown = None, traces
            if predict_switch("pad") and traces:
                prediction = predict_first("pad", traces, setup.prompts())
            if prediction is not None:
                shown, prediction = prediction.of_sizes(traces)
            if traces:
                stage(
                    shown,
                    key="pad_stage",
                    heading=setup.heading,
                    editable=setup.editable,
                    prediction=prediction,
                    predicts="" if setup.is_transposed else "pad",
                )
            if prediction is not None and prediction.hides:
                return None
        except TraceTooLarge:
            with instead_of_steps():
                show_image(setup.image[..., 0], alt="The image")
                for name, values in results.items():
                    show_image(values, signed=True, alt=f"{name}: the output")
    return setup, results, traces


instrument("pad", show_instrument)
instrument_tabs(
    "pad",
    {
        "Explained": lambda shown: show_explained(shown[0], shown[1]),
        "Try this": lambda _: show_experiments("padding", EXPERIMENTS),
        "Cost": lambda shown: show_cost(shown[0], shown[1]),
        "Code": lambda shown: show_code(shown[0], shown[2]),
    },
)
next_chapter("padding")
