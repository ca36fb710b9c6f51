import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.draw.reader import show_reader
from cnn_lab.app.widgets.model_choice import choose_model
from cnn_lab.content import prose

frame.ensure()

MODEL = "draw_model"

st.title("Draw a digit")
st.markdown(prose("draw", "question"))
network = choose_model(MODEL)
show_reader(network, st.session_state[MODEL])
st.markdown(prose("draw", "prose"))
