import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.fool.controls import choose_limit, choose_question
from cnn_lab.app.fool.search import show_search
from cnn_lab.app.widgets.model_choice import choose_model
from cnn_lab.content import prose
from cnn_lab.explain.fool import STEP

frame.ensure()

MODEL = "fool_model"

st.title("Fool it")
st.markdown(prose("fool", "question"))
question = choose_question()
player = st.container()
network = choose_model(MODEL)
limit = choose_limit()
if question is not None:
    with player:
        show_search(network, st.session_state[MODEL], question, limit)
with st.container(width=720):
    st.markdown(prose("fool", "prose", step=STEP))
