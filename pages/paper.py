import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.paper import claims, figures
from cnn_lab.content import prose

frame.ensure()

st.title("The paper")
st.markdown(prose("paper", "question"))
claims.show_verdict()

st.subheader("The figures", anchor=False)
st.markdown(prose("paper", "figures"))
left, right = st.columns(2, gap="large")
with left:
    figures.show_digits()
with right:
    figures.show_maps()
left, right = st.columns(2, gap="large")
with left:
    figures.show_curves("loss")
with right:
    figures.show_curves("accuracy")
st.caption(prose("paper", "sampled"))
figures.show_six()

st.subheader("The network", anchor=False)
claims.show_network()

st.subheader("What would work better", anchor=False)
claims.show_outlook()

st.subheader("Corrections and details", anchor=False)
claims.show_errata()
st.caption(prose("paper", "source"))
