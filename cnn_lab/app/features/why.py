"""Three explanations of the answer on *Feature maps*, as pictures of the important pixels."""

import numpy as np
import streamlit as st

from cnn_lab.app.features.controls import View, network_name
from cnn_lab.app.widgets.inputs import choice
from cnn_lab.app.widgets.pictures import show_picture
from cnn_lab.charts.maps import (
    heat_picture,
)
from cnn_lab.content import prose
from cnn_lab.content.words import percent, significant
from cnn_lab.explain.attribution import grad_cam, occlusion, saliency
from cnn_lab.explain.receptive_field import over_image
from cnn_lab.network import Network
from cnn_lab.ops.types import Array

CLASS = "features_class"
ANSWER = "its answer"
PICTURE_PX = 224
SQUARE_PX = 5


def show_why(view: View) -> None:
    """Show saliency, Grad-CAM and occlusion side by side, for one of the classes."""
    answer = int(view.probabilities.argmax())
    names = [str(digit) for digit in range(view.probabilities.size)]
    chosen = choice("Evidence for", [ANSWER, *names], CLASS, width="content")
    digit = int(chosen) if chosen in names else answer
    probability = float(view.probabilities[digit])
    st.markdown(prose("features", "why", digit=digit, probability=percent(probability)))
    layer = _cam_layer(view)
    image = view.subject.image
    pictures: list[tuple[str, Array, dict[str, object]]] = [
        ("saliency", saliency(view.network, image, digit), {})
    ]
    if layer:
        cam = grad_cam(view.network, image, digit, layer)
        pictures.append(("grad_cam", over_image(view.network.spec, layer, cam), {"layer": layer}))
    drop = _drop(
        view.image_name + network_name(view.network), digit, _network=view.network, _image=image
    )
    pictures.append(("occlusion", drop, {"side": SQUARE_PX}))
    with st.container(horizontal=True, gap="large"):
        for kind, heat, numbers in pictures:
            with st.container(width=PICTURE_PX, gap="xsmall"):
                st.markdown(f"**{prose('features', f'{kind}_title')}**")
                alt = prose("features", f"{kind}_alt", digit=digit)
                show_picture(heat_picture(image, heat), alt=alt, width_px=PICTURE_PX)
                most = significant(float(np.abs(heat).max()), 3)
                st.caption(prose("features", kind, most=most, **numbers))
    st.markdown(prose("features", "why_care"))


def _cam_layer(view: View) -> str:
    """Return the selected layer if Grad-CAM can use it, else the last one that outputs maps."""
    maps = [
        one.name
        for one in view.network.spec.scoring_layers
        if view.activations[one.name].ndim == 3 and not one.drops
    ]
    return view.layer if view.layer in maps else (maps[-1] if maps else "")


@st.cache_data(max_entries=64, show_spinner=False)
def _drop(name: str, digit: int, *, _network: Network, _image: Array) -> Array:
    """Return the drop in probability for each covered position, one number per pixel."""
    found = occlusion(_network, _image, digit, size=SQUARE_PX)
    return found.lost_at_pixels((_image.shape[0], _image.shape[1]))
