"""Protocol of the two engines, Keras and NumPy."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.ops.types import Array, Shape

EngineName = Literal["keras", "numpy"]
Labels = NDArray[np.int64]
Weights = Mapping[str, Array]
State = Mapping[str, NDArray[Any]]

REPORT_EVERY_S = 0.25  # within an epoch, whatever the engine

ENGINES: dict[EngineName, str] = {"keras": "Keras", "numpy": "NumPy"}


class Engine(Protocol):
    """Network with its optimizer that learns one batch at a time.

    Attributes
    ----------
    name : {"keras", "numpy"}
    network, training : NetworkSpec, TrainingSpec
    versions : dict of str to str
        Versions of the libraries that compute, other than NumPy and Python.
    """

    name: EngineName
    network: NetworkSpec
    training: TrainingSpec
    versions: dict[str, str]

    def step(self, images: Array, labels: Labels, rate: float) -> tuple[float, int]:
        """Learn from one batch and return its (mean loss, correct answers) before the step.

        Parameters
        ----------
        images : ndarray of float32, shape (n, height, width, channels)
        labels : ndarray of int, shape (n,)
        rate : float
            Learning rate of this batch.
        """

    def evaluate(self, images: Array, labels: Labels) -> tuple[float, int]:
        """Return (mean loss, correct answers) of one batch without learning from it."""

    def predict(self, images: Array) -> Array:
        """Return the class probabilities of any number of images, shape (n, classes)."""

    def weights(self) -> dict[str, Array]:
        """Return copies of the weights by "layer/weight"."""

    def change(self, training: TrainingSpec, dropout: float | None) -> None:
        """Learn with another label smoothing, weight decay and dropout from the next step on.

        Parameters
        ----------
        training : TrainingSpec
            Other settings in it have no effect here.
        dropout : float, optional
            The rate of every dropout layer; by default each keeps its own.
        """

    def set_weights(self, weights: Weights) -> None:
        """Replace the weights by those given, named "layer/weight"."""

    def state(self) -> State:
        """Return copies of all that the next step depends on, weights included, by any names."""

    def set_state(self, state: State) -> None:
        """Go on from what `state` of an engine with the same specs has returned.

        Raises
        ------
        ValueError
            If the names or shapes are others.
        """


def check_state(state: State, wanted: Mapping[str, Shape]) -> None:
    """Raise ValueError unless a state has exactly the arrays of an engine."""
    found = {name: values.shape for name, values in state.items()}
    if found != wanted:
        odd = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
        raise ValueError(
            f"The state must have the arrays of its engine. Received: {len(odd)} others, "
            f"the first {odd[0]}"
        )
