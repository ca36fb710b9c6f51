"""A bare page with one stage, or with the menu of its downloads.

`?case=` or the field chooses what it plays, all results hidden if "hidden" is added, `?start=` its
first step, `?show=exports` the menu, `?text=` what is written below.
"""

import streamlit as st

from cnn_lab.app.widgets.exports import export_menu
from cnn_lab.app.widgets.predict import Prediction
from cnn_lab.app.widgets.stage import stage
from cnn_lab.trace import convolution_trace
from tests.browser.stage_cases import CASES, PATCH, SOBEL

st.set_page_config(page_title="Stage", layout="wide")
st.title("Stage")
case = st.text_input("Case", st.query_params.get("case", "small"))
if case == "changing":
    strides = st.segmented_control("Strides", [1, 2], default=1, required=True)
    traces = [convolution_trace(PATCH, SOBEL, strides=strides)]
else:
    traces = CASES[case.removesuffix(" hidden")]()
if st.query_params.get("show") == "exports":
    export_menu("menu", traces, name="convolution-k3", title="Sobel <on a patch>")
else:
    hides = case.endswith(" hidden")
    stage(
        traces,
        key=f"stage_{case.replace(' ', '_')}",
        start_step=int(st.query_params.get("start", "0")),
        prediction=Prediction(tuple(trace.result_cells for trace in traces)) if hides else None,
    )
st.markdown(st.query_params.get("text", ""))
st.session_state.runs = st.session_state.get("runs", 0) + 1
st.write(f"Runs of the script: {st.session_state.runs}")
st.write(f"On the stage: {case}.")
