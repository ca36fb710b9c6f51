"""A bare page with one question: `?q=` its name, `?seed=` its seed."""

import streamlit as st

from cnn_lab.app.widgets.question import ask_question
from cnn_lab.teaching import QUESTIONS

st.set_page_config(page_title="Question")
st.title("Question")
query = st.query_params
verdict = ask_question(
    QUESTIONS[query.get("q", "conv-cell")].make(seed=int(query.get("seed", "0"))), key="asked"
)
st.write("right" if verdict is not None and verdict.right else "open")
