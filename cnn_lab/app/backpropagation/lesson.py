"""Learning a kernel on the page: all steps are computed at once, then played or scrubbed."""

import math
from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnn_lab.app.backpropagation.drawn import show_loss_curve
from cnn_lab.app.widgets.image_input import cropped_digit
from cnn_lab.app.widgets.inputs import (
    choice,
    controls_fold,
    follow_defaults,
    menu,
    value_slider,
    whole_number,
)
from cnn_lab.app.widgets.pictures import show_panels
from cnn_lab.app.widgets.steps import played_steps
from cnn_lab.charts.panels import Panel
from cnn_lab.concepts.backpropagation.descent import Lesson, learn_kernel, stable_rate
from cnn_lab.content import prose
from cnn_lab.content.words import counted, significant
from cnn_lab.data.kernels import KERNELS
from cnn_lab.ops import conv2d
from cnn_lab.ops.types import Array

SIDE = 3
RATE = "back_lesson_rate"
MAX_DEFAULT_RATE = 1.0
RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
STEPS = (10, 20, 50, 100, 200, 500, 1000, 2000)
GOALS = tuple(name for name, kernel in KERNELS.items() if kernel.fits(SIDE, SIDE))
TICK_S = 0.2
MAX_FRAMES = 60


@dataclass(frozen=True, eq=False)
class Pupil:
    """A lesson with its image and goal."""

    image: Array
    goal: str
    lesson: Lesson


def lesson_controls() -> Pupil:
    """Show the goal, image and settings of the lesson; return the whole lesson."""
    goal = menu("Goal", GOALS, "back_goal", format_func=lambda name: KERNELS[name].title)
    rates = st.container()
    steps = int(value_slider("Steps", STEPS, "back_lesson_steps", value=1000))
    seed = whole_number("Random seed", "back_lesson_seed", value=0, minimum=0, maximum=9999)
    with controls_fold("Image", "back_lesson_fold"):
        image = _image()
    with rates:
        rate = _rate(image)
    values = KERNELS[goal].values(SIDE, SIDE)
    lesson = learn_kernel(image, values, rate=rate, steps=steps, seed=seed)
    return Pupil(image, KERNELS[goal].title, lesson)


def _rate(image: Array) -> float:
    """Show the slider of the learning rate, which starts at one that converges."""
    steady = stable_rate(image, (SIDE, SIDE), RATES, most=MAX_DEFAULT_RATE)
    follow_defaults({RATE: steady})
    return value_slider("Learning rate", RATES, RATE, value=steady)


def _image() -> Array:
    source = choice("Image", ("digit", "noise"), "back_lesson_input")
    if source == "noise":
        number = whole_number("Noise image", "back_lesson_noise", value=0, minimum=0, maximum=9999)
        return np.random.default_rng(number).random((14, 14))
    return cropped_digit("back_lesson", white=1)[..., 0]


def show_lesson(pupil: Pupil) -> None:
    """Show the lesson at one of its steps, with controls to play it."""
    lesson = pupil.lesson
    last = len(lesson.losses) - 1
    highest = f"{lesson.highest_rate:.3g}"
    st.markdown(prose("backpropagation", "lesson_ask", goal=pupil.goal))
    if lesson.diverged:
        steps = "one step" if last == 0 else f"{last + 1} steps"
        numbers = {"steps": steps, "highest": highest}
        st.warning(prose("backpropagation", "lesson_diverged", **numbers))
    played_steps(
        "back", last, lambda step: _show_kernels(pupil, step), frames=_frames(last), tick_s=TICK_S
    )


def explain_lesson(pupil: Pupil) -> None:
    """Explain how the lesson goes, and which rates converge on this image."""
    lesson = pupil.lesson
    st.markdown(prose("backpropagation", "lesson_explained"))
    if lesson.unseen:
        st.markdown(prose("backpropagation", "lesson_unseen", unseen=lesson.unseen))
    if not lesson.diverged and math.isfinite(lesson.highest_rate):
        highest = f"{lesson.highest_rate:.3g}"
        st.markdown(prose("backpropagation", "lesson_rate", highest=highest))
    st.markdown(prose("backpropagation", "look_lesson"))


def show_lesson_cost(pupil: Pupil) -> None:
    """Say what the steps of the lesson take."""
    n_windows = (pupil.image.shape[0] - SIDE + 1) * (pupil.image.shape[1] - SIDE + 1)
    forward, n_steps = n_windows * SIDE**2, len(pupil.lesson.losses) - 1
    st.markdown(
        prose(
            "backpropagation",
            "cost_lesson",
            windows=n_windows,
            weights=SIDE**2,
            forward=f"{forward:,}",
            steps=counted(n_steps, "step"),
            total=f"{2 * forward * n_steps:,}",
        )
    )


def _frames(last: int) -> list[int]:
    """Return the steps shown during play: all at first, then fewer and fewer."""
    steps = np.unique(np.geomspace(1, last + 1, MAX_FRAMES).round().astype(int)) - 1
    return [int(step) for step in steps]


def _show_kernels(pupil: Pupil, step: int) -> None:
    lesson = pupil.lesson
    kernel = lesson.kernels[step]
    last = len(lesson.losses) - 1
    numbers = {
        "step": step,
        "steps": last,
        "loss": significant(float(lesson.losses[step]), 3),
        "difference": significant(float(lesson.differences[step]), 3),
    }
    st.markdown(prose("backpropagation", "lesson_state", **numbers))
    limit = float(np.abs(lesson.goal).max())
    show_panels(
        [
            Panel("Kernel now", kernel, limit, before=lesson.kernels[max(0, step - 1)]),
            Panel("Goal", lesson.goal, limit),
            Panel("Difference", kernel - lesson.goal, limit),
        ]
    )
    _show_pictures(pupil, kernel)
    show_loss_curve(lesson.losses, step, logarithmic=True)


def _show_pictures(pupil: Pupil, kernel: Array) -> None:
    bank = np.stack([kernel, pupil.lesson.goal], axis=-1)[:, :, np.newaxis]
    now, target = np.moveaxis(conv2d(pupil.image[np.newaxis, ..., np.newaxis], bank)[0], -1, 0)
    limit = float(np.abs(target).max()) or 1.0
    white = float(pupil.image.max()) or 1.0
    show_panels(
        [
            Panel("Image", pupil.image, white, signed=False),
            Panel("Output now", now, limit),
            Panel("Wanted", target, limit),
        ]
    )
