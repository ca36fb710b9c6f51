"""Choice of one digit: a test image, or the reader's drawing."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnn_lab.app.caches import test_digits
from cnn_lab.app.widgets.drawing import drawn_image
from cnn_lab.app.widgets.inputs import choice, digit_number
from cnn_lab.content import prose
from cnn_lab.ops.types import Array

SOURCES = ("digit", "drawing")
NUMBER_PX = 150


@dataclass(frozen=True, eq=False)
class Digit:
    """A digit.

    Attributes
    ----------
    image : ndarray of float32 in [0, 1], shape (28, 28, 1)
    label : int or None
        What it is, if known.
    """

    image: Array
    label: int | None


def choose_digit(label: str, prefix: str, *, value: int) -> Digit | None:
    """Show the choice of a test image or the drawing, side by side; None without a drawing.

    Parameters
    ----------
    label : str
    prefix : str
        Of the keys `<prefix>_input` and `<prefix>_digit`, which are address parameters too.
    value : int
        Number of the test image that is chosen at first.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        source = choice(label, SOURCES, f"{prefix}_input", width="content")
        return given_digit(source, prefix, value=value)


def given_digit(source: str, prefix: str, *, value: int) -> Digit | None:
    """Show what belongs to one of `SOURCES` and return the digit; None without a drawing."""
    if source == "digit":
        index = digit_number(f"{prefix}_digit", value=value, width=NUMBER_PX)
        digits = test_digits()
        return Digit(digits.image(index), int(digits.labels[index]))
    drawn = drawn_image()
    if drawn is None:
        st.markdown(prose("features", "no_drawing"), width="content")
    link = "Draw a digit" if drawn is None else "Draw another digit"
    st.page_link("pages/draw.py", label=link, icon=":material/draw:")
    return None if drawn is None else Digit(drawn[..., np.newaxis], None)
