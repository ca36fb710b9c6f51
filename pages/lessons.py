import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.lessons.cards import show_cards
from cnn_lab.content import prose

frame.ensure()

st.title("Lessons")
st.markdown(prose("lessons", "question"))
show_cards()
