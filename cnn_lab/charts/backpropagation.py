"""Charts of the Backpropagation page: activations, slope errors, steps, kernels and softmax."""

from typing import Any

import numpy as np
import pandas as pd

from cnn_lab.charts.maps import Tone, signed_picture
from cnn_lab.charts.vega import FULL_HEIGHT, Spec, category, dots, legend, mark, quantity, tip
from cnn_lab.concepts.backpropagation.descent import Lesson, Line
from cnn_lab.concepts.backpropagation.layer import NamedActivation
from cnn_lab.concepts.backpropagation.nudge import CENTRAL, LEAST_ERROR, ONE_SIDED
from cnn_lab.concepts.backpropagation.softmax import SoftmaxCrossEntropy
from cnn_lab.ops.types import Array

HEIGHT_PX = 300
FUNCTION, SLOPE, HERE = "f(z)", "f'(z)", "this layer"
MIN_REACH, MAX_REACH, N_POINTS = 4.0, 12.0, 161

START, CHOSEN, BEST = "now", "after the step", "best on this line"
MAX_POINTS = 160
MIN_LOSS = 1e-16
HERE_COLOUR = "#d9731a"  # an orange for light and dark pages

CELL_PX = 40
DARK_INK, LIGHT_INK = "#14110e", "#ffffff"

ROW_PX, AXIS_PX = 30, 60
TRUE, OTHER = "true class", "other classes"
PROBABILITY, GRADIENT = "probability", "gradient"


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


def lesson_table(lesson: Lesson, step: int) -> pd.DataFrame:
    """Return the loss after each step, thinned, in two parts: up to `step`, and beyond.

    Returns
    -------
    DataFrame
        `step`, `loss` (at least 1e-16, for its logarithm) and `part`: "done", "ahead" or,
        for the step itself, "here".
    """
    last = len(lesson.losses) - 1
    steps = np.unique(np.linspace(0, last, min(last + 1, MAX_POINTS)).round().astype(int))
    rows = [(s, "done") for s in steps if s < step] + [(step, "done"), (step, "ahead")]
    rows += [(s, "ahead") for s in steps if s > step] + [(step, "here")]
    return pd.DataFrame(
        [(s, max(MIN_LOSS, float(lesson.losses[s])), part) for s, part in rows],
        columns=["step", "loss", "part"],
    )


def lesson_spec(*, n_steps: int, height: int) -> Spec:
    """Return the chart of a table from `lesson_table`; it does not depend on the step."""
    whole = {"tickMinStep": 1, "format": "d"}
    powers = {"format": "~g", "tickCount": 5, "labelOverlap": True}
    return {
        "height": height,
        "encoding": {
            "x": quantity("step", "step", axis=whole, domain=[0, n_steps], nice=False),
            "y": quantity("loss", "loss", axis=powers, type="log"),
        },
        "layer": [
            mark("line", "datum.part == 'ahead'", opacity=0.3, tooltip=None),
            mark("line", "datum.part == 'done'", tooltip=None),
            dots(
                90,
                "datum.part == 'here'",
                color={"value": HERE_COLOUR},
                tooltip=[tip("step", "d"), tip("loss", ".4~g")],
            ),
        ],
    }


def kernels_table(kernels: dict[str, Array], *, limit: float, tone: Tone) -> pd.DataFrame:
    """Return the cells of kernels side by side, with one empty column between them.

    Parameters
    ----------
    kernels : dict of str to ndarray, shape (rows, columns)
        By name; all of one size.
    limit : float
        Magnitude shown in full colour.
    tone : {"light", "dark"}

    Returns
    -------
    DataFrame
        `row` (-1 holds the names), `column`, `text`, and the colours `paint` and `ink`.
    """
    cells: list[tuple[int, float, str, str, str]] = []
    words = LIGHT_INK if tone == "dark" else DARK_INK
    left = 0
    for name, kernel in kernels.items():
        rows, columns = kernel.shape
        cells.append((-1, left + (columns - 1) / 2, name, "transparent", words))
        paint = signed_picture(kernel, limit=limit, tone=tone)
        for row, column in np.ndindex(rows, columns):
            colour = paint[row, column]
            text = _short(float(kernel[row, column]))
            cells.append((row, left + column, text, f"#{colour.tobytes().hex()}", _ink(colour)))
        left += columns + 1
    return pd.DataFrame(cells, columns=["row", "column", "text", "paint", "ink"])


def kernels_spec(*, rows: int, columns: int) -> Spec:
    """Return the chart of a table from `kernels_table` with this many rows and columns."""
    exact: Spec = {"nice": False, "zero": False}
    sides = {"right": "column + ", "left": "column - ", "bottom": "row + ", "top": "row - "}
    as_given: Spec = {"scale": None}
    return {
        "height": CELL_PX * (rows + 1),
        "padding": 0,
        "view": {"stroke": None},
        "encoding": {
            "x": quantity("column", axis=None, domain=[-0.5, columns - 0.5], **exact),
            "y": quantity("row", axis=None, domain=[-1.5, rows - 0.5], reverse=True, **exact),
        },
        "transform": [{"calculate": f"datum.{at}0.48", "as": side} for side, at in sides.items()],
        "layer": [
            mark(
                "rect",
                "datum.row >= 0",
                {
                    "x": quantity("left", axis=None),
                    "x2": {"field": "right"},
                    "y": quantity("top", axis=None),
                    "y2": {"field": "bottom"},
                    "fill": category("paint") | as_given,
                },
                tooltip=None,
            ),
            mark(
                "text",
                encoding={"text": {"field": "text"}, "color": category("ink") | as_given},
                fontSize=13,
                tooltip=None,
            ),
        ],
    }


def _short(value: float) -> str:
    """Return a number in few characters: two decimals, or none if it is large."""
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"
    return text.replace("-0.00", "0.00").replace("-", "−")


def _ink(colour: Any) -> str:
    """Return the text colour that contrasts with a colour."""
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (float(part) / 255 for part in colour)
    )
    brightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return DARK_INK if brightness > 0.18 else LIGHT_INK


def softmax_table(found: SoftmaxCrossEntropy) -> pd.DataFrame:
    """Return one row per class: `class` (marked if true), both values, and `part`."""
    return pd.DataFrame(
        {
            "class": [
                f"{number}, true" if is_true else str(number)
                for number, is_true in enumerate(found.label)
            ],
            PROBABILITY: found.probabilities,
            GRADIENT: found.gradient,
            "part": [TRUE if is_true else OTHER for is_true in found.label],
        }
    )


def bars_spec(field: str, *, n_classes: int, limit: float) -> Spec:
    """Return the bars of "probability" or "gradient" of a table from `softmax_table`.

    Parameters
    ----------
    field : str
    n_classes : int
    limit : float
        End of the axis, which starts at 0 for probabilities and at minus this for gradients.
    """
    low = 0 if field == PROBABILITY else -limit
    classes = {"labelFontSize": 13, "labelOverlap": False}
    return {
        "height": ROW_PX * n_classes + AXIS_PX,
        "encoding": {
            "y": category("class", title="class", sort=None, axis=classes),
            "x": quantity(field, field, axis={"tickCount": 5}, domain=[low, limit], nice=False),
            "color": category("part", [OTHER, TRUE], legend=None),
            "tooltip": [tip("class"), tip(field, ".4~g")],
        },
        "mark": {"type": "bar", "height": {"band": 0.6}},
    }
