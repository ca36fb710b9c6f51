"""Ten probabilities as ten bars with their numbers, in Vega-Lite."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnn_lab.digits.drawing import percent

N_CLASSES = 10
ROW_PX = 28
BAR_PX = 14
NUMBER_PX = 56  # beside the bars, enough for "100.0%"
TRACK = "#8a8680"  # a grey for light and dark pages
ANSWER, OTHER = "answer", "other"

Probabilities = NDArray[np.floating[Any]]


def probabilities_table(probabilities: Probabilities | None) -> pd.DataFrame:
    """Return what the bars show.

    Parameters
    ----------
    probabilities : ndarray, shape (classes,), or None
        None before there is anything to read: ten empty bars.

    Returns
    -------
    DataFrame
        A row a class: `digit`, `probability`, `label` (the number as a reader sees it) and
        `part`, "answer" for the most probable class and "other" for the rest.

    Examples
    --------
    >>> probabilities_table(np.array([0.2, 0.8]))[["label", "part"]].values.tolist()
    [['20.0%', 'other'], ['80.0%', 'answer']]
    """
    values = np.zeros(N_CLASSES) if probabilities is None else np.asarray(probabilities, float)
    answer = -1 if probabilities is None else int(values.argmax())
    classes = range(len(values))
    return pd.DataFrame(
        {
            "digit": [str(digit) for digit in classes],
            "probability": values,
            "label": ["–" if answer < 0 else percent(value) for value in values],
            "part": [ANSWER if digit == answer else OTHER for digit in classes],
        }
    )


def probabilities_spec() -> dict[str, Any]:
    """Return the chart of a table from `probabilities_table`.

    It is the same for all numbers, so a browser that has it draws new bars and leaves the
    chart in its place. Colours are the page's own: the first two of its palette. A pale
    track shows how long a bar could be.
    """
    digit = {"field": "digit", "type": "ordinal", "axis": None}
    length = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": None}
    full = {"datum": 1} | length
    colour = {
        "field": "part",
        "type": "nominal",
        "scale": {"domain": [OTHER, ANSWER]},
        "legend": None,
    }
    track = {"type": "bar", "height": BAR_PX, "opacity": 0.18, "tooltip": None}
    name = {"type": "text", "align": "right", "dx": -10, "fontSize": 14}
    number = {"type": "text", "align": "right", "dx": NUMBER_PX, "fontSize": 14}
    return {
        "height": N_CLASSES * ROW_PX,
        "padding": {"left": 0, "top": 0, "right": 0, "bottom": 0},
        "encoding": {"y": digit, "color": colour},
        "layer": [
            {
                "mark": track,
                "encoding": {"x": full, "x2": {"datum": 0}, "color": {"value": TRACK}},
            },
            {
                "mark": {"type": "bar", "height": BAR_PX, "tooltip": None},
                "encoding": {"x": {"field": "probability"} | length},
            },
            {"mark": name, "encoding": {"x": {"datum": 0} | length, "text": {"field": "digit"}}},
            {"mark": number, "encoding": {"x": full, "text": {"field": "label"}}},
        ],
    }
