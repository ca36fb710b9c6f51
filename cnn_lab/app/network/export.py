"""A network to take away: Keras code, JSON, pictures, and the way to its training."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from cnn_lab.app.network.controls import Bench
from cnn_lab.app.widgets.pictures import tone
from cnn_lab.charts.network_diagram import Look, diagram_png, diagram_svg, network_diagram
from cnn_lab.concepts.snippets import keras_network_code
from cnn_lab.network.spec import Draft, Fit, fit
from cnn_lab.network.spec.token import to_json, to_token


def train_link(bench: Bench, found: Fit) -> None:
    """Show the link to the Training page, which takes this very network along."""
    if bench.is_preset:
        query = {"training_preset": bench.base}
    else:
        query = {"training_preset": "own", "training_network": to_token(bench.draft)}
    st.page_link(
        "pages/training.py",
        label="Train this network",
        icon=":material/model_training:",
        query_params=query,
        disabled=bool(found.reason),
    )


@st.fragment
def export_menu(draft: Draft) -> None:
    """Show a menu of files; nothing is drawn before it is asked for."""
    menu = st.popover(
        "Download", icon=":material/download:", key="network_export", on_change="rerun"
    )
    if not menu.open:
        return
    look = _look()
    files: list[tuple[str, str, str, Callable[[], str | bytes]]] = [
        ("Network (JSON)", "json", "application/json", partial(to_json, draft)),
        ("Picture (SVG)", "svg", "image/svg+xml", partial(_svg, draft, look)),
        ("Picture (PNG)", "png", "image/png", partial(_png, draft, look)),
    ]
    with menu:
        for label, ending, mime, make in files:
            st.download_button(
                label,
                data=make,
                file_name=f"{draft.name}.{ending}",
                mime=mime,
                key=f"network_export_{ending}",
                on_click="ignore",
                width="stretch",
            )


def _svg(draft: Draft, look: Look) -> str:
    return diagram_svg(network_diagram(draft, fit(draft)), look)


def _png(draft: Draft, look: Look) -> bytes:
    return diagram_png(network_diagram(draft, fit(draft)), look)


def _look() -> Look:
    """Return the colours of the reader's page."""
    theme = f"theme.{tone()}."
    return Look(
        ink=st.get_option(f"{theme}textColor"),
        paper=st.get_option(f"{theme}backgroundColor"),
        now=st.get_option(f"{theme}primaryColor"),
    )


@st.fragment
def network_code(draft: Draft) -> None:
    """Show the network in Keras; folded away at first, and written when unfolded."""
    folded = st.expander(
        "This network in Keras", key="network_code", icon=":material/code:", on_change="rerun"
    )
    if folded.open:
        folded.code(keras_network_code(draft.network()), language="python")
