"""Changes of the image on *Feature maps*, and how the maps and the answer respond."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from cnn_lab.app.features.controls import View
from cnn_lab.app.widgets.inputs import choice, slider
from cnn_lab.app.widgets.map_picker import map_picker
from cnn_lab.app.widgets.pictures import show_picture, tone
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.charts.answers import answers_spec, answers_table
from cnn_lab.charts.maps import (
    as_maps,
    image_picture,
    map_sheet,
)
from cnn_lab.content import prose
from cnn_lab.content.words import or_dash, percent, significant
from cnn_lab.explain.changes import answer_curve, changed, following, staying
from cnn_lab.network import Network
from cnn_lab.ops.types import Array
from cnn_lab.trace.numbers import number_text

IMAGE_PX, MAPS_PX = 112, 230


@dataclass(frozen=True)
class Slider:
    """A slider for one change of the image.

    Attributes
    ----------
    title : str
    key : str
    low, high, step, rest : float
        Its range, and the value that changes nothing.
    format : str
    axis : str
        Title of the chart's axis.
    """

    title: str
    key: str
    low: float
    high: float
    step: float
    rest: float
    format: str
    axis: str

    @property
    def grid(self) -> list[float]:
        """All values of the slider."""
        n = round((self.high - self.low) / self.step)
        return [self.low + at * self.step for at in range(n + 1)]


SLIDERS = {
    "down": Slider("Shift down", "features_down", -10, 10, 1, 0, "%d pixels", "pixels down"),
    "right": Slider("Shift right", "features_right", -10, 10, 1, 0, "%d pixels", "pixels right"),
    "turn": Slider("Turn", "features_turn", -90, 90, 5, 0, "%d°", "degrees anticlockwise"),
    "size": Slider("Size", "features_size", 0.4, 1.6, 0.1, 1, "%.1f", "times as large"),
    "light": Slider("Light", "features_light", 0.0, 2.0, 0.1, 1, "%.1f", "times as bright"),
    "blur": Slider("Blur", "features_blur", 0.0, 4.0, 0.25, 0, "%.2f pixels", "pixels of blur"),
}
OVER = "features_over"
_PARAMETER = {"turn": "turn_deg", "size": "scale", "light": "light", "blur": "blur_px"}


def show_changes(view: View) -> None:
    """Show the sliders, both images with their maps, and the answers."""
    st.markdown(prose("features", "changes"))
    values = _sliders()
    image = view.subject.image
    other = changed(
        image[np.newaxis],
        shift=(values["down"], values["right"]),
        turn_deg=values["turn"],
        scale=values["size"],
        light=values["light"],
        blur_px=values["blur"],
    )[0]
    made = {name: one[0] for name, one in view.network.activations(other[np.newaxis]).items()}
    pair = ((image, view.activations), (other, made))
    maps = [as_maps(activations[view.layer]) for _, activations in pair]
    limit = max(float(np.abs(one).max()) for one in maps)
    signed = any(bool(one.min() < 0) for one in maps)
    spec = view.network.spec
    answers = [
        spec.class_probabilities(activations[spec.layers[-1].name]) for _, activations in pair
    ]
    for column, name, (shown, _), layer_maps, answer in zip(
        st.columns(2, gap="medium"), ("As it is", "Changed"), pair, maps, answers, strict=True
    ):
        with column:
            _show_side(view, name, shown, answer)
            map_picker(
                map_sheet(
                    layer_maps, np.full(layer_maps.shape[2], limit), tone=tone(), signed=signed
                ),
                key=f"features_maps_{name.replace(' ', '_').lower()}",
                chosen=None,
                label=prose("features", "side_alt", name=name, layer=view.layer),
                ends=(number_text(-limit if signed else 0.0), number_text(limit)),
                caption=f"{view.layer}, one scale for both",
                on_choose=None,
                most_px=MAPS_PX,
            )
    left, right = st.columns([5, 4], gap="large")
    with left:
        _show_curve(view, values)
    with right:
        _show_following(view, (values["down"], values["right"]))


def _sliders() -> dict[str, float]:
    """Show the sliders, three side by side, and return their values."""
    values = {}
    places = [*st.columns(3), *st.columns(3)]
    for place, (name, one) in zip(places, SLIDERS.items(), strict=True):
        whole = float(one.step).is_integer()
        kind = int if whole else float
        with place:
            value = slider(
                one.title,
                one.key,
                value=kind(one.rest),
                minimum=kind(one.low),
                maximum=kind(one.high),
                step=kind(one.step),
                format=one.format,
            )
        values[name] = float(value)
    return values


def _show_side(view: View, name: str, image: Array, answer: Array) -> None:
    digit = int(answer.argmax())
    with st.container(horizontal=True, vertical_alignment="center"):
        alt = f"{name}: the input of the network"
        show_picture(image_picture(image), alt=alt, width_px=IMAGE_PX)
        said = prose(
            "features", "side", name=name, digit=digit, probability=percent(float(answer[digit]))
        )
        st.markdown(said, width="content")


def _show_curve(view: View, values: dict[str, float]) -> None:
    """Plot all probabilities over the range of one change, with the others as set."""
    over = choice("Vary", list(SLIDERS), OVER, default="right", width="content")
    one = SLIDERS[over]
    grid = one.grid
    name = view.image_name + view.network.weights_digest()
    answers = _answers(name, over, _network=view.network, _image=view.subject.image)
    truth = view.subject.label
    followed = int(view.probabilities.argmax()) if truth is None else truth
    st.vega_lite_chart(
        answers_table(grid, answers, followed),
        answers_spec(one.axis, values[over], grid),
        key="features_curve",
        alt=prose("features", "curve_alt", over=one.title.lower()),
    )
    st.caption(prose("features", "curve", followed=followed))


@st.cache_data(max_entries=64, show_spinner=False)
def _answers(name: str, over: str, *, _network: Network, _image: Array) -> Array:
    """Return all probabilities over a slider's range; they do not depend on any slider."""
    return answer_curve(_network, _image, *_as_change(over, SLIDERS[over].grid))


def _as_change(over: str, grid: Sequence[float]) -> tuple[Any, list[Any]]:
    if over == "down":
        return "shift", [(value, 0.0) for value in grid]
    if over == "right":
        return "shift", [(0.0, value) for value in grid]
    return _PARAMETER[over], list(grid)


def _show_following(view: View, shift: tuple[float, float]) -> None:
    """Show how much each layer's maps moved along with the image, and how much they changed."""
    if not any(shift):
        st.markdown(prose("features", "unshifted"))
        return
    rows = following(view.network, view.subject.image, shift)
    first, last = rows[0], rows[-1]
    if first.astray is not None:
        st.markdown(
            prose(
                "features",
                "shifted",
                first=first.layer,
                astray=f"{first.astray:.1%}",
                moved=f"{first.change:.0%}",
                last=last.layer,
                stayed=f"{last.change:.1%}",
            )
        )
    whole = float(view.subject.image.sum())
    lost = whole - float(staying(view.subject.image, shift).sum())
    if lost > 0:
        st.markdown(prose("features", "left_image", share=f"{significant(100 * lost / whole, 2)}%"))
    show_table(
        {
            "Layer": [row.layer for row in rows],
            "Off the shifted maps": [or_dash(row.astray, "{:.1%}".format) for row in rows],
            "Off the original maps": [f"{row.change:.1%}" for row in rows],
        },
        label="How much each layer's maps differ from the shifted and from the original maps",
    )
