"""Charts of the Backpropagation page: activations, slope errors, steps, matrices and softmax."""

import numpy as np
import pandas as pd

from cnn_lab.charts.network import Look
from cnn_lab.charts.vega import FULL_HEIGHT, Spec, category, dots, legend, mark, quantity, tip
from cnn_lab.concepts.backpropagation.descent import Line
from cnn_lab.concepts.backpropagation.layer import NamedActivation
from cnn_lab.concepts.backpropagation.nudge import CENTRAL, LEAST_ERROR, ONE_SIDED
from cnn_lab.content.words import significant
from cnn_lab.ops.types import Array

HEIGHT_PX = 300
FUNCTION, SLOPE, HERE = "f(z)", "f'(z)", "this layer"
MIN_REACH, MAX_REACH, N_POINTS = 4.0, 12.0, 161

START, CHOSEN, BEST = "now", "after the step", "best on this line"
MAX_POINTS = 160
MIN_LOSS = 1e-16
CURVE_WIDTH_PX, CURVE_HEIGHT_PX = 360, 150
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 76, 12, 26, 126  # of the curve in its picture
MAX_DOTS = 50


def activation_table(activation: NamedActivation, sums: Array) -> pd.DataFrame:
    """Return both curves, and the sums of the layer as points on them.

    Parameters
    ----------
    activation : NamedActivation
    sums : ndarray of float, any shape
        Input of the activation.

    Returns
    -------
    DataFrame
        `z`, `value`, `what` ("f(z)" or "f'(z)") and `part` ("curve" or "this layer"). The
        curves extend as far as the sums, by 4 to 12 in each direction; sums beyond are left out.
    """
    reach = min(MAX_REACH, max(MIN_REACH, float(np.abs(sums).max(initial=0.0))))
    curve = np.linspace(-reach, reach, N_POINTS)
    here = np.unique(sums[np.abs(sums) <= reach])
    parts = [
        pd.DataFrame({"z": z, "value": function(z), "what": what, "part": part})
        for part, z in (("curve", curve), (HERE, here))
        for what, function in ((FUNCTION, activation.apply), (SLOPE, activation.slope))
    ]
    return pd.concat(parts, ignore_index=True).astype({"what": "object", "part": "object"})


def activation_spec() -> Spec:
    """Return the chart of a table from `activation_table`; the slope is dashed."""
    what = category("what", [FUNCTION, SLOPE], legend=None)
    tooltip = [tip("z", ".4~g"), tip("what"), tip("value", ".4~g")]
    return {
        "height": HEIGHT_PX,
        "encoding": {
            "x": quantity("z", "z"),
            "y": quantity("value", None),
            "color": what | {"legend": legend("top")},
        },
        "layer": [
            mark("line", "datum.part == 'curve'", {"strokeDash": what}),
            dots(40, f"datum.part == '{HERE}'", shape=what, tooltip=tooltip),
        ],
    }


def error_spec(*, epsilon: float) -> Spec:
    """Return the chart of a table from `backpropagation.error_table`, both axes logarithmic.

    Parameters
    ----------
    epsilon : float
        The chosen nudge, marked by a line.
    """
    how = category("how", [ONE_SIDED, CENTRAL], legend=None)
    chosen = f"abs(datum.nudge / {epsilon!r} - 1) < 0.01 && datum.how == '{CENTRAL}'"
    powers = {"format": "~e", "tickCount": 6}
    nudge = quantity("nudge", "size of the nudge", axis=powers, type="log", nice=False)
    tooltip = [tip("how"), tip("nudge", "~e"), tip("error", ".2e")]
    return {
        "height": HEIGHT_PX,
        "encoding": {
            "x": nudge,
            "y": quantity(
                "error", "error of the slope", axis=powers, type="log", domainMin=LEAST_ERROR
            ),
            "color": how | {"legend": legend("top") | {"title": "loss on"}},
        },
        "layer": [
            mark("line", encoding={"strokeDash": how}),
            dots(45, shape=how, tooltip=tooltip),
            mark("rule", chosen, {"x": nudge, **FULL_HEIGHT}, strokeDash=[2, 3], tooltip=None),
        ],
    }


def line_table(line: Line, rate: float) -> pd.DataFrame:
    """Return the loss against the rate, and the named points.

    Parameters
    ----------
    line : Line
    rate : float
        The chosen rate.

    Returns
    -------
    DataFrame
        `rate`, `loss` and `what`: "" on the curve, else "now", "after the step" or "best on
        this line".
    """
    points = [(0.0, line.before, START), (rate, line.after, CHOSEN)]
    if line.best_rate is not None:
        lowest = float(np.interp(line.best_rate, line.rates, line.losses))
        points.append((line.best_rate, lowest, BEST))
    curve = pd.DataFrame({"rate": line.rates, "loss": line.losses, "what": ""})
    named = pd.DataFrame(points, columns=["rate", "loss", "what"])
    return pd.concat([curve, named], ignore_index=True)


