"""The source paper's figures, drawn of what was computed here."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from cnn_lab.charts.maps import Picture, grey_picture, tile_pictures
from cnn_lab.data.mnist import Split
from cnn_lab.training.experiment import PAPER_ACCURACY, Experiment, Measure

N_DIGITS = 10
CURVE_PX = 280
NETWORK_PX = 76
TRAINING, VALIDATION = "training", "validation"

_STATISTICS = ("mean", "low", "high")
_QUIET = {"value": "#8a8680"}  # a grey that can be read on light and on dark


def digits_sheet(digits: Split, *, per_digit: int) -> Picture:
    """Return the first images of every digit, a column a digit.

    Parameters
    ----------
    digits : Split
        Of grey images, with at least `per_digit` of each of the ten labels.
    per_digit : int

    Returns
    -------
    ndarray of uint8, shape (rows of pixels, columns of pixels, 3)
    """
    columns = [np.flatnonzero(digits.labels == digit)[:per_digit] for digit in range(N_DIGITS)]
    chosen = digits.pixels[np.stack(columns, axis=1).ravel()]
    return tile_pictures(grey_picture(chosen / 255, limit=1.0), columns=N_DIGITS)


def epochs_table(experiment: Experiment, measure: Measure) -> pd.DataFrame:
    """Return the points of one chart.

    Returns
    -------
    DataFrame
        A row for each epoch from 1 and each kind of images: `epoch`, `who` ("training" or
        "validation"), and over the seeds the `mean`, the `low` and the `high`.
    """
    rows = [
        (epoch, who, float(values.mean()), float(values.min()), float(values.max()))
        for who, field in ((TRAINING, measure), (VALIDATION, f"val_{measure}"))
        for epoch, values in enumerate(experiment.curves[field].T, start=1)
    ]
    return pd.DataFrame(rows, columns=["epoch", "who", "mean", "low", "high"])


def epochs_spec(measure: Measure) -> dict[str, Any]:
    """Return the Vega-Lite specification of a table from `epochs_table`.

    Lines are means, bands reach from the lowest seed to the highest. Validation differs by
    dashes and by its points as well as by colour, which is the theme's.
    """
    form = ".3f" if measure == "loss" else ".2%"
    who: dict[str, Any] = {
        "field": "who",
        "type": "nominal",
        "scale": {"domain": [TRAINING, VALIDATION]},
        "legend": {
            "title": None,
            "orient": "top-right" if measure == "loss" else "bottom-right",
            "direction": "vertical",
            "offset": 8,
            "symbolOpacity": 1,
        },
    }
    shape = {**who, "scale": {**who["scale"], "range": ["circle", "diamond"]}}
    vertical = {
        "type": "quantitative",
        "title": None,
        "scale": {"zero": measure == "loss", "nice": True},
        "axis": {"format": "~g" if measure == "loss" else ".0%", "tickCount": 6},
    }
    tooltip = [
        {"field": "who", "title": "images"},
        {"field": "epoch", "type": "ordinal"},
        *({"field": name, "type": "quantitative", "format": form} for name in _STATISTICS),
    ]
    return {
        "height": CURVE_PX,
        "encoding": {
            "x": {"field": "epoch", "type": "ordinal", "axis": {"labelAngle": 0, "title": "epoch"}},
            "color": who,
        },
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.2, "aria": False},
                "encoding": {"y": {**vertical, "field": "low"}, "y2": {"field": "high"}},
            },
            *(
                {
                    "transform": [{"filter": f"datum.who == '{name}'"}],
                    "mark": {"type": "line", "strokeWidth": 2, "strokeDash": dash, "aria": False},
                    "encoding": {"y": {**vertical, "field": "mean"}},
                }
                for name, dash in ((TRAINING, [1, 0]), (VALIDATION, [5, 4]))
            ),
            {
                "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
                "encoding": {
                    "y": {**vertical, "field": "mean"},
                    "shape": shape,
                    "tooltip": tooltip,
                },
            },
        ],
    }


def seeds_table(experiments: Iterable[Experiment]) -> pd.DataFrame:
    """Return a row for each seed of each network: `network`, `seed`, `accuracy`, `errors`."""
    rows = [
        (experiment.name, seed, accuracy, errors)
        for experiment in experiments
        for seed, accuracy, errors in zip(
            experiment.seeds, experiment.accuracies, experiment.errors, strict=True
        )
    ]
    return pd.DataFrame(rows, columns=["network", "seed", "accuracy", "errors"])


def seeds_spec(names: list[str]) -> dict[str, Any]:
    """Return the Vega-Lite specification of a table from `seeds_table`.

    A dot for each seed, one below the other where they read equally well, a tick for the mean,
    and a line at what the paper reports.

    Parameters
    ----------
    names : list of str
        The networks, from top to bottom.
    """
    accuracy = {
        "type": "quantitative",
        "title": "test accuracy",
        "scale": {"zero": False, "nice": True, "padding": 24},
        "axis": {"format": ".2%", "tickCount": 4, "tickMinStep": 0.0005, "grid": False},
    }
    network = {
        "field": "network",
        "type": "nominal",
        "sort": names,
        "axis": {"title": None, "labelFontSize": 14, "ticks": False, "domain": False},
    }
    tooltip = [
        {"field": "network"},
        {"field": "seed", "type": "ordinal"},
        {"field": "accuracy", "type": "quantitative", "format": ".2%"},
        {"field": "errors", "type": "quantitative", "title": "errors"},
    ]
    paper = {"datum": PAPER_ACCURACY, **accuracy}
    return {
        "height": {"step": NETWORK_PX, "for": "position"},
        "layer": [
            {
                "data": {"values": [{}]},  # once, and not for every seed
                "mark": {"type": "rule", "strokeDash": [4, 3], "strokeWidth": 1.5, "aria": False},
                "encoding": {"x": paper, "color": _QUIET},
            },
            {
                "data": {"values": [{}]},
                "mark": {
                    "type": "text",
                    "align": "left",
                    "dx": 5,
                    "baseline": "top",
                    "aria": False,
                },
                "encoding": {
                    "x": paper,
                    "y": {"value": 0},
                    "color": _QUIET,
                    "text": {"value": f"the paper: {PAPER_ACCURACY:.1%}"},
                },
            },
            {
                "mark": {"type": "tick", "thickness": 2, "size": NETWORK_PX * 0.6, "aria": False},
                "encoding": {
                    "x": {"field": "accuracy", "aggregate": "mean", **accuracy},
                    "y": network,
                    "color": _coloured("mean"),
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0.85},
                "encoding": {
                    "x": {"field": "accuracy", **accuracy},
                    "y": network,
                    "yOffset": {"field": "seed", "type": "ordinal"},
                    "color": _coloured("seed"),
                    "tooltip": tooltip,
                },
            },
        ],
    }


def _coloured(what: str) -> dict[str, Any]:
    """Return a mark's colour: the first of the theme's for the mean, the second for a seed."""
    return {"datum": what, "type": "nominal", "scale": {"domain": ["mean", "seed"]}, "legend": None}
