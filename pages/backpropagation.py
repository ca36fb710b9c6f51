import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.backpropagation.controls import cell_choice, layer_controls
from cnn_lab.app.backpropagation.gradients import (
    quantity_controls,
    show_equations,
    show_gradient,
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
from cnn_lab.app.widgets.inputs import choice, does_not_fit
from cnn_lab.app.widgets.keras_check import code_tabs, show_proof
from cnn_lab.app.widgets.story import next_chapter, open_chapter
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

open_chapter("backpropagation")

part = choice(
    "Part",
    list(PARTS),
    "back_part",
    format_func=PARTS.__getitem__,
    hidden=True,
    width="content",
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
            setup = layer_controls()
        except ValueError as error:
            with main:
                does_not_fit(error)
            st.stop()
    if part == GRADIENTS:
        with menu:
            quantity, form = quantity_controls()
        with main:
            traces = show_gradient(setup, quantity, form)
        with below:
            with st.container(horizontal=True):
                show_proof("back", setup.check, traces, name="backpropagation")
            code_tabs("back_code", setup.check.call)
            show_equations(setup, quantity)
    elif part == NUDGE:
        with menu:
            cell = cell_choice("Weight", "back_weight", setup.window)
            epsilon = nudge_controls()
        with main:
            show_nudge(setup, cell, epsilon)
        with below:
            show_all_nudges(setup, epsilon)
    else:
        with menu:
            rate = rate_controls()
        with main:
            show_step(setup, rate)
        with below:
            show_new_weights(setup, rate)

st.divider()
with st.container(width=720):
    st.markdown(prose("backpropagation", f"look_{part}"))
next_chapter("backpropagation")
