"""Ten probabilities over the range of a change, as lines in Vega-Lite."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Answers = NDArray[np.floating[Any]]

HEIGHT_PX = 280
FOLLOWED, OTHERS = "followed", "others"


def answers_table(values: Sequence[float], answers: Answers, followed: int) -> pd.DataFrame:
    """Return one row per value and class.

    Parameters
    ----------
    values : sequence of float
        How much was changed.
    answers : ndarray, shape (values, classes)
        From `cnn_lab.explain.answer_curve`.
    followed : int
        The class whose line stands out.

    Returns
    -------
    DataFrame
        `value`, `digit`, `probability`, and `part`: "followed" or "others".

    Examples
    --------
    >>> answers_table([0], np.array([[0.25, 0.75]]), 1).values.tolist()
    [[0.0, '0', 0.25, 'others'], [0.0, '1', 0.75, 'followed']]
    """
    return pd.DataFrame(
        [
            {
                "value": float(value),
                "digit": str(digit),
                "probability": float(probability),
                "part": FOLLOWED if digit == followed else OTHERS,
            }
            for value, row in zip(values, answers, strict=True)
            for digit, probability in enumerate(row)
        ]
    )


def answers_spec(title: str, present: float, values: Sequence[float]) -> dict[str, Any]:
    """Return the chart of a table from `answers_table`.

    Parameters
    ----------
    title : str
        Of the axis along which something is changed.
    present : float
        Where the sliders stand; an upright line.
    values : sequence of float
        The range of the axis.

    Notes
    -----
    Each line bears its digit where it is highest, so colours are not needed to tell them apart.
    """
    part = {
        "field": "part",
        "type": "nominal",
        "scale": {"domain": [OTHERS, FOLLOWED]},
        "legend": None,
    }
    x = {
        "field": "value",
        "type": "quantitative",
        "title": title,
        "scale": {"domain": [min(values), max(values)], "nice": False},
        "axis": {"grid": False, "tickCount": 9},
    }
    y = {
        "field": "probability",
        "type": "quantitative",
        "title": "probability",
        "scale": {"domain": [0, 1]},
        "axis": {"format": "%", "tickCount": 5},
    }
    highest = [
        {
            "window": [{"op": "rank", "as": "rank"}],
            "sort": [{"field": "probability", "order": "descending"}],
            "groupby": ["digit"],
        },
        {"filter": "datum.rank === 1 && datum.probability > 0.15"},
        {
            "aggregate": [
                {"op": "median", "field": "value", "as": "value"},
                {"op": "max", "field": "probability", "as": "probability"},
            ],
            "groupby": ["digit", "part"],
        },
    ]
    return {
        "height": HEIGHT_PX,
        "encoding": {"x": x, "color": part},
        "layer": [
            {
                "data": {"values": [{"value": present}]},
                "mark": {"type": "rule", "strokeDash": [4, 3], "opacity": 0.6},
                "encoding": {"x": x, "color": {"value": "#8a8680"}},
            },
            {
                "mark": {"type": "line", "interpolate": "linear"},
                "encoding": {
                    "y": y,
                    "detail": {"field": "digit"},
                    "opacity": {"condition": _followed(1), "value": 0.45},
                    "strokeWidth": {"condition": _followed(3), "value": 1.2},
                    "tooltip": [
                        {"field": "digit"},
                        {"field": "value", "type": "quantitative"},
                        {"field": "probability", "type": "quantitative", "format": ".1%"},
                    ],
                },
            },
            {
                "transform": highest,
                "mark": {"type": "text", "dy": -9, "fontSize": 14, "fontWeight": "bold"},
                "encoding": {"y": y, "text": {"field": "digit"}},
            },
        ],
    }


def _followed(value: float) -> dict[str, Any]:
    return {"test": f"datum.part === '{FOLLOWED}'", "value": value}
