"""A run's loss, accuracy and learning rate as Vega-Lite charts that grow without being rebuilt.

The specification of a chart depends on the length of the run alone; only the table behind it
changes while the run goes on, so the browser redraws the marks and nothing else.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd

Measure = Literal["loss", "accuracy"]
Row = Mapping[str, Any]

TRAINING, VALIDATION = "training", "validation"
MAX_POINTS = 240
LATEST_POINTS = 80
CHART_HEIGHT_PX = 320
RATE_HEIGHT_PX = 130

# What the axes can show; anything beyond lies on the border.
LOSS_DOMAIN = (0.003, 3.0)
LOSS_TICKS = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3)
ERROR_DOMAIN = (0.9, 0.001)
ERROR_TICKS = (0.9, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)


def curve_table(
    batches: Sequence[Row],
    epochs: Iterable[Row],
    *,
    n_train: int,
    changed_rates: Iterable[tuple[float, float]] = (),
) -> pd.DataFrame:
    """Return the points of both charts.

    Parameters
    ----------
    batches : sequence of mappings
        Reports within epochs: `n_images` since the start of the run, and the mean `loss` and
        `accuracy` since the report before.
    epochs : iterable of mappings
        Finished epochs: `n_images`, `loss`, `accuracy`, `val_loss`, `val_accuracy`.
    n_train : int
        Images in an epoch.
    changed_rates : iterable of (float, float)
        Images trained on when somebody changed the learning rate, and the new highest one.

    Returns
    -------
    DataFrame
        A row a point: `epochs` (0 is the start, 1.5 the middle of the second epoch), `who`
        ("training" or "validation"), `what` ("moment", "now" for the last of these, "epoch" or
        "rate"), `loss`, `accuracy` in [0, 1] and `error`, its complement; where `what` is
        "rate", only `rate`.
    """
    rows = [
        _row(TRAINING, "moment", moment["n_images"] / n_train, moment["loss"], moment["accuracy"])
        for moment in thin(batches, most=MAX_POINTS)
    ]
    rows += [(*row[:2], "now", *row[3:]) for row in rows[-1:]]
    for epoch in epochs:
        at = epoch["n_images"] / n_train
        rows.append(_row(TRAINING, "epoch", at, epoch["loss"], epoch["accuracy"]))
        rows.append(_row(VALIDATION, "epoch", at, epoch["val_loss"], epoch["val_accuracy"]))
    nothing = math.nan
    rows += [
        (n_images / n_train, TRAINING, "rate", nothing, nothing, nothing, rate)
        for n_images, rate in changed_rates
    ]
    columns = ["epochs", "who", "what", "loss", "accuracy", "error", "rate"]
    return pd.DataFrame(rows, columns=columns).astype({"who": "object", "what": "object"})


def latest_table(batches: Sequence[Row], *, n_batches: int) -> pd.DataFrame:
    """Return the latest reports within epochs, each as it came.

    Parameters
    ----------
    batches : sequence of mappings
        With `epoch` and `batch` from 1, `loss` and `accuracy`.
    n_batches : int
        Of an epoch.

    Returns
    -------
    DataFrame
        At most 80 rows: `batch`, counted since the start of the run, `loss`, `accuracy`.
    """
    rows = [
        ((report["epoch"] - 1) * n_batches + report["batch"], report["loss"], report["accuracy"])
        for report in batches[-LATEST_POINTS:]
    ]
    return pd.DataFrame(rows, columns=["batch", "loss", "accuracy"])


def rate_table(planned: Sequence[float], batches: Sequence[Row], *, n_batches: int) -> pd.DataFrame:
    """Return the learning rate as the schedule has it, and as it was.

    Parameters
    ----------
    planned : sequence of float
        The schedule's rate of each batch of the run.
    batches : sequence of mappings
        Reports within epochs, with `epoch`, `batch` and, unless it is from an old run, `rate`.
    n_batches : int
        Of an epoch.

    Returns
    -------
    DataFrame
        A row a point: `epochs`, `what` ("planned" or "used") and `rate`; at most 240 of each.
    """
    every = max(1, math.ceil(len(planned) / MAX_POINTS))
    rows = [(i / n_batches, "planned", float(planned[i])) for i in range(0, len(planned), every)]
    rows.append((len(planned) / n_batches, "planned", float(planned[-1])))
    rated = [report for report in batches if "rate" in report]
    every = max(1, math.ceil(len(rated) / MAX_POINTS))
    rows += [
        (report["epoch"] - 1 + report["batch"] / n_batches, "used", report["rate"])
        for report in [*rated[:-1:every], *rated[-1:]]
    ]
    return pd.DataFrame(rows, columns=["epochs", "what", "rate"])


def thin(batches: Sequence[Row], *, most: int) -> list[dict[str, float]]:
    """Return at most `most` points, each the mean over 1, 2, 4, 8 ... reports in a row.

    Every point but the last one stays where it is while reports are added, until their
    number passes the next power of two.
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


