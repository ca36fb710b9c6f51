import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.pooling.controls import PoolingSetup, pooling_controls
from cnn_lab.app.pooling.sections import (
    EXPERIMENTS,
    show_code,
    show_cost,
    show_explained,
    show_formulas,
    show_pooling,
    show_shift,
)
from cnn_lab.app.widgets.inputs import does_not_fit
from cnn_lab.app.widgets.story import (
    instrument,
    instrument_tabs,
    next_chapter,
    open_chapter,
    show_experiments,
)
from cnn_lab.content import prose
from cnn_lab.ops.types import ShapeError
from cnn_lab.trace import Trace

Shown = tuple[PoolingSetup, list[Trace]]

frame.ensure()

open_chapter("pooling")


def show_instrument() -> Shown | None:
    """Show the stage beside its controls."""
    stage_side, controls = st.columns([8, 3], gap="small")
    with controls:
        try:
            setup = pooling_controls()
        except ValueError as error:
            with stage_side:
                wider = None if isinstance(error, ShapeError) else prose("pooling", "wider")
                does_not_fit(error, remedy=wider)
            return None
    with stage_side:
        traces = show_pooling(setup)
    return None if traces is None else (setup, traces)


instrument("pool", show_instrument)
instrument_tabs(
    "pool",
    {
        "Explained": lambda shown: show_explained(shown[0]),
        "Try this": lambda _: show_experiments("pooling", EXPERIMENTS),
        "Shift": lambda shown: show_shift(shown[0]),
        "Formulas": lambda shown: show_formulas(shown[0]),
        "Cost": lambda shown: show_cost(shown[0]),
        "Code": lambda shown: show_code(*shown),
    },
)
next_chapter("pooling")
