"""The falling loss, drawn without a chart library."""

from cnn_lab.app.widgets.pictures import show_svg, theme_look
from cnn_lab.charts.backpropagation import CURVE_HEIGHT_PX, CURVE_WIDTH_PX, loss_svg
from cnn_lab.content.words import significant
from cnn_lab.ops.types import Array


def show_loss_curve(
    losses: Array, step: int, *, n_axis: int = 1, logarithmic: bool = False
) -> None:
    """Show the loss after each step as a curve that keeps its place, with a dot on one step."""
    alt = (
        f"The loss after each of {len(losses) - 1} steps, from {significant(losses[0], 3)} to "
        f"{significant(losses[-1], 3)}; {significant(losses[step], 3)} after step {step}"
    )
    svg = loss_svg(losses, step, theme_look(), n_axis=n_axis, logarithmic=logarithmic)
    show_svg(svg, alt=alt, size_px=(CURVE_WIDTH_PX, CURVE_HEIGHT_PX))
