"""Steps from a drawing to 28x28 pixels, each with a switch."""

from collections.abc import Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.app.widgets.inputs import fold, switch
from cnn_lab.app.widgets.pictures import show_png, theme_colour
from cnn_lab.charts.digits import FACTOR, step_pictures
from cnn_lab.charts.maps import png
from cnn_lab.content import prose
from cnn_lab.content.words import percent, shape_words
from cnn_lab.digits.answer import Answer
from cnn_lab.digits.drawing import SIDE, STEPS, Preparation, Step, prepare_steps
from cnn_lab.network import Network

NAMES: dict[Step, str] = {
    "ink": "Ink",
    "crop": "Crop",
    "widen": "Widen",
    "box": "Box",
    "centre": "Centre",
}
CARD_PX = FACTOR * SIDE // 2  # two picture pixels per page pixel


def xray_switches() -> tuple[frozenset[Step], Mapping[Step, DeltaGenerator]]:
    """Show an expander with a switch for each step.

    Returns
    -------
    frozenset of Step
        The steps that are switched off; none while the expander is closed.
    dict of Step to DeltaGenerator
        Where `show_xray` puts its pictures; empty while the expander is closed.
    """
    part = fold("Preparation, step by step", "draw_xray", icon=":material/conveyor_belt:")
    if not part.open:
        return frozenset(), {}
    off, cards = set(), {}
    with part:
        st.markdown(small("xray"))
        with st.container(horizontal=True, gap="small"):
            for step in STEPS:
                with st.container(width=CARD_PX, gap="xsmall"):
                    if not switch(NAMES[step], f"draw_step_{step}", value=True):
                        off.add(step)
                    cards[step] = st.container(gap="xsmall")
    return frozenset(off), cards


def show_xray(
    cards: Mapping[Step, DeltaGenerator],
    rgba: NDArray[np.uint8],
    steps: Preparation,
    network: Network,
    without: frozenset[Step],
) -> None:
    """Show the effect of each step as a picture and in numbers, and the answer without it.

    Parameters
    ----------
    cards : dict of Step to DeltaGenerator
        From `xray_switches`.
    rgba : ndarray of uint8, shape (280, 280, 4)
    steps : Preparation
        Of this drawing, without the steps that are switched off.
    network : Network
    without : frozenset of Step

    Notes
    -----
    Five more preparations and predictions, about 30 ms.
    """
    pictures = step_pictures(steps, accent=theme_colour())
    prepared = [steps, *(prepare_steps(rgba, without=without ^ {step}) for step in cards)]
    images = np.stack([one.image for one in prepared if one is not None])
    now, *otherwise = map(Answer.of, network.predict(images[..., np.newaxis]))
    for (step, card), other in zip(cards.items(), otherwise, strict=True):
        left_out = step in without
        read = f"{other.digit} ({percent(other.probability)})"
        if other.digit != now.digit:
            read = f"**{read}**"
        with card:
            alt = prose("draw", "xray_alt", step=NAMES[step])
            show_png(png(pictures[step]), alt=alt, width_px=CARD_PX)
            st.markdown(small(f"xray_no_{step}") if left_out else _what(step, steps))
            st.markdown(small("xray_with" if left_out else "xray_without", read=read))


def small(section: str, **numbers: object) -> str:
    """Return a section of the page's prose in small type."""
    return f":small[{prose('draw', section, **numbers)}]"


def _what(step: Step, steps: Preparation) -> str:
    """Return the effect of a step in numbers."""
    if step == "ink":
        return small("xray_ink", strongest=steps.strongest)
    if step == "crop":
        return small(
            "xray_crop", crop=shape_words(steps.crop.shape), canvas=shape_words(steps.ink.shape)
        )
    if step == "widen":
        before, after = (f"{width:.1f}" for width in steps.stroke_widths)
        if steps.stroke.shape == steps.crop.shape:
            return small("xray_wide", before=before)
        return small("xray_widen", before=before, after=after)
    if step == "box":
        return small("xray_box", scale=f"{steps.scale:.3f}", box=shape_words(steps.box.shape))
    down, right = steps.shift
    moved = [_moved(down, "down", "up"), _moved(right, "right", "left")]
    return small("xray_centre", moved=", ".join(filter(None, moved)) or "none")


def _moved(pixels: int, forward: str, back: str) -> str:
    return f"{abs(pixels)} {forward if pixels > 0 else back}" if pixels else ""
