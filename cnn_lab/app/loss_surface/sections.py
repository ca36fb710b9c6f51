"""The surface with the path on it, and what can be said about both."""

import math

import numpy as np
import streamlit as st

from cnn_lab.app.loss_surface.controls import RESTARTED, Slope, start_at
from cnn_lab.app.widgets.inputs import choice, fold, slider
from cnn_lab.app.widgets.pictures import tone
from cnn_lab.app.widgets.plot import plot
from cnn_lab.app.widgets.steps import ROW_PX, played_steps
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.charts.loss_surface import Ground, contour_figure, surface_figure
from cnn_lab.concepts.backpropagation.surface import Descent
from cnn_lab.content import prose
from cnn_lab.content.words import counted
from cnn_lab.ops.types import Array

IN_SPACE, FROM_ABOVE = "in space", "from above"
TURN = 300  # degrees; along the valley of two weights side by side
ROUND = 1.5  # a ratio of curvatures below this is no valley


def show_surface(slope: Slope) -> None:
    """Show the surface, the path up to a step, and what they have in common."""
    descent = slope.surface.descend(slope.start, rate=slope.rate, steps=slope.steps)
    ground = Ground.of(slope.surface, slope.start)
    row = st.container(
        horizontal=True, vertical_alignment="bottom", gap="medium", height=ROW_PX, border=False
    )
    with row:
        view = choice("View", (IN_SPACE, FROM_ABOVE), "surface_view", width="content")
        turn = float(TURN)
        if view == IN_SPACE:
            label = prose("loss_surface", "turn_label")
            turn = float(slider(label, "surface_turn", value=TURN, minimum=0, maximum=360))
    last = len(descent.losses) - 1
    if descent.diverged:
        steps = counted(last + 1, "step")
        st.warning(prose("loss_surface", "diverged", steps=steps))
    played_steps(
        "surface",
        last,
        lambda step: _show_step(slope, ground, descent, step, view, turn),
        first=last,
    )
    _say_shape(slope)
    _show_steps(slope, descent)


def _show_step(
    slope: Slope, ground: Ground, descent: Descent, step: int, view: str, turn: float
) -> None:
    if st.session_state.pop(RESTARTED, False):
        st.rerun()  # with the fields and the path, which are outside of what reruns by itself
    first, second = slope.names
    what = slope.surface, ground, descent
    if view == IN_SPACE:
        figure = surface_figure(*what, step=step, names=slope.names, tone=tone(), turn=turn)
    else:
        figure = contour_figure(*what, step=step, names=slope.names, tone=tone())
    alt = prose("loss_surface", "figure_alt", first=first, second=second)
    plot(figure, key=f"surface_plot_{view == IN_SPACE}", alt=alt, on_choose=start_at)
    best = slope.surface.minimum
    st.markdown(
        prose(
            "loss_surface",
            "state",
            step=step,
            steps=len(descent.losses) - 1,
            loss=f"{descent.losses[step]:.3g}",
            at=_pair(descent.points[step]),
            lowest=f"{abs(slope.surface.loss(best)):.3g}",
            best=_pair(best),
        )
    )
    outside = np.flatnonzero(~ground.inside(descent.points))
    if len(outside):
        st.markdown(prose("loss_surface", "outside", step=int(outside[0])))


def _pair(point: Array) -> str:
    """Return two weights in brackets."""
    return f"({point[0]:.3g}, {point[1]:.3g})".replace("-", "−")


def _say_shape(slope: Slope) -> None:
    """Say what shape the surface has, and which learning rates it allows."""
    across, along = slope.surface.curvatures
    if along == 0:
        st.markdown(prose("loss_surface", "flat"))
    elif across < ROUND * along:
        st.markdown(prose("loss_surface", "round"))
    else:
        st.markdown(prose("loss_surface", "valley", times=f"{across / along:.3g}"))
    highest = slope.surface.highest_rate
    if math.isfinite(highest):
        numbers = {"half": f"{highest / 2:.3g}", "highest": f"{highest:.3g}"}
        st.markdown(prose("loss_surface", "limit", **numbers))


def _show_steps(slope: Slope, descent: Descent) -> None:
    """Show the steps as a table, once it is open."""
    part = fold("The steps in numbers", "surface_table", icon=":material/table:")
    if not part.open:
        return
    with part:
        show_table(
            {
                "Step": [str(step) for step in range(len(descent.losses))],
                **{
                    name: [f"{weight:.4g}" for weight in descent.points[:, i]]
                    for i, name in enumerate(slope.names)
                },
                "Loss": [f"{loss:.4g}" for loss in descent.losses],
            },
            label="The steps of gradient descent",
        )
