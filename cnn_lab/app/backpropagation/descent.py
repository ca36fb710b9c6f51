"""Steps downhill on the Backpropagation page: one press, one step."""

import numpy as np
import streamlit as st

from cnn_lab.app.backpropagation.controls import LayerSetup
from cnn_lab.app.backpropagation.drawn import show_loss_curve
from cnn_lab.app.widgets.inputs import slider, value_slider
from cnn_lab.app.widgets.pictures import show_panels
from cnn_lab.charts.backpropagation import line_spec, line_table
from cnn_lab.charts.panels import Panel
from cnn_lab.concepts.backpropagation.descent import Descent, Line, descend, line_of_steps
from cnn_lab.concepts.backpropagation.layer import Parameters
from cnn_lab.concepts.formulas import number_latex
from cnn_lab.content import prose
from cnn_lab.content.words import counted, significant
from cnn_lab.ops.types import Array

RATES = tuple(float(f"{first}e{power}") for power in range(-9, 1) for first in (1, 2, 5))
FIRST_RATE = 5e-4
TAKEN = "back_taken"
MAX_TAKEN = 50
TEN = 10
WHITE = 9.0  # small numbers as on the stage: white at 9 or, if larger, at the largest


def rate_controls() -> float:
    """Show the learning rate and return it."""
    return value_slider("Learning rate", RATES, "back_rate", value=FIRST_RATE)


def taken_steps() -> int:
    """Show how many steps have been taken, and return the number."""
    return slider("Steps taken", TAKEN, value=0, minimum=0, maximum=MAX_TAKEN)


def show_descent(setup: LayerSetup, rate: float, taken: int) -> Descent:
    """Show the layer after some steps, and buttons that take more; return all steps."""
    found = descend(setup.layer, setup.at, rate, steps=taken)
    if setup.target:
        st.markdown(prose("backpropagation", "step_story", target=setup.target))
    else:
        st.markdown(prose("backpropagation", "step_chosen"))
    last = len(found.losses) - 1
    ended = found.diverged or last >= MAX_TAKEN
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "Take a step",
            key="back_step_once",
            type="primary",
            icon=":material/south_east:",
            on_click=_take,
            args=(last + 1,),
            disabled=ended,
        )
        st.button(
            "Take ten", key="back_step_ten", on_click=_take, args=(last + TEN,), disabled=ended
        )
        st.button("Start over", key="back_step_reset", on_click=_take, args=(0,), disabled=not last)
        st.markdown(_state(found), width="content")
    show_panels(_panels(setup, found))
    words, curve = st.columns([2, 3], gap="medium", vertical_alignment="center")
    with words:
        st.markdown(_news(found))
    with curve:
        show_loss_curve(found.losses, last, n_axis=TEN)
    return found


def explain_step(setup: LayerSetup, rate: float, found: Descent) -> None:
    """Explain loss, gradient and learning rate with the numbers of the next step."""
    at, back = found.parameters[-1], found.passes[-1]
    gradient = back.parameters.kernel
    row, column = map(int, np.unravel_index(np.abs(gradient).argmax(), gradient.shape))
    slope, weight = float(gradient[row, column]), float(at.kernel[row, column])
    after = at.moved(back.parameters, -rate)
    loss = significant(back.loss)
    if setup.target:
        st.markdown(prose("backpropagation", "step_loss", target=setup.target, loss=loss))
    else:
        st.markdown(prose("backpropagation", "step_loss_chosen", loss=loss))
    st.markdown(
        prose(
            "backpropagation",
            "step_gradient",
            row=row,
            column=column,
            slope=significant(slope),
            change=significant(abs(slope) / 1000, 3),
            sense="rises" if slope > 0 else "falls",
        )
    )
    st.markdown(
        prose(
            "backpropagation",
            "step_rate",
            rate=significant(rate),
            weight=significant(weight, 3),
            slope=_bracketed(significant(slope)),
            result=significant(float(after.kernel[row, column]), 3),
        )
    )
    show_panels(_step_panels(setup, at, back.parameters, after, rate))
    bias = {"bias": at.bias, "slope": back.parameters.bias, "result": after.bias}
    numbers = {name: _bracketed(significant(value, 3)) for name, value in bias.items()}
    st.markdown(prose("backpropagation", "step_bias", rate=significant(rate), **numbers))
    st.markdown(prose("backpropagation", "look_step"))


