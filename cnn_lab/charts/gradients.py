"""An activation beside its slope, and how wrong a slope by differences is, in Vega-Lite."""

from typing import Any

import numpy as np
import pandas as pd

from cnn_lab.concepts.backpropagation import NamedActivation
from cnn_lab.concepts.backpropagation.nudge import CENTRAL, LEAST_ERROR, ONE_SIDED
from cnn_lab.ops.types import Array

HEIGHT_PX = 300
FUNCTION, SLOPE, HERE = "f(z)", "f'(z)", "this layer"
LEAST_REACH, MAX_REACH, N_POINTS = 4.0, 12.0, 161


def activation_table(activation: NamedActivation, sums: Array) -> pd.DataFrame:
    """Return both curves, and where this layer's sums lie on them.

    Parameters
    ----------
    activation : NamedActivation
    sums : ndarray of float, any shape
        What goes into the activation.

    Returns
    -------
    DataFrame
        `z`, `value`, `what` ("f(z)" or "f'(z)") and `part` ("curve" or "this layer"). The
        curves reach as far as the sums do, from 4 to 12 either way; sums beyond are left out.
    """
    reach = min(MAX_REACH, max(LEAST_REACH, float(np.abs(sums).max(initial=0.0))))
    curve = np.linspace(-reach, reach, N_POINTS)
    here = np.unique(sums[np.abs(sums) <= reach])
    parts = [
        pd.DataFrame({"z": z, "value": function(z), "what": what, "part": part})
        for part, z in (("curve", curve), (HERE, here))
        for what, function in ((FUNCTION, activation.apply), (SLOPE, activation.slope))
    ]
    return pd.concat(parts, ignore_index=True).astype({"what": "object", "part": "object"})


def activation_spec() -> dict[str, Any]:
    """Return the chart of a table from `activation_table`; dashes tell the slope as well."""
    what = _named("what", [FUNCTION, SLOPE])
    return {
        "height": HEIGHT_PX,
        "encoding": {
            "x": {"field": "z", "type": "quantitative", "title": "z"},
            "y": {"field": "value", "type": "quantitative", "title": None},
            "color": what | {"legend": {"title": None, "orient": "top"}},
        },
        "layer": [
            {
                "transform": [{"filter": "datum.part == 'curve'"}],
                "mark": "line",
                "encoding": {"strokeDash": what | {"legend": None}},
            },
            {
                "transform": [{"filter": f"datum.part == '{HERE}'"}],
                "mark": {"type": "point", "filled": True, "size": 40, "opacity": 1},
                "encoding": {
                    "shape": what | {"legend": None},
                    "tooltip": [
                        {"field": "z", "type": "quantitative", "format": ".4~g"},
                        {"field": "what"},
                        {"field": "value", "type": "quantitative", "format": ".4~g"},
                    ],
                },
            },
        ],
    }


def error_spec(*, epsilon: float) -> dict[str, Any]:
    """Return the chart of a table from `backpropagation.error_table`, both axes logarithmic.

    Parameters
    ----------
    epsilon : float
        The nudge chosen, marked by a line.
    """
    how = _named("how", [ONE_SIDED, CENTRAL])
    chosen = f"abs(datum.nudge / {epsilon!r} - 1) < 0.01"
    log = {"type": "quantitative", "scale": {"type": "log", "nice": False}}
    powers = {"format": "~e", "tickCount": 6}
    return {
        "height": HEIGHT_PX,
        "encoding": {
            "x": {"field": "nudge", "title": "size of the nudge", "axis": powers} | log,
            "y": {
                "field": "error",
                "type": "quantitative",
                "title": "error of the slope",
                "scale": {"type": "log", "domainMin": LEAST_ERROR},
                "axis": powers,
            },
            "color": how | {"legend": {"title": "loss on", "orient": "top"}},
        },
        "layer": [
            {"mark": "line", "encoding": {"strokeDash": how | {"legend": None}}},
            {
                "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1},
                "encoding": {
                    "shape": how | {"legend": None},
                    "tooltip": [
                        {"field": "how"},
                        {"field": "nudge", "type": "quantitative", "format": "~e"},
                        {"field": "error", "type": "quantitative", "format": ".2e"},
                    ],
                },
            },
            {
                "transform": [{"filter": f"{chosen} && datum.how == '{CENTRAL}'"}],
                "mark": {"type": "rule", "strokeDash": [2, 3], "tooltip": None},
                "encoding": {
                    "x": {"field": "nudge"} | log,
                    "y": {"value": 0},
                    "y2": {"value": "height"},
                },
            },
        ],
    }


def _named(field: str, names: list[str]) -> dict[str, Any]:
    return {"field": field, "type": "nominal", "scale": {"domain": names}}
