"""Settings that a sweep may vary, and the choices for a given run.

The first choice of each setting is the run's own value, so that the first trial of a sweep is the
original run, and the others can be compared with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from cnn_lab.network.spec import (
    Augmentation,
    NetworkSpec,
    OptimizerName,
    ScheduleName,
    TrainingSpec,
)
from cnn_lab.network.variants import with_batch_norm, with_kernel_size, with_width
from cnn_lab.runs.job import MAX_RATE, RunSpec

FactorName = Literal[
    "optimizer",
    "learning_rate",
    "schedule",
    "width",
    "kernel_size",
    "batch_norm",
    "augmentation",
]
Value = str | float
Settings = Mapping[FactorName, Value]

AS_BUILT = "as built"
RATES = (1e-4, 0.1)
USUAL = Augmentation(shift=2, rotate=10, scale=0.1)
"""What "full" augmentation means for a run that has none of its own."""
STRENGTHS: dict[str, float] = {"none": 0, "half": 0.5, "full": 1, "double": 2}


@dataclass(frozen=True)
class Range:
    """Range of numbers, drawn uniformly on a logarithmic scale."""

    low: float
    high: float


@dataclass(frozen=True)
class Factor:
    """Setting that can be varied.

    Attributes
    ----------
    title : str
        Title, also as a column heading.
    present : callable
        Returns the value of a run.
    candidates : sequence of str or float, or Range
    applied : callable
        Returns the network and the training with another value.
    """

    title: str
    present: Callable[[RunSpec], Value]
    candidates: tuple[Value, ...] | Range
    applied: Callable[[NetworkSpec, TrainingSpec, Value], tuple[NetworkSpec, TrainingSpec]]

    def words(self, value: Value) -> str:
        """Return a value as text."""
        if isinstance(value, str):
            return value.replace("_", " ")
        return f"{value:.2g}" if isinstance(self.candidates, Range) else f"{value:g} ×"


def _trained(field: str) -> Callable[..., tuple[NetworkSpec, TrainingSpec]]:
    """Return a function that sets a field of the training."""

    def applied(
        network: NetworkSpec, training: TrainingSpec, value: Value
    ) -> tuple[NetworkSpec, TrainingSpec]:
        return network, training.model_copy(update={field: value})

    return applied


def _wide(
    network: NetworkSpec, training: TrainingSpec, value: Value
) -> tuple[NetworkSpec, TrainingSpec]:
    return with_width(network, float(value)), training


def _sized(
    network: NetworkSpec, training: TrainingSpec, value: Value
) -> tuple[NetworkSpec, TrainingSpec]:
    if value == AS_BUILT:
        return network, training
    return with_kernel_size(network, int(str(value)[0])), training


def _normalized(
    network: NetworkSpec, training: TrainingSpec, value: Value
) -> tuple[NetworkSpec, TrainingSpec]:
    if value == AS_BUILT:
        return network, training
    return with_batch_norm(network, value == "with"), training


def _augmented(
    network: NetworkSpec, training: TrainingSpec, value: Value
) -> tuple[NetworkSpec, TrainingSpec]:
    own = training.augmentation
    changed = augmentation(own if own.active else USUAL, STRENGTHS[str(value)])
    return network, training.model_copy(update={"augmentation": changed})


def augmentation(full: Augmentation, strength: float) -> Augmentation:
    """Return an augmentation scaled by a factor, within its bounds."""
    bounds = Augmentation.model_json_schema()["properties"]
    settings = {
        name: min(bounds[name]["maximum"], round(strength * value, 6)) for name, value in full
    }
    settings["shift"] = round(settings["shift"])
    return Augmentation.model_validate(settings)


FACTORS: dict[FactorName, Factor] = {
    "optimizer": Factor(
        "Optimizer",
        lambda run: run.training.optimizer,
        get_args(OptimizerName),
        _trained("optimizer"),
    ),
    "learning_rate": Factor(
        "Learning rate",
        lambda run: run.training.learning_rate,
        Range(*RATES),
        _trained("learning_rate"),
    ),
    "schedule": Factor(
        "Schedule",
        lambda run: run.training.schedule,
        get_args(ScheduleName),
        _trained("schedule"),
    ),
    "width": Factor("Maps", lambda _run: 1.0, (0.5, 0.7, 1.4, 2.0), _wide),
    "kernel_size": Factor(
        "Kernel size", lambda _run: AS_BUILT, ("2 × 2", "3 × 3", "5 × 5", "7 × 7"), _sized
    ),
    "batch_norm": Factor(
        "Batch normalization", lambda _run: AS_BUILT, ("with", "without"), _normalized
    ),
    "augmentation": Factor(
        "Augmentation",
        lambda run: "full" if run.training.augmentation.active else "none",
        tuple(STRENGTHS),
        _augmented,
    ),
}


def present(base: RunSpec, vary: tuple[FactorName, ...]) -> dict[FactorName, Value]:
    """Return the run's own values of the varied settings."""
    return {name: FACTORS[name].present(base) for name in vary}


def choices(base: RunSpec, name: FactorName) -> tuple[Value, ...] | Range:
    """Return the possible values of a factor for a run, its own value first.

    Candidates that the network cannot have, such as kernels larger than its maps, are left out, and
    so are those that change nothing.
    """
    factor = FACTORS[name]
    now = factor.present(base)
    if isinstance(factor.candidates, Range):
        low, high = factor.candidates.low, factor.candidates.high
        return Range(min(low, float(now)), max(high, min(float(now), MAX_RATE)))
    found: list[Value] = [now]
    runs = [base]
    for candidate in factor.candidates:
        try:
            run = run_of(base, {name: candidate})
        except ValueError:
            continue
        if run not in runs:
            runs.append(run)
            found.append(candidate)
    return tuple(found)


def run_of(base: RunSpec, settings: Settings) -> RunSpec:
    """Return the run with changed settings.

    Parameters
    ----------
    base : RunSpec
    settings : mapping of factor to value
        Other settings keep their values.

    Raises
    ------
    ValueError
        If the layers no longer fit, or a limit of a run is exceeded.
    """
    network, training = base.network, base.training
    for name, value in settings.items():
        network, training = FACTORS[name].applied(network, training, value)
    return RunSpec(
        network=network,
        training=TrainingSpec.model_validate(training.model_dump()),
        engine=base.engine,
        trial=base.trial,
        max_seconds=base.max_seconds,
    )


def words(settings: Settings) -> str:
    """Return settings as one line of text.

    Examples
    --------
    >>> words({"optimizer": "adam", "width": 1.4})
    'optimizer adam, maps 1.4 ×'
    """
    return ", ".join(
        f"{FACTORS[name].title.lower()} {FACTORS[name].words(value)}"
        for name, value in settings.items()
    )
