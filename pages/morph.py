import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.morph.controls import choose_trip
from cnn_lab.app.morph.passage import show_passage
from cnn_lab.app.widgets.model_choice import choose_model
from cnn_lab.content import prose

frame.ensure()

MODEL = "morph_model"

st.title("Morph")
st.markdown(prose("morph", "question"))
trip = choose_trip()
player = st.container()
network = choose_model(MODEL)
if trip is not None:
    with player:
        show_passage(network, st.session_state[MODEL], trip)
with st.container(width=720):
    st.markdown(prose("morph", "prose"))
