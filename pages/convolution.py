import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.convolution.controls import convolution_controls
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
from cnn_lab.app.widgets.stage import stage
from cnn_lab.app.widgets.story import (
    chapter_tabs,
    next_chapter,
    open_chapter,
    show_experiments,
)
from cnn_lab.trace import TraceTooLarge

frame.ensure()

open_chapter("convolution")

stage_side, controls = st.columns([8, 3], gap="small")

with controls:
    layer = convolution_controls()

with stage_side:
    try:
        results = layer.results
    except ValueError as error:
        does_not_fit(error)
        st.stop()
    try:
        traces = layer.traces()
        stage(traces, key="conv_stage", heading=layer.heading, editable=layer.editable)
    except TraceTooLarge:
        traces = []
        show_pictures(layer)
    if len(results) == 2:
        show_flip(layer)

if layer.crop is not None:
    show_whole_picture(layer.crop, layer.kernel, layer.bias, layer.settings)

chapter_tabs(
    "conv_tab",
    {
        "Explained": lambda: show_explained(layer, traces),
        "Try this": lambda: show_experiments("convolution", EXPERIMENTS),
        "Cost": lambda: show_cost(layer),
        "Code": lambda: show_code(layer, traces),
    },
)
next_chapter("convolution")
