"""Maps of a layer on *Feature maps*, one of their numbers, the answer, and what examines them."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from cnn_lab.app.features.changes import show_changes
from cnn_lab.app.features.controls import (
    Subject,
    View,
    choose_another_layer,
    choose_layer,
    choose_place,
    labelled_row,
    look_into,
)
from cnn_lab.app.features.surgery import made_cuts, show_cuts, show_surgery
from cnn_lab.app.features.unit import show_field, show_number, show_sight
from cnn_lab.app.features.why import show_why
from cnn_lab.app.widgets.charts import show_bars
from cnn_lab.app.widgets.component import component
from cnn_lab.app.widgets.inputs import choice
from cnn_lab.app.widgets.landing import land
from cnn_lab.app.widgets.map_picker import map_picker
from cnn_lab.app.widgets.pictures import tone
from cnn_lab.charts.maps import Scope, data_url, map_sheet, scale_limits
from cnn_lab.charts.network import planes, shown_layers
from cnn_lab.content import prose
from cnn_lab.explain.surgery import operate
from cnn_lab.network import Network
from cnn_lab.ops.types import Array
from cnn_lab.trace.numbers import number_text

SCOPE, SECTION = "features_scale", "features_view"
SCOPES: tuple[Scope, ...] = ("map", "layer", "network")
WHAT_SCALES = {
    "map": "each map has its own scale; this is the one of map {map}",
    "layer": "one scale for the layer",
    "network": "one scale for all layers",
}
MAPS_PX = 430
IMAGE_PX = 140
BARS_PX = 260
KERNELS_PX = 300
COLUMNS = (9, 10)
SPACE = "features_space"
# The browser turns the pictures itself: sharp, smooth on any machine, and a tenth of the size
# of a mesh.
_space = component("space", "space")


@st.fragment
def explore(network: Network, subject: Subject) -> None:
    """Show the layers, the maps of one, and the sections; a click reruns only this fragment."""
    with labelled_row("Layer"):
        layer = choose_layer(network)
    cuts = made_cuts(network)
    operated = operate(network, cuts)
    activations = _activations(operated, subject)
    # Surgery must not move the selection, which starts at the strongest response.
    responses = _activations(network, subject) if cuts else activations
    picture, number = st.columns(COLUMNS, gap="medium")
    with picture:
        maps = st.container()
        with st.container(horizontal=True, vertical_alignment="bottom"):
            place = choose_place(network, subject, layer, responses[layer])
            scope = choice("One scale per", SCOPES, SCOPE, default="layer", width="content")
    view = View(operated, subject, layer, place, network, activations, cuts)
    with number:
        is_asked = show_number(view)
        _show_answer(view)
    with maps:
        _show_maps(view.without_number() if is_asked else view, scope)
        if cuts:
            show_cuts(cuts)
    if is_asked:
        return
    with st.container(gap=None):
        land(SECTION)
        section = choice("Look closer", list(SECTIONS), SECTION, hidden=True, width="content")
    SECTIONS[section](view)


def _activations(network: Network, subject: Subject) -> dict[str, Array]:
    """Return the output of each layer for the image, without the batch axis."""
    made = network.activations(subject.image[np.newaxis])
    return {name: values[0] for name, values in made.items()}


def _show_answer(view: View) -> None:
    """Show the image with the selected number's receptive field, and the ten probabilities."""
    digit = int(view.probabilities.argmax())
    truth = view.subject.label
    what = view.subject.title.capitalize()
    _, patch = view.receptive_fields[-1]
    alt = prose("features", "sight_alt", rows=patch.rows, columns=patch.columns)
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=IMAGE_PX):
            show_field(view.subject.image, patch, alt=alt, width_px=IMAGE_PX)
            if truth is None:
                st.markdown(prose("features", "answer", what=what, digit=digit))
            else:
                st.markdown(prose("features", "labelled", what=what, digit=digit, truth=truth))
        with st.container(width=BARS_PX):
            show_bars(view.probabilities)


