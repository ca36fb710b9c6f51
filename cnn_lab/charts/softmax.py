"""Probabilities of a few classes beside the gradient that they cause, in Vega-Lite."""

from typing import Any

import pandas as pd

from cnn_lab.concepts.backpropagation import SoftmaxCrossEntropy

ROW_PX, AXIS_PX = 30, 60
TRUE, OTHER = "true class", "other classes"
PROBABILITY, GRADIENT = "probability", "gradient"


def softmax_table(found: SoftmaxCrossEntropy) -> pd.DataFrame:
    """Return a row a class: `class` (named where it is the true one), both values, and `part`."""
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


def bars_spec(field: str, *, n_classes: int, limit: float) -> dict[str, Any]:
    """Return the bars of "probability" or "gradient" of a table from `softmax_table`.

    Parameters
    ----------
    field : str
    n_classes : int
    limit : float
        Where the axis ends; it begins at 0 for probabilities and at minus this for gradients.
    """
    low = 0 if field == PROBABILITY else -limit
    part = {"field": "part", "type": "nominal", "scale": {"domain": [OTHER, TRUE]}}
    return {
        "height": ROW_PX * n_classes + AXIS_PX,
        "encoding": {
            "y": {
                "field": "class",
                "type": "nominal",
                "title": "class",
                "sort": None,
                "axis": {"labelFontSize": 13, "labelOverlap": False},
            },
            "x": {
                "field": field,
                "type": "quantitative",
                "title": field,
                "scale": {"domain": [low, limit], "nice": False},
                "axis": {"tickCount": 5},
            },
            "color": part | {"legend": None},
            "tooltip": [
                {"field": "class"},
                {"field": field, "type": "quantitative", "format": ".4~g"},
            ],
        },
        "mark": {"type": "bar", "height": {"band": 0.6}},
    }
