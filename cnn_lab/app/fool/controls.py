"""Controls of *Fool it*: a digit, the wrong answer that is wanted, and how far to go."""

from dataclasses import dataclass

import streamlit as st

from cnn_lab.app.widgets.inputs import choice, slider
from cnn_lab.app.widgets.one_digit import Digit, choose_digit

TARGET, LIMIT = "fool_target", "fool_limit"
LIMITS = (0.5, 6.0)
USUAL_LIMIT, USUAL_TARGET = 3.0, 3
LIMIT_PX = 300


@dataclass(frozen=True, eq=False)
class Question:
    """What is to be taken for what.

    Attributes
    ----------
    digit : Digit
    target : int
    """

    digit: Digit
    target: int


def choose_question() -> Question | None:
    """Show the choice of a digit and of a wrong answer, and return them; None without a digit."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(width="content"):
            digit = choose_digit("Image", "fool", value=0)
        target = choice("Make it read", range(10), TARGET, default=USUAL_TARGET, width="content")
    return None if digit is None else Question(digit, target)


def choose_limit() -> float:
    """Show the largest L2 norm that the change may have, and return it."""
    with st.container(width=LIMIT_PX):
        return slider(
            "Largest change (L2 norm)",
            LIMIT,
            value=USUAL_LIMIT,
            minimum=LIMITS[0],
            maximum=LIMITS[1],
            step=0.5,
            format="%.1f",
        )
