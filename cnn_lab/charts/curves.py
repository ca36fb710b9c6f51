"""Curves of one run, ready to draw: every point as a place between 0 and 1, every label as text.

The browser only joins the points. Vega's library, which draws the lab's other charts, is larger
than the rest of the page, and these curves are what the page opens with.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from cnn_lab.charts.training import ERROR_TICKS, LOSS_TICKS, MAX_POINTS

Measure = Literal["loss", "accuracy"]
Row = Mapping[str, Any]
Drawing = dict[str, Any]
Place = tuple[float, float]

RAW, SMOOTH, TRAINING, VALIDATION, CHANCE = "raw", "smooth", "training", "validation", "chance"
PLANNED, USED, EXPECTED = "planned", "used", "expected"
LEGEND = {
    RAW: "single batches",
    SMOOTH: "running mean",
    TRAINING: "epoch, training",
    VALIDATION: "epoch, validation",
    CHANCE: "guessing",
    EXPECTED: "what you expected",
}
LATEST_POINTS = 80
MAX_RAW = 300  # stretches of which the smallest and the largest value are drawn
SMOOTH_EPOCHS = 0.1  # the running mean's memory: a tenth of an epoch,
SMOOTH_RUN = 0.01  # or a hundredth of the run, whichever is more,
SMOOTH_SO_FAR = 0.15  # but never more than this share of the run so far
MAX_LOSS, MAX_ERROR = 3.0, 1.0  # where the axes begin at the bottom of what can be learned
MAX_SKETCHED = 200  # places of a sketched curve
MAX_BEYOND = 0.05  # share of the run by which a sketch is continued at its ends
ALL_RIGHT = min(ERROR_TICKS)  # an error of 0, whose logarithm has no end, is drawn here


@dataclass(frozen=True)
class Axis:
    """A logarithmic vertical axis.

    Attributes
    ----------
    low, high : float
        The loss or the error at the two ends; what lies beyond is drawn at the end.
    measure : {"loss", "accuracy"}
        Accuracy is drawn by its distance from 100 %, so that small differences are seen, upwards.
    """

    measure: Measure
    low: float
    high: float

    def place(self, value: float) -> float:
        """Return the height of a loss or an accuracy, from 0 to 1."""
        of = value if self.measure == "loss" else 1 - value
        of = min(max(of, self.low), self.high)
        up = math.log(of / self.low) / math.log(self.high / self.low)
        return up if self.measure == "loss" else 1 - up

    def value(self, up: float) -> float:
        """Return the loss at a height from 0 to 1, the inverse of `place`."""
        return float(self.low * (self.high / self.low) ** up)

    def ticks(self) -> list[tuple[float, str]]:
        """Return heights and labels."""
        if self.measure == "loss":
            return [(self.place(v), f"{v:g}") for v in LOSS_TICKS if self.low <= v <= self.high]
        errors = [error for error in ERROR_TICKS if self.low <= error <= self.high]
        return [
            (self.place(1 - error), "100%" if error == ALL_RIGHT else f"{100 * (1 - error):g}%")
            for error in sorted(errors)
        ]


SKETCHED = Axis("loss", 0.01, MAX_LOSS)  # on which an expected loss is sketched


def sketched(sent: object) -> list[Place]:
    """Return a curve that was sketched on the axis `SKETCHED`, from what a browser has sent.

    Parameters
    ----------
    sent : object
        Places from left to right, each a list of two numbers between 0 and 1.

    Returns
    -------
    list of (float, float)
        Shares of the run, and losses; empty if this is not what the lab's script sends.

    Examples
    --------
    >>> sketched([[0, 1], [1, 0]])
    [(0.0, 3.0), (1.0, 0.01)]
    >>> sketched([[0, 1], [float("nan"), 0]])
    []
    """
    if not isinstance(sent, list) or not 2 <= len(sent) <= MAX_SKETCHED:
        return []
    for place in sent:
        if not isinstance(place, list) or [type(at) in (int, float) for at in place] != [True] * 2:
            return []
        if not all(0 <= at <= 1 for at in place):
            return []
    if any(right[0] <= left[0] for left, right in pairwise(sent)):
        return []
    return [(float(x), SKETCHED.value(up)) for x, up in sent]


def at_share(points: Sequence[Place], share: float) -> float | None:
    """Return the loss of a sketched curve at a share of the run; None where there is no curve."""
    shares, losses = zip(*points, strict=True)
    if not shares[0] - MAX_BEYOND <= share <= shares[-1] + MAX_BEYOND:
        return None
    return math.exp(float(np.interp(share, shares, np.log(losses))))


def curves(
    batches: Sequence[Row],
    epochs: Sequence[Row],
    *,
    n_train: int,
    n_epochs: int,
    n_classes: int,
    changes: Iterable[tuple[float, str]] = (),
    expected: Sequence[Place] = (),
    sketch: str = "",
) -> Drawing:
    """Return loss and accuracy over the whole run.

    Parameters
    ----------
    batches : sequence of mappings
        Reports within epochs: `n_images` since the start of the run, and the mean `loss` and
        `accuracy` since the report before.
    epochs : sequence of mappings
        Finished epochs: `n_images`, `loss`, `accuracy`, `val_loss`, `val_accuracy`.
    n_train, n_epochs, n_classes : int
        Images in an epoch; epochs and classes of the run.
    changes : iterable of (float, str)
        Images trained on when settings were changed, and what was changed.
    expected : sequence of (float, float)
        Epochs, and the losses that a reader expects after them.
    sketch : str
        If not empty, the loss can be sketched, and this text says so. The axis is then `SKETCHED`.

    Returns
    -------
    dict
        "panels", two of them; "across", ticks of the horizontal axis, and "axis", its title;
        "marks", places and words of the changes; "legend", names and words of the lines.
    """
    end = n_train * n_epochs
    means = smoothed(batches, n_train=n_train, n_images=end)
    drawn_from = batches, means, epochs, end, n_train, n_classes
    panels = [
        _panel("loss", *drawn_from, expected, SKETCHED if sketch else None),
        _panel("accuracy", *drawn_from, (), None),
    ]
    panels[0] |= {"sketch": sketch} if sketch else {}
    drawn = {line["of"] for panel in panels for line in panel["lines"]}
    step = max(1, math.ceil(n_epochs / 10))
    return {
        "panels": panels,
        "across": [(epoch / n_epochs, str(epoch)) for epoch in range(0, n_epochs + 1, step)],
        "axis": "epochs",
        "marks": [(_short(n_images / end), words) for n_images, words in changes],
        "legend": [(of, words) for of, words in LEGEND.items() if of in drawn],
    }


def smoothed(batches: Sequence[Row], *, n_train: int, n_images: int) -> list[dict[str, float]]:
    """Return the running mean of the loss and the accuracy at each report.

    A mean in which older reports count less and less. Its memory grows with the run, because at
    first everything changes quickly, up to a tenth of an epoch or a hundredth of the run. Points do
    not change when reports are added.

    Examples
    --------
    >>> rows = [{"n_images": 100 * i, "loss": 2.0, "accuracy": 0.5} for i in (1, 2, 3)]
    >>> smoothed(rows, n_train=1000, n_images=3000)[-1]
    {'n_images': 300, 'loss': 2.0, 'accuracy': 0.5}
    """
    memory = max(SMOOTH_EPOCHS * n_train, SMOOTH_RUN * n_images)
    means: list[dict[str, float]] = []
    loss = accuracy = before = 0.0
    for report in batches:
        at = report["n_images"]
        fresh = 1 - math.exp((before - at) / min(memory, max(SMOOTH_SO_FAR * before, 1e-9)))
        loss += fresh * (report["loss"] - loss)
        accuracy += fresh * (report["accuracy"] - accuracy)
        means.append({"n_images": at, "loss": loss, "accuracy": accuracy})
        before = at
    return means


def latest(batches: Sequence[Row], *, n_batches: int) -> Drawing:
    """Return the latest reports, on axes that fit them; the arguments are those of `curves`."""
    rows = batches[-LATEST_POINTS:]
    at = [(row["epoch"] - 1) * n_batches + row["batch"] for row in rows]
    start, end = (at[0], max(at[-1], at[0] + 1)) if at else (0, 1)
    panels = []
    for measure in ("loss", "accuracy"):
        values = [row[measure] for row in rows]
        low, high = _rounded(values)
        points = [
            ((i - start) / (end - start), (value - low) / (high - low))
            for i, value in zip(at, values, strict=True)
        ]
        words = [
            f"Batch {i:,}: {_words(measure, value)}" for i, value in zip(at, values, strict=True)
        ]
        ticks = [(share, _tick(measure, low + share * (high - low))) for share in (0, 0.5, 1)]
        panels.append(
            {
                "title": measure.capitalize(),
                "ticks": ticks,
                "lines": [_line(SMOOTH, points)],
                "dots": [],
                "readings": [(*place, text) for place, text in zip(points, words, strict=True)],
            }
        )
    middle = (start + end) // 2
    return {
        "panels": panels,
        "across": [((i - start) / (end - start), f"{i:,}") for i in (start, middle, end)],
        "axis": "batches since the start",
        "marks": [],
        "legend": [],
    }


def rates(planned: Sequence[float], batches: Sequence[Row], *, n_batches: int) -> Drawing:
    """Return a small panel of the learning rate as scheduled and as used.

    Parameters
    ----------
    planned : sequence of float
        The schedule's rate of each batch of the run.
    batches : sequence of mappings
        Reports within epochs, with `epoch`, `batch` and, unless it is from an old run, `rate`.
    n_batches : int
        Of an epoch.
    """
    rated = [report for report in batches if "rate" in report]
    highest = max([*planned, *(report["rate"] for report in rated)])
    every = max(1, math.ceil(len(planned) / MAX_POINTS))
    plan = [(i / len(planned), planned[i] / highest) for i in range(0, len(planned), every)]
    plan.append((1.0, planned[-1] / highest))
    every = max(1, math.ceil(len(rated) / MAX_POINTS))
    used = [
        (
            ((report["epoch"] - 1) * n_batches + report["batch"]) / len(planned),
            report["rate"] / highest,
        )
        for report in [*rated[:-1:every], *rated[-1:]]
    ]
    return {
        "title": "Learning rate",
        "low": True,
        "ticks": [(0, "0"), (1, f"{highest:.3g}")],
        "lines": [_line(PLANNED, plan), *([_line(USED, used)] if used else [])],
        "dots": [],
        "readings": [(x, y, f"Learning rate {y * highest:.3g}") for x, y in used or plan],
    }


def _panel(
    measure: Measure,
    batches: Sequence[Row],
    means: Sequence[Row],
    epochs: Sequence[Row],
    end: int,
    n_train: int,
    n_classes: int,
    expected: Sequence[Place],
    axis: Axis | None,
) -> Drawing:
    axis = axis or _axis(measure, means, epochs, [loss for _, loss in expected])
    every = 2 ** max(0, math.ceil(math.log2(max(1, len(means)) / MAX_POINTS)))
    shown = [*means[:-1:every], *means[-1:]]
    smooth = [(row["n_images"] / end, axis.place(row[measure])) for row in shown]
    chance = math.log(n_classes) if measure == "loss" else 1 / n_classes
    dots, of_epochs = [], {}
    for who, name in ((TRAINING, measure), (VALIDATION, f"val_{measure}")):
        of_epochs[who] = [(row["n_images"] / end, axis.place(row[name])) for row in epochs]
        for row, (across, up) in zip(epochs, of_epochs[who], strict=True):
            words = f"Epoch {row['epoch']:.0f}, {who}: {_words(measure, row[name])}"
            dots.append((who, _short(across), _short(up), words))
    lines = [
        _line(CHANCE, [(0, axis.place(chance)), (1, axis.place(chance))]),
        _line(RAW, [(at / end, axis.place(value)) for at, value in _extremes(batches, measure)]),
        _line(SMOOTH, smooth),
        *(_line(who, places) for who, places in of_epochs.items()),
        _line(EXPECTED, [(at * n_train / end, axis.place(loss)) for at, loss in expected]),
    ]
    return {
        "title": measure.capitalize(),
        "ticks": [(_short(up), label) for up, label in axis.ticks()],
        "lines": [line for line in lines if line["points"]],
        "dots": dots,
        "readings": [
            (_short(across), _short(up), _reading(row, measure, n_train))
            for row, (across, up) in zip(shown, smooth, strict=True)
        ],
    }


def _axis(
    measure: Measure, means: Sequence[Row], epochs: Sequence[Row], expected: Sequence[float]
) -> Axis:
    """Return the axis that reaches from chance to the first tick beyond the best so far."""
    reached = [*expected]
    reached += [row[measure] for row in (*means, *epochs)]
    reached += [row[f"val_{measure}"] for row in epochs]
    if measure == "accuracy":
        reached = [1 - value for value in reached]
    ticks = sorted(LOSS_TICKS if measure == "loss" else ERROR_TICKS)
    best = bisect_left(ticks, 0.9 * min(reached, default=1.0)) - 1
    usual, high = (0.3, MAX_LOSS) if measure == "loss" else (0.1, MAX_ERROR)
    return Axis(measure, ticks[max(0, min(best, ticks.index(usual)))], high)


def _extremes(batches: Sequence[Row], measure: Measure) -> list[Place]:
    """Return reports for a faint line: all, or the lowest and highest of each short stretch."""
    if len(batches) <= 2 * MAX_RAW:
        return [(row["n_images"], row[measure]) for row in batches]
    size = 2 ** math.ceil(math.log2(len(batches) / MAX_RAW))
    places = []
    for start in range(0, len(batches), size):
        part = batches[start : start + size]
        ends = (choose(part, key=lambda row: row[measure]) for choose in (min, max))
        places += sorted({(row["n_images"], row[measure]) for row in ends})
    return places


def _reading(row: Row, measure: Measure, n_train: int) -> str:
    epoch = max(0, math.ceil(row["n_images"] / n_train) - 1)
    share = row["n_images"] / n_train - epoch
    return f"Epoch {epoch + 1}, {share:.0%} of it: {_words(measure, row[measure])}"


def _words(measure: Measure, value: float) -> str:
    return f"loss {value:.3f}" if measure == "loss" else f"accuracy {value:.2%}"


def _tick(measure: Measure, value: float) -> str:
    return f"{value:.3g}" if measure == "loss" else f"{100 * value:.4g}%"


def _rounded(values: Sequence[float]) -> tuple[float, float]:
    """Return ends of an axis a little beyond the values, in round numbers."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    step = 10 ** math.floor(math.log10(max(high - low, 1e-3)))
    return step * math.floor(low / step), step * (math.floor(high / step) + 1)


def _line(of: str, places: Iterable[Place]) -> Drawing:
    """Return a line by its name; its points as SVG has them, with up as less."""
    return {"of": of, "points": " ".join(f"{x:.4f},{1 - y:.4f}" for x, y in places)}


def _short(share: float) -> float:
    return round(share, 4)
