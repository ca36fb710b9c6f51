"""Ten probabilities on a page."""

import streamlit as st

from cnn_lab.digits import Reading, percent
from cnn_lab.figures.probabilities import Probabilities, probabilities_spec, probabilities_table


def show_probabilities(probabilities: Probabilities | None, *, key: str) -> None:
    """Show ten bars with their numbers; for None the same ten, empty."""
    if probabilities is None:
        alt = "Ten empty bars, one a digit"
    else:
        reading = Reading.of(probabilities)
        alt = (
            f"Ten bars, one a digit; the longest is {reading.digit}, {percent(reading.probability)}"
        )
    st.vega_lite_chart(probabilities_table(probabilities), probabilities_spec(), key=key, alt=alt)
