"""Sweeps as data: specification, trials and best trial."""

import math
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cnn_lab.data.sets import INFO
from cnn_lab.network.checked import Checked
from cnn_lab.runs.job import MAX_SECONDS, RunSpec
from cnn_lab.runs.sweep.space import FACTORS, FactorName, Range, Value, choices, run_of

MAX_TRIALS = 40

TrialState = Literal["waiting", "training", "done", "pruned", "failed", "stopped"]
SweepState = Literal["running", "stopping", "done", "stopped", "failed"]


class SweepSpec(Checked):
    """Specification of a sweep: a run, the settings to vary, and the number of trials.

    Attributes
    ----------
    base : RunSpec
        The original run; all trials have its seed, epochs and share of the data, and the search
        uses its seed too.
    vary : tuple of str
        Names from `cnn_lab.runs.sweep.FACTORS`.
    n_trials : int
        The first trial is the original run.
    max_seconds : float
        Time limit of the whole sweep.

    Raises
    ------
    pydantic.ValidationError
        A ValueError with a message.
    """

    base: RunSpec
    vary: Annotated[tuple[FactorName, ...], Field(min_length=1, max_length=len(FACTORS))]
    n_trials: Annotated[int, Field(ge=1, le=MAX_TRIALS)] = 10
    max_seconds: Annotated[float, Field(gt=0, le=MAX_SECONDS)] = MAX_SECONDS

    @model_validator(mode="after")
    def _something_to_vary(self) -> Self:
        if len(set(self.vary)) < len(self.vary):
            raise ValueError(f"Each setting to vary must be named once. Received: vary={self.vary}")
        for name in self.vary:
            found = choices(self.base, name)
            if not isinstance(found, Range) and len(found) < 2:
                raise ValueError(
                    f"This network leaves no choice of {FACTORS[name].title.lower()}: vary "
                    f"something else. Received: vary={self.vary}"
                )
        return self


class Trial(Checked):
    """One run of a sweep.

    Attributes
    ----------
    number : int
        From 1.
    settings : dict of factor to value
    state : {"waiting", "training", "done", "pruned", "failed", "stopped"}
        "pruned" was stopped early because others were better after the same number of epochs.
    accuracies : tuple of float
        On the validation images after each epoch, in [0, 1].
    seconds : float
        Time spent on training batches.
    sentence : str
        Why it failed or stopped; empty otherwise.
    """

    number: int
    settings: dict[FactorName, Value]
    state: TrialState = "waiting"
    accuracies: tuple[float, ...] = ()
    seconds: float = 0.0
    sentence: str = ""

    @property
    def accuracy(self) -> float | None:
        """Validation accuracy after the last finished epoch."""
        return self.accuracies[-1] if self.accuracies else None

    @property
    def over(self) -> bool:
        """Whether the trial has ended."""
        return self.state not in ("waiting", "training")


class SweepStatus(Checked):
    """State of a sweep.

    Attributes
    ----------
    state : {"running", "stopping", "done", "stopped", "failed"}
    sentence : str
        Why it stopped or failed; empty otherwise.
    trials : tuple of Trial
        Trials begun so far, in order.
    """

    sweep_id: str
    owner: str
    spec: SweepSpec
    state: SweepState = "running"
    sentence: str = ""
    trials: tuple[Trial, ...] = ()

    @model_validator(mode="after")
    def _trials_of_this_sweep(self) -> Self:
        """Check that the trials are those of the specification, as a damaged record's are not."""
        if not self.trials:
            return self
        possible = {name: choices(self.spec.base, name) for name in self.spec.vary}
        for number, trial in enumerate(self.trials, start=1):
            if not (
                trial.number == number <= self.spec.n_trials
                and trial.settings.keys() == possible.keys()
                and all(_offers(possible[name], value) for name, value in trial.settings.items())
                and len(trial.accuracies) <= self.spec.base.training.epochs
                and all(0 <= accuracy <= 1 for accuracy in trial.accuracies)
                and 0 <= trial.seconds <= MAX_SECONDS**2
            ):
                raise ValueError(f"Trial {number} does not belong to this sweep.")
        return self

    @property
    def active(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in ("running", "stopping")

    @property
    def n_over(self) -> int:
        """Number of trials that have ended in any way."""
        return sum(trial.over for trial in self.trials)

    @property
    def share(self) -> float:
        """Progress in [0, 1]; pruned trials count as complete."""
        n_epochs = self.spec.base.training.epochs
        done = sum(n_epochs if trial.over else len(trial.accuracies) for trial in self.trials)
        return done / (n_epochs * self.spec.n_trials)

    @property
    def best(self) -> Trial | None:
        """Finished trial with the highest accuracy; the earlier one of equals."""
        finished = [trial for trial in self.trials if trial.state == "done" and trial.accuracies]
        return max(finished, key=lambda trial: trial.accuracies[-1], default=None)

    @property
    def chance(self) -> float:
        """Difference in accuracy that two equally good runs may have by chance, in [0, 1].

        19 of 20 pairs differ by less: 1.96 times the standard deviation of the difference of two
        accuracies.
        """
        accuracy = (self.best.accuracy if self.best is not None else None) or 0.0
        return 1.96 * math.sqrt(2 * accuracy * (1 - accuracy) / self.n_judged)

    @property
    def n_judged(self) -> int:
        """Number of validation images."""
        return INFO[self.spec.base.training.data_set].n_validation

    def run(self, trial: Trial) -> RunSpec:
        """Return the run of a trial."""
        return run_of(self.spec.base, trial.settings).model_copy(update={"trial": False})

    def as_dict(self) -> Mapping[str, object]:
        """Return the results as JSON data."""
        best = self.best
        return {
            "state": self.state,
            "best": None if best is None else _outcome(best),
            "trials": [_outcome(trial) for trial in self.trials],
        }


def _offers(possible: tuple[Value, ...] | Range, value: Value) -> bool:
    """Return whether a setting could have this value."""
    if isinstance(possible, Range):
        return not isinstance(value, str) and possible.low <= value <= possible.high
    return value in possible


def _outcome(trial: Trial) -> dict[str, object]:
    return {
        "trial": trial.number,
        "settings": trial.settings,
        "state": trial.state,
        "val_accuracy": trial.accuracy,
        "seconds": round(trial.seconds, 2),
    } | ({"sentence": trial.sentence} if trial.sentence else {})
