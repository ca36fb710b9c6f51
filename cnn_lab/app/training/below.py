"""Tabs below the curves of the Training page, of which only the open one is computed."""

from collections.abc import Callable

import streamlit as st

from cnn_lab.app.training.afterwards import show_damage, show_results
from cnn_lab.app.training.comparison import COMPARE, show_comparison
from cnn_lab.app.training.controls import TrainingSettings
from cnn_lab.app.training.downloads import show_downloads
from cnn_lab.app.training.hand import show_hand
from cnn_lab.app.training.sweep import SWEEP, show_sweep
from cnn_lab.app.training.time_machine import show_time_machine
from cnn_lab.app.widgets.networks import show_layers
from cnn_lab.app.widgets.story import chapter_tabs
from cnn_lab.content import prose
from cnn_lab.runs.job import Status

TABS, RESULT_TABS = "training_tab", "training_result"
RESULTS, REPLAY, COMPARISON, DOWNLOADS = "Results", "Replay", "Compare", "Download"
EXPLAINED, LAYERS, SEARCH, HAND = "Explained", "Layers", "Sweep", "Your hand"
# Beginnings of parameters that belong to a tab: a link that has one opens it.
_OPENED_BY = {"training_machine": REPLAY, COMPARE: COMPARISON, SWEEP: SEARCH}


def show_below(settings: TrainingSettings, status: Status | None) -> None:
    """Show the tabs; a run that has ended adds its results, its replay and its downloads.

    Parameters
    ----------
    settings : TrainingSettings
        Of the next run.
    status : Status or None
        Of the run that the page shows.
    """
    tabs: dict[str, Callable[[], None]] = {}
    key = TABS
    if status is not None and not status.active:
        show_damage(status.run_id)
        key = RESULT_TABS
        tabs = {
            RESULTS: lambda: show_results(status),
            REPLAY: lambda: show_time_machine(status),
        }
        if status.result:
            tabs |= {
                COMPARISON: lambda: show_comparison(status),
                DOWNLOADS: lambda: show_downloads(status),
            }
    tabs[EXPLAINED] = lambda: st.markdown(prose("training", "prose"))  # type: ignore[assignment]
    tabs[HAND] = lambda: show_hand(began=lambda: _keep_open(HAND))
    if settings.network is not None:
        network = settings.network
        tabs[LAYERS] = lambda: show_layers(network)
    tabs[SEARCH] = lambda: show_sweep(settings.spec)
    if key not in st.session_state and key not in st.query_params:
        for beginning, title in _OPENED_BY.items():
            if title in tabs and any(name.startswith(beginning) for name in st.query_params):
                st.session_state[key] = title
    chapter_tabs(key, tabs)


def _keep_open(title: str) -> None:
    """Have a tab open also when the row of tabs becomes that of a run which has ended."""
    for key in (TABS, RESULT_TABS):
        st.session_state[key] = title
