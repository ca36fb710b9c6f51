import streamlit as st

from cnn_lab.content import prose
from cnn_lab.ui import frame, paper, paper_figures

frame.ensure()

st.title("The paper")
st.markdown(prose("paper", "question"))
paper.show_verdict()

st.subheader("The figures", anchor=False)
st.markdown(prose("paper", "figures"))
left, right = st.columns(2, gap="large")
with left:
    paper_figures.show_digits()
with right:
    paper_figures.show_maps()
left, right = st.columns(2, gap="large")
with left:
    paper_figures.show_curves("loss")
with right:
    paper_figures.show_curves("accuracy")
st.caption(prose("paper", "sampled"))
paper_figures.show_six()

st.subheader("The network", anchor=False)
paper.show_layers()

st.subheader("What would do better", anchor=False)
paper.show_outlook()

st.subheader("How it is exactly", anchor=False)
paper.show_errata()
st.caption(prose("paper", "source"))
