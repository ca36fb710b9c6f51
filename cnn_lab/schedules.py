"""The learning rate of each batch of a run."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from cnn_lab.ops.padding import Array
from cnn_lab.spec import TrainingSpec

WARM_UP = 0.25  # of a one-cycle run
LOWEST = 0.01  # of the highest rate, where a schedule falls
_SAME = 1e-4  # relative difference below which two highest rates are one


def learning_rates(training: TrainingSpec, n_batches: int) -> Array:
    """Return the rate of each batch of a run of `n_batches`, shape (n_batches,).

    Notes
    -----
    With t from 0 to 1 over the run and r the highest rate:

    constant
        r
    step
        r, a tenth of it from t = 1/2 on, a hundredth from t = 3/4 on
    exponential
        r * 0.01 ** t
    cosine
        half a period of a cosine from r to 0.01 r
    one_cycle
        a straight climb from 0.1 r to r at t = 1/4, then as cosine

    References
    ----------
    .. [1] Smith and Topin (2019), arXiv:1708.07120: one cycle.
    .. [2] Loshchilov and Hutter (2017), arXiv:1608.03983: the cosine.
    """
    t = np.arange(n_batches) / max(1, n_batches)
    shares: Array
    match training.schedule:
        case "constant":
            shares = np.ones(n_batches)
        case "step":
            shares = np.where(t < 0.5, 1.0, np.where(t < 0.75, 0.1, 0.01))
        case "exponential":
            shares = LOWEST**t
        case "cosine":
            shares = _cosine(t)
        case "one_cycle":
            climb = 0.1 + 0.9 * t / WARM_UP
            shares = np.where(t < WARM_UP, climb, _cosine((t - WARM_UP) / (1 - WARM_UP)))
    return np.asarray(training.learning_rate * shares)


def changed_rates(
    training: TrainingSpec, n_batches: int, reports: Sequence[Mapping[str, float]]
) -> list[tuple[float, float]]:
    """Return where somebody took another highest rate while a run went on.

    Parameters
    ----------
    training : TrainingSpec
    n_batches : int
        Of one epoch.
    reports : sequence of mappings
        Reports within epochs: `epoch` and `batch` from 1, `n_images` since the start, and the
        learning `rate` of the latest batch. Those of runs from before there were rates to
        report tell nothing, and are left out.

    Returns
    -------
    list of (float, float)
        Images trained on before the change, as far as the reports tell, and the highest rate
        of the schedule from there on.
    """
    rated = [report for report in reports if "rate" in report]
    planned = learning_rates(training, n_batches * training.epochs)
    highest = [training.learning_rate]
    for report in rated:
        batch = int((report["epoch"] - 1) * n_batches + report["batch"]) - 1
        highest.append(training.learning_rate * report["rate"] / float(planned[batch]))
    begun_at = [0.0, *(report["n_images"] for report in rated)]
    return [
        (at, after)
        for at, (before, after) in zip(begun_at, pairwise(highest), strict=False)
        if abs(after - before) > _SAME * before
    ]


def _cosine(t: Array) -> Array:
    return np.asarray(LOWEST + (1 - LOWEST) * (1 + np.cos(np.pi * t)) / 2)
