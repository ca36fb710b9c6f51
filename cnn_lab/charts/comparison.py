"""Two runs' curves on one chart, in Vega-Lite: colour tells the run, dashes tell validation."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnn_lab.charts.curves import (
    CHART_HEIGHT_PX,
    TRAINING,
    VALIDATION,
    Measure,
    curve_spec,
    curve_table,
)
from cnn_lab.runs.comparison import Compared

COMPARISON_HEIGHT_PX = CHART_HEIGHT_PX + 80  # with the legends below
GREY = "#8a8680"  # for light and dark pages

Along = Literal["epochs", "seconds"]


def comparison_table(compared: Sequence[Compared]) -> pd.DataFrame:
    """Return the points of several runs.

    Returns
    -------
    DataFrame
        The columns of `cnn_lab.charts.curves.curve_table`; also `run`, the run's name, and
        `seconds` of training since its start, between two reports in proportion.
    """
    tables = []
    for one in compared:
        table = curve_table(one.batches, one.epochs, n_train=one.n_train)
        table["run"] = one.name
        table["seconds"] = _seconds_at(one, table["epochs"].to_numpy(float) * one.n_train)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def comparison_spec(
    measure: Measure, *, names: Sequence[str], along: Along, end: float
) -> dict[str, Any]:
    """Return the chart of one measure, for a table from `comparison_table`.

    Parameters
    ----------
    measure : {"loss", "accuracy"}
        On the same axes as `cnn_lab.charts.curves.curve_spec`.
    names : sequence of str
        The runs, in the order of their colours.
    along : {"epochs", "seconds"}
        What the horizontal axis counts.
    end : float
        Where that axis ends.
    """
    who = {
        "field": "who",
        "type": "nominal",
        "scale": {"domain": [TRAINING, VALIDATION], "range": ["circle", "diamond"]},
        "legend": _LEGEND | {"symbolFillColor": GREY, "symbolStrokeColor": GREY},
    }
    epoch = "datum.what == 'epoch' && datum.who =="
    return {
        "height": COMPARISON_HEIGHT_PX,
        "title": {"text": measure.capitalize(), "offset": 8},
        "encoding": {
            "x": {
                "field": along,
                "type": "quantitative",
                "title": along,
                "scale": {"domain": [0, end], "nice": False},
                "axis": {"tickMinStep": 1, "tickCount": 8, "format": "d"},
            },
            "y": curve_spec(measure, n_epochs=1)["encoding"]["y"],
            "color": {
                "field": "run",
                "type": "nominal",
                "scale": {"domain": list(names)},
                "legend": _LEGEND,
            },
        },
        "layer": [
            _layer("datum.what == 'moment'", type="line", strokeWidth=1, opacity=0.4),
            _layer(f"{epoch} '{TRAINING}'", type="line", strokeWidth=2),
            _layer(f"{epoch} '{VALIDATION}'", type="line", strokeWidth=2, strokeDash=[5, 4]),
            _layer("datum.what == 'epoch'", type="point", filled=True, size=55, opacity=1)
            | {"encoding": {"shape": who, "tooltip": _TOOLTIP}},
        ],
    }


_LEGEND = {"title": None, "orient": "bottom", "columns": 1, "labelLimit": 320, "symbolOpacity": 1}
_TOOLTIP = [
    {"field": "run"},
    {"field": "who", "title": "images"},
    {"field": "epochs", "type": "quantitative", "title": "epoch", "format": "d"},
    {"field": "seconds", "type": "quantitative", "format": ".0f"},
    {"field": "loss", "type": "quantitative", "format": ".4f"},
    {"field": "accuracy", "type": "quantitative", "format": ".2%"},
]


def _seconds_at(one: Compared, n_images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return when a run had been trained on so many images, from its own reports."""
    reports = {row["n_images"]: row["seconds"] for row in [*one.batches, *one.epochs]}
    known = sorted({0.0: 0.0, **reports}.items())
    images, seconds = np.array(known, float).T
    return np.asarray(np.interp(n_images, images, seconds))


def _layer(condition: str, **mark: Any) -> dict[str, Any]:
    return {"transform": [{"filter": condition}], "mark": mark}
