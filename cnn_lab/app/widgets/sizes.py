"""The size of an output, worked out."""

import streamlit as st

from cnn_lab.concepts.formulas import output_length_latex, unread_sentence
from cnn_lab.ops.settings import Geometry


def show_output_size(geometry: Geometry) -> None:
    """Show the size formula of both axes with its numbers, and what its floor drops."""
    st.markdown("**How large is the output?** Rows and columns, with your numbers:")
    for name, axis in zip(("H'", "W'"), geometry.axes, strict=True):
        st.latex(output_length_latex(name, *axis))
    st.markdown(unread_sentence(geometry))
