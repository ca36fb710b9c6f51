"""Charts of the Backpropagation page: activations, slope errors, steps, matrices and softmax."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cnn_lab.charts.maps import (
    Picture,
    Tone,
    data_url,
    grey_picture,
    sharp_png,
    signed_picture,
)
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
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 56, 12, 26, 126  # of the curve in its picture
MAX_DOTS = 50

MAX_IN_NUMBERS, MAX_LARGE_CELLS = 8, 5  # rows and columns
PICTURE_PX = 96
# A cell that has changed fades from its old colour to its new one.
_PANEL_STYLE = """<style>
.panels { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem .5rem }
.panels > div { display: flex; align-items: center; gap: .5rem }
.panels figure { margin: 0 }
.panels figcaption { font-size: .875rem; margin-bottom: .25rem }
.panels span { font-size: 1.1rem }
.panels table { border-collapse: separate; border-spacing: 1px; margin: 0; width: auto }
.panels td { width: 2.15rem; min-width: 2.15rem; height: 2.15rem; padding: 0; border: 0;
  text-align: center; font-size: .8125rem; font-variant-numeric: tabular-nums }
.panels .small td { width: 1.5rem; min-width: 1.5rem; height: 1.5rem; font-size: .75rem }
.panels img { image-rendering: pixelated; border-radius: 2px }
@media (max-width: 640px) {
  .panels td { height: 1.8rem }
  .panels .small td { height: 1.3rem; font-size: .6875rem }
}
@media (prefers-reduced-motion: no-preference) { .panels .moved { animation: moved .5s } }
@keyframes moved { from { background: var(--was) } }
</style>"""
DARK_INK, LIGHT_INK = "#000000", "#ffffff"  # one of them is legible on any colour


class CurveLook(NamedTuple):
    """Colours of a curve: of its line and words, and of where the reader is."""

    ink: str
    now: str


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


@dataclass(frozen=True, eq=False)
class Panel:
    """A small matrix to draw.

    Attributes
    ----------
    title : str
    values : ndarray of float, shape (rows, columns)
    limit : float
        Magnitude shown in full colour, or as white.
    signed : bool
        Blue to orange, centred at zero, instead of greys.
    before : ndarray of float, of that shape, optional
        Values from whose colours the cells change to their own.
    sign : str
        Shown before the panel, such as an equals sign.
    """

    title: str
    values: Array
    limit: float
    signed: bool = True
    before: Array | None = None
    sign: str = ""


def panels_html(panels: Sequence[Panel], *, tone: Tone) -> str:
    """Return matrices side by side as HTML: cells with numbers, or pictures if they are large.

    Parameters
    ----------
    panels : sequence of Panel
    tone : {"light", "dark"}

    Notes
    -----
    A chart of the same cells would load a library of half a megabyte.
    """
    figures = []
    for panel in panels:
        large = max(panel.values.shape) > MAX_IN_NUMBERS
        drawn = _panel_picture(panel, tone) if large else _panel_cells(panel, tone)
        sign = f"<span>{escape(panel.sign)}</span>" if panel.sign else ""
        title = f"<figcaption>{escape(panel.title)}</figcaption>"
        figures.append(f"<div>{sign}<figure>{title}{drawn}</figure></div>")
    return f'{_PANEL_STYLE}<div class="panels">{"".join(figures)}</div>'


def _panel_cells(panel: Panel, tone: Tone) -> str:
    paint = _panel_paint(panel, panel.values, tone)
    was = paint if panel.before is None else _panel_paint(panel, panel.before, tone)
    whole = bool(np.all(panel.values == panel.values.round()))
    lines = []
    for row in range(panel.values.shape[0]):
        cells = []
        for column, value in enumerate(panel.values[row]):
            colour, old = (each[row, column] for each in (paint, was))
            style = f"background:#{colour.tobytes().hex()};color:{_ink(colour)}"
            moved = bool(np.any(colour != old))
            style += f";--was:#{old.tobytes().hex()}" if moved else ""
            kind = ' class="moved"' if moved else ""
            cells.append(f'<td{kind} style="{style}">{_short(float(value), whole=whole)}</td>')
        lines.append(f"<tr>{''.join(cells)}</tr>")
    size = ' class="small"' if max(panel.values.shape) > MAX_LARGE_CELLS else ""
    return f"<table{size}><tbody>{''.join(lines)}</tbody></table>"


def _panel_picture(panel: Panel, tone: Tone) -> str:
    data, width_px = sharp_png(_panel_paint(panel, panel.values, tone), PICTURE_PX)
    return f'<img src="{data_url(data)}" width="{width_px}" alt="{escape(panel.title)}">'


def _panel_paint(panel: Panel, values: Array, tone: Tone) -> Picture:
    if panel.signed:
        return signed_picture(values, limit=panel.limit, tone=tone)
    return grey_picture(values, limit=panel.limit)


def loss_svg(
    losses: Array, step: int, look: CurveLook, *, n_axis: int = 1, logarithmic: bool = False
) -> str:
    """Return the loss after each step as a curve, with a dot on one of the steps.

    Parameters
    ----------
    losses : ndarray of float, shape (n + 1,)
        Before the first step and after each; finite.
    step : int
        Where the dot is; the curve is fainter beyond it.
    look : CurveLook
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


def _short(value: float, *, whole: bool) -> str:
    """Return a number in few characters: two decimals, or none if it is large."""
    text = f"{value:.2f}" if abs(value) < 10 and not whole else f"{value:.0f}"
    return text.replace("-0.00", "0.00").replace("-", "−")


def _ink(colour: Any) -> str:
    """Return the text colour that contrasts with a colour."""
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (float(part) / 255 for part in colour)
    )
    brightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return DARK_INK if brightness > 0.18 else LIGHT_INK
