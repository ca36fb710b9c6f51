import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.network.controls import editor, problem
from cnn_lab.app.network.costs import show_layer_formulas, show_memory, show_meter, show_totals
from cnn_lab.app.network.diagram import show_diagram, show_layer_table
from cnn_lab.app.network.fields import layer_fields
from cnn_lab.app.network.tools import (
    editor_tools,
    export_menu,
    layer_tools,
    show_fit,
    train_link,
)
from cnn_lab.app.widgets.networks import show_network_code
from cnn_lab.content import prose
from cnn_lab.network.spec import fit

frame.ensure()

st.title("Network")
st.markdown("What is in it, and what does it cost?")

here = editor()
found = fit(here.draft)

with st.container(horizontal=True, gap="small", vertical_alignment="center"):
    editor_tools(here)
    with st.container(width="content"):
        export_menu(here.draft)
    train_link(here, found)
if refused := problem():
    st.warning(refused, title="This link cannot be opened")
show_totals(here, found)
show_diagram(here, found)
show_fit(here, found)

fields, formulas = st.columns(2, gap="large")
with fields:
    layer_tools(here)
    layer_fields(here)
with formulas:
    show_layer_formulas(here, found)

show_layer_table(here, found)
show_memory(here, found)
show_meter(here, found)
if not found.reason:
    show_network_code("This network in Keras", "network_code", here.draft.network())
st.divider()
with st.container(width=720):
    st.markdown(prose("network", "prose"))
