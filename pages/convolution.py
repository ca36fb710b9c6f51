import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.convolution.controls import convolution_controls
from cnn_lab.app.convolution.picture import show_whole_picture
from cnn_lab.app.convolution.sections import (
    show_equations,
    show_first_step,
    show_flip,
    show_pictures,
    show_sizes,
)
from cnn_lab.app.widgets.inputs import does_not_fit
from cnn_lab.app.widgets.keras_check import code_tabs, show_proof
from cnn_lab.app.widgets.stage import stage
from cnn_lab.app.widgets.story import next_chapter, open_chapter
from cnn_lab.content import prose
from cnn_lab.trace import TraceTooLarge

frame.ensure()

open_chapter("convolution")

stage_side, controls = st.columns([8, 3], gap="small")
below = st.container()

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
        stage(traces, key="conv_stage", editable=layer.editable)
    except TraceTooLarge:
        traces = []
        show_pictures(layer)
    if len(results) == 2:
        show_flip(layer)

with below:
    with st.container(horizontal=True):
        show_proof("conv", layer.check, traces, name=layer.file_name)
    code_tabs("conv_code", layer.check.call)
    if layer.crop is not None:
        show_whole_picture(layer.crop, layer.kernel, layer.bias, layer.settings)
    if traces:
        show_first_step(traces[0])
    left, right = st.columns(2, gap="large")
    with left:
        show_equations(layer)
    with right:
        show_sizes(layer)
    st.divider()
    with st.container(width=720):
        st.markdown(prose("convolution", "prose"))
next_chapter("convolution")
