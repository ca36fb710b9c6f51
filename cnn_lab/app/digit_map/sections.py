"""The map, the digit that is chosen on it, and the visitor's drawing."""

from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnn_lab.app.caches import test_digits
from cnn_lab.app.digit_map.controls import MODEL, digits
from cnn_lab.app.widgets.drawing import drawn_image
from cnn_lab.app.widgets.inputs import choice, digit_number, slider, switch
from cnn_lab.app.widgets.pictures import show_image, tone
from cnn_lab.app.widgets.plot import PointPictures, plot
from cnn_lab.app.widgets.steps import ROW_PX
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.charts.digit_map import digit_map_figure
from cnn_lab.charts.maps import data_url, png
from cnn_lab.content import prose
from cnn_lab.content.words import percent
from cnn_lab.explain.digit_map import EVERY, DigitMap, feature_parts, hidden_layer
from cnn_lab.network import Network
from cnn_lab.ops.types import Array

DIGIT = "digit_map_digit"
ACROSS = 50
PICTURE_PX = 140
GREY_STEP = 17  # 16 levels of grey, which take half the bytes of 256
MAX_ROWS = 50
YOURS, CHOSEN = "your drawing", "test image {number:,}"


@st.cache_resource(max_entries=1, show_spinner=False)
def _sheet() -> PointPictures:
    """Return the pictures of all digits on the map, 0.3 MB."""
    pixels = (np.rint(digits().pixels / GREY_STEP) * GREY_STEP).astype(np.uint8)
    side = pixels.shape[1]
    rows = pixels.reshape(-1, ACROSS, side, side).swapaxes(1, 2)
    picture = np.repeat(rows.reshape(-1, ACROSS * side)[..., np.newaxis], 3, axis=-1)
    return PointPictures(data_url(png(picture, compress_level=9)), side, ACROSS, EVERY)


@st.fragment
def show_map(network: Network, found: DigitMap) -> None:
    """Show the map with its controls; they rerun only this fragment."""
    labels = digits().labels
    wrong = np.flatnonzero(labels != found.answers)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        dimensions: Literal[2, 3] = choice(
            "Dimensions", (2, 3), "digit_map_dimensions", width="content"
        )
        only = switch("Only misclassified", "digit_map_misclassified")
    picture, card = st.columns([5, 2], gap="medium")
    with card:
        number, place = _show_chosen(network, found)
        marked = {CHOSEN.format(number=number): place}
        if (yours := _show_drawing(network, found)) is not None:
            marked[YOURS] = yours
    with picture:
        turn = 45.0
        if dimensions == 3:
            label = prose("digit_map", "turn_label")
            with st.container(height=ROW_PX, border=False):
                turn = float(slider(label, "digit_map_turn", value=45, minimum=0, maximum=360))
        figure = digit_map_figure(
            found.places,
            labels,
            found.answers,
            numbers=EVERY * np.arange(len(labels)),
            shares=found.shares,
            dimensions=dimensions,
            marked=marked,
            tone=tone(),
            only_misclassified=only,
            turn=turn,
        )
        n = f"{len(labels):,}"
        alt = prose("digit_map", "figure_alt", n=n, dimensions=dimensions, wrong=len(wrong))
        plot(figure, key="digit_map_plot", alt=alt, pictures=_sheet(), on_choose=_choose)
        _show_left_out(network, found, dimensions)
    if only:
        _show_misclassified(found, wrong)


def _choose(sent: dict[str, Any]) -> None:
    number = sent.get("number")
    if type(number) is int and 0 <= number < len(test_digits()):
        st.session_state[DIGIT] = number


def _place(network: Network, found: DigitMap, image: Array) -> tuple[Array, int]:
    """Return where an image belongs on the map, and what the network says."""
    features, answers = next(feature_parts(network, image[np.newaxis]))
    return found.place(features)[0], int(answers[0])


def _show_chosen(network: Network, found: DigitMap) -> tuple[int, Array]:
    """Show the chosen test digit and its link; return its number and its place."""
    number = digit_number(DIGIT)
    split = test_digits()
    image, label = split.image(number), int(split.labels[number])
    if number % EVERY:
        place, answer = _place(network, found, image)
    else:
        place, answer = found.places[number // EVERY], int(found.answers[number // EVERY])
    named = {"number": f"{number:,}", "label": label}
    show_image(image[..., 0], alt=prose("digit_map", "digit_alt", **named), width_px=PICTURE_PX)
    if answer == label:
        st.markdown(prose("digit_map", "right", **named))
    else:
        st.markdown(prose("digit_map", "wrong", answer=answer, **named))
    query = {
        "features_model": st.session_state[MODEL],
        "features_input": "digit",
        "features_digit": str(number),
    }
    if layer := hidden_layer(network.spec):
        query["features_layer"] = layer
    st.page_link(
        "pages/features.py",
        label="Open in Feature maps",
        icon=":material/arrow_forward:",
        query_params=query,
    )
    return number, place


def _show_drawing(network: Network, found: DigitMap) -> Array | None:
    """Say where the drawing is, or where one can be made; return its place."""
    image = drawn_image()
    if image is None or not image.any():
        st.page_link(
            "pages/draw.py", label=prose("digit_map", "no_drawing_label"), icon=":material/draw:"
        )
        return None
    place, answer = _place(network, found, image[..., np.newaxis])
    st.markdown(prose("digit_map", "drawing", answer=answer))
    return place


def _show_left_out(network: Network, found: DigitMap, dimensions: int) -> None:
    """Say what the map does not show."""
    layer = hidden_layer(network.spec) or "the image"
    features = len(found.middle)
    if not any(found.shares):
        st.markdown(prose("digit_map", "no_variance", layer=layer))
    elif features == 1:
        st.markdown(prose("digit_map", "one_number", layer=layer))
    else:
        st.markdown(
            prose(
                "digit_map",
                "left_out",
                layer=layer,
                features=f"{features:,}",
                dimensions=dimensions,
                share=percent(sum(found.shares[:dimensions])),
                here=percent(found.agreements[dimensions - 1]),
                all=percent(found.agreements[-1]),
            )
        )


def _show_misclassified(found: DigitMap, wrong: NDArray[np.intp]) -> None:
    labels = digits().labels
    shown = wrong[:MAX_ROWS]
    said = prose("digit_map", "misclassified", wrong=f"{len(wrong):,}", n=f"{len(labels):,}")
    if len(shown) < len(wrong):
        said += " " + prose("digit_map", "misclassified_first", shown=len(shown))
    st.markdown(said)
    if len(shown):
        show_table(
            {
                "Test image": [f"{EVERY * i:,}" for i in shown],
                "Label": [str(labels[i]) for i in shown],
                "Predicted": [str(found.answers[i]) for i in shown],
            },
            label="The misclassified digits",
        )
