"""The search, with Optuna itself: reproducible proposals, and hopeless trials pruned."""

import pytest

from cnn_lab.network import zoo
from cnn_lab.runs.job import RunSpec
from cnn_lab.runs.sweep.records import SweepSpec, Trial
from cnn_lab.runs.sweep.search import N_BEFORE_PRUNING, Search
from cnn_lab.runs.sweep.space import FACTORS, present


def spec(*, n_trials: int = 14, seed: int = 0) -> SweepSpec:
    preset = zoo.preset("fast")
    training = preset.training.model_copy(update={"seed": seed})
    return SweepSpec(
        base=RunSpec(network=preset.network, training=training),
        vary=tuple(FACTORS),
        n_trials=n_trials,
    )


def done(trial: Trial) -> Trial:
    """The trial as if a rate near 0.01 were the best."""
    accuracy = 0.99 - abs(float(trial.settings["learning_rate"]) - 0.01)
    return trial.model_copy(update={"state": "done", "accuracies": (accuracy,)})


def gone_through(asked: SweepSpec) -> list[Trial]:
    search, trials = Search(asked), []
    for _ in range(asked.n_trials):
        trials.append(done(search.ask()))
        search.tell(trials[-1])
    return trials


def test_the_same_sweep_proposes_the_same_and_another_seed_does_not() -> None:
    trials = gone_through(spec())
    assert trials == gone_through(spec())
    assert [trial.number for trial in trials] == list(range(1, 15))
    assert trials[0].settings == present(spec().base, spec().vary)
    assert trials[1:] != gone_through(spec(seed=1))[1:]
    assert len({str(trial.settings) for trial in trials}) == 14


def test_a_trial_behind_the_median_is_pruned_but_not_at_its_end() -> None:
    search = Search(spec())
    for _ in range(N_BEFORE_PRUNING):
        trial = search.ask()
        for epoch in (1, 2, 3):
            assert not search.should_prune(trial.number, epoch, 0.9)
        search.tell(trial.model_copy(update={"state": "done", "accuracies": (0.9,) * 3}))
    good, bad, late = search.ask(), search.ask(), search.ask()
    assert not search.should_prune(good.number, 1, 0.95)
    assert search.should_prune(bad.number, 1, 0.5)
    assert not search.should_prune(late.number, 3, 0.5)
    search.tell(bad.model_copy(update={"state": "pruned", "accuracies": (0.5,)}))


@pytest.mark.parametrize("state", ["failed", "stopped"])
def test_a_trial_without_an_end_teaches_nothing_and_the_search_goes_on(state: str) -> None:
    search = Search(spec())
    lost = search.ask().model_copy(update={"state": state, "accuracies": (0.99,)})
    search.tell(lost)
    assert search.ask().number == 2
