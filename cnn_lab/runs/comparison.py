"""Comparison of two runs: their differing settings and their results."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cnn_lab.content.words import NOTHING, duration, or_dash
from cnn_lab.network.spec import Layer, NetworkSpec, TrainingSpec
from cnn_lab.network.spec.training import USED_BY
from cnn_lab.training.engine import ENGINES, EngineName

NEW = "new"
SURE = 1.96  # standard deviations on either side that hold 95 % of a normal distribution


@dataclass(frozen=True)
class Compared:
    """One of two runs to compare.

    Attributes
    ----------
    name : str
        Name shown to the reader.
    network, training : NetworkSpec, TrainingSpec
    engine : {"keras", "numpy"}
    n_train : int
        Images in an epoch.
    start : str
        Name of the network whose weights it began with; empty for new ones.
    own_drawings : int
        How many drawings of its owner it learned from.
    changed : str
        Settings changed during the run, in words; empty for none.
    batches, epochs : sequence of mapping
        Reports within epochs and of finished epochs, as for `cnn_lab.charts.training.curve_table`;
        a recorded run has only the latter.
    result : mapping
        As in `cnn_lab.runs.job.Status`.
    """

    name: str
    network: NetworkSpec
    training: TrainingSpec
    engine: EngineName
    n_train: int
    epochs: Sequence[Mapping[str, Any]]
    batches: Sequence[Mapping[str, Any]] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    start: str = ""
    own_drawings: int = 0
    changed: str = ""


@dataclass(frozen=True)
class Difference:
    """Setting in which two runs differ, with both values as text."""

    setting: str
    first: str
    second: str


def differing_settings(first: Compared, second: Compared) -> list[Difference]:
    """Return the settings in which two runs differ.

    Networks are compared layer by layer, by name; settings that neither run's optimizer uses are
    left out.

    Examples
    --------
    >>> from cnn_lab.network import zoo
    >>> fast = zoo.preset("fast")
    >>> slower = fast.training.model_copy(update={"learning_rate": 0.001})
    >>> runs = [
    ...     Compared("a run", fast.network, training, "keras", 54_000, [])
    ...     for training in (fast.training, slower)
    ... ]
    >>> differing_settings(*runs)
    [Difference(setting='learning rate', first='0.01', second='0.001')]
    """
    pairs = [
        ("engine", ENGINES[first.engine], ENGINES[second.engine]),
        ("initial weights", first.start or NEW, second.start or NEW),
        ("own drawings", f"{first.own_drawings}", f"{second.own_drawings}"),
        ("changed during the run", first.changed or NOTHING, second.changed or NOTHING),
        *_network_pairs(first.network, second.network),
        *_training_pairs(first.training, second.training),
    ]
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]


def result_rows(compared: Sequence[Compared]) -> dict[str, list[str]]:
    """Return the results of each run as rows of texts, by title."""
    return {
        "test accuracy": [
            or_dash(one.result.get("test_accuracy"), "{:.2%}".format) for one in compared
        ],
        "errors": [
            f"{one.result['errors']:,} of {one.result['n']:,}"
            if "errors" in one.result
            else NOTHING
            for one in compared
        ],
        "validation accuracy": [
            or_dash(_last(one.epochs, "val_accuracy"), "{:.2%}".format) for one in compared
        ],
        "epochs finished": [f"{len(one.epochs)} of {one.training.epochs}" for one in compared],
        "training time": [or_dash(_last(one.epochs, "seconds"), duration) for one in compared],
        "images per second": [
            or_dash(one.result.get("images_per_second"), "{:,.0f}".format) for one in compared
        ],
        "parameters": [f"{one.network.n_parameters:,}" for one in compared],
    }


def uncertainty(accuracy: float, n: int) -> float:
    """Return the uncertainty of an accuracy measured on `n` images.

    Half the width of its 95 % confidence interval.

    References
    ----------
    .. [1] The normal approximation of a binomial share, 1.96 sqrt(p (1 - p) / n).

    Examples
    --------
    >>> round(uncertainty(0.992, 10_000), 5)
    0.00175
    """
    return SURE * math.sqrt(accuracy * (1 - accuracy) / n)


def conclusion(first: Compared, second: Compared) -> str:
    """Return a sentence that says whether the test accuracies differ by more than chance.

    Empty unless both have been tested, on the same images.
    """
    results = first.result, second.result
    if first.training.data_set != second.training.data_set:
        return ""
    if any("test_accuracy" not in one for one in results) or results[0]["n"] != results[1]["n"]:
        return ""
    apart = results[0]["test_accuracy"] - results[1]["test_accuracy"]
    by_chance = math.hypot(*(uncertainty(one["test_accuracy"], one["n"]) for one in results))
    if abs(apart) <= by_chance:
        return (
            f"Their test accuracies are {100 * abs(apart):.2f} percentage points apart. Up to "
            f"{100 * by_chance:.2f} can be chance, so this does not show which one is better."
        )
    better = first if apart > 0 else second
    return (
        f"The test accuracy of **{better.name}** is {100 * abs(apart):.2f} percentage points "
        f"higher. Up to {100 * by_chance:.2f} can be chance; another seed may change the result."
    )


def largest_gap(first: Compared, second: Compared) -> float | None:
    """Return the largest difference in validation accuracy over the epochs that both finished."""
    gaps = [
        abs(one["val_accuracy"] - other["val_accuracy"])
        for one, other in zip(first.epochs, second.epochs, strict=False)
    ]
    return max(gaps, default=None)


def _network_pairs(first: NetworkSpec, second: NetworkSpec) -> Iterable[tuple[str, str, str]]:
    if first.layers == second.layers and first.input_shape == second.input_shape:
        return
    yield "network", first.name, second.name
    yield "input", _words(first.input_shape), _words(second.input_shape)
    yield "parameters", f"{first.n_parameters:,}", f"{second.n_parameters:,}"
    one, other = ({layer.name: layer for layer in each.layers} for each in (first, second))
    for name in dict.fromkeys([*one, *other]):
        yield from _layer_pairs(name, one.get(name), other.get(name))


def _layer_pairs(
    name: str, first: Layer | None, second: Layer | None
) -> Iterable[tuple[str, str, str]]:
    """Yield the types of two layers if they differ, otherwise their settings."""
    if first is None or second is None or first.type != second.type:
        one, two = (NOTHING if layer is None else layer.type for layer in (first, second))
        yield name, one, two
        return
    other = second.model_dump()
    for setting, value in first.model_dump().items():
        yield f"{name} {_plain(setting)}", _words(value), _words(other[setting])


def _training_pairs(first: TrainingSpec, second: TrainingSpec) -> Iterable[tuple[str, str, str]]:
    optimizers = {first.optimizer, second.optimizer}
    one, other = _flat(first.model_dump()), _flat(second.model_dump())
    for name, value in one.items():
        if optimizers.intersection(USED_BY.get(name, optimizers)):
            yield _plain(name), _words(value), _words(other[name])


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings side by side: "augmentation shift" for the shift in it."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name} ")
        else:
            flat[prefix + name] = value
    return flat


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _words(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case tuple() | list():
            return " × ".join(map(_words, value))
        case None:
            return NOTHING
    return str(value)


def _last(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    return rows[-1][name] if rows else None
