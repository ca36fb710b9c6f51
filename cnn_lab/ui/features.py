"""The maps of a layer on *Feature maps*, and the number in them that is looked into."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnn_lab.content import prose
from cnn_lab.equations import number
from cnn_lab.figures.feature_maps import Scope, as_maps, map_sheet, scale_limits
from cnn_lab.network import Network
from cnn_lab.ui.bars import show_probabilities
from cnn_lab.ui.features_input import Subject
from cnn_lab.ui.inputs import whole_number
from cnn_lab.ui.map_picker import Place, map_picker
from cnn_lab.ui.pictures import tone

Array = NDArray[np.floating[Any]]

LAYER, SCOPE = "features_layer", "features_scale"
PLACE = ("features_map", "features_row", "features_column")
SCOPES: tuple[Scope, ...] = ("map", "layer", "network")
WHAT_SCALES = {
    "map": "each map has a scale of its own; here that of map {map}",
    "layer": "one scale for the layer",
    "network": "one scale for all layers",
}
MAPS_PX = 430


@dataclass(frozen=True, eq=False)
class View:
    """A network and what each of its layers makes of one image.

    Attributes
    ----------
    network : Network
    subject : Subject
    layer : str
        The one that is looked at.
    place : (int, int, int)
        Map, row and column of the number that is looked into.
    """

    network: Network
    subject: Subject
    layer: str
    place: Place

    @cached_property
    def activations(self) -> dict[str, Array]:
        """What each layer makes of the image, without the batch."""
        made = self.network.activations(self.subject.image[np.newaxis])
        return {name: values[0] for name, values in made.items()}

    @property
    def maps(self) -> Array:
        """What the layer makes, shape (height, width, maps)."""
        return as_maps(self.activations[self.layer])

    @property
    def value(self) -> float:
        """The number that is looked into."""
        channel, row, column = self.place
        return float(self.maps[row, column, channel])

    @property
    def probabilities(self) -> Array:
        """The network's answer."""
        return self.activations[self.network.spec.layers[-1].name]


@st.fragment
def explore(network: Network, subject: Subject) -> None:
    """Show the layers, the maps of one, and what can be looked into: a click reruns no more."""
    layer = _choose_layer(network)
    picture, answer = st.columns([18, 5], gap="small")
    with picture:
        maps = st.container()
        with st.container(horizontal=True, vertical_alignment="bottom"):
            place = _choose_place(network, layer)
            _choose_scope()
    view = View(network, subject, layer, place)
    with maps:
        show_maps(view)
    with answer:
        _show_answer(view)


def _show_answer(view: View) -> None:
    digit = int(view.probabilities.argmax())
    truth = view.subject.label
    what = view.subject.title.capitalize()
    if truth is None:
        st.markdown(prose("features", "answer", what=what, digit=digit))
    else:
        st.markdown(prose("features", "labelled", what=what, digit=digit, truth=truth))
    show_probabilities(view.probabilities, key="features_probabilities")


def _choose_layer(network: Network) -> str:
    """Show the layers as a row of words; dropout does nothing once training is over."""
    layers = {one.name: one for one in network.spec.layers if one.type != "Dropout"}
    chosen = st.segmented_control(
        "Layer",
        list(layers),
        default=next(iter(layers)),
        required=True,
        key=LAYER,
        bind="query-params",
        label_visibility="collapsed",
        on_change=_forget_place,
    )
    return chosen if chosen in layers else next(iter(layers))


def _choose_scope() -> None:
    st.segmented_control(
        "A scale for each",
        SCOPES,
        default="layer",
        required=True,
        key=SCOPE,
        bind="query-params",
    )


def _choose_place(network: Network, layer: str) -> Place:
    """Show the fields for the number that is looked into, what a click writes into."""
    rows, columns, n_maps = _size_of(network, layer)
    has_maps = rows * columns > 1
    limits = (n_maps, rows, columns) if has_maps else (n_maps,)
    names = ("Map", "Row", "Column") if has_maps else ("Unit",)
    middle = (0, rows // 2, columns // 2)
    place = [0, 0, 0]
    for at, (name, limit) in enumerate(zip(names, limits, strict=True)):
        with st.container(width=116):
            place[at] = whole_number(
                name, PLACE[at], value=middle[at], minimum=0, maximum=limit - 1
            )
    return place[0], place[1], place[2]


def _forget_place() -> None:
    """Look into the middle of another layer's first map."""
    for key in PLACE:
        st.session_state.pop(key, None)


def _size_of(network: Network, layer: str) -> tuple[int, int, int]:
    """Return rows, columns and number of a layer's maps."""
    shape = next(row.output_shape for row in network.spec.summary() if row.name == layer)
    return (shape[0], shape[1], shape[2]) if len(shape) == 3 else (1, 1, shape[0])


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
        on_choose=_look_into,
        most_px=MAPS_PX,
    )


def _look_into(place: Place) -> None:
    for key, at in zip(PLACE, place, strict=True):
        st.session_state[key] = at