def curve_spec(measure: Measure, *, n_epochs: int) -> dict[str, Any]:
    """Return the Vega-Lite specification of one chart, for a table from `curve_table`.

    Training and validation differ by dashes and by the shape of their points as well as by
    colour, which is the theme's. Loss has a logarithmic axis; accuracy is stretched towards
    100 % in the same way, for there the last tenths matter.
    """
    corner = "bottom-left" if measure == "loss" else "bottom-right"
    who: dict[str, Any] = {
        "field": "who",
        "type": "nominal",
        "scale": {"domain": [TRAINING, VALIDATION]},
        "legend": {
            "title": None,
            "orient": corner,
            "direction": "vertical",
            "offset": 8,
            "symbolOpacity": 1,
        },
    }
    epoch = "datum.what == 'epoch' && datum.who =="
    shapes = _ranged(who, ["circle", "diamond"])
    return {
        "height": CHART_HEIGHT_PX,
        "title": {"text": measure.capitalize(), "offset": 8},
        "encoding": {
            "x": _epochs(n_epochs),
            "y": _axis(measure),
            "color": who,
        },
        "layer": [
            _layer("datum.what == 'moment'", type="line", strokeWidth=1, opacity=0.55),
            _layer(f"{epoch} '{TRAINING}'", type="line", strokeWidth=2),
            _layer(f"{epoch} '{VALIDATION}'", type="line", strokeWidth=2, strokeDash=[5, 4]),
            _layer("datum.what == 'epoch'", type="point", filled=True, size=55, opacity=1)
            | {"encoding": {"shape": shapes, "tooltip": _TOOLTIP}},
            _layer("datum.what == 'rate'", type="rule", strokeDash=[2, 3], aria=False)
            | {"encoding": {**_FULL_HEIGHT, "color": _QUIET, "tooltip": _RATE_TOOLTIP}},
            _layer("datum.what == 'rate'", type="text", align="left", dx=4, dy=-6, aria=False)
            | {"encoding": {"y": _BOTTOM, "color": _QUIET, "text": _RATE_TEXT}},
            # One point is no line yet: the head of the curve shows that it has begun.
            _layer("datum.what == 'now'", type="point", filled=True, size=30, aria=False),
        ],
    }


def latest_spec(measure: Measure) -> dict[str, Any]:
    """Return the Vega-Lite specification of the latest reports, for `latest_table`.

    Both axes fit what is there: within so few batches, everything lies close together.
    """
    form = ".3f" if measure == "loss" else ".1%"
    scale = {"zero": False, "nice": True}
    return {
        "height": CHART_HEIGHT_PX,
        "title": {"text": measure.capitalize(), "offset": 8},
        "encoding": {
            "x": {
                "field": "batch",
                "type": "quantitative",
                "title": "batches since the start",
                "scale": {"zero": False, "nice": False},
                "axis": {"tickMinStep": 1, "tickCount": 6, "format": ",d"},
            },
            "y": {
                "field": measure,
                "type": "quantitative",
                "title": None,
                "scale": scale,
                "axis": {"format": "~g" if measure == "loss" else "~%"},
            },
            "tooltip": [
                {"field": "batch", "type": "quantitative", "format": ",d"},
                {"field": measure, "type": "quantitative", "format": form},
            ],
        },
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 1.5}},
            {"mark": {"type": "point", "filled": True, "size": 18, "opacity": 1}},
        ],
    }


