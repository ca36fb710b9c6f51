"""Training runs as data: specification, events, outcome and status.

These are plain objects: they are sent to the worker and back, stored on disk, and shown by pages
without knowing where training happens.
"""

import hashlib
import math
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from cnn_lab.content.words import listed
from cnn_lab.data.mnist import Split
from cnn_lab.data.sets import check_fit, n_training_images
from cnn_lab.network import Network
from cnn_lab.network.spec import (
    DIGIT_SHAPE,
    N_DIGITS,
    NetworkSpec,
    TrainingSpec,
    plain_error,
)
from cnn_lab.network.spec.training import USED_BY
from cnn_lab.training.batches import OWN_SHARE
from cnn_lab.training.engine import EngineName

MAX_EPOCHS = 40  # as many as *record*, which has the most of the presets
MAX_PARAMETERS = 5_000_000
MAX_SECONDS = 3600
MAX_MEMORY_BYTES = 3_000_000_000
MAX_OWN_DRAWINGS = 100
MAX_RATE = 10.0
MAX_DROPOUT = 0.9

RATE_WINDOW_S = 5.0
RUN_ID = re.compile(r"[A-Za-z0-9_-]{16}")

State = Literal["waiting", "starting", "training", "paused", "testing", "done", "stopped", "failed"]
Kind = Literal[
    "started",
    "downloading",
    "batch",
    "paused",
    "settings",
    "validating",
    "epoch",
    "snapshot",
    "diverged",
    "testing",
]
Command = Literal["stop", "pause", "resume", "step", "settings"]
CommandValue = Mapping[str, float] | None
ASIDE: frozenset[Kind] = frozenset(
    {"settings", "snapshot", "diverged"}
)  # happens beside the training
ACTIVE: frozenset[State] = frozenset({"waiting", "starting", "training", "paused", "testing"})


class UnknownRunError(ValueError):
    """Raised when no run has an id, or it is no longer kept, or it cannot be read."""

    def __init__(
        self, run_id: str, why: str = "A run is kept until newer ones replace it."
    ) -> None:
        super().__init__(f"{why} Received: run={run_id[:40]!r}")
        self._of = run_id, why

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        """Have it arrive from another process with the same message."""
        return type(self), self._of


class RunRefusedError(ValueError):
    """Raised when a run cannot be accepted now; the message says why and what to do."""


class CommandRefusedError(ValueError):
    """Raised for a command that no run can follow; the message says what must hold."""


class TrainingFailedError(RuntimeError):
    """Raised when a run cannot continue; the message says why."""


