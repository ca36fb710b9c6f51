import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.backpropagation.controls import cell_choice, layer_controls
from cnn_lab.app.backpropagation.gradients import (
    quantity_controls,
    show_equations,
    show_gradient,
    show_proof,
)
from cnn_lab.app.backpropagation.lesson import lesson_controls, show_lesson
from cnn_lab.app.backpropagation.nudging import (
    nudge_controls,
    rate_controls,
    show_all_nudges,
    show_new_weights,
    show_nudge,
    show_step,
)
from cnn_lab.app.backpropagation.softmax import show_softmax, softmax_controls
from cnn_lab.app.widgets.inputs import does_not_fit
from cnn_lab.content import prose

GRADIENTS, NUDGE, STEP = "gradients", "nudge", "step"
LESSON, SOFTMAX = "lesson", "softmax"
PARTS = {
    GRADIENTS: "Gradients",
    NUDGE: "Check by nudging",
    STEP: "One step",
    LESSON: "Learn a kernel",
    SOFTMAX: "Softmax and loss",
}

frame.ensure()

st.title("Backpropagation")
st.markdown("How does a kernel learn?")

part = st.segmented_control(
    "Part",
    list(PARTS),
    default=GRADIENTS,
    required=True,
    format_func=PARTS.__getitem__,
    key="back_part",
    bind="query-params",
    label_visibility="collapsed",
)
main, controls = st.columns([5, 2], gap="medium")
below = st.container()

if part == LESSON:
    with controls:
        pupil = lesson_controls()
    with main:
        show_lesson(pupil)
elif part == SOFTMAX:
    with controls:
        scores, true_class, temperature = softmax_controls()
    with main:
        show_softmax(scores, true_class, temperature)
else:
    with controls:
        menu = st.container()
        try:
            study = layer_controls()
        except ValueError as error:
            with main:
                does_not_fit(error)
            st.stop()
    if part == GRADIENTS:
        with menu:
            quantity, form = quantity_controls()
        with main:
            traces = show_gradient(study, quantity, form)
        with below:
            show_proof(study, traces)
            show_equations(study, quantity)
    elif part == NUDGE:
        with menu:
            cell = cell_choice("Weight", "back_weight", study.window)
            epsilon = nudge_controls()
        with main:
            show_nudge(study, cell, epsilon)
        with below:
            show_all_nudges(study, epsilon)
    else:
        with menu:
            rate = rate_controls()
        with main:
            show_step(study, rate)
        with below:
            show_new_weights(study, rate)

st.divider()
with st.container(width=720):
    st.markdown(prose("backpropagation", f"look_{part}"))
