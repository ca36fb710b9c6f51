"""The source paper's figures, drawn from this lab's results."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from cnn_lab.charts.maps import Picture, grey_picture, tile_pictures
from cnn_lab.charts.training import TRAINING, VALIDATION, by_images, shaped
from cnn_lab.charts.vega import DASHED, QUIET, QUIET_TEXT, Spec, category, dots, mark, quantity, tip
from cnn_lab.data.mnist import Split
from cnn_lab.training.experiment import PAPER_ACCURACY, Experiment, Measure

N_DIGITS = 10
CURVE_PX = 280
NETWORK_PX = 76


def digits_sheet(digits: Split, *, per_digit: int) -> Picture:
    """Return the first images of every digit, one column per digit.

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
        One row per epoch, from 1, and kind of images: `epoch`, `who` ("training" or
        "validation"), and over the seeds the `mean`, the `low` and the `high`.
    """
    rows = [
        (epoch, who, float(values.mean()), float(values.min()), float(values.max()))
        for who, field in ((TRAINING, measure), (VALIDATION, f"val_{measure}"))
        for epoch, values in enumerate(experiment.curves[field].T, start=1)
    ]
    return pd.DataFrame(rows, columns=["epoch", "who", "mean", "low", "high"])


def epochs_spec(measure: Measure) -> Spec:
    """Return the Vega-Lite specification of a table from `epochs_table`.

    Lines are means; bands reach from the lowest seed to the highest. Validation also differs in
    dashes and point shapes; the colours are the theme's.
    """
    is_loss = measure == "loss"
    form = ".3f" if is_loss else ".2%"
    images = by_images()
    axis = {"format": "~g" if is_loss else ".0%", "tickCount": 6}
    mean, low = (
        quantity(field, None, axis=axis, zero=is_loss, nice=True) for field in ("mean", "low")
    )
    tooltip = [
        tip("who", title="images"),
        tip("epoch"),
        *(tip(statistic, form) for statistic in ("mean", "low", "high")),
    ]
    epochs = {"labelAngle": 0, "title": "epoch"}
    band = {"y": low, "y2": {"field": "high"}}
    curves = [
        mark(
            "line",
            f"datum.who == '{who}'",
            {"y": mean},
            strokeWidth=2,
            strokeDash=dash,
            aria=False,
        )
        for who, dash in ((TRAINING, [1, 0]), (VALIDATION, DASHED))
    ]
    return {
        "height": CURVE_PX,
        "encoding": {"x": category("epoch", type="ordinal", axis=epochs), "color": images},
        "layer": [
            mark("area", encoding=band, opacity=0.2, aria=False),
            *curves,
            dots(55, y=mean, shape=shaped(images), tooltip=tooltip),
        ],
    }


def seeds_table(experiments: Iterable[Experiment]) -> pd.DataFrame:
    """Return one row per seed and network: `network`, `seed`, `accuracy`, `errors`."""
    rows = [
        (experiment.name, seed, accuracy, errors)
        for experiment in experiments
        for seed, accuracy, errors in zip(
            experiment.seeds, experiment.accuracies, experiment.errors, strict=True
        )
    ]
    return pd.DataFrame(rows, columns=["network", "seed", "accuracy", "errors"])


def seeds_spec(names: list[str]) -> Spec:
    """Return the Vega-Lite specification of a table from `seeds_table`.

    One dot per seed, stacked where the accuracies are equal, a tick for the mean, and a line at
    the paper's accuracy.

    Parameters
    ----------
    names : list of str
        The networks, from top to bottom.
    """
    axis = {"format": ".2%", "tickCount": 4, "tickMinStep": 0.0005, "grid": False}
    paper, seed = (
        quantity(of, "test accuracy", axis=axis, zero=False, nice=True, padding=24)
        for of in (PAPER_ACCURACY, "accuracy")
    )
    rows = {"title": None, "labelFontSize": 14, "ticks": False, "domain": False}
    network = category("network", sort=names, axis=rows)
    part = category("part", ["mean", "seed"], legend=None)
    once: Spec = {"data": {"values": [{}]}}  # instead of once per seed
    words = {"x": paper, "y": {"value": 0}, "color": QUIET_TEXT}
    words["text"] = {"value": f"the paper: {PAPER_ACCURACY:.1%}"}
    mean = {"x": seed | {"aggregate": "mean"}, "y": network, "color": part}
    return {
        "height": {"step": NETWORK_PX, "for": "position"},
        "layer": [
            once
            | mark(
                "rule",
                encoding={"x": paper, "color": QUIET},
                strokeDash=[4, 3],
                strokeWidth=1.5,
                aria=False,
            ),
            once | mark("text", encoding=words, align="left", dx=5, baseline="top", aria=False),
            _part("mean")
            | mark("tick", encoding=mean, thickness=2, size=NETWORK_PX * 0.6, aria=False),
            _part("seed")
            | dots(
                60,
                x=seed,
                y=network,
                yOffset={"field": "seed", "type": "ordinal"},
                color=part,
                tooltip=[tip("network"), tip("seed"), tip("accuracy", ".2%"), tip("errors", ",d")],
            ),
        ],
    }


def _part(what: str) -> Spec:
    """Return the colour channel: the theme's first colour for the mean, its second for seeds."""
    return {"transform": [{"calculate": f"'{what}'", "as": "part"}]}
