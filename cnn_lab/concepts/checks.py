"""Checks of a page's numbers against Keras: the request, the answer, and what counts as equal.

Keras is called in `keras_check`, in the worker process; this module holds the data sent to it and
back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cnn_lab.concepts.layer_call import LayerCall, Precision, digest
from cnn_lab.ops.types import Array

FLOAT64_TOLERANCE = 1e-9
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
        call = self.call
        return digest(call.operation, call.settings, call.activation, *parts, *shown)

    @property
    def n_bytes(self) -> int:
        """Total size of all arrays in bytes."""
        asked = sum(array.nbytes for _, array in self.call.arrays())
        return asked + sum(array.nbytes for array in self.computed.values())


def tolerance(call: LayerCall) -> float:
    """Return the largest share of its terms by which a number may differ through rounding.

    In float64 it is 1e-9. In float32 it is the bound on the rounding errors of two computations
    of the longest sum, 2 (n + 1) u: n products are added up, one more rounding is for a bias or a
    divisor, and u = 2**-24 is the largest relative error of one rounding [1]_.

    Notes
    -----
    In float64 the same bound stays below 1e-9 up to 4 million products, more than `MAX_BYTES` hold.

    References
    ----------
    .. [1] Higham (2002), Accuracy and Stability of Numerical Algorithms, section 3.1.
    """
    if call.precision == "float64":
        return FLOAT64_TOLERANCE
    return float((call.n_terms + 1) * np.finfo(np.float32).eps)


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
    share : float
        Largest difference as a share of the magnitudes that were added up for the number.
    allowed : float
        Largest share that counts as rounding.
    cell : tuple of int
        Where the share is largest; `here` and `keras` are the values there.
    here, keras : float
    """

    quantity: str
    shape: tuple[int, ...]
    keras_shape: tuple[int, ...]
    difference: float
    share: float
    allowed: float
    cell: tuple[int, ...] = ()
    here: float = float("nan")
    keras: float = float("nan")

    @property
    def agrees(self) -> bool:
        """Whether the shapes are equal and all differences are within rounding."""
        # The comparison is false for NaN.
        return self.shape == self.keras_shape and self.share <= self.allowed


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
            return not one.agrees, one.share

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
        allowed = np.format_float_scientific(
            self.worst.allowed, precision=1, trim="-", exp_digits=1
        )
        one_by_one = f"Largest differences: {each}. " if len(self.comparisons) > 1 else ""
        return (
            f"{one_by_one}Computed again with Keras {self.keras} on {self.backend} in "
            f"{self.precision}. A difference counts as rounding up to {allowed} of the sum of the "
            "magnitudes that are added up for the number."
        )


def compare(
    quantity: str, here: Array, keras: Array, *, magnitudes: Array, allowed: float
) -> Comparison:
    """Compare an array of the page with that of Keras.

    Parameters
    ----------
    quantity : str
        Name of the array.
    here, keras : ndarray
    magnitudes : ndarray, shape of `keras`
        For each number, the sum of the absolute values of its terms: what rounding errors are
        proportional to, even where the terms cancel.
    allowed : float
        Share of `magnitudes` that counts as rounding.

    Examples
    --------
    >>> here, keras, magnitudes = np.array([1.0, 2.0]), np.array([1.0, 2.5]), np.array([1.0, 4.0])
    >>> found = compare("result", here, keras, magnitudes=magnitudes, allowed=0.2)
    >>> found.difference, found.share, found.cell, found.agrees
    (0.5, 0.125, (1,), True)
    """
    if here.shape != keras.shape:
        infinite = float("inf")
        return Comparison(quantity, here.shape, keras.shape, infinite, infinite, allowed)
    if not here.size:
        return Comparison(quantity, here.shape, keras.shape, 0.0, 0.0, allowed)
    with np.errstate(divide="ignore", invalid="ignore"):  # infinities give NaN: no agreement
        differences = np.abs(here.astype(np.float64) - keras.astype(np.float64))
        shares = np.where(differences == 0, 0.0, differences / magnitudes)
    at = np.unravel_index(int(np.argmax(shares)), shares.shape)
    return Comparison(
        quantity,
        here.shape,
        keras.shape,
        float(differences.max()),
        float(shares[at]),
        allowed,
        tuple(int(index) for index in at),
        float(here[at]),
        float(keras[at]),
    )


def _words(one: Comparison) -> str:
    return one.quantity.replace("_", " ")