class Start(BaseModel):
    """Network whose weights a run begins with instead of new ones.

    Attributes
    ----------
    name : str
        As the reader chose it: a shipped network, "run-<id>" or an uploaded one.
    digest : str
        SHA-256 of the weights, in the order of their names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,80}$")]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

    @classmethod
    def of(cls, name: str, network: Network) -> Self:
        """Return what identifies a network."""
        digest = hashlib.sha256()
        for weight in sorted(network.weights):
            digest.update(np.ascontiguousarray(network.weights[weight]).tobytes())
        return cls(name=name, digest=digest.hexdigest())


class RunSpec(BaseModel):
    """Specification of a run: network, training and engine, within the limits of a run.

    Attributes
    ----------
    network, training : NetworkSpec, TrainingSpec
    engine : {"keras", "numpy"}
    trial : bool
        Whether it is a trial of a sweep, which is compared on the validation images: not tested,
        without snapshots, and not kept.
    max_seconds : float
        Time limit, without pauses.
    start : Start or None
        The network whose weights it begins with; None for new ones, drawn with the seed.
    own_drawings : int
        How many drawings of its owner it learns from, with the images of the data set. The
        drawings themselves are kept nowhere.

    Raises
    ------
    pydantic.ValidationError
        A ValueError that names the exceeded limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: NetworkSpec
    training: TrainingSpec
    engine: EngineName = "keras"
    trial: bool = False
    max_seconds: Annotated[float, Field(gt=0, le=MAX_SECONDS)] = MAX_SECONDS
    start: Start | None = None
    own_drawings: Annotated[int, Field(ge=0, le=MAX_OWN_DRAWINGS)] = 0

    @model_validator(mode="after")
    def _within_limits(self) -> Self:
        check_fit(self.network, self.training)
        for what, amount, limit in (
            ("epochs", self.training.epochs, MAX_EPOCHS),
            ("parameters", self.network.n_parameters, MAX_PARAMETERS),
        ):
            if amount > limit:
                raise ValueError(
                    f"A run may have at most {limit:,} {what}. Received: {what}={amount:,}"
                )
        if self.memory_bytes > MAX_MEMORY_BYTES:
            raise ValueError(
                f"A run may take at most {MAX_MEMORY_BYTES:,} bytes of memory. Use smaller batches "
                f"or smaller maps. Received: batch_size={self.training.batch_size}, which "
                f"takes about {self.memory_bytes:,}"
            )
        return self

    @property
    def memory_bytes(self) -> int:
        """Approximate memory of training, without the engine itself and the images.

        Four bytes for each weight, its gradient, two numbers that the optimizer keeps and an
        average; and for each number in a layer's output for a batch, its input and gradient.
        """
        units = sum(math.prod(row.output_shape) for row in self.network.summary())
        return 4 * (5 * self.network.n_parameters + 3 * units * self.training.batch_size)

    @property
    def n_batches(self) -> int:
        """Batches of one epoch; the last one may be smaller."""
        return -(-self.n_images_an_epoch // self.training.batch_size)

    @property
    def n_images(self) -> int:
        """Images that the whole run trains on, counted once per epoch."""
        return self.n_images_an_epoch * self.training.epochs

    @property
    def n_images_an_epoch(self) -> int:
        """Training images per epoch."""
        return n_training_images(self.training.data_set, self.training.data_fraction)


@dataclass(frozen=True)
class Event:
    """Event of a run.

    Attributes
    ----------
    kind : str
        "batch", "paused", "validating" and "epoch" carry the fields of the training loop's
        report of that kind, "downloading" the `share` that has arrived, "settings" the
        settings changed from then on by name, "snapshot" its `n_images`, `epoch` and `batch`;
        "started", "testing" and "diverged", when the loss is no longer a finite number, carry
        nothing.
    at_s : float
        Seconds since the run was submitted.
    values : mapping of str to float
    """

    kind: Kind
    at_s: float
    values: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        """Return one of the values."""
        return self.values[name]


@dataclass(frozen=True)
class Outcome:
    """Outcome of a run after an epoch or at its end.

    Attributes
    ----------
    network : Network or None
        With its card; None for a trial, which only has figures.
    history : list of dict
        One for each finished epoch.
    result : dict
        See `cnn_lab.training.loop.Trainer.result`; includes the test figures at the end of a
        complete run.
    cut_short : str
        Why the run ended early; empty if it did not.
    """

    network: Network | None
    history: list[dict[str, Any]]
    result: dict[str, Any]
    cut_short: str = ""


Parcel = Outcome | bytes
"""What the worker sends while it trains: the outcome of an epoch, or a snapshot as bytes."""


@dataclass(frozen=True)
class Progress:
    """Progress of a run, from its events.

    Attributes
    ----------
    share : float
        Images trained on, as a share in [0, 1] of all in the run.
    epoch, batch : int
        Current epoch and batch, from 1; 0 before the first batch.
    validating : float or None
        Share of the validation images evaluated, during validation.
    images_per_second : float or None
        Over the last seconds of training; None before there are two reports.
    seconds_left : float or None
        Remaining time of training and validation at the current speed.
    """

    share: float = 0.0
    epoch: int = 0
    batch: int = 0
    validating: float | None = None
    images_per_second: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True)
