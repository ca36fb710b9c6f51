import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.padding.controls import LIBRARIES, comparison_control, padding_controls
from cnn_lab.app.padding.rulers import show_rulers
from cnn_lab.app.padding.sections import show_counts, show_sizes, show_strides, show_transposed
from cnn_lab.app.widgets.inputs import choice, does_not_fit
from cnn_lab.app.widgets.keras_check import code_tabs, show_proof
from cnn_lab.app.widgets.pictures import instead_of_steps, show_image
from cnn_lab.app.widgets.stage import stage
from cnn_lab.app.widgets.story import next_chapter, open_chapter
from cnn_lab.content import prose
from cnn_lab.trace import TraceTooLarge

frame.ensure()

open_chapter("padding")

stage_side, controls = st.columns([8, 3], gap="small")
with stage_side:
    comparison = comparison_control()
with controls:
    setup = padding_controls(comparison)

results = {}
for name in setup.layers:
    try:
        results[name] = setup.result(name)
    except ValueError as error:
        remedy = prose("padding", "less_cut_off") if setup.is_transposed else None
        with stage_side:
            does_not_fit(error, remedy=remedy)
setup = setup.without(setup.layers.keys() - results.keys())

with stage_side:
    try:
        traces = [setup.trace(name) for name in results]
        if traces:
            stage(traces, key="pad_stage", editable=setup.editable)
    except TraceTooLarge:
        traces = []
        with instead_of_steps():
            show_image(setup.image[..., 0], alt="The image")
            for name, values in results.items():
                show_image(values, signed=True, alt=f"{name}: the output")

if results:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = next(iter(results))
        if len(results) > 1:
            chosen = choice("Code and check for", list(results), "pad_checked", width="content")
        check = setup.check(chosen)
        show_proof("pad", check, traces, name=setup.file_name)
    code_tabs("pad_code", check.call)
    if setup.is_transposed:
        show_transposed(setup)
    else:
        if comparison == LIBRARIES and len(results) == 2:
            show_rulers(setup, results)
        show_sizes(setup)
        show_counts(setup)
st.divider()
show_strides(setup.kernel_size)
st.divider()
with st.container(width=720):
    st.markdown(prose("padding", "prose"))
next_chapter("padding")
