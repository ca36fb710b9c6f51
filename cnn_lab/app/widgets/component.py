"""The lab's own browser components: a bundle each, and one style for all."""

from typing import Any

import streamlit as st

from cnn_lab.stage.source import bundled


def component(name: str, css_class: str) -> Any:
    """Return a Streamlit component made of the bundles of that name.

    Parameters
    ----------
    name : str
        As in `tools.bundle`; with ``cnn_lab_`` before it, what Streamlit calls the component.
    css_class : str
        What the component's style sheet calls its root.
    """
    return st.components.v2.component(
        f"cnn_lab_{name}",
        html=f'<div class="kit {css_class}">\n</div>',
        css=bundled(f"{name}.css"),
        js=bundled(f"{name}.js"),
    )
