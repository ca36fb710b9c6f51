"""The trials of a sweep as a Vega-Lite chart that grows: a point each, and the best so far."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cnn_lab.charts.curves import curve_spec

HEIGHT_PX = 310
FINISHED, OTHER, BEST = "finished", "under way or given up", "best so far"


def sweep_table(accuracies: Sequence[float | None], finished: Sequence[bool]) -> pd.DataFrame:
    """Return the points of the chart.

    Parameters
    ----------
    accuracies : sequence of float or None
        Of each trial so far, after its latest epoch; None before its first.
    finished : sequence of bool
        Which trials went to their end.

    Returns
    -------
    DataFrame
        `trial` from 1, `what` ("finished", "under way or given up" or "best so far"),
        `accuracy` in [0, 1] and `error`, its complement.
    """
    rows: list[tuple[int, str, float]] = []
    best = 0.0
    for trial, (accuracy, is_finished) in enumerate(zip(accuracies, finished, strict=True), 1):
        if accuracy is not None:
            rows.append((trial, FINISHED if is_finished else OTHER, accuracy))
            best = max(best, accuracy) if is_finished else best
        if best:
            rows.append((trial, BEST, best))
    table = pd.DataFrame(rows, columns=["trial", "what", "accuracy"])
    table["error"] = 1 - table["accuracy"]
    return table.astype({"what": "object", "accuracy": "float64", "error": "float64"})


def sweep_spec(*, n_trials: int) -> dict[str, Any]:
    """Return the specification of the chart, for a table from `sweep_table`.

    The vertical axis is that of `cnn_lab.charts.curves.curve_spec`, stretched towards 100 %.
    """
    points = {
        "field": "what",
        "type": "nominal",
        "scale": {"domain": [FINISHED, OTHER], "range": ["circle", "cross"]},
        "legend": {"title": None, "orient": "bottom", "symbolOpacity": 1},
    }
    return {
        "height": HEIGHT_PX,
        "title": {"text": "Accuracy, and the best so far"},
        "encoding": {
            "x": {
                "field": "trial",
                "type": "quantitative",
                "scale": {"domain": [0, n_trials + 1], "nice": False},
                "axis": {"tickMinStep": 1, "tickCount": min(n_trials, 10), "format": "d"},
            },
            "y": curve_spec("accuracy", n_epochs=1)["encoding"]["y"],
        },
        "layer": [
            {
                "transform": [{"filter": f"datum.what == '{BEST}'"}],
                "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
            },
            {
                "transform": [{"filter": f"datum.what != '{BEST}'"}],
                "mark": {"type": "point", "filled": True, "size": 65, "opacity": 1},
                "encoding": {
                    "shape": points,
                    "tooltip": [
                        {"field": "trial", "type": "quantitative", "format": "d"},
                        {"field": "accuracy", "type": "quantitative", "format": ".2%"},
                        {"field": "what", "title": "state"},
                    ],
                },
            },
        ],
    }
