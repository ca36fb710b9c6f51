"""A Plotly chart of points or a surface: clicks, pictures of points, and a page that scrolls."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from cnn_lab.app.widgets.component import component

_plot = component("plot", "plot")

# The wheel scrolls the page, and a phone has no room for Plotly's own buttons.
_CONFIG = {"displayModeBar": False, "scrollZoom": False}


@dataclass(frozen=True)
class PointPictures:
    """Pictures of points in one sheet, row by row.

    Attributes
    ----------
    url : str
    side : int
        Pixels a side of each.
    across : int
        Pictures in a row.
    every : int
        Point number k has picture k / every.
    """

    url: str
    side: int
    across: int
    every: int = 1


def plot(
    figure: dict[str, Any],
    *,
    key: str,
    alt: str,
    pictures: PointPictures | None = None,
    on_choose: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Show a figure in a container of its height; a finger scrolls the page across it.

    Parameters
    ----------
    figure : dict
        As Plotly describes figures, with `layout.height`.
    key : str
    alt : str
        Text description for screen readers.
    pictures : PointPictures, optional
        Of the points whose `customdata` is 0 or more: shown beside the pointer.
    on_choose : callable, optional
        Called after a click with {"number": the point's `customdata`}, or {"x": ..., "y": ...}
        without one, before the script reruns. The values are what a browser sent: anything.

    Notes
    -----
    Streamlit reports clicks on flat charts only, and nothing that a pointer is over.
    """
    box = f"{key}_box"
    joint = f"{key}_joint"
    data = {"box": box, "pictures": None if pictures is None else asdict(pictures)}
    with st.container(gap=None):
        with st.container(key=box, height=figure["layout"]["height"], border=False):
            st.plotly_chart(figure, key=key, config=_CONFIG, alt=alt)
        _plot(key=joint, data=data, on_chosen_change=lambda: _on_chosen(joint, on_choose))


def _on_chosen(joint: str, on_choose: Callable[[dict[str, Any]], None] | None) -> None:
    sent = st.session_state[joint].get("chosen")
    if on_choose is not None and isinstance(sent, dict):
        on_choose(sent)
