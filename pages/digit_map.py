import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.digit_map.controls import MODEL, digits, map_of
from cnn_lab.app.digit_map.sections import show_map
from cnn_lab.app.widgets.model_choice import choose_model
from cnn_lab.content import prose

frame.ensure()

st.title("Digit map")
st.markdown(prose("digit_map", "question", n=f"{len(digits()):,}"))
network = choose_model(MODEL, default="paper")
found = map_of(network)
if found is not None:
    show_map(network, found)
st.divider()
with st.container(width=720):
    st.markdown(prose("digit_map", "prose"))
