"""What layers between the same two shapes cost, as bars on a logarithmic scale."""

import pandas as pd

from cnn_lab.charts.vega import Spec, category, mark, quantity, tip
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


def costs_spec(field: str, costs: list[LayerCost]) -> Spec:
    """Return the bars of one field of a table from `costs_table`.

    A bar's length is the number's order of magnitude, counted from 1; the number stands at
    its end.
    """
    most = max(cost.parameters if field == PARAMETERS else cost.multiply_adds for cost in costs)
    rows = {"labelFontSize": 13, "labelLimit": 200}
    powers = {"format": "~s", "tickCount": 5}
    ends = [1, ROOM * most]
    title = f"{field}, logarithmic"
    return {
        "height": ROW_PX * len(costs) + AXIS_PX,
        "encoding": {
            "y": category("layer", title=None, sort=None, axis=rows),
            "x": quantity(field, title, axis=powers, type="log", domain=ends, nice=False),
            # The theme's first colour, its ink; a text by itself would stay black on a dark page.
            "color": {"datum": "", "type": "nominal", "legend": None},
            "tooltip": [tip("layer"), tip(field, ",")],
        },
        "layer": [
            mark("bar", encoding={"x2": {"datum": 1}}, height={"band": 0.6}),
            mark("text", encoding={"text": tip(field, ".3~s")}, align="left", dx=5, fontSize=12),
        ],
    }
