import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.paper import claims, figures
from cnn_lab.app.widgets.story import chapter_tabs
from cnn_lab.content import prose

frame.ensure()

st.title("The paper")
st.markdown(prose("paper", "question"))
claims.show_verdict()
chapter_tabs(
    "paper_tab",
    {
        "Its pictures": figures.show_pictures,
        "Its curves": figures.show_curves,
        "Its network": claims.show_network,
        "What would work better": claims.show_outlook,
        "Corrections and details": claims.show_errata,
    },
)
st.caption(prose("paper", "source"))
