import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.pooling.controls import KINDS, pooling_controls
from cnn_lab.app.pooling.sections import (
    show_examples,
    show_formulas,
    show_kept,
    show_shift,
    show_sizes,
    show_stack,
    show_way_back,
)
from cnn_lab.app.widgets.exports import export_menu
from cnn_lab.app.widgets.inputs import does_not_fit
from cnn_lab.app.widgets.keras_check import code_tabs, keras_check
from cnn_lab.app.widgets.pictures import instead_of_steps, show_image
from cnn_lab.app.widgets.stage import stage
from cnn_lab.concepts.checks import LayerCheck
from cnn_lab.content import prose
from cnn_lab.ops.types import ShapeError
from cnn_lab.trace import TraceTooLarge

frame.ensure()

st.title("Pooling")
st.markdown("What is kept, and what is thrown away?")

stage_side, controls = st.columns([8, 3], gap="small")

with controls:
    try:
        setup = pooling_controls()
    except ValueError as error:
        with stage_side:
            wider = None if isinstance(error, ShapeError) else prose("pooling", "wider")
            does_not_fit(error, remedy=wider)
        st.stop()

backwards = setup.grad_output is not None
results = {kind: setup.result(kind) for kind in KINDS}

with stage_side:
    try:
        traces = [setup.trace(kind) for kind in KINDS]
        stage(traces, key="pool_stage")
    except TraceTooLarge:
        traces = []
        with instead_of_steps():
            show_image(setup.image, alt="The image")
            for kind, title in KINDS.items():
                values, what = results[kind][0, ..., 0], "gradient" if backwards else "output"
                show_image(values, signed=backwards, alt=f"{title}: the {what}")

    if backwards:
        show_examples()

with st.container(horizontal=True, vertical_alignment="bottom"):
    checked = st.segmented_control(
        "Code and check for",
        list(KINDS),
        format_func=KINDS.__getitem__,
        default="max",
        required=True,
        key="pool_checked",
        bind="query-params",
    )
    with st.container(width="content"):
        export_menu("pool_export", traces, name=f"pooling-{'gradient-' * backwards}{setup.label}")
    call = setup.call(checked)
    quantity = "input_gradient" if backwards else "result"
    keras_check("pool_check", LayerCheck(call, {quantity: results[checked]}))
code_tabs("pool_code", call)

if backwards:
    show_way_back(setup)
left, right = st.columns(2, gap="large")
with left:
    show_formulas(setup)
    show_kept(setup)
    show_stack(setup)
with right:
    show_sizes(setup)
    show_shift(setup)
st.divider()
with st.container(width=720):
    st.markdown(prose("pooling", "prose"))
