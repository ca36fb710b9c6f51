"""What a network reads in a drawing, and the sentence that says so."""

import numpy as np
import streamlit as st

from cnn_lab.content import prose
from cnn_lab.digits.answer import Verdict
from cnn_lab.digits.drawing import Preparation
from cnn_lab.network import Network
from cnn_lab.ops.types import Array, Images


def probabilities_of(network: Network, images: Images) -> Array:
    """Return a network's answers, shape (n, 10), to prepared drawings, shape (n, 28, 28)."""
    return network.predict(images[..., np.newaxis])


def show_answer(steps: Preparation | None, reading: Verdict | None) -> None:
    """Say what is read, or why the answer does not count."""
    if steps is None or reading is None:
        st.markdown(prose("draw", "empty"))
    elif steps.is_speck:
        st.markdown(prose("draw", "speck", digit=reading.digit))
    elif steps.is_filled:
        st.markdown(prose("draw", "filled", digit=reading.digit))
    elif reading.kind == "no_digit":
        st.markdown(reading.sentence)  # three lines on a phone, were it a heading
    else:
        st.subheader(reading.sentence, anchor=False)


def small(section: str, **numbers: object) -> str:
    """Return a section of the page's prose in small letters."""
    return f":small[{prose('draw', section, **numbers)}]"
