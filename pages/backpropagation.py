import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.backpropagation.controls import part_control
from cnn_lab.app.backpropagation.parts import Sections, show_part, titles_of
from cnn_lab.app.widgets.story import instrument, instrument_tabs, next_chapter, open_chapter

frame.ensure()

open_chapter("backpropagation")
part = part_control()


def show_instrument() -> Sections | None:
    """Show the part beside its controls; return what fills its tabs."""
    main, controls = st.columns([5, 2], gap="medium")
    return show_part(part, main, controls)


instrument("back", show_instrument)
instrument_tabs(
    "back",
    {title: lambda sections, title=title: sections[title]() for title in titles_of(part)},
)
next_chapter("backpropagation")
