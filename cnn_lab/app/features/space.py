"""The whole network in space on *Feature maps*, with this image's maps on its layers."""

import base64

import streamlit as st

from cnn_lab.app.features.view import View, choose_another_layer
from cnn_lab.app.widgets.component import component
from cnn_lab.app.widgets.pictures import tone
from cnn_lab.charts.network_3d import planes, shown_layers
from cnn_lab.content import prose

KEY = "features_space"
# Pictures turned by the browser itself: sharp, smooth on any machine, and a tenth of the size
# that the same would have as a mesh.
_space = component("space", "space")


def show_space(view: View) -> None:
    """Show the layers one behind the other, to be turned by hand; a click chooses one."""
    layers = shown_layers(view.network.spec)
    shown = planes(view.subject.image, view.activations, layers, tone=tone())
    st.markdown(prose("features", "space"))
    data = {
        "label": prose("features", "space_alt", names=", ".join(one.words for one in shown)),
        "chosen": view.layer,
        "planes": [
            {
                "name": one.name,
                "words": one.words,
                "picture": "data:image/png;base64," + base64.b64encode(one.png).decode("ascii"),
                "width": one.width,
                "height": one.height,
            }
            for one in shown
        ],
    }
    _space(key=KEY, data=data, on_chosen_change=lambda: _on_chosen(view, layers))


def _on_chosen(view: View, layers: list[str]) -> None:
    chosen = st.session_state[KEY].get("chosen")
    if chosen in layers:
        choose_another_layer(view.original, chosen)
