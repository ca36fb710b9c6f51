"""Canvas of the Draw page, the answer, and the explanations of it."""

from collections import Counter

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnn_lab.app.caches import network as shipped
from cnn_lab.app.draw.controls import show_digits_found, show_sources, show_tools
from cnn_lab.app.draw.guess import ask_guess, compare_guess
from cnn_lab.app.draw.why import show_why
from cnn_lab.app.draw.xray import show_xray, small, xray_switches
from cnn_lab.app.widgets import canvas
from cnn_lab.app.widgets.charts import show_probabilities
from cnn_lab.app.widgets.drawing import NAME
from cnn_lab.app.widgets.inputs import choice, fold
from cnn_lab.app.widgets.model_choice import SHIPPED
from cnn_lab.app.widgets.pictures import show_image, show_svg, theme_look
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.charts.digits import styles_html
from cnn_lab.charts.reliability import SIZE_PX as DIAGRAM_PX
from cnn_lab.charts.reliability import reliability_svg
from cnn_lab.content import prose
from cnn_lab.content.words import literally, percent
from cnn_lab.digits.answer import Answer, answer_for
from cnn_lab.digits.drawing import SIDE, Preparation, prepare_steps
from cnn_lab.digits.reliability import SETS, recorded
from cnn_lab.digits.styles import read_styles
from cnn_lab.network import Network

BOARD_PX = 440  # at most; on screens up to 1800 pixels 420, see canvas.css
SEEN_PX = 6 * SIDE
LINK_PX = 32
BARS_PX = 240  # all three fit side by side on a screen of 1280 pixels
# Two lines on a phone; fixed, so that nothing moves during drawing.
ANSWER_PX = (480, 64)
RELIABILITY_PX = 420
N_OF_STYLE = 8  # drawings
FOREIGN = 7  # the digit with the most ways to write it that MNIST lacks


@st.fragment
def show_reader(network: Network, name: str) -> None:
    """Show the canvas and the answer; a stroke reruns only this fragment.

    Parameters
    ----------
    network : Network
    name : str
        Name of the network in the address of *Feature maps*.
    """
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        answer = st.container(
            width=ANSWER_PX[0], height=ANSWER_PX[1], border=False, vertical_alignment="center"
        )
        show_sources(network)
    with st.container(horizontal=True, gap="small"):
        pen_side = st.container(width=BOARD_PX, gap="small")
        seen_side = st.container(width=SEEN_PX, gap="small")
        bars_side = st.container(width=BARS_PX, gap="small")
    without, cards = xray_switches()
    with pen_side:
        note = canvas.drawing(NAME).note
        st.markdown(f":small[{literally(note)}]" if note else small("canvas"))
        board = st.container()
        tool, brush_px = show_tools()
        with board:
            rgba = canvas.canvas(NAME, brush_px=brush_px, tool=tool)
            if problem := canvas.problem(NAME):
                st.warning(problem)
        show_digits_found(network)
    steps = None if rgba is None else prepare_steps(rgba, without=without)
    reading, probabilities = (None, None) if steps is None else answer_for(network, steps.image)
    with bars_side:
        st.markdown(small("bars"))
        bars = st.container()
        guess = ask_guess()
        if guess.is_awaited:  # nothing that follows from the answer is sent
            reading = probabilities = None
        compare_guess(guess, probabilities)
    with bars:
        show_probabilities(probabilities, key="draw_probabilities", guessed=guess.digits)
    nothing = prose("draw", "nothing_yet" if steps is None else "guess_first")
    with answer:
        _show_answer(steps, reading)
    with seen_side:
        st.markdown(small("seen"))
        seen = np.zeros((SIDE, SIDE), np.float32) if steps is None else steps.image
        show_image(seen, alt=prose("draw", "seen"), width_px=SEEN_PX, limit=1.0)
        with st.container(height=LINK_PX, border=False):  # nothing moves when the link appears
            if steps is not None:
                st.page_link(
                    "pages/features.py",
                    label=prose("draw", "maps"),
                    icon=":material/arrow_forward:",
                    query_params={"features_input": "drawing", "features_model": name},
                )
    if rgba is not None and steps is not None and cards and reading is not None:
        show_xray(cards, rgba, steps, network, without)
    image = None if steps is None or reading is None else steps.image
    _show_models(image, network, nothing)
    show_why(image, None if reading is None else reading.digit, network, name, nothing)
    _show_styles()


