"""The falling loss, drawn without a chart library."""

import streamlit as st

from cnn_lab.app.widgets.pictures import theme_colour
from cnn_lab.charts.backpropagation import (
    CURVE_HEIGHT_PX,
    CURVE_WIDTH_PX,
    CurveLook,
    loss_svg,
)
from cnn_lab.charts.maps import data_url
from cnn_lab.content.words import significant
from cnn_lab.ops.types import Array


def show_loss_curve(
    losses: Array, step: int, *, n_axis: int = 1, logarithmic: bool = False
) -> None:
    """Show the loss after each step as a curve that keeps its place, with a dot on one step."""
    look = CurveLook(theme_colour("textColor"), theme_colour())
    drawn = loss_svg(losses, step, look, n_axis=n_axis, logarithmic=logarithmic)
    alt = (
        f"The loss after each of {len(losses) - 1} steps, from {significant(losses[0], 3)} to "
        f"{significant(losses[-1], 3)}; {significant(losses[step], 3)} after step {step}"
    )
    st.html(
        f'<img src="{data_url(drawn.encode(), "svg+xml")}" alt="{alt}" width="{CURVE_WIDTH_PX}" '
        f'height="{CURVE_HEIGHT_PX}" style="max-width:100%">'
    )
