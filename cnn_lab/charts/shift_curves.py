"""How much pooled maps move when the picture does, as curves in Vega-Lite."""

from typing import Any

import pandas as pd

from cnn_lab.concepts.pooling.shifts import Direction, ShiftResponse

NAMES = ("picture", "max pooled", "average pooled")
HEIGHT_PX = 300
# All three names beside each other, or on a phone in two rows.
LEGEND_COLUMNS = {"expr": "width < 330 ? 2 : 3"}


def shift_table(response: ShiftResponse) -> pd.DataFrame:
    """Return one row per curve and shift: `what`, `shift` in pixels, `change` as a share."""
    curves = (response.image, response.max_pooled, response.average_pooled)
    return pd.DataFrame(
        [
            {"what": name, "shift": int(shift), "change": float(change)}
            for name, curve in zip(NAMES, curves, strict=True)
            for shift, change in zip(response.shifts, curve, strict=True)
        ]
    )


def shift_spec(direction: Direction = "right") -> dict[str, Any]:
    """Return the chart of a table from `shift_table`, for shifts to the right or down.

    The curves are told apart by dashes and by the shape of their points as well as by colour.
    """
    names = list(NAMES)
    way = {"right": "to the right", "down": "downwards"}[direction]
    what = {"field": "what", "type": "nominal", "sort": names}
    return {
        "height": HEIGHT_PX,
        "encoding": {
            "x": {
                "field": "shift",
                "type": "ordinal",
                "title": f"shift {way} in pixels",
                "axis": {"labelAngle": 0},
            },
            "y": {
                "field": "change",
                "type": "quantitative",
                "title": "change, as a share",
                "axis": {"format": "%", "tickCount": 5},
            },
            "color": what | {"legend": {"title": None, "orient": "top", "columns": LEGEND_COLUMNS}},
        },
        "layer": [
            {"mark": "line", "encoding": {"strokeDash": what | {"legend": None}}},
            {
                "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1},
                "encoding": {
                    "shape": what | {"legend": None},
                    "tooltip": [
                        {"field": "what"},
                        {"field": "shift"},
                        {"field": "change", "type": "quantitative", "format": ".1%"},
                    ],
                },
            },
        ],
    }