def _show_maps(view: View, scope: Scope) -> None:
    """Show all maps of the layer as one picture, with the legend of its scale."""
    limits = scale_limits(scope, view.layer, view.activations)
    sheet = map_sheet(view.maps, limits, tone=tone())
    channel = view.place[0]
    own = float(limits[channel])
    low, high = (-own if sheet.low < 0 else 0.0, own) if scope == "map" else (sheet.low, sheet.high)
    map_picker(
        sheet,
        key="features_maps",
        chosen=view.place,
        label=prose("features", "maps_alt", layer=view.layer, n=sheet.n_maps),
        ends=(number_text(low), number_text(high)),
        caption=WHAT_SCALES[scope].format(map=channel),
        on_choose=look_into,
        noun="Map" if view.maps.shape[0] * view.maps.shape[1] > 1 else "Unit",
        most_px=MAPS_PX,
    )


def show_kernels(view: View) -> None:
    """Show the layer's kernels: all of a first layer, otherwise those of one map."""
    channel = view.place[0]
    weights = view.spec.own_weights(view.network.weights)
    kernels = view.spec.kernels(weights)
    if view.spec.dense:
        units = weights["kernel"]
        st.markdown(prose("features", "dense_kernel", unit=channel, n=f"{len(units):,}"))
        _show_kernels(_as_before(units[:, channel], view), view)
    elif kernels is None:
        st.markdown(prose("features", "no_kernels", layer=view.layer))
    elif kernels.shape[2] == 1:
        st.markdown(prose("features", "all_kernels", n=kernels.shape[3], layer=view.layer))
        _show_kernels(kernels[:, :, 0], view, chosen=channel)
    else:
        st.markdown(prose("features", "one_kernel", map=channel, n=kernels.shape[2]))
        _show_kernels(kernels[..., channel], view)


def _as_before(weights: Array, view: View) -> Array:
    """Return a unit's weights in the shape of the maps that they weight, if these are maps."""
    shapes = [
        row.input_shape
        for layer, row in zip(view.network.spec.layers, view.network.spec.summary(), strict=True)
        if layer.passes_through and row.output_shape == weights.shape
    ]
    flattened = [shape for shape in shapes if len(shape) == 3]
    return weights.reshape(flattened[-1] if flattened else (1, 1, -1))


def _show_kernels(kernels: Array, view: View, *, chosen: int | None = None) -> None:
    """Show kernels, shape (rows, columns, n), on one scale; a click selects a map."""
    limit = float(np.abs(kernels).max())
    sheet = map_sheet(kernels, np.full(kernels.shape[2], limit), tone=tone(), signed=True)
    map_picker(
        sheet,
        key="features_kernels",
        chosen=None if chosen is None else (chosen, 0, 0),
        label=prose("features", "kernels_alt", layer=view.layer, n=kernels.shape[2]),
        noun="Kernel" if chosen is not None else "Input map",
        ends=(number_text(-limit), number_text(limit)),
        caption="one scale for all",
        on_choose=None if chosen is None else lambda place: look_into((place[0], *view.place[1:])),
        most_px=KERNELS_PX,
    )


def show_space(view: View) -> None:
    """Show the layers one behind the other, in 3-D; a click selects one."""
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
                "picture": data_url(one.png),
                "width": one.width,
                "height": one.height,
            }
            for one in shown
        ],
    }
    _space(key=SPACE, data=data, on_chosen_change=lambda: _on_chosen(view, layers))


def _on_chosen(view: View, layers: list[str]) -> None:
    chosen = st.session_state[SPACE].get("chosen")
    if chosen in layers:
        choose_another_layer(chosen)


# Sections about the number, the layer or the whole network; only the open one computes.
SECTIONS: dict[str, Callable[[View], None]] = {
    "this number": show_sight,
    "kernels": show_kernels,
    "why this answer": show_why,
    "surgery": show_surgery,
    "move and change": show_changes,
    "in 3-D": show_space,
}
