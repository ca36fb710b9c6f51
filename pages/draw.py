import numpy as np
import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.draw.answer import show_answer, small
from cnn_lab.app.draw.models import show_models
from cnn_lab.app.draw.sources import show_sources
from cnn_lab.app.draw.tools import show_tools
from cnn_lab.app.draw.why import show_why
from cnn_lab.app.draw.xray import show_xray, xray_switches
from cnn_lab.app.widgets import canvas
from cnn_lab.app.widgets.bars import show_probabilities
from cnn_lab.app.widgets.drawing import NAME
from cnn_lab.app.widgets.model_choice import choose_model
from cnn_lab.app.widgets.pictures import show_image
from cnn_lab.content import prose
from cnn_lab.digits.answer import judge
from cnn_lab.digits.drawing import SIDE, prepare_steps

frame.ensure()

MODEL = "draw_model"
SEEN_PX = 10 * SIDE
BARS_PX = 260  # all three fit beside each other on a screen of 1280 pixels
# Two lines on a phone; fixed, so that nothing moves while somebody draws.
ANSWER_PX = (608, 64)


@st.fragment
def show_reader() -> None:
    """Show all that follows the pen: a stroke reruns this and nothing else."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        answer = st.container(
            width=ANSWER_PX[0], height=ANSWER_PX[1], border=False, vertical_alignment="center"
        )
        show_sources()
    with st.container(horizontal=True, gap="medium"):
        pen_side = st.container(width=canvas.SIDE_PX, gap="small")
        seen_side = st.container(width=SEEN_PX, gap="small")
        bars_side = st.container(width=BARS_PX, gap="small")
    without, cards = xray_switches()
    with pen_side:
        st.markdown(f":small[{canvas.drawing(NAME).note or prose('draw', 'canvas')}]")
        board = st.container()
        tool, brush_px = show_tools()
        with board:
            rgba = canvas.canvas(NAME, brush_px=brush_px, tool=tool)
            if problem := canvas.problem(NAME):
                st.warning(problem)
    steps = None if rgba is None else prepare_steps(rgba, without=without)
    reading, probabilities = (None, None) if steps is None else judge(network, steps.image)
    with answer:
        show_answer(steps, reading)
    with seen_side:
        st.markdown(small("seen"))
        seen = np.zeros((SIDE, SIDE), np.float32) if steps is None else steps.image
        show_image(seen, alt=prose("draw", "seen"), width_px=SEEN_PX, limit=1.0)
        st.page_link(
            "pages/features.py",
            label=prose("draw", "maps"),
            icon=":material/arrow_forward:",
            query_params={"features_input": "drawing", "features_model": st.session_state[MODEL]},
        )
    with bars_side:
        st.markdown(small("bars"))
        show_probabilities(probabilities, key="draw_probabilities")
    if rgba is not None and steps is not None and cards:
        show_xray(cards, rgba, steps, network, without)
    image = None if steps is None else steps.image
    show_models(image, network)
    show_why(image, None if reading is None else reading.digit, network)


st.title("Draw a digit")
st.markdown(prose("draw", "question"))
network = choose_model(MODEL)
show_reader()
st.markdown(prose("draw", "prose"))
