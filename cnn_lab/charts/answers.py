"""Charts of an answer: ten probabilities as bars, or as lines over the range of a change."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnn_lab.charts.vega import DASHED, GREY, INK, Spec, category, mark, quantity, tip
from cnn_lab.content.words import NOTHING, percent

N_CLASSES = 10
ROW_PX = 28
BAR_PX, FRAME_PX = 14, 22
NUMBER_PX = 56  # beside the bars, enough for "100.0%"
ANSWER, OTHER = "answer", "other"

CURVES_PX = 280
FOLLOWED, OTHERS = "followed", "others"
MIN_NAMED = 0.15  # a line that stays lower gets no label

Probabilities = NDArray[np.floating[Any]]


def probabilities_table(
    probabilities: Probabilities | None, guessed: Collection[int] = ()
) -> pd.DataFrame:
    """Return the rows of the bar chart.

    Parameters
    ----------
    probabilities : ndarray, shape (classes,), or None
        None shows ten empty bars.
    guessed : collection of int
        Classes that the reader has guessed to be the most probable ones.

    Returns
    -------
    DataFrame
        One row per class: `digit`, `probability`, `label` (the number as shown), `part`,
        "answer" for the most probable class and "other" for the rest, and whether it is `guessed`.

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
            "label": [NOTHING if answer < 0 else percent(value) for value in values],
            "part": [ANSWER if digit == answer else OTHER for digit in classes],
            "guessed": [digit in guessed for digit in classes],
        }
    )


def probabilities_spec() -> Spec:
    """Return the chart of a table from `probabilities_table`.

    It does not depend on the numbers, so the browser draws new bars without rebuilding the
    chart. The colours are the first two of the page's palette. A pale track shows the full
    length of a bar; one that was guessed has a dashed frame.
    """
    start, end, length = (quantity(of, axis=None, domain=[0, 1]) for of in (0, 1, "probability"))
    frame = {"x": end, "x2": {"datum": 0}, "color": {"value": INK}}
    track = {"x": end, "x2": {"datum": 0}, "color": {"value": GREY}}
    return {
        "height": N_CLASSES * ROW_PX,
        "padding": {"left": 0, "top": 0, "right": 0, "bottom": 0},
        "encoding": {
            "y": category("digit", type="ordinal", axis=None),
            "color": category("part", [OTHER, ANSWER], legend=None),
        },
        "layer": [
            mark("bar", encoding=track, height=BAR_PX, opacity=0.18, tooltip=None),
            mark("bar", encoding={"x": length}, height=BAR_PX, tooltip=None),
            mark(
                "bar",
                "datum.guessed",
                frame,
                height=FRAME_PX,
                filled=False,
                strokeDash=DASHED,
                aria=False,  # as long as nothing is guessed it has no marks to describe
            ),
            _text("digit", start, -10),
            _text("label", end, NUMBER_PX),
        ],
    }


def _text(field: str, x: Spec, dx: int) -> Spec:
    encoding = {"x": x, "text": {"field": field}}
    return mark("text", encoding=encoding, align="right", dx=dx, fontSize=14)


def answers_table(values: Sequence[float], answers: Probabilities, followed: int) -> pd.DataFrame:
    """Return one row per value and class.

    Parameters
    ----------
    values : sequence of float
        Amounts of the change.
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
    rows = [
        (float(value), str(digit), float(probability), FOLLOWED if digit == followed else OTHERS)
        for value, row in zip(values, answers, strict=True)
        for digit, probability in enumerate(row)
    ]
    return pd.DataFrame(rows, columns=["value", "digit", "probability", "part"])


def answers_spec(title: str, present: float, values: Sequence[float]) -> Spec:
    """Return the chart of a table from `answers_table`.

    Parameters
    ----------
    title : str
        Title of the horizontal axis.
    present : float
        Current value of the slider, marked by a vertical line.
    values : sequence of float
        The range of the axis.

    Notes
    -----
    Each line is labelled with its digit at its maximum, so the lines differ without colour.
    """
    ends = [min(values), max(values)]
    x = quantity("value", title, axis={"grid": False, "tickCount": 9}, domain=ends, nice=False)
    y = quantity("probability", "probability", axis={"format": "%", "tickCount": 5}, domain=[0, 1])
    here = {"x": x, "color": {"value": GREY}}
    line = {
        "y": y,
        "detail": {"field": "digit"},
        "opacity": _if_followed(1, 0.45),
        "strokeWidth": _if_followed(3, 1.2),
        "tooltip": [tip("digit"), tip("value", "~g"), tip("probability", ".1%")],
    }
    highest = [
        {
            "window": [{"op": "rank", "as": "rank"}],
            "sort": [{"field": "probability", "order": "descending"}],
            "groupby": ["digit"],
        },
        {"filter": f"datum.rank === 1 && datum.probability > {MIN_NAMED}"},
        {
            "aggregate": [
                {"op": "median", "field": "value", "as": "value"},
                {"op": "max", "field": "probability", "as": "probability"},
            ],
            "groupby": ["digit", "part"],
        },
    ]
    digit = {"y": y, "text": {"field": "digit"}}
    return {
        "height": CURVES_PX,
        "encoding": {"x": x, "color": category("part", [OTHERS, FOLLOWED], legend=None)},
        "layer": [
            {"data": {"values": [{"value": present}]}}
            | mark("rule", encoding=here, strokeDash=[4, 3], opacity=0.6),
            mark("line", encoding=line, interpolate="linear"),
            {"transform": highest}
            | mark("text", encoding=digit, dy=-9, fontSize=14, fontWeight="bold"),
        ],
    }


def _if_followed(value: float, otherwise: float) -> Spec:
    followed = {"test": f"datum.part === '{FOLLOWED}'", "value": value}
    return {"condition": followed, "value": otherwise}
