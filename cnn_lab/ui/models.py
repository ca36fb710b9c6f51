"""Which network a page uses: a shipped one, or one that was trained here."""

import json
import re

import streamlit as st

from cnn_lab.network import ModelFileError, Network
from cnn_lab.ui.caches import RUN_PREFIX, network

SHIPPED = ("paper", "fast")
_RUN = re.compile(rf"{RUN_PREFIX}[A-Za-z0-9_-]{{1,64}}")


def choose_model(key: str) -> Network:
    """Show the choice of networks and return the chosen one.

    Parameters
    ----------
    key : str
        The widget's key, which is the address parameter too. The address may name a finished
        run as "run-<id>"; it is offered from then on. If there is no such run (any more), a
        sentence says so and the paper's network takes its place.
    """
    runs: list[str] = st.session_state.setdefault(f"{key}_runs", [])
    asked = st.query_params.get(key)
    missing = ""
    if asked and asked not in (*SHIPPED, *runs):
        if _RUN.fullmatch(asked) and _loads(asked):
            runs.append(asked)
        else:
            missing = asked
    with st.container(horizontal=True, vertical_alignment="center"):
        name = st.segmented_control(
            "Network",
            [*SHIPPED, *runs],
            default="paper",
            required=True,
            key=key,
            bind="query-params",
            label_visibility="collapsed",
            width="content",
        )
        if not _loads(name):
            missing, name = name, "paper"
        chosen = network(name)
        st.markdown(f":small[{card_sentence(chosen)}]", width="content")
    if missing:
        st.info(
            "The address names a network that is not here (any more). The paper's takes its place."
        )
    return chosen


def card_sentence(chosen: Network) -> str:
    """Return what a network's own card says of it."""
    size = f"{chosen.spec.n_parameters:,} learned numbers"
    result = json.loads(chosen.card.get("result", "{}"))
    if "test_accuracy" not in result:
        return size
    return f"{size}, reads {result['test_accuracy']:.2%} of {result['n']:,} test digits correctly"


def _loads(name: str) -> bool:
    try:
        network(name)
    except ModelFileError:
        return False
    return True
