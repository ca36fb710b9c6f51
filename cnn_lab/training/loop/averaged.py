"""Weights that are averaged while they are learned."""

from cnn_lab.ops.types import Array

AVERAGE_EVERY = 8  # batches: copying the weights out of an engine takes some milliseconds


class Averaged:
    """A running average of weights, nearer to the latest ones while it is young."""

    def __init__(self, momentum: float) -> None:
        self._momentum = momentum**AVERAGE_EVERY
        self._n = 0
        self.weights: dict[str, Array] = {}

    def add(self, weights: dict[str, Array]) -> None:
        """Move the average towards `weights`."""
        self._n += 1
        keep = min(self._momentum, self._n / (self._n + 9))
        for name, weight in weights.items():
            if name in self.weights:
                self.weights[name] += (1 - keep) * (weight - self.weights[name])
            else:
                self.weights[name] = weight
