"""What the network of *Feature maps* is given: a test image, the drawing, or a picture."""

import json
from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnn_lab.app.caches import test_digits
from cnn_lab.app.widgets.drawing import drawn_image
from cnn_lab.content import prose
from cnn_lab.data.mnist import DataError, Split
from cnn_lab.data.sample_photo import landscape
from cnn_lab.data.sets import INFO, load_data_set
from cnn_lab.data.uploads import MAX_MB, PictureError
from cnn_lab.explain.subject import DIGIT_SHAPE, middle_of, picture_for
from cnn_lab.network import Network
from cnn_lab.ops.types import Array

SOURCE, INDEX = "features_input", "features_digit"
SOURCES = ("digit", "drawing", "picture")
_UPLOAD, _PICTURE, _PROBLEM = "features_upload", "features_picture", "features_problem"


@dataclass(frozen=True, eq=False)
class Subject:
    """What the network looks at.

    Attributes
    ----------
    image : ndarray of float32 in [0, 1], shape (height, width, channels)
    title : str
        What it is, in a few words.
    label : int or None
        What it shows, where somebody has said so.
    """

    image: Array
    title: str
    label: int | None = None


def choose_subject(network: Network) -> Subject | None:
    """Show where the image comes from and return it; None while there is none."""
    shape = network.spec.input_shape
    split = test_split(network)
    offered = [name for name in SOURCES if _fits(name, shape, split)]
    with st.container(horizontal=True, vertical_alignment="center"):
        source = st.segmented_control(
            "What it looks at",
            offered,
            default=offered[0],
            required=True,
            key=SOURCE,
            bind="query-params",
            label_visibility="collapsed",
        )
        if source == "digit" and split is not None:
            return _test_image(split)
        if source == "drawing":
            return _drawing()
        return _picture(shape)


def _fits(source: str, shape: tuple[int, int, int], split: Split | None) -> bool:
    return {"digit": split is not None, "drawing": shape == DIGIT_SHAPE}.get(source, True)


def test_split(network: Network) -> Split | None:
    """Return test images of the kind a network was trained on, or digits; None if none fit."""
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
    entered = st.number_input(
        "Number of the test image",
        min_value=0,
        max_value=last,
        value=0,
        step=1,
        key=INDEX,
        bind="query-params",
        label_visibility="collapsed",
        width=140,
    )
    index = int(min(max(entered, 0), last))
    st.button("Next", key="features_next", on_click=_next, args=(len(split),), type="primary")
    label = int(split.labels[index])
    return Subject(split.image(index), f"test image {index:,}", label)


def _next(n_images: int) -> None:
    st.session_state[INDEX] = (st.session_state[INDEX] + 1) % n_images


def _drawing() -> Subject | None:
    image = drawn_image()
    link = "Draw a digit" if image is None else "Draw another"
    if image is None:
        st.markdown(prose("features", "no_drawing"), width="content")
    st.page_link("pages/draw.py", label=link, icon=":material/draw:")
    return None if image is None else Subject(image[..., np.newaxis], "your drawing")


def _picture(shape: tuple[int, int, int]) -> Subject | None:
    with st.popover("Upload", icon=":material/upload:"):
        st.file_uploader(
            prose("features", "upload_label"),
            type=["png", "jpg", "jpeg", "webp"],
            max_upload_size=MAX_MB,
            key=_UPLOAD,
            on_change=_take,
            args=(shape,),
        )
        if problem := st.session_state.pop(_PROBLEM, ""):
            st.error(problem)
    kept = st.session_state.get(_PICTURE)
    if isinstance(kept, np.ndarray) and kept.shape == shape:
        return Subject(kept, "your picture")
    if shape == DIGIT_SHAPE:
        st.markdown(prose("features", "no_picture"), width="content")
        return None
    return Subject(middle_of(landscape(), shape), "a drawn landscape")


def _take(shape: tuple[int, int, int]) -> None:
    if sent := st.session_state[_UPLOAD]:
        try:
            st.session_state[_PICTURE] = picture_for(shape, sent.getvalue())
        except PictureError as error:
            st.session_state[_PROBLEM] = str(error)
