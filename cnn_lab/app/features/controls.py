"""Input of *Feature maps*: an image, a layer of a network, one number in its maps."""

import hashlib
import json
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.app.caches import test_digits
from cnn_lab.app.widgets.drawing import drawn_image
from cnn_lab.app.widgets.inputs import choice, follow_defaults, whole_number
from cnn_lab.app.widgets.map_picker import Place
from cnn_lab.app.widgets.upload import picture_upload
from cnn_lab.charts.maps import as_maps
from cnn_lab.content import prose
from cnn_lab.data.mnist import DataError, Split
from cnn_lab.data.sets import INFO, load_data_set
from cnn_lab.data.teaching_images import sample_photo
from cnn_lab.data.uploads import middle_of
from cnn_lab.digits.photograph import picture_for
from cnn_lab.explain.receptive_field import Patch, growing_fields, strongest_place
from cnn_lab.explain.surgery import Cut
from cnn_lab.network import Network
from cnn_lab.network.spec import DIGIT_SHAPE, Layer
from cnn_lab.ops.types import Array

SOURCE, INDEX = "features_input", "features_digit"
SOURCES = ("digit", "drawing", "picture")
_PICTURE, _MENU = "features_picture", "features_upload_menu"
LAYER = "features_layer"
PLACE = ("features_map", "features_row", "features_column")
_NEW_LAYER = "features_new_layer"
LABEL_PX = 68


@dataclass(frozen=True, eq=False)
class Subject:
    """Input image of the network.

    Attributes
    ----------
    image : ndarray of float32 in [0, 1], shape (height, width, channels)
    title : str
        A short description.
    label : int or None
        Its class, if known.
    """

    image: Array
    title: str
    label: int | None = None


@dataclass(frozen=True, eq=False)
class View:
    """A network with the outputs of its layers for one image.

    Attributes
    ----------
    network : Network
    subject : Subject
    layer : str
        The selected layer.
    place : (int, int, int)
        Map, row and column of the selected number.
    original : Network
        The network as trained, without changes.
    activations : dict of str to ndarray
        Output of each layer for the image, without the batch axis.
    cuts : tuple of Cut
        The changes made to it.
    """

    network: Network
    subject: Subject
    layer: str
    place: Place
    original: Network
    activations: dict[str, Array]
    cuts: tuple[Cut, ...] = ()

    def without_number(self) -> "View":
        """Return the view with a zero in place of the selected number, for a question about it."""
        channel, row, column = self.place
        values = self.activations[self.layer].copy()
        as_maps(values)[row, column, channel] = 0
        return replace(self, activations={**self.activations, self.layer: values})

    @property
    def image_name(self) -> str:
        """A hash of the image's pixels."""
        return hashlib.blake2b(self.subject.image.tobytes(), digest_size=16).hexdigest()

    @property
    def spec(self) -> Layer:
        """The layer in the network's spec."""
        return self.network.spec.layers[self.network.spec.find(self.layer)[0]]

    @property
    def maps(self) -> Array:
        """Output of the layer, shape (height, width, maps)."""
        return as_maps(self.activations[self.layer])

    @property
    def has_maps(self) -> bool:
        """Whether the layer outputs maps, not a row of units."""
        return self.activations[self.layer].ndim == 3

    @property
    def receptive_fields(self) -> list[tuple[str, Patch]]:
        """Receptive fields of the units, layer by layer up to the selected one."""
        channel, *at = self.place
        row, column = at if self.has_maps else (0, channel)
        return growing_fields(self.network.spec, self.layer, row, column)

    @property
    def probabilities(self) -> Array:
        """The network's answer."""
        spec = self.network.spec
        return spec.class_probabilities(self.activations[spec.layers[-1].name])


def labelled_row(label: str) -> DeltaGenerator:
    """Return a row of the page for one choice, with its name before it."""
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    row.markdown(f"**{label}**", width=LABEL_PX)
    return row.container()


def choose_subject(network: Network) -> Subject | None:
    """Show the choice of input and return the image; None if there is none yet."""
    shape = network.spec.input_shape
    split = test_split(network)
    offered = [name for name in SOURCES if _fits(name, shape, split)]
    with st.container(horizontal=True, vertical_alignment="center"):
        source = choice("Input", offered, SOURCE, hidden=True, width="content")
        if source == "digit" and split is not None:
            return _test_image(split)
        if source == "drawing":
            return _drawing()
        return _picture(shape)


def _fits(source: str, shape: tuple[int, int, int], split: Split | None) -> bool:
    return {"digit": split is not None, "drawing": shape == DIGIT_SHAPE}.get(source, True)