def _show_answer(steps: Preparation | None, reading: Answer | None) -> None:
    """Show the answer, or why there is none."""
    if steps is None:
        st.markdown(prose("draw", "empty"))
    elif reading is None:
        st.markdown(prose("draw", "guess_first"))
    elif steps.is_speck:
        st.markdown(prose("draw", "speck", digit=reading.digit))
    elif steps.is_filled:
        st.markdown(prose("draw", "filled", digit=reading.digit))
    elif reading.kind == "no_digit":
        st.markdown(reading.sentence)  # as a heading it would take three lines on a phone
    else:
        st.subheader(reading.sentence, anchor=False)


def _show_models(image: NDArray[np.float32] | None, chosen: Network, nothing: str) -> None:
    """Show an expander with the answer of each network.

    Parameters
    ----------
    image : ndarray of float32 in [0, 1], shape (28, 28), or None
        The prepared drawing; None when there is none.
    chosen : Network
        The page's network; listed even if it was trained here or uploaded.
    nothing : str
        What to say when there is no drawing.
    """
    part = fold("Compare all networks", "draw_models", icon=":material/balance:")
    if not part.open:
        return
    with part:
        if image is None:
            st.markdown(nothing)
            return
        networks = {name: shipped(name) for name in SHIPPED}
        if not any(chosen is other for other in networks.values()):
            networks = {"yours": chosen, **networks}
        seen = image[np.newaxis, ..., np.newaxis]
        readings = {name: Answer.of(other.predict(seen)[0]) for name, other in networks.items()}
        (most, votes), *_ = Counter(one.digit for one in readings.values()).most_common()
        if votes == len(readings):
            st.markdown(prose("draw", "agreed", digit=most))
        else:
            st.markdown(prose("draw", "disagreed", n=len(readings), votes=votes, digit=most))
        mine = next(name for name, other in networks.items() if other is chosen)
        show_table(
            {
                "Network": [f"{name} (chosen)" if name == mine else name for name in readings],
                "Digit": [
                    f"{one.digit}" if one.digit == readings[mine].digit else f"≠ {one.digit}"
                    for one in readings.values()
                ],
                "Probability": [percent(one.probability) for one in readings.values()],
                "Second": [f"{one.runner_up}" for one in readings.values()],
                "Its probability": [
                    percent(one.runner_up_probability) for one in readings.values()
                ],
            },
            label="The answer of each network",
        )
        _show_reliability(mine)


def _show_reliability(name: str) -> None:
    """Show how often answers with a probability are right, where that is recorded."""
    sets = recorded(name) if name in SHIPPED else {}
    if len(sets) < len(SETS):
        st.markdown(small("reliability_missing"))
        return
    mnist, strokes = (sets[of] for of in SETS)
    with st.container(horizontal=True, gap="medium"):
        alt = prose("draw", "reliability_alt")
        with st.container(width=DIAGRAM_PX[0]):
            show_svg(reliability_svg(sets, theme_look()), alt=alt, size_px=DIAGRAM_PX)
        with st.container(width=RELIABILITY_PX):
            st.markdown(prose("draw", "reliability", name=name))
            show_table(
                {
                    "Images": ["● MNIST", "■ Pen strokes"],
                    "How many": [f"{one.n:,}" for one in (mnist, strokes)],
                    "Right": [percent(one.accuracy) for one in (mnist, strokes)],
                    "Calibration error": [percent(one.error) for one in (mnist, strokes)],
                },
                label="Calibration",
            )


@st.fragment
def _show_styles() -> None:
    """Show an expander with the ways to write a digit, and which networks read them."""
    part = fold("Ways to write a digit", "draw_styles", icon=":material/draw:")
    if not part.open:
        return
    with part:
        st.markdown(prose("draw", "styles", n=N_OF_STYLE))
        digit = choice("Digit", range(10), "draw_styles_digit", default=FOREIGN, width="content")
        st.html(_styles(digit))


@st.cache_data(max_entries=10, show_spinner=False)
def _styles(digit: int) -> str:
    networks = {name: shipped(name) for name in SHIPPED}
    return styles_html(read_styles(digit, networks, n=N_OF_STYLE))
