import numpy as np
import streamlit as st

from cnn_lab.content import prose
from cnn_lab.formulas import convolution_costs, output_length_latex, unread_sentence
from cnn_lab.kernels import KERNELS
from cnn_lab.ops import conv2d
from cnn_lab.ops.padding import resolve_padding
from cnn_lab.stage.component import stage
from cnn_lab.trace import TraceTooLarge, convolution_trace
from cnn_lab.ui import frame
from cnn_lab.ui.inputs import (
    CHANNEL_NAMES,
    does_not_fit,
    image_controls,
    padding_control,
    real_number,
    whole_number,
)
from cnn_lab.ui.kernels import kernel_bank, kernel_choice, kernel_size
from cnn_lab.ui.pictures import show_image

frame.ensure()

st.title("Convolution")
st.markdown("What does sliding a kernel over an image compute?")

stage_side, controls = st.columns([3, 1], gap="medium")
below = st.container()

with controls:
    menu = st.container()
    stride = whole_number("Stride", "conv_stride", value=1, minimum=1, maximum=5)
    padding = padding_control("conv")
    with st.expander("Image"):
        channels = st.segmented_control(
            "Channels",
            [1, 3],
            default=1,
            required=True,
            format_func={1: "grey", 3: "colour"}.__getitem__,
            key="conv_channels",
            bind="query-params",
            width="stretch",
        )
        image = image_controls("conv", channels=channels)
    with st.expander("Kernel size, filters, bias"):
        rows, columns = kernel_size()
        n_filters = whole_number("Filters", "conv_filters", value=1, minimum=1, maximum=4)
        bias = real_number("Bias", "conv_bias", value=0.0, step=0.5)
        dilation = whole_number("Dilation", "conv_dilation", value=1, minimum=1, maximum=3)
        flip = st.toggle("Flip the kernel (true convolution)", key="conv_flip", bind="query-params")
with menu:
    chosen = kernel_choice(n_filters, rows, columns)
    kernel = kernel_bank(chosen, rows, columns, channels)

settings = {
    "strides": stride,
    "padding": padding,
    "dilation_rate": dilation,
    "flip_kernel": flip,
}
biases = np.full(n_filters, bias)
names = CHANNEL_NAMES if channels == 3 else None
try:
    maps = conv2d(image[np.newaxis], kernel, biases, **settings)[0]
except ValueError as error:
    with stage_side:
        does_not_fit(error)
    st.stop()

with stage_side:
    try:
        trace = convolution_trace(
            image, kernel, biases if bias else None, channel_names=names, **settings
        )
        stage(trace, key="conv_stage")
    except TraceTooLarge:
        st.caption("Too many steps to follow one by one, so here is the whole result at once.")
        shown = st.container(horizontal=True)
        with shown:
            show_image(image.mean(axis=2), alt="The image")
            for f in range(n_filters):
                show_image(maps[..., f], signed=True, alt=f"Result of filter {f + 1}")

with below:
    size = image.shape[:2]
    borders = resolve_padding(padding, size, (rows, columns), (stride, stride), (dilation,) * 2)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(prose("convolution", "formula"))
        st.markdown(prose("convolution", "convolution" if flip else "correlation"))
        first = KERNELS[chosen[0]]
        if np.array_equal(kernel[..., 0, 0], first.values(rows, columns)):  # not edited
            st.markdown(f"**{first.title}**, ${first.formula}$. {first.does}")
            st.caption(f"Source: {first.source}")
    with right:
        st.markdown("**How large is the result?** Rows and columns, with your numbers:")
        st.latex(output_length_latex("H'", size[0], rows, stride, borders[0], dilation))
        st.latex(output_length_latex("W'", size[1], columns, stride, borders[1], dilation))
        st.markdown(unread_sentence(size, (rows, columns), (stride,) * 2, borders, (dilation,) * 2))
        costs = convolution_costs(kernel.shape, maps.shape[:2])
        st.markdown(prose("convolution", "counts", **costs))
    st.divider()
    with st.container(width=720):
        st.markdown(prose("convolution", "prose"))
