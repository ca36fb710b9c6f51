"""Charts with reserved space, and the bar chart of ten probabilities."""

import pandas as pd
import streamlit as st

from cnn_lab.charts.answers import Probabilities, probabilities_spec, probabilities_table
from cnn_lab.charts.vega import Spec

# The browser rebuilds a chart when its description changes, so this one has no numbers: they are
# text in the chart.
ALT = "Ten bars, one per digit, each with its probability"


def show_probabilities(probabilities: Probabilities | None, *, key: str) -> None:
    """Show ten bars with their numbers; None shows empty bars."""
    table = probabilities_table(probabilities)
    st.vega_lite_chart(table, probabilities_spec(), key=key, alt=ALT)


def show_chart(table: pd.DataFrame, spec: Spec, *, key: str, alt: str) -> None:
    """Show a chart in a container of its height, so that nothing moves when it is drawn."""
    with st.container(height=spec["height"], border=False):
        st.vega_lite_chart(table, spec, key=key, alt=alt)
