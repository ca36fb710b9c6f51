"""Optuna's figures of a finished sweep."""

# Optuna's figures are typed in parts only.
# mypy: allow-untyped-calls

from typing import Any

import optuna

from cnn_lab.runs.sweep.records import SweepStatus
from cnn_lab.runs.sweep.search import as_optuna
from cnn_lab.runs.sweep.space import FACTORS

MATTERED, EACH, TOGETHER, HISTORY = "What mattered", "Each setting", "All at once", "History"
VIEWS = (MATTERED, EACH, TOGETHER, HISTORY)
MAX_APART = 3  # settings that have room beside each other
ENOUGH_TRIALS = 4
TARGET = "Validation accuracy"
HEIGHT_PX = 360


def figure(status: SweepStatus, view: str) -> Any:
    """Return a Plotly figure of what the trials have come to.

    Parameters
    ----------
    status : SweepStatus
        Of which `has_enough` is true.
    view : str
        One of `VIEWS`: how much of the differences each setting explains; accuracy against
        each setting; all settings of each trial as a line; accuracy against trials.

    References
    ----------
    .. [1] Watanabe, Bansal and Hutter (2023), arXiv:2304.10255: PED-ANOVA, how much a setting
       explains.
    """
    study = as_optuna(status)
    titles = [FACTORS[name].title for name in status.spec.vary]
    match view:
        case "What mattered":
            made = optuna.visualization.plot_param_importances(study, target_name=TARGET)
            made.update_layout(xaxis_title="Share of what the settings explain", yaxis_title=None)
        case "Each setting":
            made = optuna.visualization.plot_slice(study, params=titles, target_name=TARGET)
        case "All at once":
            made = optuna.visualization.plot_parallel_coordinate(
                study, params=titles, target_name=TARGET
            )
        case _:
            made = optuna.visualization.plot_optimization_history(study, target_name=TARGET)
    made.update_layout(title=None, height=HEIGHT_PX, margin={"t": 40})
    return made


def views(status: SweepStatus) -> tuple[str, ...]:
    """Return the views that can be read: with many settings, not each by itself."""
    return tuple(view for view in VIEWS if view != EACH or len(status.spec.vary) <= MAX_APART)


def has_enough(status: SweepStatus) -> bool:
    """Return whether trials enough went to their end, and not all to the same."""
    reached = [trial.accuracy for trial in status.trials if trial.state == "done"]
    return len(reached) >= ENOUGH_TRIALS and len(set(reached)) > 1
