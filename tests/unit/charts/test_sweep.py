"""Optuna's figures of a finished sweep."""

import pytest

from cnn_lab.charts.sweep import EACH, VIEWS, figure, has_enough, views
from cnn_lab.runs.sweep.records import SweepStatus
from tests.unit.runs.test_sweep_search import gone_through, spec


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
