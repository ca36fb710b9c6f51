"""The maps of a layer on *Feature maps*, the answer beside them, and what can be asked of both."""

from collections.abc import Callable

import streamlit as st

from cnn_lab.app.features.changes import show_changes
from cnn_lab.app.features.controls import Subject
from cnn_lab.app.features.kernels import show_kernels
from cnn_lab.app.features.space import show_space
from cnn_lab.app.features.surgery import made_cuts, show_cuts, show_surgery
from cnn_lab.app.features.unit import box_of, show_unit
from cnn_lab.app.features.view import View, choose_layer, choose_place, look_into
from cnn_lab.app.features.why import show_why
from cnn_lab.app.widgets.bars import show_probabilities
from cnn_lab.app.widgets.map_picker import map_picker
from cnn_lab.app.widgets.pictures import show_png, tone
from cnn_lab.charts.maps import (
    Scope,
    framed,
    image_picture,
    map_sheet,
    png,
    scale_limits,
)
from cnn_lab.concepts.convolution.equations import number
from cnn_lab.content import prose
from cnn_lab.explain.receptive_field import growing_fields
from cnn_lab.explain.surgery import operate
from cnn_lab.network import Network

SCOPE, SECTION = "features_scale", "features_view"
SCOPES: tuple[Scope, ...] = ("map", "layer", "network")
WHAT_SCALES = {
    "map": "each map has a scale of its own; here that of map {map}",
    "layer": "one scale for the layer",
    "network": "one scale for all layers",
}
MAPS_PX = 430
IMAGE_PX = 140
# What can be asked of the number, the layer or the whole network; only what is open computes.
SECTIONS: dict[str, Callable[[View], None]] = {
    "this number": show_unit,
    "kernels": show_kernels,
    "why this answer": show_why,
    "surgery": show_surgery,
    "move and change": show_changes,
    "in 3-D": show_space,
}


@st.fragment
def explore(network: Network, subject: Subject) -> None:
    """Show the layers, the maps of one, and what can be looked into: a click reruns no more."""
    layer = choose_layer(network)
    picture, answer = st.columns([18, 5], gap="small")
    with picture:
        maps = st.container()
        with st.container(horizontal=True, vertical_alignment="bottom"):
            place = choose_place(network, layer)
            _choose_scope()
    cuts = made_cuts(network)
    view = View(operate(network, cuts), subject, layer, place, original=network, cuts=cuts)
    with maps:
        show_maps(view)
        if cuts:
            show_cuts(cuts)
    with answer:
        _show_answer(view)
    section = st.segmented_control(
        "Look closer",
        list(SECTIONS),
        default=next(iter(SECTIONS)),
        required=True,
        key=SECTION,
        bind="query-params",
        label_visibility="collapsed",
    )
    SECTIONS[section](view)


def _show_answer(view: View) -> None:
    """Show the image, with what the chosen number sees of it, and the ten probabilities."""
    digit = int(view.probabilities.argmax())
    truth = view.subject.label
    what = view.subject.title.capitalize()
    image = view.subject.image
    channel, row, column = view.place
    at = (row, column) if view.activations[view.layer].ndim == 3 else (0, channel)
    _, patch = growing_fields(view.network.spec, view.layer, *at)[-1]
    factor = max(1, round(IMAGE_PX / image.shape[1]))
    colour = str(st.get_option(f"theme.{tone()}.primaryColor"))
    picture = framed(image_picture(image), [box_of(patch)], colour, factor=2 * factor)
    show_png(
        png(picture),
        alt=prose("features", "sight_alt", rows=patch.rows, columns=patch.columns),
        width_px=factor * image.shape[1],
    )
    if truth is None:
        st.markdown(prose("features", "answer", what=what, digit=digit))
    else:
        st.markdown(prose("features", "labelled", what=what, digit=digit, truth=truth))
    show_probabilities(view.probabilities, key="features_probabilities")


def _choose_scope() -> None:
    st.segmented_control(
        "A scale for each",
        SCOPES,
        default="layer",
        required=True,
        key=SCOPE,
        bind="query-params",
    )


def show_maps(view: View) -> None:
    """Show all maps of the layer as one picture, with the legend of its scale."""
    scope = st.session_state.get(SCOPE, "layer")
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
        ends=(number(low), number(high)),
        caption=WHAT_SCALES[scope].format(map=channel),
        on_choose=look_into,
        noun="Map" if view.maps.shape[0] * view.maps.shape[1] > 1 else "Unit",
        most_px=MAPS_PX,
    )
