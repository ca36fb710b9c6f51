"""What the recorded experiment came to: five seeds of each network, epoch by epoch.

The numbers lie in `data/experiment.json`, which `python -m benchmarks.summary` writes from the
records of the runs.
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

PAPER_ACCURACY = 0.992  # what the source paper reports for its network
PATH = Path(__file__).with_name("experiment.json")

Curves = NDArray[np.float64]
Measure = Literal["loss", "accuracy"]


@dataclass(frozen=True, eq=False)
class Experiment:
    """One network, trained with several seeds.

    Attributes
    ----------
    name : str
        Of the preset.
    seeds : tuple of int
    n_test : int
        Test images that were read.
    test_errors : ndarray of float, shape (seeds, epochs)
        How many of them each run misread after each epoch.
    curves : dict of str to ndarray of float, shape (seeds, epochs)
        "loss" and "accuracy" of the training images, "val_loss" and "val_accuracy" of those set
        aside; accuracies in [0, 1].
    versions : dict of str to str
        What the runs were made with.
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
        """Test images that each seed misread in the end."""
        return tuple(int(count) for count in self.test_errors[:, -1])

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Share of the test images that each seed read correctly in the end."""
        return tuple(1 - count / self.n_test for count in self.errors)

    @property
    def mean_accuracy(self) -> float:
        """Mean over the seeds."""
        return statistics.mean(self.accuracies)

    @property
    def spread(self) -> float:
        """Standard deviation of the accuracy from seed to seed."""
        return statistics.stdev(self.accuracies)

    def epochs_to(self, accuracy: float) -> tuple[int | None, ...]:
        """Return the first epoch after which each seed read that share; None where none did."""
        reached = 1 - self.test_errors / self.n_test >= accuracy
        return tuple(int(row.argmax()) + 1 if row.any() else None for row in reached)

    def last_epoch_ahead(self, measure: Measure) -> int:
        """Return the last epoch in which validation was ahead of training; 0 if it never was.

        Means over the seeds: lower by its loss, or higher by its accuracy.
        """
        lead = (self.curves[f"val_{measure}"] - self.curves[measure]).mean(axis=0)
        ahead = lead < 0 if measure == "loss" else lead > 0
        return int(np.flatnonzero(ahead).max(initial=-1)) + 1

    def best_epoch(self) -> int:
        """Return the epoch after which the validation loss was lowest, by its mean."""
        return int(self.curves["val_loss"].mean(axis=0).argmin()) + 1


@lru_cache(maxsize=1)
def experiments() -> dict[str, Experiment]:
    """Return what is on record, by the names of the networks; the paper's comes first."""
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
