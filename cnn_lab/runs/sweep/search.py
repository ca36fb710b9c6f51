"""Search of a sweep: Optuna proposes settings and decides which trials to prune."""

from collections.abc import Mapping
from typing import Any, cast

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState

from cnn_lab.runs.sweep.records import SweepSpec, SweepStatus, Trial
from cnn_lab.runs.sweep.space import FACTORS, FactorName, Range, choices, present

N_BEFORE_PRUNING = 4

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Search:
    """Proposals for trials, one after the other; reproducible from the sweep and the results.

    Parameters
    ----------
    spec : SweepSpec

    Notes
    -----
    The first trial is the original run, the next nine are drawn at random; then the
    tree-structured Parzen estimator [1]_ proposes them. Once four trials have finished, a trial is
    pruned if its best accuracy so far is below the median of the others after the same number of
    epochs.

    References
    ----------
    .. [1] Bergstra, Bardenet, Bengio and Kégl (2011), Advances in Neural Information
       Processing Systems 24.
    """

    def __init__(self, spec: SweepSpec) -> None:
        self._study = optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=spec.base.training.seed),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=N_BEFORE_PRUNING),
        )
        self._distributions = distributions(spec)
        self._n_epochs = spec.base.training.epochs
        self._study.enqueue_trial(cast(dict[str, Any], present(spec.base, spec.vary)))
        self._asked: dict[int, optuna.Trial] = {}

    def ask(self) -> Trial:
        """Return the next trial, numbered from 1."""
        asked = self._study.ask(cast(dict[str, BaseDistribution], self._distributions))
        number = asked.number + 1
        self._asked[number] = asked
        return Trial(number=number, settings=cast(dict[FactorName, Any], asked.params))

    def should_prune(self, number: int, epoch: int, accuracy: float) -> bool:
        """Record an epoch, and return whether to prune the trial; never after the last epoch."""
        trial = self._asked[number]
        trial.report(accuracy, epoch)
        return epoch < self._n_epochs and trial.should_prune()

    def tell(self, trial: Trial) -> None:
        """Record how a trial ended."""
        asked = self._asked.pop(trial.number)
        state = _STATES.get(trial.state, TrialState.FAIL)
        value = trial.accuracy if state == TrialState.COMPLETE else None
        self._study.tell(asked, value, state=state)


_STATES = {"done": TrialState.COMPLETE, "pruned": TrialState.PRUNED}


def distributions(spec: SweepSpec) -> dict[FactorName, BaseDistribution]:
    """Return the varied settings as Optuna distributions."""

    def one(name: FactorName) -> BaseDistribution:
        found = choices(spec.base, name)
        if isinstance(found, Range):
            return FloatDistribution(found.low, found.high, log=True)
        return CategoricalDistribution(found)

    return {name: one(name) for name in spec.vary}


def as_optuna(status: SweepStatus) -> optuna.Study:
    """Return the results of a sweep as an Optuna study, for its figures.

    Settings are named by their titles. Failed and stopped trials are left out, because they say
    nothing about their settings.
    """
    study = optuna.create_study(direction="maximize")
    wanted = {FACTORS[name].title: one for name, one in distributions(status.spec).items()}
    told = [trial for trial in status.trials if trial.state in _STATES and trial.accuracies]
    study.add_trials([_frozen(trial, wanted) for trial in told])
    return study


def _frozen(trial: Trial, wanted: Mapping[str, BaseDistribution]) -> FrozenTrial:
    return optuna.trial.create_trial(
        state=_STATES[trial.state],
        value=trial.accuracy,
        params={FACTORS[name].title: value for name, value in trial.settings.items()},
        distributions=dict(wanted),
        intermediate_values=dict(enumerate(trial.accuracies, start=1)),
    )
