import math

import streamlit as st

from cnn_lab.content import prose
from cnn_lab.figures.shift_curves import shift_spec, shift_table
from cnn_lab.formulas import output_length_latex, unread_sentence
from cnn_lab.ops.pooling import pooling_geometry
from cnn_lab.shifts import shift_response
from cnn_lab.stage.component import stage
from cnn_lab.trace import TraceTooLarge, average_pool_trace, max_pool_trace
from cnn_lab.ui import frame
from cnn_lab.ui.inputs import does_not_fit, image_controls, whole_number

AS_WINDOW = "as the window"
MAX_WINDOW = 6

frame.ensure()

st.title("Pooling")
st.markdown("What is kept, and what is thrown away?")

stage_side, controls = st.columns([3, 1], gap="medium")

with controls:
    window = whole_number("Window", "pool_size", value=2, minimum=1, maximum=MAX_WINDOW)
    chosen = st.selectbox(
        "Stride",
        [AS_WINDOW, *range(1, MAX_WINDOW + 1)],
        key="pool_stride",
        bind="query-params",
        help="As the window: windows lie side by side. Less lets them overlap.",
    )
    strides = None if chosen == AS_WINDOW else chosen
    padding = st.segmented_control(
        "Padding",
        ["valid", "same"],
        default="valid",
        required=True,
        key="pool_padding",
        bind="query-params",
        width="stretch",
    )
    with st.expander("Image"):
        image = image_controls("pool")[..., 0]

pool = {"pool_size": window, "strides": strides, "padding": padding}
size = (image.shape[0], image.shape[1])
try:
    pool_pair, stride_pair, borders = pooling_geometry(size, window, strides, padding)
except ValueError as error:
    with stage_side:
        does_not_fit(error)
    st.stop()

with stage_side:
    try:
        stage([max_pool_trace(image, **pool), average_pool_trace(image, **pool)], key="pool_stage")
    except TraceTooLarge as error:
        st.info(str(error))

left, right = st.columns(2, gap="large")
with left:
    st.markdown(
        prose("pooling", "formula", rows=window, columns=window, cells=math.prod(pool_pair))
    )
    if any(borders[0] + borders[1]):
        st.markdown(prose("pooling", "padded"))
    st.markdown("**How large is the result?** Rows and columns, with your numbers:")
    st.latex(output_length_latex("H'", size[0], window, stride_pair[0], borders[0]))
    st.latex(output_length_latex("W'", size[1], window, stride_pair[1], borders[1]))
    st.markdown(unread_sentence(size, pool_pair, stride_pair, borders))
with right:
    response = shift_response(image, most=min(6, size[1] - 1), **pool)
    one = min(1, len(response.shifts) - 1)
    st.markdown(
        prose(
            "pooling",
            "shift",
            image=f"{response.image[one]:.0%}",
            max_pooled=f"{response.max_pooled[one]:.0%}",
            average_pooled=f"{response.average_pooled[one]:.0%}",
        )
    )
    st.vega_lite_chart(
        shift_table(response),
        shift_spec(),
        key="pool_shift",
        alt="Change of the picture and of both pooled maps for shifts of 0 to 6 pixels",
    )
st.divider()
with st.container(width=720):
    st.markdown(prose("pooling", "prose"))
