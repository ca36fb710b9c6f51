"""Trying many settings, each a little: a search whose trials are runs of the queue.

What may be varied (`space`), a sweep as data (`records`), the search itself (`study`, and the
only module here that needs Optuna, so that pages import it late), the thread that has the
trials trained (`runner`), and where sweeps are asked for and kept (`desk`).
"""

from cnn_lab.runs.sweep.desk import Desk, UnknownSweepError
from cnn_lab.runs.sweep.records import MAX_TRIALS, SweepSpec, SweepStatus, Trial
from cnn_lab.runs.sweep.runner import Sweep
from cnn_lab.runs.sweep.space import FACTORS, FactorName, choices, run_of, words

__all__ = [
    "Desk",
    "FACTORS",
    "FactorName",
    "MAX_TRIALS",
    "Sweep",
    "SweepSpec",
    "SweepStatus",
    "Trial",
    "UnknownSweepError",
    "choices",
    "run_of",
    "words",
]
