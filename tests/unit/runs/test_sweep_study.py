"""The search, with Optuna itself: the same answers, the same proposals; the hopeless given up."""

import pytest

from cnn_lab.network import zoo
from cnn_lab.runs.job import RunSpec
from cnn_lab.runs.sweep import FACTORS, SweepSpec, SweepStatus, Trial
from cnn_lab.runs.sweep.pictures import EACH, VIEWS, figure, has_enough, views
from cnn_lab.runs.sweep.space import present
from cnn_lab.runs.sweep.study import N_BEFORE_PRUNING, Study


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
    study, trials = Study(asked), []
    for _ in range(asked.n_trials):
        trials.append(done(study.ask()))
        study.tell(trials[-1])
    return trials


def test_the_same_sweep_proposes_the_same_and_another_seed_does_not() -> None:
    trials = gone_through(spec())
    assert trials == gone_through(spec())
    assert [trial.number for trial in trials] == list(range(1, 15))
    assert trials[0].settings == present(spec().base, spec().vary)
    assert trials[1:] != gone_through(spec(seed=1))[1:]
    assert len({str(trial.settings) for trial in trials}) == 14


def test_a_trial_behind_the_median_is_given_up_but_not_at_its_end() -> None:
    study = Study(spec())
    for _ in range(N_BEFORE_PRUNING):
        trial = study.ask()
        for epoch in (1, 2, 3):
            assert not study.should_give_up(trial.number, epoch, 0.9)
        study.tell(trial.model_copy(update={"state": "done", "accuracies": (0.9,) * 3}))
    good, bad, late = study.ask(), study.ask(), study.ask()
    assert not study.should_give_up(good.number, 1, 0.95)
    assert study.should_give_up(bad.number, 1, 0.5)
    assert not study.should_give_up(late.number, 3, 0.5)
    study.tell(bad.model_copy(update={"state": "pruned", "accuracies": (0.5,)}))


@pytest.mark.parametrize("state", ["failed", "stopped"])
def test_a_trial_without_an_end_teaches_nothing_and_the_search_goes_on(state: str) -> None:
    study = Study(spec())
    lost = study.ask().model_copy(update={"state": state, "accuracies": (0.99,)})
    study.tell(lost)
    assert study.ask().number == 2


@pytest.mark.parametrize("view", VIEWS)
def test_optunas_figures_show_the_trials_that_ended(view: str) -> None:
    trials = gone_through(spec(n_trials=6))
    trials[3] = trials[3].model_copy(update={"state": "failed", "accuracies": ()})
    status = SweepStatus(
        sweep_id="x" * 16, owner="", spec=spec(n_trials=6), state="done", trials=tuple(trials)
    )
    assert has_enough(status)
    made = figure(status, view)
    text = made.to_json()
    assert ("Learning rate" in text) == (view != "History")
    reached = [trial.accuracy for trial in trials if trial.state == "done"]
    if view in ("History", "Each setting"):
        assert sorted(made.data[0].y) == sorted(reached)
    if view == "What mattered":
        assert sum(made.data[0].x) == pytest.approx(1)


def test_too_few_or_all_alike_is_not_enough_for_a_figure() -> None:
    trials = gone_through(spec(n_trials=5))
    status = SweepStatus(
        sweep_id="x" * 16, owner="", spec=spec(n_trials=5), state="done", trials=tuple(trials)
    )
    assert has_enough(status)
    assert EACH not in views(status)  # seven of them have no room beside each other
    assert not has_enough(status.model_copy(update={"trials": tuple(trials[:3])}))
    alike = tuple(trial.model_copy(update={"accuracies": (0.9,)}) for trial in trials)
    assert not has_enough(status.model_copy(update={"trials": alike}))
