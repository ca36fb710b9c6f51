"""What was read as what: a Plotly heatmap of counts, in which single errors can be seen."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

CELL_PX = 42
MARGIN_PX = 90
MARK_PX = 24  # no wider than a cell on a phone

Counts = NDArray[np.integer[Any]]


def confusion_figure(confusion: Counts, class_names: Sequence[str]) -> dict[str, Any]:
    """Return the figure, in Plotly's own words.

    Colour grows with the logarithm of the count, for beside a thousand right answers one error
    would else be no colour at all; the counts stand in the cells. Over each cell lies a mark
    that nobody sees and that a click can select, which a heatmap's cells do not allow; its
    `customdata` is [row, column].

    Parameters
    ----------
    confusion : ndarray of int, shape (classes, classes)
        Rows are the truth, columns what was read.
    class_names : sequence of str
    """
    n = len(class_names)
    names = list(class_names)
    rows, columns = (axis.ravel() for axis in np.indices((n, n)))
    invisible = {"marker": {"opacity": 0}}
    shown = {
        "tickvals": list(range(n)),
        "ticktext": names,
        "tickfont": {"size": 13},
        "ticks": "",
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    }
    return {
        "data": [
            {
                "type": "heatmap",
                "z": np.log1p(confusion).tolist(),
                "text": [[str(count) if count else "" for count in row] for row in confusion],
                "texttemplate": "%{text}",
                "textfont": {"size": 12},
                "showscale": False,
                "hoverinfo": "skip",
                "xgap": 1,
                "ygap": 1,
            },
            {
                "type": "scatter",
                "mode": "markers",
                "x": columns.tolist(),
                "y": rows.tolist(),
                "customdata": np.stack([rows, columns], axis=1).tolist(),
                "text": [
                    cell_words(int(confusion[row, column]), names[row], names[column])
                    for row, column in zip(rows, columns, strict=True)
                ],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {"symbol": "square", "size": MARK_PX, "opacity": 0},
                "selected": invisible,
                "unselected": invisible,
                "showlegend": False,
            },
        ],
        "layout": {
            "height": n * CELL_PX + MARGIN_PX,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "dragmode": False,
            "clickmode": "event+select",
            "xaxis": {**shown, "title": {"text": "read as"}},
            "yaxis": {**shown, "title": {"text": "is"}, "autorange": "reversed"},
        },
    }


def cell_words(count: int, truth: str, read: str) -> str:
    """Return what one count says.

    Examples
    --------
    >>> cell_words(3, "9", "4"), cell_words(990, "9", "9")
    ('9 read as 4: 3 times', '9 read as 9, rightly: 990 times')
    """
    rightly = ", rightly" if truth == read else ""
    return f"{truth} read as {read}{rightly}: {count:,} {'time' if count == 1 else 'times'}"


def most_confused(confusion: Counts, *, most: int) -> list[tuple[int, int, int]]:
    """Return the errors that happened most often.

    Returns
    -------
    list of (int, int, int)
        Truth, what it was read as, and how often; at most `most`, the most frequent first.
    """
    errors = np.array(confusion)
    np.fill_diagonal(errors, 0)
    order = np.argsort(errors, axis=None, kind="stable")[::-1]
    pairs = (np.unravel_index(cell, errors.shape) for cell in order[:most])
    return [
        (int(row), int(column), int(errors[row, column]))
        for row, column in pairs
        if errors[row, column]
    ]
