"""Charts of runs: two runs beside each other, a sweep, a confusion matrix."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnn_lab.charts.vega import (
    DASHED,
    GREY,
    Spec,
    category,
    dots,
    legend,
    mark,
    quantity,
    tip,
)
from cnn_lab.runs.comparison import Compared

Measure = Literal["loss", "accuracy"]
Along = Literal["epochs", "seconds"]
Row = Mapping[str, Any]
Counts = NDArray[np.integer[Any]]

TRAINING, VALIDATION = "training", "validation"
MAX_POINTS = 240
CHART_HEIGHT_PX = 320
COMPARISON_HEIGHT_PX = CHART_HEIGHT_PX + 80  # with the legends below

# Range of the axes; values beyond it are drawn at the border. An error of 0, whose logarithm has no
# end, is where the axis says 100%.
LOSS_DOMAIN = (0.003, 3.0)
LOSS_TICKS = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3)
ERROR_DOMAIN = (0.9, 0.0005)
ERROR_TICKS = (0.9, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005)

SWEEP_HEIGHT_PX = 310
FINISHED, OTHER, BEST = "finished", "running or pruned", "best so far"

CELL_PX = 42
MARGIN_PX = 90
MARK_PX = 24  # no wider than a cell on a phone


def curve_table(
    batches: Sequence[Row],
    epochs: Iterable[Row],
    *,
    n_train: int,
) -> pd.DataFrame:
    """Return the points of one run in both charts of a comparison.

    Parameters
    ----------
    batches : sequence of mappings
        Reports within epochs: `n_images` since the start of the run, and the mean `loss` and
        `accuracy` since the report before.
    epochs : iterable of mappings
        Finished epochs: `n_images`, `loss`, `accuracy`, `val_loss`, `val_accuracy`.
    n_train : int
        Images in an epoch.

    Returns
    -------
    DataFrame
        One row per point: `epochs` (0 is the start, 1.5 the middle of the second epoch), `who`
        ("training" or "validation"), `what` ("moment" or "epoch"), `loss`, `accuracy` in [0, 1]
        and `error`, its complement as drawn, see `drawn_error`.
    """
    rows = [
        _row(TRAINING, "moment", moment["n_images"] / n_train, moment["loss"], moment["accuracy"])
        for moment in thin(batches, most=MAX_POINTS)
    ]
    for epoch in epochs:
        at = epoch["n_images"] / n_train
        rows.append(_row(TRAINING, "epoch", at, epoch["loss"], epoch["accuracy"]))
        rows.append(_row(VALIDATION, "epoch", at, epoch["val_loss"], epoch["val_accuracy"]))
    columns = ["epochs", "who", "what", "loss", "accuracy", "error"]
    return pd.DataFrame(rows, columns=columns).astype({"who": "object", "what": "object"})


def thin(batches: Sequence[Row], *, most: int) -> list[dict[str, float]]:
    """Return at most `most` points, each the mean over 1, 2, 4, 8 ... successive reports.

    All points but the last stay unchanged when reports are added, until their number passes the
    next power of two.
    """
    group = 2 ** max(0, math.ceil(math.log2(max(1, len(batches)) / most)))
    points: list[dict[str, float]] = []
    before = 0.0
    for start in range(0, len(batches), group):
        part = batches[start : start + group]
        counts = []
        for report in part:
            counts.append(report["n_images"] - before)
            before = report["n_images"]
        point: dict[str, float] = {"n_images": before}
        for name in ("loss", "accuracy"):
            weighed = sum(n * report[name] for n, report in zip(counts, part, strict=True))
            point[name] = weighed / sum(counts)
        points.append(point)
    return points


def _row(who: str, what: str, at: float, loss: float, accuracy: float) -> tuple[Any, ...]:
    return at, who, what, loss, accuracy, drawn_error(accuracy)


def drawn_error(accuracy: float) -> float:
    """Return the error rate at which an accuracy is drawn, within the axis."""
    return min(max(1 - accuracy, ERROR_DOMAIN[1]), ERROR_DOMAIN[0])


def by_images() -> Spec:
    """Return the colour channel of training and validation, with a legend above the plot."""
    return category("who", [TRAINING, VALIDATION], legend=legend("top", offset=0, padding=0))


def shaped(images: Spec) -> Spec:
    """Return the shape channel of training and validation."""
    return images | {"scale": {**images["scale"], "range": ["circle", "diamond"]}}


def _curves(images: Spec, first: list[Spec], *, opacity: float) -> list[Spec]:
    """Return the layers of a table from `curve_table`; `first` comes first in the tooltips."""
    epoch = "datum.what == 'epoch'"
    tooltip = [
        *first,
        tip("who", title="images"),
        tip("epochs", "d", "epoch"),
        *([tip("seconds", ".0f")] if first else []),
        tip("loss", ".4f"),
        tip("accuracy", ".2%"),
    ]
    judged = f"{epoch} && datum.who == '{VALIDATION}'"
    return [
        mark("line", "datum.what == 'moment'", strokeWidth=1, opacity=opacity),
        mark("line", f"{epoch} && datum.who == '{TRAINING}'", strokeWidth=2),
        mark("line", judged, strokeWidth=2, strokeDash=DASHED),
        dots(55, epoch, shape=shaped(images), tooltip=tooltip),
    ]


def _title(measure: Measure) -> Spec:
    return {"text": measure.capitalize(), "offset": 8}


def _axis(measure: Measure) -> Spec:
    """Return the vertical channel: the logarithm of the loss, or of the error rate."""
    is_loss = measure == "loss"
    ticks = LOSS_TICKS if is_loss else ERROR_TICKS
    label = "format(datum.value, '~g')"
    if not is_loss:
        top = f"datum.value <= {ERROR_DOMAIN[1]}"
        label = f"{top} ? '100%' : format(1 - datum.value, '~%')"
    return quantity(
        "loss" if is_loss else "error",
        None,
        axis={"values": list(ticks), "labelExpr": label, "labelOverlap": True},
        type="log",
        domain=sorted(LOSS_DOMAIN if is_loss else ERROR_DOMAIN),
        reverse=not is_loss,
        clamp=True,
        nice=False,
    )


def comparison_table(compared: Sequence[Compared]) -> pd.DataFrame:
    """Return the points of several runs.

    Returns
    -------
    DataFrame
        The columns of `curve_table`; also `run`, the run's name, and
        `seconds` of training since its start, interpolated between reports.
    """
    tables = []
    for one in compared:
        table = curve_table(one.batches, one.epochs, n_train=one.n_train)
        table["run"] = one.name
        table["seconds"] = _seconds_at(one, table["epochs"].to_numpy(float) * one.n_train)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _seconds_at(one: Compared, n_images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the training time at which a run had seen these numbers of images."""
    reports = {row["n_images"]: row["seconds"] for row in [*one.batches, *one.epochs]}
    known = sorted({0.0: 0.0, **reports}.items())
    images, seconds = np.array(known, float).T
    return np.asarray(np.interp(n_images, images, seconds))


