"""Checks of a page's numbers against Keras: the request, the answer, and what counts as equal.

Keras is called in `keras_check`, in the worker process; this module holds the data sent to it and
back.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cnn_lab.concepts.layer_call import LayerCall, Precision, digest
from cnn_lab.ops.types import Array

RELATIVE_TOLERANCE = 1e-5
MAX_BYTES = 1_000_000


class CheckRefusedError(ValueError):
    """A check that was not accepted; the message says why."""


class CheckFailedError(RuntimeError):
    """A check that could not be answered; the message says why."""


@dataclass(frozen=True, eq=False)
class LayerCheck:
    """A layer call and the results that the page shows.

    Parameters
    ----------
    call : LayerCall
    computed : mapping of str to ndarray
        The numbers shown, by some or all of `call.quantities`.

    Raises
    ------
    ValueError
        If there is nothing to compare, or a name is not one of the quantities.
    """

    call: LayerCall
    computed: Mapping[str, Array]

    def __post_init__(self) -> None:
        if not self.computed or not set(self.computed) <= set(self.call.quantities):
            raise ValueError(
                f"`computed` must hold some of {self.call.quantities}. "
                f"Received: computed={sorted(self.computed)}"
            )

    @cached_property
    def digest(self) -> str:
        """Short name, unique to these settings and numbers."""
        parts = [part for pair in self.call.arrays() for part in pair]
        shown = [part for name in sorted(self.computed) for part in (name, self.computed[name])]
        return digest(self.call.operation, self.call.settings, *parts, *shown)

    @property
    def n_bytes(self) -> int:
        """Total size of all arrays in bytes."""
        asked = sum(array.nbytes for _, array in self.call.arrays())
        return asked + sum(array.nbytes for array in self.computed.values())


@dataclass(frozen=True)
class Comparison:
    """One array of the page compared with that of Keras.

    Attributes
    ----------
    quantity : str
        Name of the array.
    shape, keras_shape : tuple of int
    difference : float
        Largest difference; infinite if the shapes differ, NaN if either array holds a NaN.
    magnitude : float
        Largest absolute value in either array.
    cell : tuple of int
        Where the difference is largest; `here` and `keras` are the values there.
    here, keras : float
    """

    quantity: str
    shape: tuple[int, ...]
    keras_shape: tuple[int, ...]
    difference: float
    magnitude: float
    cell: tuple[int, ...] = ()
    here: float = float("nan")
    keras: float = float("nan")

    @property
    def allowed(self) -> float:
        """Largest difference that counts as rounding."""
        return RELATIVE_TOLERANCE * max(1.0, self.magnitude)

    @property
    def agrees(self) -> bool:
        """Whether the shapes are equal and all differences are within rounding."""
        # Both comparisons are false for NaN.
        return (
            self.shape == self.keras_shape
            and math.isfinite(self.magnitude)
            and self.difference <= self.allowed
        )


@dataclass(frozen=True)
class Answer:
    """Answer of Keras to a check.

    Attributes
    ----------
    comparisons : tuple of Comparison
        One for each array that was sent.
    keras, backend : str
        Versions, such as "3.15.1" and "tensorflow 2.21.0".
    precision : str
        Floating-point type of the calculation: the same as on the page.
    """

    comparisons: tuple[Comparison, ...]
    keras: str
    backend: str
    precision: Precision

    @property
    def agrees(self) -> bool:
        """Whether every array agrees."""
        return bool(self.comparisons) and all(one.agrees for one in self.comparisons)

    @property
    def worst(self) -> Comparison:
        """The comparison to show: one that fails, otherwise the one that differs most."""

        def rank(one: Comparison) -> tuple[bool, float]:
            return not one.agrees, one.difference / one.allowed

        return max(self.comparisons, key=rank)

    @property
    def sentence(self) -> str:
        """The answer as a sentence."""
        version = ".".join(self.keras.split(".")[:2])
        worst = self.worst
        if self.agrees:
            largest = max(one.difference for one in self.comparisons)
            return f"Agrees with Keras {version}: largest difference {largest:.2g}"
        if worst.shape != worst.keras_shape:
            return (
                f"Differs from Keras {version}: the {_words(worst)} has shape {worst.shape} here "
                f"and {worst.keras_shape} in Keras"
            )
        return (
            f"Differs from Keras {version}: the {_words(worst)} at {worst.cell} is "
            f"{worst.here:.9g} here and {worst.keras:.9g} in Keras"
        )

    @property
    def details(self) -> str:
        """Details of the answer: versions, precision and differences by array."""
        each = ", ".join(f"{_words(one)} {one.difference:.2g}" for one in self.comparisons)
        one_by_one = f"Largest differences: {each}. " if len(self.comparisons) > 1 else ""
        return (
            f"{one_by_one}Computed again with Keras {self.keras} on {self.backend} in "
            f"{self.precision}; up to {self.worst.allowed:.2g} counts as rounding."
        )


def compare(quantity: str, here: Array, keras: Array) -> Comparison:
    """Compare an array of the page with that of Keras.

    Examples
    --------
    >>> compare("result", np.array([1.0, 2.0]), np.array([1.0, 2.5])).difference
    0.5
    >>> compare("result", np.array([1.0]), np.array([1.0, 1.0])).agrees
    False
    """
    magnitude = max(float(np.max(np.abs(array), initial=0.0)) for array in (here, keras))
    if here.shape != keras.shape:
        return Comparison(quantity, here.shape, keras.shape, float("inf"), magnitude)
    if not here.size:
        return Comparison(quantity, here.shape, keras.shape, 0.0, magnitude)
    with np.errstate(invalid="ignore"):  # infinities give NaN, which does not agree
        differences = np.abs(here.astype(np.float64) - keras.astype(np.float64))
    at = np.unravel_index(int(np.argmax(differences)), differences.shape)
    return Comparison(
        quantity,
        here.shape,
        keras.shape,
        float(differences[at]),
        magnitude,
        tuple(int(index) for index in at),
        float(here[at]),
        float(keras[at]),
    )


def _words(one: Comparison) -> str:
    return one.quantity.replace("_", " ")
