"""Learning rate schedules."""

import numpy as np

from cnn_lab.network.spec import TrainingSpec
from cnn_lab.ops.types import Array

WARM_UP = 0.25  # of a one-cycle run
LOWEST = 0.01  # of the highest rate, where a schedule falls


def learning_rates(training: TrainingSpec, n_batches: int) -> Array:
    """Return the learning rate of each batch of a run, shape (n_batches,).

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
        linear from 0.1 r to r at t = 1/4, then as cosine

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


def _cosine(t: Array) -> Array:
    return np.asarray(LOWEST + (1 - LOWEST) * (1 + np.cos(np.pi * t)) / 2)