def comparison_spec(measure: Measure, *, names: Sequence[str], along: Along, end: float) -> Spec:
    """Return the chart of one measure, for a table from `comparison_table`.

    Parameters
    ----------
    measure : {"loss", "accuracy"}
        Loss has a logarithmic axis; accuracy is stretched towards 100 % in the same way, because
        small differences matter there. Colour distinguishes the runs; validation is dashed.
    names : sequence of str
        The runs, in the order of their colours.
    along : {"epochs", "seconds"}
        What the horizontal axis counts.
    end : float
        Where that axis ends.
    """
    below = legend("bottom", columns=1, labelLimit=320)
    grey = {"symbolFillColor": GREY, "symbolStrokeColor": GREY}
    whole = {"tickMinStep": 1, "tickCount": 8, "format": "d"}
    return {
        "height": COMPARISON_HEIGHT_PX,
        "title": _title(measure),
        "encoding": {
            "x": quantity(along, along, axis=whole, domain=[0, end], nice=False),
            "y": _axis(measure),
            "color": category("run", list(names), legend=below),
        },
        "layer": _curves(by_images() | {"legend": below | grey}, [tip("run")], opacity=0.4),
    }


def sweep_table(accuracies: Sequence[float | None], finished: Sequence[bool]) -> pd.DataFrame:
    """Return the points of the chart.

    Parameters
    ----------
    accuracies : sequence of float or None
        Of each trial so far, after its latest epoch; None before its first.
    finished : sequence of bool
        Whether each trial finished.

    Returns
    -------
    DataFrame
        `trial` from 1, `what` ("finished", "running or pruned" or "best so far"),
        `accuracy` in [0, 1] and `error`, its complement as drawn.
    """
    rows: list[tuple[int, str, float]] = []
    best = 0.0
    for trial, (accuracy, is_finished) in enumerate(zip(accuracies, finished, strict=True), 1):
        if accuracy is not None:
            rows.append((trial, FINISHED if is_finished else OTHER, accuracy))
            best = max(best, accuracy) if is_finished else best
        if best:
            rows.append((trial, BEST, best))
    table = pd.DataFrame(rows, columns=["trial", "what", "accuracy"])
    table["error"] = table["accuracy"].map(drawn_error)
    return table.astype({"what": "object", "accuracy": "float64", "error": "float64"})


