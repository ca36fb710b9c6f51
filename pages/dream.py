import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.dream.controls import choose_aim, choose_start
from cnn_lab.app.dream.picture import show_dream
from cnn_lab.app.widgets.model_choice import choose_model
from cnn_lab.content import prose
from cnn_lab.explain.dream import BLURS_PX, JITTER_PX, KEPT, STEP

frame.ensure()

MODEL = "dream_model"

st.title("Dream")
st.markdown(prose("dream", "question"))
top, player = st.container(), st.container()
network = choose_model(MODEL, default="paper")
with top:
    aim = choose_aim(network)
start = choose_start(network)
if start is not None:
    with player:
        show_dream(network, st.session_state[MODEL], aim, start)
with st.container(width=720):
    st.markdown(
        prose(
            "dream",
            "prose",
            step=STEP,
            first_blur=BLURS_PX[0],
            last_blur=BLURS_PX[1],
            jitter=JITTER_PX,
            fading=f"{1 - KEPT:.0%}",
        )
    )
