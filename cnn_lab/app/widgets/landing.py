"""Links that open a page at one of its sections, and steps that begin at the top."""

import streamlit as st

from cnn_lab.app.widgets.component import component

_landing = component("landing", "landing")


def land(parameter: str) -> None:
    """Bring this place into view if the page was opened by a link that sets the parameter.

    Parameters
    ----------
    parameter : str
        Of the address; the widget with this key decides what is shown here.
    """
    key = f"{parameter}_landing"
    # The widget is in the session already unless the page has just been opened.
    if parameter not in st.session_state:
        st.session_state[key] = parameter in st.query_params
    if st.session_state.get(key):
        _landing(key=f"{key}_place", height=1)


def bring_up(key: str) -> None:
    """Bring this place into view as soon as the page has an element of this key."""
    _landing(key=key, height=1)
