import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.backpropagation.controls import TAB, part_control
from cnn_lab.app.backpropagation.parts import show_part
from cnn_lab.app.widgets.story import chapter_tabs, next_chapter, open_chapter

frame.ensure()

open_chapter("backpropagation")
part = part_control()
main, controls = st.columns([5, 2], gap="medium")
if sections := show_part(part, main, controls):
    chapter_tabs(TAB, sections)
next_chapter("backpropagation")