def sweep_spec(*, n_trials: int) -> Spec:
    """Return the specification of the chart, for a table from `sweep_table`.

    The vertical axis is stretched towards 100 %, as that of `comparison_spec`.
    """
    whole = {"tickMinStep": 1, "tickCount": min(n_trials, 10), "format": "d"}
    states = category("what", [FINISHED, OTHER], range=["circle", "cross"], legend=legend("bottom"))
    tooltip = [tip("trial", "d"), tip("accuracy", ".2%"), tip("what", title="state")]
    return {
        "height": SWEEP_HEIGHT_PX,
        "title": {"text": "Validation accuracy"},
        "encoding": {
            "x": quantity("trial", axis=whole, domain=[0, n_trials + 1], nice=False),
            "y": _axis("accuracy"),
        },
        "layer": [
            mark("line", f"datum.what == '{BEST}'", interpolate="step-after", strokeWidth=2),
            dots(65, f"datum.what != '{BEST}'", shape=states, tooltip=tooltip),
        ],
    }


def confusion_figure(confusion: Counts, class_names: Sequence[str]) -> dict[str, Any]:
    """Return the figure as a Plotly dictionary.

    The colour follows the logarithm of the count, so that one error is visible next to a thousand
    correct answers; the counts are written in the cells. An invisible mark over each cell can be
    selected by a click, which a heatmap's cells cannot; its `customdata` is [row, column].

    Parameters
    ----------
    confusion : ndarray of int, shape (classes, classes)
        Rows are the true classes, columns the predicted ones.
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
            "xaxis": {**shown, "title": {"text": "predicted class"}},
            "yaxis": {**shown, "title": {"text": "true class"}, "autorange": "reversed"},
        },
    }


def cell_words(count: int, truth: str, read: str) -> str:
    """Return a sentence about one count.

    Examples
    --------
    >>> cell_words(3, "9", "4"), cell_words(990, "9", "9")
    ('9 read as 4: 3 times', '9 read as 9 (correct): 990 times')
    """
    correct = " (correct)" if truth == read else ""
    return f"{truth} read as {read}{correct}: {count:,} {'time' if count == 1 else 'times'}"


def most_confused(confusion: Counts, *, most: int) -> list[tuple[int, int, int]]:
    """Return the most frequent errors.

    Returns
    -------
    list of (int, int, int)
        True class, predicted class and count; at most `most`, the most frequent first.
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
