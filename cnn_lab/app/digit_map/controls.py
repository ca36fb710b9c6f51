"""The map of the chosen network: shipped, or computed here on request."""

import numpy as np
import streamlit as st

from cnn_lab.app.caches import network as shipped
from cnn_lab.app.caches import test_digits
from cnn_lab.app.messages import explained
from cnn_lab.app.widgets.model_choice import SHIPPED
from cnn_lab.content import prose
from cnn_lab.data.mnist import Split
from cnn_lab.explain.digit_map import DigitMap, feature_parts, mapped_digits
from cnn_lab.network import Network

MODEL = "digit_map_model"
COMPUTING = "digit_map_computing"
_OWN = "digit_map_own"  # session key of the latest map that was computed here


@st.cache_resource(max_entries=1, show_spinner=False)
def digits() -> Split:
    """Return the digits that are on the map."""
    return mapped_digits(test_digits())


@st.cache_resource(max_entries=len(SHIPPED), show_spinner=False)
def _shipped_map(name: str) -> DigitMap:
    return DigitMap.load(name)


def map_of(network: Network) -> DigitMap | None:
    """Return a network's map; None while it has none, with a button that computes it."""
    name = network.spec.name
    if name in SHIPPED and network is shipped(name):
        return _shipped_map(name)
    own: DigitMap | None = st.session_state.get(_OWN)
    if own is not None and own.weights == network.weights_digest():
        return own
    place = st.empty()
    if not st.session_state.pop(COMPUTING, False):
        with place.container():
            st.markdown(prose("digit_map", "compute", n=f"{len(digits()):,}"))
            st.button("Compute the map", key="digit_map_compute", on_click=_begin, type="primary")
        return None
    with place.container():
        made = _computed(network)
    if made is not None:
        place.empty()
        st.session_state[_OWN] = made
    return made


def _begin() -> None:
    st.session_state[COMPUTING] = True


def _computed(network: Network) -> DigitMap | None:
    """Compute a map with its progress on screen; a click on Cancel ends the script's run."""
    split = digits()
    bar = st.progress(0.0, text="Running the digits through the network")
    st.button("Cancel", key="digit_map_cancel")
    features, answers = [], []
    try:
        for made, predicted in feature_parts(network, split.images):
            features.append(made)
            answers.append(predicted)
            bar.progress(sum(map(len, answers)) / len(split))
    except ValueError as error:
        st.error(explained(error), title="There is no map of this network")
        return None
    return DigitMap.of(network, np.concatenate(features), np.concatenate(answers), split.labels)