def line_spec() -> Spec:
    """Return the chart of a table from `line_table`; named points differ in shape and colour."""
    what = category("what", [START, CHOSEN, BEST])
    return {
        "height": HEIGHT_PX,
        "encoding": {"x": quantity("rate", "learning rate"), "y": quantity("loss", "loss")},
        "layer": [
            mark("line", "datum.what == ''", tooltip=None),
            dots(
                110,
                "datum.what != ''",
                color=what | {"legend": legend("top")},
                shape=what,
                tooltip=[tip("what"), tip("rate", ".3~g"), tip("loss", ".4~g")],
            ),
        ],
    }


def loss_svg(
    losses: Array, step: int, look: Look, *, n_axis: int = 1, logarithmic: bool = False
) -> str:
    """Return the loss after each step as a curve, with a dot on one of the steps.

    Parameters
    ----------
    losses : ndarray of float, shape (n + 1,)
        Before the first step and after each; finite.
    step : int
        Where the dot is; the curve is fainter beyond it.
    look : Look
    n_axis : int
        Steps that the axis has room for at least.
    logarithmic : bool
        Powers of ten at equal distances; losses below 1e-16 are drawn there.

    Notes
    -----
    SVG of 360 by 150 pixels. The dot moves to its place from the step before.
    """
    n = len(losses) - 1
    n_axis = max(n, n_axis)
    shown = np.unique(np.linspace(0, n, min(n + 1, MAX_POINTS)).round().astype(int))
    shown = np.union1d(shown, [max(0, step - 1), step])
    heights = np.log10(np.maximum(losses, MIN_LOSS)) if logarithmic else losses
    low = float(heights.min()) if logarithmic else min(0.0, float(heights.min()))
    high = max(float(heights.max()), low + 1e-12)
    x = LEFT_PX + shown * ((CURVE_WIDTH_PX - LEFT_PX - RIGHT_PX) / n_axis)
    y = BOTTOM_PX - (heights[shown] - low) * ((BOTTOM_PX - TOP_PX) / (high - low))
    points = [f"{across:.1f},{down:.1f}" for across, down in zip(x, y, strict=True)]
    here = int(np.searchsorted(shown, step))
    before = max(0, here - 1)
    ticks = (
        (float(f"{10.0**high:.2g}") if logarithmic else high, TOP_PX),
        (float(f"{10.0**low:.2g}") if logarithmic else low, BOTTOM_PX),
    )
    labels = "".join(
        f'<text x="{LEFT_PX - 8}" y="{at + 4}" text-anchor="end">{significant(value)}</text>'
        for value, at in ticks
    )
    dots = "".join(
        f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3"/>'
        for across, down in zip(x, y, strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {CURVE_WIDTH_PX} {CURVE_HEIGHT_PX}" '
        f'width="{CURVE_WIDTH_PX}" height="{CURVE_HEIGHT_PX}" font-family="system-ui, sans-serif" '
        f'font-size="12" fill="{look.ink}"><style>'
        "@keyframes arrive{{from{{transform:translate({dx:.1f}px,{dy:.1f}px)}}}}"
        "@media (prefers-reduced-motion:no-preference){{.here{{animation:arrive .4s ease-out}}}}"
        "</style>".format(dx=x[before] - x[here], dy=y[before] - y[here])
        + f'<path d="M{LEFT_PX} {TOP_PX - 6}V{BOTTOM_PX}H{CURVE_WIDTH_PX - RIGHT_PX + 6}" '
        f'fill="none" stroke="{look.ink}" stroke-opacity=".35"/>{labels}'
        f'<text x="{LEFT_PX}" y="12">loss</text>'
        f'<text x="{LEFT_PX}" y="{BOTTOM_PX + 17}" text-anchor="middle">0</text>'
        f'<text x="{CURVE_WIDTH_PX - RIGHT_PX}" y="{BOTTOM_PX + 17}" text-anchor="end">'
        f"step {n_axis}</text>"
        f'<g fill="none" stroke="{look.ink}" stroke-width="2" stroke-linejoin="round">'
        f'<polyline points="{" ".join(points)}" stroke-opacity=".3"/>'
        f'<polyline points="{" ".join(points[: here + 1])}"/></g>'
        + (f'<g fill-opacity=".6">{dots}</g>' if n <= MAX_DOTS else "")
        + f'<circle class="here" cx="{x[here]:.1f}" cy="{y[here]:.1f}" r="6" fill="{look.now}"/>'
        "</svg>"
    )
