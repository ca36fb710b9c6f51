"""Parts of the Backpropagation page: what each shows, its controls and its tabs."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import streamlit as st

from cnn_lab.app.backpropagation.controls import (
    GRADIENTS,
    LESSON,
    NUDGE,
    PART,
    PARTS,
    SOFTMAX,
    STEP,
    TAB,
    LayerSetup,
    cell_choice,
    layer_controls,
)
from cnn_lab.app.backpropagation.descent import (
    explain_step,
    rate_controls,
    show_descent,
    show_other_rates,
    taken_steps,
)
from cnn_lab.app.backpropagation.gradients import (
    explain_gradient,
    quantity_controls,
    show_gradient,
)
from cnn_lab.app.backpropagation.lesson import (
    explain_lesson,
    lesson_controls,
    show_lesson,
    show_lesson_cost,
)
from cnn_lab.app.backpropagation.nudging import (
    nudge_controls,
    show_all_nudges,
    show_nudge,
    show_nudge_sizes,
)
from cnn_lab.app.backpropagation.softmax import (
    explain_softmax,
    show_softmax,
    show_softmax_cost,
    softmax_controls,
)
from cnn_lab.app.widgets.inputs import does_not_fit
from cnn_lab.app.widgets.keras_check import code_in_tabs, show_proof
from cnn_lab.app.widgets.predict import is_asked_first, predict_switch
from cnn_lab.app.widgets.story import Experiment, show_experiments
from cnn_lab.content import prose
from cnn_lab.trace import Trace

MAX_ASKED = 4  # classes whose gradients a question asks for
EXPLAINED, TRY, CODE = "Explained", "Try this", "Code"
Sections = dict[str, Callable[[], None]]
Place = AbstractContextManager[object]


def _experiment(name: str, part: str, query: dict[str, str]) -> Experiment:
    return Experiment(name, {PART: PARTS[part], **query, TAB: TRY})


EXPERIMENTS = (
    _experiment("overshoot", STEP, {"back_rate": "0.001", "back_taken": "2"}),
    _experiment(
        "noise",
        LESSON,
        {"back_lesson_input": "noise", "back_lesson_rate": "0.5", "back_step": "300"},
    ),
    _experiment("stride", GRADIENTS, {"back_stride": "2", "back_what": "input"}),
    _experiment("sure", SOFTMAX, {"back_class": "2"}),
)


def titles_of(part: str) -> list[str]:
    """Return the titles of a part's tabs, the first one open at first."""
    own = {STEP: ["Other rates"], NUDGE: ["All weights"]}.get(part, [])
    code = [] if part in (LESSON, SOFTMAX) else [CODE]
    return [EXPLAINED, TRY, *own, "Cost", *code]


def show_part(part: str, main: Place, controls: Place) -> Sections | None:
    """Show a part of the page in two places.

    Returns
    -------
    dict of str to callable, or None
        What fills its tabs, by their titles; None if its settings do not fit.
    """
    if part == LESSON:
        own = _lesson(main, controls)
    elif part == SOFTMAX:
        own = _softmax(main, controls)
    else:
        own = _layer(part, main, controls)
    if own:
        own[TRY] = lambda: show_experiments("backpropagation", EXPERIMENTS)
    return own or None


def _lesson(main: Place, controls: Place) -> Sections:
    with controls:
        pupil = lesson_controls()
    with main:
        show_lesson(pupil)
    return {
        EXPLAINED: lambda: explain_lesson(pupil),
        "Cost": lambda: show_lesson_cost(pupil),
    }


def _softmax(main: Place, controls: Place) -> Sections:
    with controls:
        answer = softmax_controls()
    with main:
        if predict_switch("back") and len(answer.scores) <= MAX_ASKED:
            settings: dict[str, Any] = {"scores": answer.scores, "label": answer.true_class}
            if answer.temperature != 1:
                settings["temperature"] = answer.temperature
            if is_asked_first("back", "softmax-gradient", settings):
                return {}
        show_softmax(answer)
    return {
        EXPLAINED: lambda: explain_softmax(answer),
        "Cost": lambda: show_softmax_cost(answer),
    }


def _layer(part: str, main: Place, controls: Place) -> Sections:
    with controls:
        menu = st.container()
        try:
            setup = layer_controls(loss_folded=part != GRADIENTS)
        except ValueError as error:
            with main:
                does_not_fit(error)
            return {}
    own = {GRADIENTS: _gradients, NUDGE: _nudge, STEP: _step}[part](setup, main, menu)
    if not own:
        return {}
    return {**own, "Cost": lambda: _show_cost(setup)}


def _step(setup: LayerSetup, main: Place, menu: Place) -> Sections:
    with menu:
        rate, taken = rate_controls(), taken_steps()
    with main:
        found = show_descent(setup, rate, taken)
    return {
        EXPLAINED: lambda: explain_step(setup, rate, found),
        "Other rates": lambda: show_other_rates(setup, rate, found),
        CODE: lambda: _show_code(setup, []),
    }


def _gradients(setup: LayerSetup, main: Place, menu: Place) -> Sections:
    with menu:
        quantity, form = quantity_controls()
    with main:
        traces = show_gradient(setup, quantity, form)
    if traces is None:
        return {}
    return {
        EXPLAINED: lambda: explain_gradient(setup, quantity),
        CODE: lambda: _show_code(setup, traces),
    }


def _nudge(setup: LayerSetup, main: Place, menu: Place) -> Sections:
    with menu:
        cell = cell_choice("Weight", "back_weight", setup.window)
        epsilon = nudge_controls()
    with main:
        show_nudge(setup, cell, epsilon)
    return {
        EXPLAINED: lambda: show_nudge_sizes(setup, cell, epsilon),
        "All weights": lambda: show_all_nudges(setup, epsilon),
        CODE: lambda: _show_code(setup, []),
    }


def _show_cost(setup: LayerSetup) -> None:
    n_weights, n_positions = setup.at.kernel.size, setup.back.delta.size
    forward = n_weights * n_positions
    st.markdown(
        prose(
            "backpropagation",
            "cost",
            weights=n_weights,
            positions=n_positions,
            forward=f"{forward:,}",
            nudging=f"{2 * (n_weights + 1) * forward:,}",
        )
    )


def _show_code(setup: LayerSetup, traces: list[Trace]) -> None:
    """Show the code of the gradients, their check and, if they are on the stage, downloads."""
    with st.container(horizontal=True):
        show_proof("back", setup.check, traces, name="backpropagation")
    code_in_tabs(setup.check.call)
