"""Bar chart of ten probabilities."""

import streamlit as st

from cnn_lab.charts.answers import Probabilities, probabilities_spec, probabilities_table

# The browser rebuilds a chart when its description changes, so this one has no numbers: they are
# text in the chart.
ALT = "Ten bars, one per digit, each with its probability"


def show_probabilities(probabilities: Probabilities | None, *, key: str) -> None:
    """Show ten bars with their numbers; None shows empty bars."""
    table = probabilities_table(probabilities)
    st.vega_lite_chart(table, probabilities_spec(), key=key, alt=ALT)
