import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.glossary.terms import show_asked_term, show_terms
from cnn_lab.content import prose

frame.ensure()

st.title("Glossary")
st.markdown(prose("glossary_page", "question"))
show_asked_term()
show_terms()
