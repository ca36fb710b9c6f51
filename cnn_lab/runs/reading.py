"""Contents of a run's files, read with care: any file may be damaged in any way.

Every function returns what is sound. Numbers are checked against the run's own settings, because a
page would otherwise fail over a single flipped digit.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast, get_args

from pydantic_core import from_json

from cnn_lab.data.sets import INFO
from cnn_lab.network.spec import Augmentation, NetworkSpec, TrainingSpec
from cnn_lab.runs.job import MAX_OWN_DRAWINGS, Event, Kind, RunSpec, State
from cnn_lab.runs.snapshots import Snapshot, SnapshotError
from cnn_lab.training.engine import ENGINES

MAX_JSON_BYTES = 16_000_000  # an hour of reports is a fifth of it
MAX_SECONDS = 1e7
MAX_IMAGES_PER_SECOND = 1e9
MAX_LOSS = 3.5e38  # what single precision holds

# The fields that an event of each kind needs; events of an old run have no `rate`.
_NEEDED: dict[Kind, tuple[str, ...]] = {
    "started": (),
    "downloading": ("share",),
    "batch": ("epoch", "batch", "loss", "accuracy", "n_images", "seconds"),
    "paused": ("epoch", "batch"),
    "settings": (),
    "validating": ("epoch", "share"),
    "epoch": ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "n_images", "seconds"),
    "snapshot": ("n_images", "epoch", "batch"),
    "diverged": (),
    "testing": (),
}
REPORTS: tuple[Kind, ...] = ("batch", "epoch")  # whose images rise from one to the next
_SETTABLE = {
    "learning_rate",
    "label_smoothing",
    "weight_decay",
    "dropout",
    *Augmentation.model_fields,
}
_WHOLE = ("epoch", "batch", "n_images")


class DamagedError(ValueError):
    """Raised when nothing of a file can be used."""


def json_of(content: bytes) -> Any:
    """Return what JSON holds, without NaN and without limits to exceed.

    Raises
    ------
    DamagedError
        If it is too long, nested too deeply, or not JSON.
    """
    if len(content) > MAX_JSON_BYTES:
        raise DamagedError(f"It may have at most {MAX_JSON_BYTES:,} bytes.")
    try:
        return from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise DamagedError(str(error)) from error


def specs_of(content: bytes) -> tuple[NetworkSpec, TrainingSpec]:
    """Return the settings in a `spec.json`.

    Raises
    ------
    ValueError
        If it does not describe a network and its training.
    """
    specs = _mapping(json_of(content))
    return (
        NetworkSpec.model_validate(specs.get("network")),
        TrainingSpec.model_validate(specs.get("training")),
    )


def begun_of(content: bytes) -> tuple[str, int, float]:
    """Return host, process id and start of the process that began a run.

    Raises
    ------
    DamagedError
        If one of them is missing or not possible.
    """
    by = _mapping(json_of(content))
    host, pid, started = by.get("host"), by.get("pid"), by.get("started")
    if (
        not isinstance(host, str)
        or not _is_count(pid, 2**31 - 1)
        or not _is_number(started, 0, 1e12)
    ):
        raise DamagedError("It must name a host, a process and its start.")
    return host, cast(int, pid), cast(float, started)


def ended_of(content: bytes) -> tuple[State, str]:
    """Return how a run ended: its last state and a sentence.

    Raises
    ------
    DamagedError
        If that is not in it.
    """
    ended = _mapping(json_of(content))
    state, sentence = ended.get("state"), ended.get("sentence")
    if state not in ("done", "stopped", "failed") or not isinstance(sentence, str):
        raise DamagedError("It must name a state in which a run can end.")
    return state, sentence


def number_of(content: bytes) -> int:
    """Return a run's place in the order of all runs.

    Raises
    ------
    DamagedError
        If it is not a number.
    """
    number = _mapping(json_of(content)).get("number")
    if not _is_count(number, 2**53):
        raise DamagedError("It must be a whole number.")
    return cast(int, number)


def own_of(content: bytes) -> int:
    """Return how many drawings of its owner a run learned from.

    Raises
    ------
    DamagedError
        If it is not a number of drawings that a run can have.
    """
    n = _mapping(json_of(content)).get("drawings")
    if not _is_count(n, MAX_OWN_DRAWINGS) or not n:
        raise DamagedError("It must be a number of drawings.")
    return cast(int, n)


def events_of(content: bytes, spec: RunSpec) -> tuple[list[Event], int]:
    """Return the events of a run in their order, and how many lines are damaged.

    Notes
    -----
    A report is left out if its images do not fit in between those of the others.
    """
    lines = content.splitlines()
    found = [event for event in (_event(line, spec) for line in lines) if event is not None]
    places = [_place(event) for event in found]
    fitting = _longest_rise([place for place in places if place is not None])
    events, expected = [], iter(fitting)
    wanted = next(expected, None)
    for event, place in zip(found, places, strict=True):
        if place is None:
            events.append(event)
        elif place == wanted:
            events.append(event)
            wanted = next(expected, None)
    return events, len(lines) - len(events)


def result_of(raw: Any, spec: RunSpec) -> dict[str, Any]:
    """Return the results of a run as far as they are sound, see `Outcome.result`.

    The test figures belong together: they are left out if they contradict each other.
    """
    if not isinstance(raw, Mapping):
        return {}
    result = {
        name: value for name, value in raw.items() if _SCALARS.get(name, lambda _: True)(value)
    }
    tested = ("test_accuracy", "errors", "n")
    sound = all(name in result for name in tested) and (
        result["errors"] <= result["n"]
        and abs(result["test_accuracy"] - (1 - result["errors"] / result["n"])) < 1e-9
    )
    if not sound:
        for name in (*tested, "confusion", "mistakes"):
            result.pop(name, None)
    elif "confusion" in result:
        n_classes = spec.network.n_classes
        if _is_confusion(result["confusion"], n_classes, result["n"], result["errors"]):
            result["mistakes"] = _mistakes(result.get("mistakes"), spec)
        else:
            del result["confusion"]
            result.pop("mistakes", None)
    if "epochs" not in result:
        return {}
    return result


def card_figures(result: str) -> tuple[float, int] | None:
    """Return accuracy and number of test images from the card of a network, which may be damaged.

    Examples
    --------
    >>> card_figures('{"test_accuracy": 0.9912, "n": 10000}')
    (0.9912, 10000)
    >>> card_figures('{"test_accuracy": 5}') is None
    True
    """
    try:
        figures = _mapping(json_of(result.encode()))
    except DamagedError:
        return None
    accuracy, n = figures.get("test_accuracy"), figures.get("n")
    if not _is_number(accuracy, 0, 1) or not _is_count(n, 1e9):
        return None
    return cast(float, accuracy), cast(int, n)


def snapshots_of(contents: Sequence[bytes], spec: RunSpec) -> list[bytes]:
    """Return the snapshots that can be shown together, in their order."""
    shapes: dict[int, tuple[tuple[int, ...], ...]] = {}
    for number, content in enumerate(contents):
        try:
            snapshot = Snapshot.from_bytes(content)
        except SnapshotError:
            continue
        n_classes = spec.network.n_classes
        fits = snapshot.confusion.shape == (n_classes, n_classes)
        if fits and snapshot.n_judged and snapshot.n_images <= spec.n_images:
            shapes[number] = (snapshot.kernels.shape, snapshot.maps.shape)
    if not shapes:
        return []
    ((usual, _),) = Counter(shapes.values()).most_common(1)
    return [contents[number] for number, shape in shapes.items() if shape == usual]


def _event(line: bytes, spec: RunSpec) -> Event | None:
    """Return the event in a line; None if it is damaged."""
    try:
        fields = _mapping(json_of(line))
    except DamagedError:
        return None
    at_s, values = fields.get("at_s"), fields.get("values")
    if fields.get("kind") == "rate" and isinstance(values, Mapping):  # of an old run
        fields = {**fields, "kind": "settings"}
        values = {"learning_rate": values.get("rate")}
    if fields.get("kind") not in get_args(Kind) or not isinstance(values, Mapping):
        return None
    kind = cast(Kind, fields["kind"])
    if kind == "settings" and not values.keys() <= _SETTABLE:
        return None
    if not _is_number(at_s, 0, MAX_SECONDS) or any(name not in values for name in _NEEDED[kind]):
        return None
    most = {
        "epoch": spec.training.epochs,
        "batch": spec.n_batches,
        "n_images": spec.n_images,
        "seconds": MAX_SECONDS,
        "accuracy": 1.0,
        "val_accuracy": 1.0,
        "share": 1.0,
    }
    for name, value in values.items():
        is_loss = name in ("loss", "val_loss")
        least, largest = (-MAX_LOSS if is_loss else 0.0), most.get(name, MAX_LOSS)
        if name == "n_images" and kind in REPORTS:
            least = 1.0
        if not _is_number(value, least, largest) or (name in _WHOLE and value != int(value)):
            return None
    return Event(kind, cast(float, at_s), dict(values))


def _place(event: Event) -> tuple[float, int] | None:
    """Return what must rise from report to report: the images, and an epoch after its batches."""
    if event.kind not in REPORTS:
        return None
    return event["n_images"], int(event.kind == "epoch")


def _longest_rise(places: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """Return the longest strictly rising part of a sequence, as in patience sorting."""
    tops: list[tuple[float, int]] = []
    at: list[int] = []
    before: list[int] = []
    for number, place in enumerate(places):
        pile = bisect_left(tops, place)
        before.append(at[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(place)
            at.append(number)
        else:
            tops[pile], at[pile] = place, number
    rise = []
    number = at[-1] if at else -1
    while number >= 0:
        rise.append(places[number])
        number = before[number]
    return rise[::-1]


def _is_confusion(raw: Any, n_classes: int, n: int, errors: int) -> bool:
    rows = raw if isinstance(raw, list) and len(raw) == n_classes else []
    for row in rows:
        if not isinstance(row, list) or len(row) != n_classes:
            return False
        if not all(_is_count(cell, n) for cell in row):
            return False
    return (
        bool(rows)
        and sum(map(sum, rows)) == n
        and sum(rows[at][at] for at in range(n_classes)) == n - errors
    )


def _mistakes(raw: Any, spec: RunSpec) -> list[dict[str, Any]]:
    n_classes, n_test = spec.network.n_classes, INFO[spec.training.data_set].n_test
    bounds: dict[str, Callable[[Any], bool]] = {
        "index": lambda value: _is_count(value, n_test - 1),
        "label": lambda value: _is_count(value, n_classes - 1),
        "predicted": lambda value: _is_count(value, n_classes - 1),
        "probability": lambda value: _is_number(value, 0, 1),
    }
    return [
        mistake
        for mistake in (raw if isinstance(raw, list) else [])
        if isinstance(mistake, dict)
        and all(name in mistake and fits(mistake[name]) for name, fits in bounds.items())
    ]


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DamagedError("It must hold names with their values.")
    return value


def _is_number(value: Any, least: float, largest: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and least <= value <= largest


def _is_count(value: Any, largest: float) -> bool:
    return isinstance(value, int) and _is_number(value, 0, largest)


_SCALARS: dict[str, Callable[[Any], bool]] = {
    "model": lambda value: isinstance(value, str),
    "epochs": lambda value: _is_count(value, 1e3),
    "images": lambda value: _is_count(value, 1e9),
    "seconds": lambda value: _is_number(value, 0, MAX_SECONDS),
    "images_per_second": lambda value: _is_number(value, 0, MAX_IMAGES_PER_SECOND),
    "seed": lambda value: _is_count(value, 2**31 - 1),
    "engine": lambda value: isinstance(value, str) and value in ENGINES,
    "val_accuracy": lambda value: _is_number(value, 0, 1),
    "test_accuracy": lambda value: _is_number(value, 0, 1),
    "errors": lambda value: _is_count(value, 1e9),
    "n": lambda value: _is_count(value, 1e9) and value > 0,
}
