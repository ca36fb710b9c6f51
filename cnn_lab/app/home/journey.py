"""An image's journey through the paper's network, played in the browser."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnn_lab.app.caches import network, test_digits
from cnn_lab.app.run_order import switch_page
from cnn_lab.app.widgets import canvas
from cnn_lab.app.widgets.component import component
from cnn_lab.app.widgets.drawing import NAME, drawn_image
from cnn_lab.app.widgets.pictures import theme_colour
from cnn_lab.app.widgets.story import CHAPTERS, offer_lesson
from cnn_lab.content import prose
from cnn_lab.content.words import counted, percent, shape_words, significant
from cnn_lab.digits.answer import Answer, answer_for, hard_digits
from cnn_lab.explain.journey import Station, journey

MODEL = "paper"
BRUSH_PX = 22
N_DIGITS = 8  # of a programme, which the browser repeats
EVERY = 4  # of them, the last is hard to read
KEY = f"{NAME}_canvas"  # the canvas in it is that of *Draw a digit*
_ASKED = "home_asked"
_TITLES = {
    "image": "The digit",
    "Conv2D": "Convolution",
    "ReLU": "ReLU",
    "MaxPooling2D": "Max pooling",
    "Dense": "Dense",
}
# The way into the course as a filled button.
_START = """<style>
.st-key-home_start a {{ width: fit-content; padding: .45rem 1rem; background: {primary} }}
.st-key-home_start a:hover {{ filter: brightness(1.12) }}
.st-key-home_start a * {{ color: {page}; font-weight: 600 }}
</style>"""
_SIGNED_STEPS, _GREY_STEPS = 127, 255

_player = component("home", "home")


def show_start() -> None:
    """Show the link to the first page of the course, and beside it one to its first lesson."""
    first = CHAPTERS[0]
    minutes = counted(first.minutes, "minute")
    colours = {"primary": theme_colour(), "page": theme_colour("backgroundColor")}
    st.html(_START.format(**colours))
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(key="home_start", width="content"):
            st.page_link(
                f"pages/{first.page}.py",
                label=prose(
                    "home", "start", number=first.number, title=first.title, minutes=minutes
                ),
                icon=":material/arrow_forward:",
                icon_position="right",
            )
        offer_lesson(first.lessons[0])


def show_player(index: int, *, kiosk: bool) -> None:
    """Show the player: a canvas, the journey of a digit or of the drawing, and the answer.

    Parameters
    ----------
    index : int
        Of the test digit with which the programme begins.
    kiosk : bool
        Whether to walk through the course until the screen is touched.

    Notes
    -----
    A rerun sends one journey of 33 KB, and another of the drawing. The rest of the programme, seven
    times as much, is sent once, when the browser asks for it.
    """
    asked = st.session_state.pop(_ASKED, {})
    if "open" in asked:
        query = asked["open"].partition("?")[2]
        switch_page("features", dict(parse_qsl(query)))
    board = canvas.board_data(NAME, brush_px=BRUSH_PX)
    _player(
        key=KEY,
        data={
            "board": board,
            "first": of_digit(index),
            "own": _of_drawing(),
            "more": programme(index)[1:] if asked.get("more") == index else None,
            "tiles": prose("home", "tiles"),
            "kiosk": [chapter.page for chapter in CHAPTERS] if kiosk else None,
        },
        on_kept_change=lambda: canvas.take(NAME),
        on_chosen_change=_take,
    )


def _take() -> None:
    """Note what the browser asks for; anything but what its script sends is ignored."""
    sent = st.session_state.get(KEY)
    chosen = sent.get("chosen") if isinstance(sent, Mapping) else None
    if not isinstance(chosen, Mapping):
        return
    if chosen.get("clear") is True:
        canvas.clear(NAME)
    more, address = chosen.get("more"), chosen.get("open")
    if isinstance(more, int):
        st.session_state[_ASKED] = {"more": more}
    elif isinstance(address, str) and address.startswith("features?"):
        st.session_state[_ASKED] = {"open": address}


@st.cache_data(max_entries=8, show_spinner=False)
def programme(index: int) -> list[dict[str, Any]]:
    """Return the journeys of eight test digits, for the browser to repeat.

    The digits follow each other in the test set, but every fourth one is the next that the network
    misreads or has doubts about.
    """
    digits = test_digits()
    hard = hard_digits(network(MODEL), digits, start=index + 1, doubt=True)
    return [
        of_digit(next(hard) if number % EVERY == 0 else (index + number - 1) % len(digits))
        for number in range(1, N_DIGITS + 1)
    ]


@st.cache_data(max_entries=128, show_spinner=False)
def of_digit(index: int) -> dict[str, Any]:
    """Return the journey of a test digit as the browser gets it."""
    digits = test_digits()
    image = digits.image(index)
    answer, probabilities = answer_for(network(MODEL), image[..., 0])
    return {
        "name": str(index),
        "title": f"Test image {index:,}",
        **_way(image, {"features_digit": str(index)}),
        **_answered(answer, probabilities, int(digits.labels[index])),
    }


def _of_drawing() -> dict[str, Any] | None:
    """Return the journey of the drawing; only its answer while the pen moves, None without one."""
    image = drawn_image()
    if image is None:
        return None
    answer, probabilities = answer_for(network(MODEL), image)
    way: dict[str, Any] = {"image": _packed(image[..., np.newaxis], limit=1.0, signed=False)}
    if not canvas.is_drawing(NAME):
        way = _way(image[..., np.newaxis], {"features_input": "drawing"})
    return {
        "name": f"drawing {hash(image.tobytes())}",
        "title": "Your digit",
        **way,
        **_answered(answer, probabilities, None),
    }


def _way(image: NDArray[np.float32], which: Mapping[str, str]) -> dict[str, Any]:
    """Return the stations; `which` names the image in the address of *Feature maps*."""
    stations, _ = journey(network(MODEL), image)
    last = network(MODEL).spec.layers[-1].name
    place = {"features_model": MODEL, **which}
    wire = []
    for before, station in zip([None, *stations], stations, strict=False):
        layer = {"features_layer": station.layer, "features_map": str(station.strongest)}
        leads = f"features?{urlencode({**place, **layer})}"
        wire.append({**_of_station(station, before), "leads": leads})
    why = {**place, "features_layer": last, "features_view": "why this answer"}
    return {
        "stations": wire,
        "why": f"features?{urlencode(why)}",
        "caption": prose("home", "answer"),
    }


def _of_station(station: Station, before: Station | None) -> dict[str, Any]:
    values, window = station.values, station.window
    signed = before is not None
    limit = max(float(np.abs(values).max()), 1e-12) if signed else 1.0
    rows, columns = values.shape[:2]
    shape = (rows, columns, station.n_maps) if rows * columns > 1 else (station.n_maps,)
    title = _TITLES.get(station.operation, station.operation)
    alt = prose(
        "home",
        "values_alt",
        title=title,
        shape=shape_words(shape),
        low=significant(float(values.min()), 2),
        high=significant(float(values.max()), 2),
    )
    return {
        "operation": station.operation,
        "title": title,
        "shape": shape_words(shape[:2] if not signed else shape),
        "alt": alt,
        "caption": _caption(station, before),
        "maps": _packed(values, limit=limit, signed=signed),
        "window": None
        if window is None
        else [*window.size, *window.strides, window.borders[0][0], window.borders[1][0]],
    }


def _caption(station: Station, before: Station | None) -> str:
    rows, columns, shown = station.values.shape
    size = shape_words((rows, columns))
    if before is None:
        return prose("home", "image", size=size)
    window = shape_words(station.window.size) if station.window else ""
    all_before = before.n_maps * before.values.shape[0] * before.values.shape[1]
    match station.operation:
        case "Conv2D" if before.operation == "image":
            return prose("home", "Conv2D_first", window=window, n=station.n_maps)
        case "Conv2D":
            n = {"before": before.n_maps, "n": station.n_maps, "shown": shown}
            return prose("home", "Conv2D", window=window, **n)
        case "MaxPooling2D":
            return prose("home", "MaxPooling2D", window=window, size=size)
        case "Dense":
            return prose("home", "Dense", n=station.n_maps, before=f"{all_before:,}")
        case other:
            return prose("home", other)


def _packed(values: NDArray[Any], *, limit: float, signed: bool) -> dict[str, Any]:
    """Return maps as bytes: 0 to 255 for 0 to the limit, or 1 to 255 around 128 for its signs."""
    share = np.clip(values / limit, -1 if signed else 0, 1)
    scaled = np.round(_SIGNED_STEPS * share) + 128 if signed else np.round(_GREY_STEPS * share)
    bytes_ = scaled.astype(np.uint8).transpose(2, 0, 1).tobytes()
    rows, columns, n = values.shape
    return {
        "rows": rows,
        "columns": columns,
        "n": n,
        "signed": signed,
        "limit": limit,
        "base64": base64.b64encode(bytes_).decode("ascii"),
    }


def _answered(
    answer: Answer, probabilities: NDArray[np.floating[Any]], label: int | None
) -> dict[str, Any]:
    believed = percent(answer.probability)
    if label is not None and answer.digit != label:
        verdict, doubt = prose("home", "misread", label=label), "wrong"
    elif answer.kind == "no_digit" and label is None:
        verdict, doubt = prose("home", "no_digit"), "unsure"
    elif answer.kind == "unsure":
        verdict = prose("home", "unsure", probability=believed, second=answer.runner_up)
        doubt = "unsure"
    else:
        verdict, doubt = prose("home", "sure", probability=believed), ""
    return {
        "digit": answer.digit,
        "says": prose("home", "says", digit=answer.digit),
        "verdict": verdict,
        "doubt": doubt,
        "bars": [[round(float(p), 6), percent(p)] for p in probabilities],
    }
