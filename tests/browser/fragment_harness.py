"""A page with a part that runs by itself, on a server that sends what it says in large portions.

A click changes what the part consists of. While the page runs, the browser asks for the part again.
`?below=1` shows more below it.
"""

import time

import streamlit as st
from streamlit.runtime import runtime

from cnn_lab.app.frame import tune_process

runtime.MESSAGE_FLUSH_INTERVAL_SECS = 0.4  # as of a busy server; 0.01 otherwise
LARGE = f"<div hidden>{'0' * 20_000}</div>"  # the browser keeps it, and is only told where it is

tune_process()


@st.fragment(run_every=0.2)
def part() -> None:
    if st.session_state.runs % 2:
        with st.container():
            st.text("Wide")
            st.html(LARGE)
    else:
        st.text("Narrow")


st.session_state.runs = st.session_state.get("runs", 0) + 1
st.button("Change")
st.text(f"Run {st.session_state.runs}")
time.sleep(0.5)
part()
if "below" in st.query_params:
    with st.container():
        st.text("Below")
    st.text("At the end")
