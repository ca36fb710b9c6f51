"""Results of the recorded experiment: five seeds of each network, epoch by epoch.

The numbers are in `experiment.json`, which `python -m benchmarks.summary` writes from the records
of the runs.
"""

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

PAPER_ACCURACY = 0.992  # reported by the source paper
PATH = Path(__file__).with_name("experiment.json")

Curves = NDArray[np.float64]
Measure = Literal["loss", "accuracy"]


@dataclass(frozen=True, eq=False)
class Experiment:
    """A network trained with several seeds.

    Attributes
    ----------
    name : str
        Of the preset.
    seeds : tuple of int
    n_test : int
        Number of test images.
    test_errors : ndarray of float, shape (seeds, epochs)
        Errors of each run after each epoch.
    curves : dict of str to ndarray of float, shape (seeds, epochs)
        "loss" and "accuracy" of the training images, "val_loss" and "val_accuracy" of the
        validation images; accuracies in [0, 1].
    versions : dict of str to str
        Versions of the software.
    """

    name: str
    seeds: tuple[int, ...]
    n_test: int
    test_errors: Curves
    curves: Mapping[str, Curves]
    versions: Mapping[str, str]

    @property
    def n_epochs(self) -> int:
        """Epochs of each run."""
        return int(self.test_errors.shape[1])

    @property
    def errors(self) -> tuple[int, ...]:
        """Final errors of each seed on the test images."""
        return tuple(int(count) for count in self.test_errors[:, -1])

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Final test accuracy of each seed."""
        return tuple(1 - count / self.n_test for count in self.errors)

    @property
    def mean_accuracy(self) -> float:
        """Mean test accuracy over the seeds."""
        return statistics.mean(self.accuracies)

    @property
    def spread(self) -> float:
        """Standard deviation of the test accuracy over the seeds."""
        return statistics.stdev(self.accuracies)

    def last_epoch_ahead(self, measure: Measure) -> int:
        """Return the last epoch in which validation was ahead of training; 0 if it never was.

        Compares means over the seeds: a lower loss, or a higher accuracy.
        """
        lead = (self.curves[f"val_{measure}"] - self.curves[measure]).mean(axis=0)
        ahead = lead < 0 if measure == "loss" else lead > 0
        return int(np.flatnonzero(ahead).max(initial=-1)) + 1

    def best_epoch(self) -> int:
        """Return the epoch with the lowest mean validation loss."""
        return int(self.curves["val_loss"].mean(axis=0).argmin()) + 1


@lru_cache(maxsize=1)
def experiments() -> dict[str, Experiment]:
    """Return the recorded experiments by network name, the paper's first."""
    recorded = json.loads(PATH.read_text(encoding="utf-8"))["networks"]
    return {name: _experiment(name, fields) for name, fields in recorded.items()}


def _experiment(name: str, fields: Mapping[str, Any]) -> Experiment:
    return Experiment(
        name,
        tuple(fields["seeds"]),
        fields["n_test"],
        np.array(fields["test_errors"], float),
        {measure: np.array(rows, float) for measure, rows in fields["curves"].items()},
        fields["versions"],
    )
