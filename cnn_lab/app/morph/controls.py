"""Controls of *Morph*: two digits, and how one becomes the other."""

from dataclasses import dataclass

import streamlit as st

from cnn_lab.app.widgets.inputs import choice
from cnn_lab.app.widgets.one_digit import Digit, choose_digit
from cnn_lab.explain.morph import WAYS, Way

WAY = "morph_way"
A_TWO, AN_EIGHT = 1, 61  # test images


@dataclass(frozen=True, eq=False)
class Trip:
    """From where to where, and how."""

    first: Digit
    last: Digit
    way: Way


def choose_trip() -> Trip | None:
    """Show the controls; None as long as one of the two digits is missing."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(width="content"):
            first = choose_digit("From", "morph_from", value=A_TWO)
        with st.container(width="content"):
            last = choose_digit("To", "morph_to", value=AN_EIGHT)
        way = choice("How", WAYS, WAY, width="content")
    return None if first is None or last is None else Trip(first, last, way)
