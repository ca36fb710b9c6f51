"""A digit's path through a network, station by station."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from cnn_lab.app.caches import network, test_digits
from cnn_lab.app.widgets.pictures import tone
from cnn_lab.charts.answers import probabilities_spec, probabilities_table
from cnn_lab.charts.maps import Tone, png, tile_maps
from cnn_lab.content import prose
from cnn_lab.content.words import percent, shape_words, significant
from cnn_lab.ops.types import Array

PER_ROW = 4
PICTURE_PX = 460
# Kind of station -> its title, the page that explains it, and that page's query; "{digit}",
# "{model}" and "{layer}" are replaced by those of the station.
_PAGES: dict[str, tuple[str, str, dict[str, str]]] = {
    "image": ("The digit", "draw", {}),
    "Conv2D": ("Convolution", "convolution", {"conv_input": "digit", "conv_digit": "{digit}"}),
    "MaxPooling2D": ("Max pooling", "pooling", {"pool_input": "digit", "pool_digit": "{digit}"}),
    "Dense": ("Dense", "network", {"network_preset": "{model}", "network_layer": "{layer}"}),
    "answer": ("Ten probabilities", "backpropagation", {"back_part": "Softmax and loss"}),
}
# The same digit and network on the Feature maps page: each map, or the reasons for the answer.
_MAPS = {
    "features_model": "{model}",
    "features_digit": "{digit}",
    "features_layer": "{layer}",
}
_WHY = {**_MAPS, "features_view": "why this answer"}
STEP_S = 0.12
MAX_STATIONS = 12

_ARRIVE = "".join(
    f'[class*="st-key-home_station_{i}_"] {{ animation: arrive .35s {i * STEP_S:.2f}s both }}\n'
    for i in range(MAX_STATIONS)
)
_STYLE = f"""<style>
@media (prefers-reduced-motion: no-preference) {{
@keyframes arrive {{ from {{ opacity: 0; transform: translateX(-12px) }} }}
{_ARRIVE}}}
</style>"""


@dataclass(frozen=True)
class Station:
    """One picture on the path.

    Attributes
    ----------
    kind : str
        Type of the layer, "image" for the input.
    layer : str
        Its name; empty for the input.
    shape : tuple of int
        Shape of the layer's output.
    picture : bytes
        PNG.
    low, high : float
        Values at the two ends of the scale.
    """

    kind: str
    layer: str
    shape: tuple[int, ...]
    picture: bytes
    low: float
    high: float


@st.cache_data(max_entries=128, show_spinner=False)
def stations(model: str, index: int, tone: Tone) -> tuple[list[Station], Array]:
    """Return the stations of a test digit in a network, and its probabilities."""
    chosen = network(model)
    image = test_digits().image(index)
    activations = chosen.activations(image[np.newaxis])
    way = [_station("image", "", image, tone)]
    for layer in chosen.spec.layers:
        result = activations[layer.name][0]
        if layer.dense and layer is not _last_dense(chosen.spec.layers):
            way.append(_station("Dense", layer.name, _as_block(result), tone, result.shape))
        elif not (layer.dense or layer.passes_through or layer.nonlinearity == "softmax"):
            way.append(_station(layer.type, layer.name, result, tone))
    return way, activations[chosen.spec.layers[-1].name][0]


def show_journey(model: str, index: int) -> None:
    """Show the stations of a test digit, each with its numbers and links to explanations."""
    way, probabilities = stations(model, index, tone())
    st.html(_STYLE)
    for start in range(0, len(way) + 1, PER_ROW):
        columns = st.columns(PER_ROW, gap="medium")
        for column, number in zip(columns, range(start, len(way) + 1), strict=False):
            with column, st.container(key=f"home_station_{number}_{index}", gap="xsmall"):
                if number < len(way):
                    _show_station(way[number], model, index)
                else:
                    _show_answer(probabilities, model, index)


def _show_station(station: Station, model: str, index: int) -> None:
    place = {"model": model, "digit": str(index), "layer": station.layer}
    _show_head(station.kind, "Maps" if len(station.shape) > 1 else "Units", _MAPS, place)
    shape = shape_words(station.shape)
    st.image(
        station.picture,
        width="stretch",
        alt=f"{_PAGES[station.kind][0]}, {shape} values from {station.low:.2g} to "
        f"{station.high:.2g}",
    )
    st.caption(prose("home", station.kind, shape=shape, **_scale(station)))


def _show_head(kind: str, closer: str, query: Mapping[str, str], place: Mapping[str, str]) -> None:
    """Show the name of a station as a link to its page, and a link to a closer look."""
    title, page, page_query = _PAGES[kind]
    with st.container(horizontal=True, horizontal_alignment="distribute", gap="xsmall"):
        st.page_link(
            f"pages/{page}.py",
            label=f"**{title}**",
            icon=":material/arrow_forward:",
            icon_position="right",
            query_params=_filled(page_query, place) or None,
        )
        if place["layer"]:
            st.page_link("pages/features.py", label=closer, query_params=_filled(query, place))


def _filled(query: Mapping[str, str], place: Mapping[str, str]) -> dict[str, str]:
    return {name: value.format(**place) for name, value in query.items()}


def _scale(station: Station) -> dict[str, str]:
    return {"low": significant(station.low, 2), "high": significant(station.high, 2)}


def _show_answer(probabilities: Array, model: str, index: int) -> None:
    layer = network(model).spec.layers[-1].name
    _show_head("answer", "Why?", _WHY, {"model": model, "digit": str(index), "layer": layer})
    answer, label = int(probabilities.argmax()), int(test_digits().labels[index])
    believed = percent(probabilities[answer])
    st.vega_lite_chart(
        probabilities_table(probabilities),
        probabilities_spec(),
        key="home_probabilities",
        alt=f"Ten bars; the longest is {answer} with {believed}",
    )
    words = prose("home", "answer", digit=answer, probability=believed)
    if answer != label:
        words += " " + prose("home", "misread", label=label)
    st.caption(words)


def _last_dense(layers: tuple[Any, ...]) -> Any:
    return [layer for layer in layers if layer.dense][-1]


def _as_block(row: Array) -> Array:
    """Return a row of numbers as an almost square block, shape (rows, columns, 1)."""
    columns = next(n for n in range(round(len(row) ** 0.5), 0, -1) if len(row) % n == 0)
    return row.reshape(columns, -1, 1)


def _station(
    kind: str, layer: str, maps: Array, tone: Tone, shape: tuple[int, ...] | None = None
) -> Station:
    signed = bool(maps.min() < 0)
    columns = int(np.ceil(maps.shape[2] ** 0.5))
    side = columns * (maps.shape[1] + 1)
    tiles = tile_maps(maps, columns=columns, signed=signed, tone=tone)
    picture = png(tiles, factor=max(1, PICTURE_PX // side))
    high = float(np.abs(maps).max())
    return Station(kind, layer, shape or maps.shape, picture, -high if signed else 0.0, high)
