import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.features.controls import choose_subject, labelled_row
from cnn_lab.app.features.sections import explore
from cnn_lab.app.widgets.model_choice import choose_model
from cnn_lab.content import prose

frame.ensure()

st.title("Feature maps")
st.markdown(prose("features", "question"))
with labelled_row("Network"):
    network = choose_model("features_model", default="paper", digits_only=False)
with labelled_row("Image"):
    subject = choose_subject(network)
if subject is not None:
    explore(network, subject)
st.divider()
with st.container(width=720):
    st.markdown(prose("features", "prose"))
