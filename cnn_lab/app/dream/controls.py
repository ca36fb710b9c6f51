"""Controls of *Dream*: what is to respond, and what the dream begins with."""

from dataclasses import dataclass

import streamlit as st

from cnn_lab.app.widgets.inputs import choice, menu, whole_number
from cnn_lab.app.widgets.one_digit import SOURCES, given_digit
from cnn_lab.explain.dream import Aim, dream_layers, noise
from cnn_lab.network import Network
from cnn_lab.ops.types import Array

LAYER, CLASS, MAP, START, SEED = (
    f"dream_{name}" for name in ("layer", "class", "map", "start", "seed")
)
THE_CLASS, NOISE = "class", "noise"  # not the name of a layer; not a source of digits
USUAL_CLASS = 3
MAX_SEED = 9999
LAYER_PX, NUMBER_PX = 190, 130


@dataclass(frozen=True, eq=False)
class Start:
    """What a dream begins with: an image, and the seed of what is random."""

    image: Array
    seed: int


def choose_aim(network: Network) -> Aim:
    """Show the choice of a class, or of a layer and one of its maps or units."""
    layers = dream_layers(network.spec)
    *inner, last = layers
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        layer = menu("What responds", [THE_CLASS, *inner], LAYER, width=LAYER_PX)
        if layer not in inner:
            digit = choice("Class", range(10), CLASS, default=USUAL_CLASS, width="content")
            return Aim(last, digit)
        has_maps = len(network.spec.find(layer)[1].output_shape) == 3
        most = layers[layer] - 1
        noun = "Map" if has_maps else "Unit"
        channel = whole_number(
            f"{noun} (0 to {most})", MAP, value=0, minimum=0, maximum=most, width=NUMBER_PX
        )
        return Aim(layer, channel)


def choose_start(network: Network) -> Start | None:
    """Show the choice of what a dream begins with; None without a drawing."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        source = choice("Begin with", (NOISE, *SOURCES), START, width="content")
        if source == NOISE:
            seed = whole_number("Seed", SEED, value=0, minimum=0, maximum=MAX_SEED, width=NUMBER_PX)
            return Start(noise(network.spec.input_shape, seed), seed)
        digit = given_digit(source, "dream", value=0)
        return None if digit is None else Start(digit.image, 0)