def rate_spec(*, n_epochs: int) -> dict[str, Any]:
    """Return the Vega-Lite specification of the learning rate, for `rate_table`."""
    return {
        "height": RATE_HEIGHT_PX,
        "title": {"text": "Learning rate", "offset": 6},
        "encoding": {
            "x": {**_epochs(n_epochs), "title": None},
            "y": {
                "field": "rate",
                "type": "quantitative",
                "title": None,
                "scale": {"zero": True, "nice": True},
                "axis": {"tickCount": 3, "format": "~g"},
            },
        },
        "layer": [
            # Not read out one by one: before a run there is no rate that was used, and a mark
            # without anything in it has nothing to say. The chart's own words tell of both.
            _layer(
                "datum.what == 'planned'", type="line", strokeWidth=1, strokeDash=[2, 3], aria=False
            )
            | {"encoding": {"color": _QUIET}},
            _layer("datum.what == 'used'", type="line", strokeWidth=2, aria=False),
        ],
    }


_TOOLTIP = [
    {"field": "who", "title": "images"},
    {"field": "epochs", "type": "quantitative", "title": "epoch", "format": "d"},
    {"field": "loss", "type": "quantitative", "format": ".4f"},
    {"field": "accuracy", "type": "quantitative", "format": ".2%"},
]

_QUIET = {"value": "#8a8680"}  # a grey that can be read on light and on dark
_FULL_HEIGHT = {"y": {"value": 0}, "y2": {"value": "height"}}
_BOTTOM = {"value": "height"}
_RATE_TEXT = {"field": "rate", "type": "quantitative", "format": "~g"}
_RATE_TOOLTIP = [{**_RATE_TEXT, "title": "learning rate, from here on"}]


def _epochs(n_epochs: int) -> dict[str, Any]:
    return {
        "field": "epochs",
        "type": "quantitative",
        "title": "epochs",
        "scale": {"domain": [0, n_epochs], "nice": False},
        "axis": {"tickMinStep": 1, "tickCount": min(n_epochs, 10), "format": "d"},
    }


def _ranged(channel: dict[str, Any], values: list[Any]) -> dict[str, Any]:
    """Return the channel with these values, one for each name of its domain."""
    return {**channel, "scale": {**channel["scale"], "range": values}}


def _row(who: str, what: str, at: float, loss: float, accuracy: float) -> tuple[Any, ...]:
    return at, who, what, loss, accuracy, 1 - accuracy, math.nan


def _layer(condition: str, **mark: Any) -> dict[str, Any]:
    return {"transform": [{"filter": condition}], "mark": mark}


def _axis(measure: Measure) -> dict[str, Any]:
    """Return the vertical encoding: a logarithm of the loss, or of what is missing to 100 %."""
    domain: Sequence[float] = LOSS_DOMAIN
    ticks: Sequence[float] = LOSS_TICKS
    label = "format(datum.value, '~g')"
    if measure == "accuracy":
        domain, ticks, label = ERROR_DOMAIN, ERROR_TICKS, "format(1 - datum.value, '~%')"
    return {
        "field": "loss" if measure == "loss" else "error",
        "type": "quantitative",
        "title": None,
        "scale": {
            "type": "log",
            "domain": sorted(domain),
            "reverse": measure == "accuracy",
            "clamp": True,
            "nice": False,
        },
        "axis": {"values": list(ticks), "labelExpr": label, "labelOverlap": True},
    }
