import numpy as np
import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.convolution.controls import convolution_controls
from cnn_lab.app.convolution.whole_picture import show_whole_picture
from cnn_lab.app.widgets.exports import export_menu
from cnn_lab.app.widgets.inputs import does_not_fit
from cnn_lab.app.widgets.keras_check import code_tabs, keras_check
from cnn_lab.app.widgets.pictures import instead_of_steps, show_image
from cnn_lab.app.widgets.stage import stage
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.concepts.checks import LayerCheck
from cnn_lab.concepts.convolution import (
    convolution_costs,
    cost_table,
    flip_lab,
    layer_costs,
    symbols,
)
from cnn_lab.concepts.formulas import output_length_latex, unread_sentence
from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.content import prose
from cnn_lab.data.kernels import KERNELS
from cnn_lab.trace import TraceTooLarge, arithmetic_latex
from cnn_lab.trace.convolution import ConvolutionNumbers

frame.ensure()

st.title("Convolution")
st.markdown("What does sliding a kernel over an image compute?")

stage_side, controls = st.columns([8, 3], gap="small")
below = st.container()

with controls:
    layer = convolution_controls()
image, kernel, settings = layer.image, layer.kernel, layer.settings[0]
bias = layer.bias if layer.bias.any() else None

try:
    convolved = [ConvolutionNumbers(image, kernel, bias, each) for each in layer.settings]
    results = [each.result for each in convolved]
except ValueError as error:
    with stage_side:
        does_not_fit(error, pad_mode=settings.pad_mode)
    st.stop()

with stage_side:
    try:
        names = layer.channel_names if len(layer.channel_names) > 1 else None
        traces = [each.trace(channel_names=names) for each in convolved]
        stage(traces, key="conv_stage")
    except TraceTooLarge:
        traces = []
        with instead_of_steps():
            show_image(image.mean(axis=2), alt="The image")
            for maps in results:
                for f in range(maps.shape[2]):
                    show_image(maps[..., f], signed=True, alt=f"Output of filter {f + 1}")
    if len(results) == 2:
        section, numbers = flip_lab(kernel, *results)
        st.markdown(prose("convolution", section, **numbers))

with below:
    shown = convolved[0]
    call = LayerCall(
        "convolution",
        settings,
        shown.image.values[np.newaxis],
        shown.kernel.values,
        None if bias is None else shown.bias.values,
    )
    with st.container(horizontal=True):
        with st.container(width="content"):
            export_menu("conv_export", traces, name=layer.file_name)
        keras_check("conv_check", LayerCheck(call, {"result": results[0][np.newaxis]}))
    code_tabs("conv_code", call)
    if layer.crop is not None:
        show_whole_picture(layer, layer.crop)
    geometry = convolved[0].geometry
    if traces:
        st.markdown(prose("convolution", "worked"))
        st.latex(arithmetic_latex(traces[0], 0))
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(prose("convolution", "formula"))
        ways = ["convolution" if each.flip_kernel else "correlation" for each in layer.settings]
        for way in ways:
            st.markdown(prose("convolution", way))
        weight = prose("convolution", f"weight_{ways[0]}")
        st.markdown(prose("convolution", "depth", weight=weight))
        letters = symbols(
            convolved[0], kernel_names=layer.kernel_names, channel_names=layer.channel_names
        )
        equation = 2 if settings.flip_kernel else 3
        st.markdown(prose("convolution", "symbols", equation=equation, **letters))
        if settings.groups > 1:
            depth, channels = kernel.shape[2], image.shape[2]
            groups = {"groups": settings.groups, "depth": depth, "channels": channels}
            st.markdown(prose("convolution", "groups", **groups))
        if geometry.window == (1, 1):
            st.markdown(prose("convolution", "pointwise"))
        for name in dict.fromkeys(layer.presets):
            preset = KERNELS[name]
            if preset.title in layer.kernel_names:
                st.markdown(f"**{preset.title}**, ${preset.formula}$. {preset.does}")
                st.caption(f"Source: {preset.source}")
    with right:
        st.markdown("**How large is the output?** Rows and columns, with your numbers:")
        for name, axis in zip(("H'", "W'"), geometry.axes, strict=True):
            st.latex(output_length_latex(name, *axis))
        st.markdown(unread_sentence(geometry))
        counts = convolution_costs(kernel.shape, geometry.positions)
        st.markdown(prose("convolution", "counts", **counts))
        st.markdown(prose("convolution", "costs"))
        costs = layer_costs(image.shape, geometry.window, results[0].shape, groups=settings.groups)
        show_table(cost_table(costs), label="Costs of layers between the same shapes")
    st.divider()
    with st.container(width=720):
        st.markdown(prose("convolution", "prose"))
