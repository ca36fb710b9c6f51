"""The source paper's figures, drawn from this lab's results."""

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd

from cnn_lab.charts.maps import Picture, grey_picture, tile_pictures
from cnn_lab.charts.network import Look
from cnn_lab.charts.training import TRAINING, VALIDATION, by_images, shaped
from cnn_lab.charts.vega import DASHED, Spec, category, dots, mark, quantity, tip
from cnn_lab.data.mnist import Split
from cnn_lab.training.experiment import PAPER_ACCURACY, Experiment, Measure

N_DIGITS = 10
CURVE_PX = 280
SEEDS_WIDTH_PX, NETWORK_PX, SEED_PX = 440, 68, 11
NAMES_PX, END_PX, TOP_PX, BOTTOM_PX = 110, 24, 28, 28
ACCURACY_STEP = 0.002


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


def seeds_svg(experiments: Sequence[Experiment], look: Look) -> str:
    """Return the test accuracy of every seed as a dot, a row for each network.

    A bar marks the mean of a network, and a dashed line the paper's accuracy.

    Parameters
    ----------
    experiments : sequence of Experiment
        From top to bottom.
    look : Look

    Notes
    -----
    SVG of `SEEDS_WIDTH_PX` by `seeds_height(len(experiments))` pixels.
    """
    every = [PAPER_ACCURACY, *(each for one in experiments for each in one.accuracies)]
    low = np.floor(500 * min(every)) / 500  # whole steps of 0.2 percentage points
    high = max(low + ACCURACY_STEP, np.ceil(500 * max(every)) / 500)
    scale = (SEEDS_WIDTH_PX - NAMES_PX - END_PX) / (high - low)

    def place(accuracy: float) -> str:
        return f"{NAMES_PX + scale * (accuracy - low):.1f}"

    bottom = TOP_PX + NETWORK_PX * len(experiments)
    parts = [
        f'<path d="M{place(PAPER_ACCURACY)} {TOP_PX - 8}V{bottom}" stroke="{look.ink}" '
        'stroke-opacity=".6" stroke-width="1.5" stroke-dasharray="4 3"/>'
        f'<text x="{place(PAPER_ACCURACY)}" y="12" text-anchor="middle">'
        f"the paper: {PAPER_ACCURACY:.1%}</text>"
    ]
    for tick in np.arange(low, high + ACCURACY_STEP / 2, ACCURACY_STEP):
        parts.append(
            f'<text x="{place(tick)}" y="{bottom + 18}" text-anchor="middle" fill-opacity=".75">'
            f"{tick:.1%}</text>"
        )
    for row, experiment in enumerate(experiments):
        middle = TOP_PX + NETWORK_PX * (row + 0.5)
        mean = place(experiment.mean_accuracy)
        parts.append(
            f'<text x="{NAMES_PX - 28}" y="{middle + 5:.1f}" text-anchor="end" font-size="14">'
            f"{escape(experiment.name)}</text>"
            f'<path d="M{mean} {middle - SEED_PX * 2.5:.1f}V{middle + SEED_PX * 2.5:.1f}" '
            f'stroke="{look.ink}" stroke-width="2"/>'
        )
        n_seeds = len(experiment.seeds)
        for number, accuracy in enumerate(experiment.accuracies):
            across = middle + SEED_PX * (number - (n_seeds - 1) / 2)
            parts.append(
                f'<circle cx="{place(accuracy)}" cy="{across:.1f}" r="4.5" fill="{look.now}"/>'
            )
    width, height = SEEDS_WIDTH_PX, seeds_height(len(experiments))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="12" '
        f'fill="{look.ink}">{"".join(parts)}</svg>'
    )


def seeds_height(n_networks: int) -> int:
    """Return the height in pixels of a drawing of `seeds_svg`."""
    return TOP_PX + NETWORK_PX * n_networks + BOTTOM_PX