class Status:
    """Status of a run, for a page.

    Attributes
    ----------
    state : str
        "waiting" for its turn, "starting" until the first report, "training", "paused",
        "testing" on the test set, and at the end "done", "stopped" or "failed".
    owners : tuple of str
        Who asked for it; several share one run if they asked for the same.
    position : int
        Number of runs before this one; 0 once it has started.
    wait_s : float or None
        About how long it will wait; None if that cannot be said yet, or it waits no longer.
    sentence : str
        Why it stopped or failed; empty otherwise.
    result : mapping
        The `Outcome.result` of a run that has ended with weights; empty otherwise.
    unsaved : str
        Why it could not be saved, so that it is in the memory of this server only; empty otherwise.
    """

    run_id: str
    owners: tuple[str, ...]
    spec: RunSpec
    state: State
    position: int = 0
    wait_s: float | None = None
    sentence: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    unsaved: str = ""

    @property
    def active(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in ACTIVE


def new_run_id() -> str:
    """Return a short random name that cannot be guessed and is safe in an address or a path."""
    return secrets.token_urlsafe(12)


def checked_run_id(text: str) -> str:
    """Return `text` if it has the form of a run id.

    Raises
    ------
    UnknownRunError
        If not, so that such a name is never looked up.
    """
    if not RUN_ID.fullmatch(text):
        raise UnknownRunError(text)
    return text


def changeable(spec: RunSpec) -> dict[str, float]:
    """Return the settings that can change during a run, as planned.

    The highest learning rate, label smoothing and the bounds of the augmentation; weight decay if
    the optimizer uses it, and the rate of dropout if the network has any.
    """
    training = spec.training
    settings: dict[str, float] = {
        "learning_rate": training.learning_rate,
        "label_smoothing": training.label_smoothing,
    }
    if training.optimizer in USED_BY["weight_decay"]:
        settings["weight_decay"] = training.weight_decay
    dropouts = [layer.share_dropped for layer in spec.network.layers if layer.drops]
    if dropouts:
        settings["dropout"] = max(dropouts)
    bounds = dict(training.augmentation)
    if training.data_set != "mnist":
        del bounds["hands"]
    return settings | bounds


def settings_now(spec: RunSpec, events: Iterable[Event]) -> dict[str, float]:
    """Return the settings that can change during a run, after the changes among these events."""
    now = changeable(spec)
    for event in events:
        if event.kind == "settings":
            now |= event.values
    return now


def settings_changes(events: Iterable[Event]) -> list[tuple[float, Mapping[str, float]]]:
    """Return the settings changed during a run: images trained on before, and the new values."""
    changes, n_images = [], 0.0
    for event in events:
        if event.kind == "batch":
            n_images = event["n_images"]
        elif event.kind == "settings":
            changes.append((n_images, event.values))
    return changes


def changes_words(events: Iterable[Event]) -> list[tuple[float, str]]:
    """Return the same with the values as words.

    Examples
    --------
    >>> batch, change = Event("batch", 1, {"n_images": 1280}), {"weight_decay": 0.1, "shift": 2}
    >>> changes_words([batch, Event("settings", 1.5, change)])
    [(1280, 'weight decay 0.1, shift 2 after 1,280 images')]
    """
    return [
        (
            n_images,
            ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in values.items())
            + f" after {n_images:,.0f} images",
        )
        for n_images, values in settings_changes(events)
    ]


