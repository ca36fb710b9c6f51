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
from cnn_lab.app.widgets.inputs import choice, does_not_fit
from cnn_lab.app.widgets.keras_check import code_tabs, show_proof
from cnn_lab.app.widgets.pictures import instead_of_steps, show_image
from cnn_lab.app.widgets.stage import stage
from cnn_lab.app.widgets.story import next_chapter, open_chapter
from cnn_lab.content import prose
from cnn_lab.ops.types import ShapeError
from cnn_lab.trace import TraceTooLarge

frame.ensure()

open_chapter("pooling")

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

with stage_side:
    try:
        traces = [setup.trace(kind) for kind in KINDS]
        stage(traces, key="pool_stage", heading=setup.heading, editable=setup.editable)
    except TraceTooLarge:
        traces = []
        with instead_of_steps():
            show_image(setup.image, alt="The image")
            for kind, title in KINDS.items():
                what = "gradient" if backwards else "output"
                show_image(setup.result(kind), signed=backwards, alt=f"{title}: the {what}")

    if backwards:
        show_examples()

with st.container(horizontal=True, vertical_alignment="bottom"):
    checked = choice(
        "Code and check for",
        list(KINDS),
        "pool_checked",
        format_func=KINDS.__getitem__,
        width="content",
    )
    check = setup.check(checked)
    show_proof("pool", check, traces, name=f"pooling-{'gradient-' * backwards}{setup.label}")
code_tabs("pool_code", check.call)

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
next_chapter("pooling")
