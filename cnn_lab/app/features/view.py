"""What is looked at on *Feature maps*: a layer, and one number in one of its maps."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import streamlit as st

from cnn_lab.app.features.controls import Subject
from cnn_lab.app.widgets.inputs import whole_number
from cnn_lab.app.widgets.map_picker import Place
from cnn_lab.charts.maps import as_maps
from cnn_lab.explain.surgery import Cut
from cnn_lab.network import Network
from cnn_lab.network.spec import Layer
from cnn_lab.ops.types import Array

LAYER = "features_layer"
PLACE = ("features_map", "features_row", "features_column")


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
    original : Network
        The same network as it was trained.
    cuts : tuple of Cut
        What was done to it since.
    """

    network: Network
    subject: Subject
    layer: str
    place: Place
    original: Network
    cuts: tuple[Cut, ...] = ()

    @cached_property
    def activations(self) -> dict[str, Array]:
        """What each layer makes of the image, without the batch."""
        made = self.network.activations(self.subject.image[np.newaxis])
        return {name: values[0] for name, values in made.items()}

    @property
    def image_name(self) -> str:
        """A short name for the image, the same for the same numbers."""
        return hashlib.blake2b(self.subject.image.tobytes(), digest_size=16).hexdigest()

    @property
    def spec(self) -> Layer:
        """The layer itself, as the network's spec has it."""
        return self.network.spec.layers[self.network.spec.find(self.layer)[0]]

    @property
    def maps(self) -> Array:
        """What the layer makes, shape (height, width, maps)."""
        return as_maps(self.activations[self.layer])

    @property
    def probabilities(self) -> Array:
        """The network's answer."""
        return self.activations[self.network.spec.layers[-1].name]


def network_name(network: Network) -> str:
    """Return a short name for a network's weights, the same for the same numbers.

    Notes
    -----
    5 ms for a million weights.
    """
    digest = hashlib.blake2b(digest_size=16)
    for weights in network.weights.values():
        digest.update(weights.tobytes())
    return digest.hexdigest()


def choose_layer(network: Network) -> str:
    """Show the layers as a row of words; dropout does nothing once training is over."""
    layers = {one.name: one for one in network.spec.layers if not one.drops}
    chosen = st.segmented_control(
        "Layer",
        list(layers),
        default=next(iter(layers)),
        required=True,
        key=LAYER,
        bind="query-params",
        label_visibility="collapsed",
        on_change=_begin_layer,
        args=(network,),
    )
    return chosen if chosen in layers else next(iter(layers))


def choose_place(network: Network, layer: str) -> Place:
    """Show the fields for the number that is looked into, what a click writes into."""
    rows, columns, n_maps = _size_of(network, layer)
    has_maps = rows * columns > 1
    limits = (n_maps, rows, columns) if has_maps else (n_maps,)
    names = ("Map", "Row", "Column") if has_maps else ("Unit",)
    middle = _middle(network, layer)
    place = [0, 0, 0]
    for at, (name, limit) in enumerate(zip(names, limits, strict=True)):
        with st.container(width=116):
            place[at] = whole_number(
                name, PLACE[at], value=middle[at], minimum=0, maximum=limit - 1
            )
    return place[0], place[1], place[2]


def choose_another_layer(network: Network, layer: str) -> None:
    """Look at another layer; for a widget's callback."""
    st.session_state[LAYER] = layer
    _begin_layer(network)


def _begin_layer(network: Network) -> None:
    """Look into the middle of another layer's first map, whatever the address said before."""
    look_into(_middle(network, st.session_state[LAYER]))


def _middle(network: Network, layer: str) -> Place:
    rows, columns, _ = _size_of(network, layer)
    return 0, rows // 2, columns // 2


def _size_of(network: Network, layer: str) -> tuple[int, int, int]:
    """Return rows, columns and number of a layer's maps."""
    shape = network.spec.find(layer)[1].output_shape
    return (shape[0], shape[1], shape[2]) if len(shape) == 3 else (1, 1, shape[0])


def look_into(place: Place) -> None:
    """Look into another number; for a widget's callback."""
    for key, at in zip(PLACE, place, strict=True):
        st.session_state[key] = at
