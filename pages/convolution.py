import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.convolution.controls import Convolution, convolution_controls
from cnn_lab.app.convolution.picture import show_whole_picture
from cnn_lab.app.convolution.sections import (
    EXPERIMENTS,
    show_code,
    show_cost,
    show_explained,
    show_flip,
    show_pictures,
)
from cnn_lab.app.widgets.inputs import does_not_fit
from cnn_lab.app.widgets.predict import predict_first, predict_switch
from cnn_lab.app.widgets.stage import stage
from cnn_lab.app.widgets.story import (
    instrument,
    instrument_tabs,
    next_chapter,
    open_chapter,
    show_experiments,
)
from cnn_lab.trace import Trace, TraceTooLarge

Shown = tuple[Convolution, list[Trace]]

frame.ensure()

open_chapter("convolution")


def show_instrument() -> Shown | None:
    """Show the stage beside its controls."""
    stage_side, controls = st.columns([8, 3], gap="small")
    with controls:
        layer = convolution_controls()
    with stage_side:
        try:
            results = layer.results
        except ValueError as error:
            does_not_fit(error)
            return None
        predicts, prediction = predict_switch("conv"), None
        try:
            traces = layer.traces()
            if predicts:
                prediction = predict_first("conv", traces, layer.prompts(traces))
            stage(
                traces,
                key="conv_stage",
                heading=layer.heading,
                editable=layer.editable,
                prediction=prediction,
                predicts="conv",
            )
        except TraceTooLarge:
            traces = []
            show_pictures(layer)
        if prediction is not None and prediction.hides:
            return None
        if len(results) == 2:
            show_flip(layer)
    if layer.crop is not None:
        show_whole_picture(layer.crop, layer.kernel, layer.bias, layer.settings)
    return layer, traces


instrument("conv", show_instrument)
instrument_tabs(
    "conv",
    {
        "Explained": lambda shown: show_explained(*shown),
        "Try this": lambda _: show_experiments("convolution", EXPERIMENTS),
        "Cost": lambda shown: show_cost(shown[0]),
        "Code": lambda shown: show_code(*shown),
    },
)
next_chapter("convolution")
