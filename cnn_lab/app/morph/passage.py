"""The way from one digit to another, with the answer to each image on it."""

import numpy as np
import streamlit as st

from cnn_lab.app.morph.controls import Trip
from cnn_lab.app.widgets.frames import Film, Show, named, play_frames
from cnn_lab.content import prose
from cnn_lab.content.words import listed, percent
from cnn_lab.explain.morph import Passage
from cnn_lab.network import Network

PASSAGE = "morph_passage"  # session key of the latest passage, with its name
N_IMAGES = 41


@st.fragment
def show_passage(network: Network, model: str, trip: Trip) -> None:
    """Show the images on the way and the answers to them.

    Parameters
    ----------
    network : Network
    model : str
        Name of the network.
    trip : Trip
    """
    first, last = trip.first.image, trip.last.image
    name = named(model, first, last, trip.way)
    kept: tuple[str, Passage] | None = st.session_state.get(PASSAGE)
    if kept is None or kept[0] != name:
        kept = name, Passage(network, first, last, N_IMAGES, trip.way)
        st.session_state[PASSAGE] = kept
    passage = kept[1]
    play_frames(_show(name, passage, last), key="morph_frames", advance=passage.advance)


def _show(name: str, passage: Passage, last: np.ndarray) -> Show:
    images = passage.images[..., 0]
    return Show(
        name=name,
        label=prose("morph", "player_label"),
        noun="Place on the way",
        films=[
            Film("From", prose("morph", "from_alt"), images[:1]),
            Film("On the way", prose("morph", "image_alt"), images),
            Film("To", prose("morph", "to_alt"), last[np.newaxis, ..., 0]),
        ],
        words=[_words(place, answer) for place, answer in enumerate(passage.answers)],
        answers=np.stack(passage.answers),
        bars=prose("morph", "bars"),
        total=passage.n,
        more=not passage.is_done,
        verdict=_verdict(passage),
        stopped=prose("morph", "stopped"),
        roll=(prose("morph", "roll"), prose("morph", "roll_alt")),
    )


def _words(place: int, answer: np.ndarray) -> str:
    digit = int(answer.argmax())
    share = f"{place / (N_IMAGES - 1):.0%}"
    return prose("morph", "place", share=share, digit=digit, sure=percent(float(answer[digit])))


def _verdict(passage: Passage) -> str:
    """Return where the answer changes."""
    if not passage.is_done:
        return prose("morph", "going")
    first = int(passage.answers[0].argmax())
    turns = passage.turns
    if not turns:
        return prose("morph", "never", digit=first)
    said = [prose("morph", "turn", digit=turn.after, share=f"{turn.share:.0%}") for turn in turns]
    return prose("morph", "turns", digit=first, turns=listed(said))
