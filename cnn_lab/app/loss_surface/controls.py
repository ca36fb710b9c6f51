"""Settings of the surface: the image, the goal, two weights, a start and a learning rate."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from cnn_lab.app.widgets.image_input import cropped_digit
from cnn_lab.app.widgets.inputs import (
    choice,
    follow_defaults,
    menu,
    real_number,
    value_slider,
    whole_number,
)
from cnn_lab.concepts.backpropagation.surface import Cell, LossSurface
from cnn_lab.content import prose
from cnn_lab.data.kernels import KERNELS
from cnn_lab.ops.types import Array

SIDE = 3
GOALS = tuple(name for name, kernel in KERNELS.items() if kernel.fits(SIDE, SIDE))
CELLS: tuple[Cell, ...] = tuple((row, column) for row in range(SIDE) for column in range(SIDE))
RATES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
STEPS = (5, 10, 20, 40, 60)
START = ("surface_start_first", "surface_start_second")
RESTARTED = "surface_restarted"  # session key: a click has moved the start
AWAY = (-0.5, 2.0)  # of the start from the goal's weights, by default
MAX_WEIGHT = 9.0
# A rate near the limit swings from side to side for long.
MAX_SHARE_OF_LIMIT = 0.9


@dataclass(frozen=True, eq=False)
class Slope:
    """A surface, where to start on it, and how to go down.

    Attributes
    ----------
    surface : LossSurface
    names : (str, str)
        Of the two weights.
    start : ndarray of float64, shape (2,)
    rate : float
    steps : int
    """

    surface: LossSurface
    names: tuple[str, str]
    start: Array
    rate: float
    steps: int


def surface_controls() -> Slope | None:
    """Show the settings and return what they make; None if the two weights are the same."""
    rates = st.container()
    first = menu("First weight", CELLS, "surface_first", default=(1, 1), format_func=_cell_name)
    second = menu("Second weight", CELLS, "surface_second", default=(1, 2), format_func=_cell_name)
    starts = st.container()
    with st.expander("Goal and image"):
        name = menu("Goal", GOALS, "surface_goal", format_func=lambda each: KERNELS[each].title)
        others = choice("The other weights are", ("right", "zero"), "surface_others")
        image = _image()
    if first == second:
        return None
    goal = KERNELS[name].values(SIDE, SIDE)
    kernel = goal if others == "right" else np.zeros_like(goal)
    surface = LossSurface(image, goal, kernel, (first, second))
    with starts:
        start = _start(goal, (first, second))
    with rates:
        rate = _rate(surface)
        steps = int(value_slider("Steps", STEPS, "surface_steps", value=20))
    return Slope(surface, (_cell_name(first), _cell_name(second)), start, rate, steps)


def _cell_name(cell: Cell) -> str:
    return f"w({cell[0]}, {cell[1]})"


def _image() -> Array:
    source = choice("Image", ("digit", "noise", "blank"), "surface_input")
    if source == "noise":
        number = whole_number("Noise image", "surface_noise", value=0, minimum=0, maximum=9999)
        return np.random.default_rng(number).random((14, 14))
    if source == "blank":
        return np.zeros((14, 14))
    return cropped_digit("surface", white=1)[..., 0]


def _start(goal: Array, cells: tuple[Cell, Cell]) -> Array:
    """Show the two fields of the start, which a click on the surface sets."""
    defaults = {
        key: float(goal[cell]) + away for key, cell, away in zip(START, cells, AWAY, strict=True)
    }
    follow_defaults(defaults)
    labels = ("First starts at", "Second starts at")
    places = st.columns(2, vertical_alignment="bottom")
    values = []
    for place, label, (key, value) in zip(places, labels, defaults.items(), strict=True):
        with place:
            values.append(
                real_number(
                    label, key, value=value, step=0.1, minimum=-MAX_WEIGHT, maximum=MAX_WEIGHT
                )
            )
    return np.array(values)


def _rate(surface: LossSurface) -> float:
    """Show the slider of the learning rate, which starts at one that converges."""
    limit = MAX_SHARE_OF_LIMIT * surface.highest_rate
    steady = max((rate for rate in RATES if rate <= limit), default=RATES[0])
    steady = steady if math.isfinite(limit) else 1.0
    follow_defaults({"surface_rate": steady})
    return value_slider("Learning rate", RATES, "surface_rate", value=steady)


def start_at(sent: Mapping[str, Any]) -> None:
    """Start at a clicked place; what the browser sends may be anything."""
    place = [float(at) for axis in "xy" if isinstance(at := sent.get(axis), int | float)]
    if len(place) == len(START) and all(map(math.isfinite, place)):
        for key, at in zip(START, place, strict=True):
            st.session_state[key] = round(min(max(at, -MAX_WEIGHT), MAX_WEIGHT), 2)
        st.session_state.pop("surface_step", None)
        st.session_state[RESTARTED] = True


def same_weights() -> None:
    """Say that two different weights are needed."""
    st.info(prose("loss_surface", "same"))