def show_other_rates(setup: LayerSetup, rate: float, found: Descent) -> None:
    """Show the loss after the next step for every learning rate."""
    line = line_of_steps(setup.layer, found.parameters[-1], rate)
    st.markdown(prose("backpropagation", "step_ask", rate=number_latex(rate)))
    st.markdown(_verdict(line.before, line.after))
    st.vega_lite_chart(
        line_table(line, rate),
        line_spec(),
        key="back_line",
        alt="The loss against the learning rate, with the points before and after the step",
    )
    st.markdown(_best(line, rate))


def _take(steps: int) -> None:
    st.session_state[TAKEN] = min(steps, MAX_TAKEN)


def _panels(setup: LayerSetup, found: Descent) -> list[Panel]:
    image, here = setup.layer.image, len(found.passes) - 1
    before = max(0, here - 1)
    results = found.passes[here].results
    first = found.passes[0].results
    wanted = setup.wanted
    limit = _largest(first if wanted is None else wanted)
    panels = [
        Panel("Image", image, max(WHITE, _largest(image)), signed=bool((image < 0).any())),
        Panel(
            "Kernel",
            found.parameters[here].kernel,
            _largest(setup.at.kernel),
            before=found.parameters[before].kernel,
            sign="∗",
        ),
        Panel("Its output", results, limit, before=found.passes[before].results, sign="="),
    ]
    if wanted is not None:
        panels.append(Panel("Wanted", wanted, limit, sign="≠" if found.losses[-1] else "="))
    return panels


def _step_panels(
    setup: LayerSetup, at: Parameters, gradient: Parameters, after: Parameters, rate: float
) -> list[Panel]:
    limit = _largest(setup.at.kernel)
    slopes = gradient.kernel
    return [
        Panel("Kernel now", at.kernel, limit),
        Panel("Gradient", slopes, _largest(slopes), sign=f"− {significant(rate)} ·"),
        Panel("After the step", after.kernel, limit, sign="="),
    ]


def _largest(values: Array) -> float:
    return float(np.abs(values).max()) or 1.0


def _state(found: Descent) -> str:
    last, loss = len(found.losses) - 1, significant(found.losses[-1])
    if not last:
        return prose("backpropagation", "step_before", loss=loss)
    return prose("backpropagation", "step_after", steps=counted(last, "step"), loss=loss)


def _news(found: Descent) -> str:
    """Say what the last step did to the loss."""
    if found.diverged:
        return prose("backpropagation", "step_diverged")
    if len(found.losses) == 1:
        return prose("backpropagation", "step_none")
    return _verdict(found.losses[-2], found.losses[-1])


def _verdict(before: float, after: float) -> str:
    numbers = {"before": significant(before), "after": significant(after)}
    if numbers["before"] == numbers["after"]:
        return prose("backpropagation", "step_same", before=numbers["before"])
    section = "step_better" if after < before else "step_worse"
    return prose("backpropagation", section, **numbers)


def _best(line: Line, rate: float) -> str:
    if line.best_rate is None:
        return prose("backpropagation", "step_best_none")
    best = number_latex(line.best_rate)
    if not line.is_exact:
        return prose("backpropagation", "step_best_seen", best=best)
    yours = prose("backpropagation", "step_over", times=f"{rate / line.best_rate:.3g}")
    return prose("backpropagation", "step_best_exact", best=best, yours=yours)


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("−") else text
