"""Ten probabilities on a page."""

import streamlit as st

from cnn_lab.charts.answers import Probabilities, probabilities_spec, probabilities_table

# The browser builds a chart anew when its name changes, so this one names no numbers: they
# are text in the chart.
ALT = "Ten bars, one a digit, each with its probability"


def show_probabilities(probabilities: Probabilities | None, *, key: str) -> None:
    """Show ten bars with their numbers; for None the same ten, empty."""
    table = probabilities_table(probabilities)
    st.vega_lite_chart(table, probabilities_spec(), key=key, alt=ALT)
