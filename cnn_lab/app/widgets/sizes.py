"""The size of an output, worked out."""

import streamlit as st

from cnn_lab.concepts.formulas import output_length_latex, unread_sentence
from cnn_lab.ops.settings import Geometry
from cnn_lab.ops.types import PadMode


def show_output_size(geometry: Geometry, pad_mode: PadMode = "zeros") -> None:
    """Show the size formula of both axes with its numbers, and what the windows leave unread."""
    st.markdown("**How large is the output?** Rows and columns, with your numbers:")
    for name, axis in zip(("H'", "W'"), geometry.axes, strict=True):
        st.latex(output_length_latex(name, *axis))
    st.markdown(unread_sentence(geometry, pad_mode))
