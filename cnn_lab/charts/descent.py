"""Going downhill in Vega-Lite: the loss over rates, the loss over steps, the kernel on its way."""

from typing import Any

import numpy as np
import pandas as pd

from cnn_lab.charts.maps import Tone, signed_picture
from cnn_lab.concepts.backpropagation import Lesson, Line
from cnn_lab.ops.types import Array

HEIGHT_PX = 300
CELL_PX = 40
MAX_POINTS = 160
LEAST_LOSS = 1e-16
START, CHOSEN, BEST = "now", "after the step", "best on this line"
DARK_INK, LIGHT_INK = "#14110e", "#ffffff"
HERE_COLOUR = "#d9731a"  # an orange for light and dark pages


def line_table(line: Line, rate: float) -> pd.DataFrame:
    """Return the loss over rates, and the points worth a name.

    Parameters
    ----------
    line : Line
    rate : float
        The rate chosen.

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


def line_spec() -> dict[str, Any]:
    """Return the chart of a table from `line_table`; named points differ in shape and colour."""
    what = {
        "field": "what",
        "type": "nominal",
        "scale": {"domain": [START, CHOSEN, BEST]},
    }
    return {
        "height": HEIGHT_PX,
        "encoding": {
            "x": {"field": "rate", "type": "quantitative", "title": "learning rate"},
            "y": {"field": "loss", "type": "quantitative", "title": "loss"},
        },
        "layer": [
            {
                "transform": [{"filter": "datum.what == ''"}],
                "mark": {"type": "line", "tooltip": None},
            },
            {
                "transform": [{"filter": "datum.what != ''"}],
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
                "encoding": {
                    "color": what | {"legend": {"title": None, "orient": "top"}},
                    "shape": what,
                    "tooltip": [
                        {"field": "what"},
                        {"field": "rate", "type": "quantitative", "format": ".3~g"},
                        {"field": "loss", "type": "quantitative", "format": ".4~g"},
                    ],
                },
            },
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
        [(s, max(LEAST_LOSS, float(lesson.losses[s])), part) for s, part in rows],
        columns=["step", "loss", "part"],
    )


def lesson_spec(*, n_steps: int, height: int) -> dict[str, Any]:
    """Return the chart of a table from `lesson_table`; it does not depend on the step."""
    return {
        "height": height,
        "encoding": {
            "x": {
                "field": "step",
                "type": "quantitative",
                "title": "step",
                "scale": {"domain": [0, n_steps], "nice": False},
                "axis": {"tickMinStep": 1, "format": "d"},
            },
            "y": {
                "field": "loss",
                "type": "quantitative",
                "title": "loss",
                "scale": {"type": "log"},
                "axis": {"format": "~g", "tickCount": 5, "labelOverlap": True},
            },
        },
        "layer": [
            {
                "transform": [{"filter": "datum.part == 'ahead'"}],
                "mark": {"type": "line", "opacity": 0.3, "tooltip": None},
            },
            {
                "transform": [{"filter": "datum.part == 'done'"}],
                "mark": {"type": "line", "tooltip": None},
            },
            {
                "transform": [{"filter": "datum.part == 'here'"}],
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                "encoding": {
                    "color": {"value": HERE_COLOUR},
                    "tooltip": [
                        {"field": "step", "type": "quantitative"},
                        {"field": "loss", "type": "quantitative", "format": ".4~g"},
                    ],
                },
            },
        ],
    }


def kernels_table(kernels: dict[str, Array], *, limit: float, tone: Tone) -> pd.DataFrame:
    """Return the cells of kernels beside each other, one column left free between them.

    Parameters
    ----------
    kernels : dict of str to ndarray, shape (rows, columns)
        By name; all of one size.
    limit : float
        Magnitude of the full colours.
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
            cells.append(
                (
                    row,
                    left + column,
                    _short(float(kernel[row, column])),
                    "#" + "".join(f"{part:02x}" for part in colour),
                    _ink(colour),
                )
            )
        left += columns + 1
    return pd.DataFrame(cells, columns=["row", "column", "text", "paint", "ink"])


def kernels_spec(*, rows: int, columns: int) -> dict[str, Any]:
    """Return the chart of a table from `kernels_table`, for so many rows and columns in all."""
    return {
        "height": CELL_PX * (rows + 1),
        "padding": 0,
        "view": {"stroke": None},
        "encoding": {
            "x": {
                "field": "column",
                "type": "quantitative",
                "axis": None,
                "scale": {"domain": [-0.5, columns - 0.5], "nice": False, "zero": False},
            },
            "y": {
                "field": "row",
                "type": "quantitative",
                "axis": None,
                "scale": {
                    "domain": [-1.5, rows - 0.5],
                    "reverse": True,
                    "nice": False,
                    "zero": False,
                },
            },
        },
        "transform": [
            {"calculate": "datum.column + 0.48", "as": "right"},
            {"calculate": "datum.column - 0.48", "as": "left"},
            {"calculate": "datum.row + 0.48", "as": "bottom"},
            {"calculate": "datum.row - 0.48", "as": "top"},
        ],
        "layer": [
            {
                "transform": [{"filter": "datum.row >= 0"}],
                "mark": {"type": "rect", "tooltip": None},
                "encoding": {
                    "x": {"field": "left", "type": "quantitative"},
                    "x2": {"field": "right"},
                    "y": {"field": "top", "type": "quantitative"},
                    "y2": {"field": "bottom"},
                    "fill": {"field": "paint", "type": "nominal", "scale": None},
                },
            },
            {
                "mark": {"type": "text", "fontSize": 13, "tooltip": None},
                "encoding": {
                    "text": {"field": "text"},
                    "color": {"field": "ink", "type": "nominal", "scale": None},
                },
            },
        ],
    }


def _short(value: float) -> str:
    """Return a number in few characters: two decimals, none where it is large."""
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"
    return text.replace("-0.00", "0.00").replace("-", "−")


def _ink(colour: Any) -> str:
    """Return the ink that stands out from a colour."""
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (float(part) / 255 for part in colour)
    )
    brightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return DARK_INK if brightness > 0.18 else LIGHT_INK
