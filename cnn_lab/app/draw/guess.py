"""Guess of the two tallest bars, before they are shown."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnn_lab.app.draw.xray import small
from cnn_lab.app.widgets import canvas
from cnn_lab.app.widgets.drawing import NAME
from cnn_lab.app.widgets.inputs import picked, switch
from cnn_lab.charts.answers import Probabilities
from cnn_lab.content.words import listed, percent

SWITCH, GUESSED = "draw_guess", "draw_guessed"
_MADE = "draw_guess_made"  # the latest guess, after the first stroke or picture of its drawing
N_GUESSED = 2


@dataclass(frozen=True)
class Guess:
    """What a reader has guessed.

    Attributes
    ----------
    digits : tuple of int
        Guessed to be the most probable.
    is_awaited : bool
        Whether the answer has to wait for it.
    """

    digits: tuple[int, ...] = ()
    is_awaited: bool = False


def ask_guess() -> Guess:
    """Show a switch and, if it is on, the digits to guess from; each drawing has its own guess."""
    if not switch("Guess first", SWITCH):
        return Guess()
    state, beginning = st.session_state, canvas.drawing(NAME).items[:1]
    of, digits = state.get(_MADE, ((), ()))
    if beginning and of == beginning:
        return Guess(digits)
    if beginning and len(chosen := state.get(GUESSED, ())) >= N_GUESSED:
        digits = tuple(sorted(chosen[:N_GUESSED]))
        state[_MADE] = (beginning, digits)
        state.pop(GUESSED)
        return Guess(digits)
    label = "Which two bars will be the tallest?"
    picked(label, range(10), GUESSED, disabled=not beginning)
    return Guess(is_awaited=True)


def compare_guess(guess: Guess, probabilities: Probabilities | None) -> None:
    """Show the guess beside the two tallest bars, once there are both."""
    if not guess.digits or guess.is_awaited or probabilities is None:
        return
    tallest = np.argsort(-probabilities, kind="stable")[:N_GUESSED]
    st.markdown(
        small(
            "guess_was",
            guessed=listed([f"**{digit}**" for digit in guess.digits]),
            tallest=listed(
                [f"**{digit}** ({percent(float(probabilities[digit]))})" for digit in tallest]
            ),
        )
    )