def own_problem(own: Split, spec: RunSpec) -> str:
    """Return why a run cannot learn from drawings of its owner; "" if it can.

    Parameters
    ----------
    own : Split
        Prepared like MNIST's images.
    spec : RunSpec

    Examples
    --------
    >>> from cnn_lab.network import zoo
    >>> fast = zoo.preset("fast")
    >>> own = Split(np.zeros((10, 28, 28), np.uint8), np.arange(10))
    >>> own_problem(own, RunSpec(network=fast.network, training=fast.training))
    ''
    """
    if spec.training.data_set != "mnist":
        return (
            "Own drawings can be added to MNIST's digits only. "
            f"Received: data_set={spec.training.data_set!r}"
        )
    if not 0 < len(own) <= MAX_OWN_DRAWINGS:
        return f"A run takes 1 to {MAX_OWN_DRAWINGS} own drawings. Received: {len(own)}"
    if int(OWN_SHARE * spec.training.batch_size) < 1:
        return (
            f"With own drawings a batch must have at least {1 / OWN_SHARE:.0f} images. "
            f"Received: batch_size={spec.training.batch_size}"
        )
    fitting = own.pixels.shape == (len(own), *DIGIT_SHAPE[:2]) and own.pixels.dtype == np.uint8
    if not fitting or not ((own.labels >= 0) & (own.labels < N_DIGITS)).all():
        return (
            "Own drawings must be bytes of 28 × 28 pixels, each with a digit as its label. "
            f"Received: {own.pixels.dtype} of shape {own.pixels.shape}, labels {own.labels}"
        )
    return ""


def checked_settings(spec: RunSpec, settings: Mapping[str, float]) -> dict[str, float]:
    """Return changed settings if a run can follow them.

    Raises
    ------
    CommandRefusedError
        If a setting cannot change during this run, or a value is not allowed.
    """
    allowed = changeable(spec)
    for name in settings:
        if name not in allowed:
            raise CommandRefusedError(
                f"During this run {listed(list(allowed))} can change. Received: {name[:40]!r}"
            )
    rate = settings.get("learning_rate", spec.training.learning_rate)
    if not 0 < rate <= MAX_RATE:  # not a number is neither
        raise CommandRefusedError(
            f"A learning rate must be above 0 and at most {MAX_RATE:g}. Received: rate={rate}"
        )
    dropout = settings.get("dropout", 0.0)
    if not 0 <= dropout <= MAX_DROPOUT:
        raise CommandRefusedError(
            f"Dropout must be from 0 to {MAX_DROPOUT:g}. Received: dropout={dropout}"
        )
    try:
        spec.training.changed(settings)
    except ValueError as error:
        raise CommandRefusedError(plain_error(error)) from error
    return dict(settings)


def progress(spec: RunSpec, events: Sequence[Event]) -> Progress:
    """Return the progress of a run from its events."""
    events = [event for event in events if event.kind not in ASIDE]
    batches = [event for event in events if event.kind == "batch"]
    if not batches:
        return Progress()
    last, newest = batches[-1], events[-1]
    n_images = max((e["n_images"] for e in events if e.kind in ("batch", "epoch")), default=0)
    # The first batch includes the time to compile the network.
    recent = [e for e in batches[1:] if e["seconds"] >= last["seconds"] - RATE_WINDOW_S]
    rate = None
    if len(recent) > 1 and last["seconds"] > recent[0]["seconds"]:
        rate = (last["n_images"] - recent[0]["n_images"]) / (last["seconds"] - recent[0]["seconds"])
    epochs_to_judge = spec.training.epochs - sum(event.kind == "epoch" for event in events)
    seconds_left = None
    if rate:
        training_s = (spec.n_images - n_images) / rate
        seconds_left = training_s + epochs_to_judge * _validation_seconds(events)
    return Progress(
        share=min(1.0, n_images / spec.n_images),
        epoch=int(last["epoch"]),
        batch=spec.n_batches if newest.kind in ("validating", "epoch") else int(last["batch"]),
        validating=newest["share"] if newest.kind == "validating" else None,
        images_per_second=rate,
        seconds_left=seconds_left,
    )


def _validation_seconds(events: Sequence[Event]) -> float:
    """Return the validation time of the latest finished epoch; 0 before the first."""
    steps = pairwise(event for event in events if event.kind != "validating")
    took = [after.at_s - before.at_s for before, after in steps if after.kind == "epoch"]
    return took[-1] if took else 0.0