def test_split(network: Network) -> Split | None:
    """Return test images of the network's data set, or digits; None if none fit."""
    name = json.loads(network.card.get("training", "{}")).get("data_set", "mnist")
    shape = network.spec.input_shape
    if name != "mnist" and name in INFO and INFO[name].shape == shape:
        try:
            return load_data_set(name).test
        except DataError:
            pass
    return test_digits() if shape == DIGIT_SHAPE else None


def _test_image(split: Split) -> Subject:
    last = len(split) - 1
    index = whole_number(
        "Number of the test image",
        INDEX,
        value=0,
        minimum=0,
        maximum=last,
        hidden=True,
        width=140,
    )
    st.button("Next", key="features_next", on_click=_next, args=(len(split),), type="primary")
    label = int(split.labels[index])
    return Subject(split.image(index), f"test image {index:,}", label)


def _next(n_images: int) -> None:
    st.session_state[INDEX] = (st.session_state[INDEX] + 1) % n_images


def _drawing() -> Subject | None:
    image = drawn_image()
    link = "Draw a digit" if image is None else "Draw another digit"
    if image is None:
        st.markdown(prose("features", "no_drawing"), width="content")
    st.page_link("pages/draw.py", label=link, icon=":material/draw:")
    return None if image is None else Subject(image[..., np.newaxis], "your drawing")


def _picture(shape: tuple[int, int, int]) -> Subject | None:
    menu = st.popover("Upload", icon=":material/upload:", key=_MENU, on_change="rerun")
    if menu.open:
        with menu:
            picture_upload(
                "features", partial(_take, shape), file_label=prose("features", "upload_label")
            )
    kept = st.session_state.get(_PICTURE)
    if isinstance(kept, np.ndarray) and kept.shape == shape:
        return Subject(kept, "your picture")
    if shape == DIGIT_SHAPE:
        st.markdown(prose("features", "no_picture"), width="content")
        return None
    return Subject(middle_of(sample_photo(), shape), "a drawn landscape")


def _take(shape: tuple[int, int, int], content: bytes) -> None:
    st.session_state[_PICTURE] = picture_for(shape, content)
    st.session_state[_MENU] = False  # the open menu would cover the result


def choose_layer(network: Network) -> str:
    """Show the layers to choose from, without dropout, which does nothing after training."""
    layers = {one.name: one for one in network.spec.layers if not one.drops}
    chosen = choice(
        "Layer",
        list(layers),
        LAYER,
        hidden=True,
        width="content",
        on_change=_begin_layer,
    )
    return chosen if chosen in layers else next(iter(layers))


def choose_place(network: Network, subject: Subject, layer: str, output: Array) -> Place:
    """Show the fields for the selected number, which a click on the maps sets.

    By default it is the strongest response of the layer, or of the map that was chosen. An
    address that gives only row and column means map 0.
    """
    maps = as_maps(output)
    rows, columns, n_maps = maps.shape
    has_maps = rows * columns > 1
    reset = bool(st.session_state.pop(_NEW_LAYER, False))
    strongest = partial(strongest_place, network.spec, layer, subject.image, maps)
    of_map, *of_place = PLACE
    linked = of_map not in st.query_params and all(key in st.query_params for key in of_place)
    if reset or of_map in st.session_state or not linked:
        follow_defaults({of_map: strongest()[0]}, reset=reset)
    channel = _place_field("Map" if has_maps else "Unit", of_map, n_maps, 0)
    if not has_maps:
        return channel, 0, 0
    at = strongest(channel)[1:]
    follow_defaults(dict(zip(of_place, at, strict=True)), reset=reset)
    row = _place_field("Row", of_place[0], rows, at[0])
    column = _place_field("Column", of_place[1], columns, at[1])
    return channel, row, column


def _place_field(name: str, key: str, limit: int, default: int) -> int:
    """Show the field of a number from 0 to below its limit and return it."""
    with st.container(width=116):
        return whole_number(name, key, value=default, minimum=0, maximum=limit - 1)


def choose_another_layer(layer: str) -> None:
    """Select another layer; for a widget's callback."""
    st.session_state[LAYER] = layer
    _begin_layer()


def _begin_layer() -> None:
    """Select the default number of another layer, whatever was selected before."""
    st.session_state[_NEW_LAYER] = True


def look_into(place: Place) -> None:
    """Select another number; for a widget's callback."""
    for key, at in zip(PLACE, place, strict=True):
        st.session_state[key] = at
