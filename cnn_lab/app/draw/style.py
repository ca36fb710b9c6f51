"""Style of a drawing, and what two networks make of it."""

from collections.abc import Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnn_lab.app.caches import network as shipped
from cnn_lab.app.widgets.charts import show_bars
from cnn_lab.app.widgets.model_choice import DEFAULT, SHIPPED
from cnn_lab.charts.digits import styles_html
from cnn_lab.content import prose
from cnn_lab.content.words import literally, percent
from cnn_lab.digits.answer import answer_for
from cnn_lab.digits.styles import StyleReading, compared_with, pens_in_training, read_style
from cnn_lab.explain.pen_style import NAMES, StyleFinder, n_styles
from cnn_lab.network import Network

N_DRAWINGS = 8
SHEET_PX, NETWORK_PX = 180, 230  # all three side by side at 1280 pixels


def show_style(
    image: NDArray[np.float32], network: Network, name: str, *, digit: int | None
) -> None:
    """Show which way to write a digit a drawing resembles, and two networks side by side.

    Parameters
    ----------
    image : ndarray of float32 in [0, 1], shape (28, 28)
        The prepared drawing.
    network : Network
        The chosen one.
    name : str
        Its name in the address.
    digit : int or None
        The digit that the drawing is said to be; None compares the styles of all digits.
    """
    with st.spinner(prose("pen_style", "finding")):
        style = _finder().find(image, digit=digit)
    if style is None:
        asked = {} if digit is None else {"digit": digit}
        st.markdown(prose("pen_style", "unknown_of_digit" if asked else "unknown", **asked))
        return
    networks = {name: network, **{other: shipped(other) for other in SHIPPED}}
    reading = _reading(style, name, networks)
    section, n = ("all", len(NAMES)) if digit is None else ("of_digit", n_styles(digit))
    told = prose("pen_style", section, n=n, digit=reading.digit, style=reading.title)
    st.markdown(f"{told} {prose('pen_style', reading.section)}")
    two = (name, compared_with(name, networks, reading))
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=SHEET_PX, gap="small"):
            st.html(styles_html([reading.of(*two)]))
        for one in two:
            with st.container(width=NETWORK_PX, gap="small"):
                st.markdown(_trained_with(one, networks[one]))
                show_bars(answer_for(networks[one], image)[1])


def _trained_with(name: str, network: Network) -> str:
    """Say whether drawings by the pen were in a network's training."""
    if share := pens_in_training(network):
        text = prose("pen_style", "with_pens", name=literally(name), share=percent(share))
    elif name in SHIPPED:
        text = prose("pen_style", "without_pens_mnist", name=name)
    else:
        text = prose("pen_style", "without_pens", name=literally(name))
    return f":small[{text}]"


@st.cache_resource(max_entries=1, show_spinner=False)
def _finder() -> StyleFinder:
    return StyleFinder.of(shipped(DEFAULT))


@st.cache_data(max_entries=64, show_spinner=False)
def _reading(style: str, name: str, _networks: Mapping[str, Network]) -> StyleReading:
    return read_style(style, _networks, n=N_DRAWINGS)
