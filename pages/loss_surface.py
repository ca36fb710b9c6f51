import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.loss_surface.controls import same_weights, surface_controls
from cnn_lab.app.loss_surface.sections import show_surface
from cnn_lab.content import prose

frame.ensure()

st.title("Loss surface")
st.markdown(prose("loss_surface", "question"))

picture, controls = st.columns([5, 2], gap="medium")
with controls:
    slope = surface_controls()
with picture:
    if slope is None:
        same_weights()
    else:
        show_surface(slope)
st.divider()
with st.container(width=720):
    st.markdown(prose("loss_surface", "prose"))
