import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.teach.class_room import show_class_room
from cnn_lab.app.teach.hand_ins import show_hand_ins
from cnn_lab.app.teach.links import show_links
from cnn_lab.app.widgets.story import chapter_tabs
from cnn_lab.content import prose

frame.ensure()

st.title("Teach")
st.markdown(prose("teach", "question"))
chapter_tabs(
    "teach_tab",
    {"Make a link": show_links, "Class room": show_class_room, "Hand-ins": show_hand_ins},
)
