"""A bare page with one menu of downloads: `?case=` chooses of what."""

import streamlit as st

from cnn_lab.app.widgets.exports import export_menu
from tests.browser.stage_cases import CASES

st.set_page_config(page_title="Exports", layout="wide")
st.title("Exports")
traces = CASES[st.query_params.get("case", "small")]()
export_menu("menu", traces, name="convolution-k3", title="Sobel <on a patch>")
st.session_state.runs = st.session_state.get("runs", 0) + 1
st.write(f"Runs of the script: {st.session_state.runs}")
