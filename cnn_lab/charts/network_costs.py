"""What layers between the same two shapes cost, as bars on a logarithmic scale in Vega-Lite."""

from typing import Any

import pandas as pd

from cnn_lab.concepts.formulas import LayerCost

ROW_PX, AXIS_PX = 34, 60
ROOM = 100  # times the longest bar: behind it stands its number
PARAMETERS, MULTIPLY_ADDS = "parameters", "multiply-adds"


def costs_table(costs: list[LayerCost]) -> pd.DataFrame:
    """Return a row a layer: `layer`, "parameters" and "multiply-adds"."""
    return pd.DataFrame(
        {
            "layer": [cost.name for cost in costs],
            PARAMETERS: [cost.parameters for cost in costs],
            MULTIPLY_ADDS: [cost.multiply_adds for cost in costs],
        }
    )


def costs_spec(field: str, costs: list[LayerCost]) -> dict[str, Any]:
    """Return the bars of one field of a table from `costs_table`.

    A bar's length is the number's order of magnitude, counted from 1; the number stands at
    its end.
    """
    most = max(cost.parameters if field == PARAMETERS else cost.multiply_adds for cost in costs)
    layer = {
        "field": "layer",
        "type": "nominal",
        "title": None,
        "sort": None,
        "axis": {"labelFontSize": 13, "labelLimit": 200},
    }
    length = {
        "field": field,
        "type": "quantitative",
        "title": f"{field}, logarithmic",
        "scale": {"type": "log", "domain": [1, ROOM * most], "nice": False},
        "axis": {"format": "~s", "tickCount": 5},
    }
    # The theme's first colour, its ink; a text by itself would stay black on a dark page.
    ink = {"datum": "", "type": "nominal", "legend": None}
    tooltip = [{"field": "layer"}, {"field": field, "type": "quantitative", "format": ","}]
    return {
        "height": ROW_PX * len(costs) + AXIS_PX,
        "encoding": {"y": layer, "x": length, "color": ink, "tooltip": tooltip},
        "layer": [
            {"mark": {"type": "bar", "height": {"band": 0.6}}, "encoding": {"x2": {"datum": 1}}},
            {
                "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 12},
                "encoding": {"text": {"field": field, "type": "quantitative", "format": ".3~s"}},
            },
        ],
    }
