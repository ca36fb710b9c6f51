"""Three explanations of the answer on *Feature maps*, as pictures of the important pixels."""

from functools import partial

import numpy as np
import streamlit as st

from cnn_lab.app.features.controls import View
from cnn_lab.app.widgets.inputs import choice, follow_defaults, menu
from cnn_lab.app.widgets.pictures import show_picture
from cnn_lab.charts.maps import (
    heat_picture,
)
from cnn_lab.content import prose
from cnn_lab.content.words import percent, significant
from cnn_lab.explain.attribution import (
    cam_layers,
    grad_cam,
    last_convolution,
    occlusion,
    saliency,
)
from cnn_lab.explain.receptive_field import over_image
from cnn_lab.network import Network
from cnn_lab.ops.types import Array

CLASS, CAM_LAYER = "features_class", "features_cam"
ANSWER = "its answer"
PICTURE_PX, MENU_PX = 224, 224
SQUARE_PX = 5
# The least that is shown in full colour, so that what hardly matters hardly shows: for saliency and
# Grad-CAM in units of the score, where 0.1 makes a class 1.1 times as likely; for occlusion as a
# probability.
MIN_FULL_COLOUR = {"saliency": 0.1, "grad_cam": 0.001, "occlusion": 0.05}


def show_why(view: View) -> None:
    """Show saliency, Grad-CAM and occlusion side by side, for one of the classes."""
    answer = int(view.probabilities.argmax())
    names = [str(digit) for digit in range(view.probabilities.size)]
    chosen = choice("Evidence for", [ANSWER, *names], CLASS, width="content")
    with st.container(width=MENU_PX):
        layer = _cam_layer(view)
    digit = int(chosen) if chosen in names else answer
    probability = float(view.probabilities[digit])
    st.markdown(prose("features", "why", digit=digit, probability=percent(probability)))
    image = view.subject.image
    pictures: list[tuple[str, Array, dict[str, object]]] = [
        ("saliency", saliency(view.network, image, digit), {})
    ]
    if layer:
        cam = grad_cam(view.network, image, digit, layer)
        pictures.append(("grad_cam", over_image(view.network.spec, layer, cam), {"layer": layer}))
    drop = _drop(
        view.image_name + view.network.weights_digest(), digit, _network=view.network, _image=image
    )
    pictures.append(("occlusion", drop, {"side": SQUARE_PX}))
    with st.container(horizontal=True, gap="large"):
        for kind, heat, numbers in pictures:
            with st.container(width=PICTURE_PX, gap="xsmall"):
                st.markdown(f"**{prose('features', f'{kind}_title')}**")
                alt = prose("features", f"{kind}_alt", digit=digit)
                most = float(np.abs(heat).max())
                full = max(most, MIN_FULL_COLOUR[kind])
                picture = heat_picture(image, heat, limit=full)
                show_picture(picture, alt=alt, width_px=PICTURE_PX)
                form = _points if kind == "occlusion" else partial(significant, digits=3)
                said = prose("features", kind, full=form(full), **numbers)
                if most < full:
                    said += " " + prose("features", "below_full", most=form(most))
                st.caption(said)
    st.markdown(prose("features", "why_care"))


def _cam_layer(view: View) -> str:
    """Show the layers that Grad-CAM can use, the last convolution first chosen; "" if none can."""
    layers = cam_layers(view.network.spec)
    if not layers:
        return ""
    last = last_convolution(view.network.spec)
    follow_defaults({CAM_LAYER: last})
    chosen = menu("Layer for Grad-CAM", layers, CAM_LAYER, default=last)
    return chosen if chosen in layers else last


def _points(change: float) -> str:
    return f"{significant(100 * change, 2)} percentage points"


@st.cache_data(max_entries=64, show_spinner=False)
def _drop(name: str, digit: int, *, _network: Network, _image: Array) -> Array:
    """Return the drop in probability for each covered position, one number per pixel."""
    found = occlusion(_network, _image, digit, size=SQUARE_PX)
    return found.lost_at_pixels((_image.shape[0], _image.shape[1]))
