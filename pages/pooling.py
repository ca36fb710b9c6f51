import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.pooling.controls import pooling_controls
from cnn_lab.app.pooling.sections import show_pooling, tabs_of
from cnn_lab.app.widgets.inputs import does_not_fit
from cnn_lab.app.widgets.story import chapter_tabs, next_chapter, open_chapter
from cnn_lab.content import prose
from cnn_lab.ops.types import ShapeError

frame.ensure()

open_chapter("pooling")

stage_side, controls = st.columns([8, 3], gap="small")
setup = None
with controls:
    try:
        setup = pooling_controls()
    except ValueError as error:
        with stage_side:
            wider = None if isinstance(error, ShapeError) else prose("pooling", "wider")
            does_not_fit(error, remedy=wider)
if setup is not None:
    with stage_side:
        traces = show_pooling(setup)
    chapter_tabs("pool_tab", tabs_of(setup, traces))
next_chapter("pooling")
