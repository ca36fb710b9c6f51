"""What an engine must be able to do."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.types import Array
from cnn_lab.training.loop.reports import Weights

Labels = NDArray[np.int64]


class Learner(Protocol):
    """A network that learns, whoever does the arithmetic."""

    def step(self, images: Array, labels: Labels, rate: float) -> tuple[float, int]:
        """Learn from one batch and return its (mean loss, right answers) before that.

        Parameters
        ----------
        images : ndarray of float32, shape (n, height, width, channels)
        labels : ndarray of int, shape (n,)
        rate : float
            Learning rate of this batch.
        """

    def judge(self, images: Array, labels: Labels) -> tuple[float, int]:
        """Return (mean loss, right answers) of images, learning nothing from them."""

    def weights(self) -> dict[str, Array]:
        """Return copies of the weights by "layer/weight"."""

    def set_weights(self, weights: Weights) -> None:
        """Put weights by "layer/weight" in place of the present ones."""
