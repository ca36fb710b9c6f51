"""Curves of how much pooled maps change when the picture moves."""

import pandas as pd

from cnn_lab.charts.vega import Spec, category, dots, legend, mark, quantity, tip
from cnn_lab.concepts.pooling import Direction, ShiftResponse

NAMES = ["picture", "max pooled", "average pooled"]
HEIGHT_PX = 300
# All three names side by side, or in two rows on a phone.
LEGEND_COLUMNS = {"expr": "width < 330 ? 2 : 3"}


def shift_table(response: ShiftResponse) -> pd.DataFrame:
    """Return one row per curve and shift: `what`, `shift` in pixels, `change` as a share."""
    curves = (response.image, response.max_pooled, response.average_pooled)
    return pd.DataFrame(
        [
            {"what": what, "shift": int(shift), "change": float(change)}
            for what, curve in zip(NAMES, curves, strict=True)
            for shift, change in zip(response.shifts, curve, strict=True)
        ]
    )


def shift_spec(direction: Direction = "right") -> Spec:
    """Return the chart of a table from `shift_table`, for shifts to the right or down.

    The curves differ in dashes and point shapes as well as in colour.
    """
    way = {"right": "to the right", "down": "downwards"}[direction]
    what = category("what", sort=NAMES, legend=None)
    shift = category(
        "shift", type="ordinal", title=f"shift {way} in pixels", axis={"labelAngle": 0}
    )
    change = quantity("change", "relative change", axis={"format": "%", "tickCount": 5})
    return {
        "height": HEIGHT_PX,
        "encoding": {
            "x": shift,
            "y": change,
            "color": what | {"legend": legend("top", columns=LEGEND_COLUMNS)},
        },
        "layer": [
            mark("line", encoding={"strokeDash": what}),
            dots(45, shape=what, tooltip=[tip("what"), tip("shift"), tip("change", ".1%")]),
        ],
    }
