"""Argument types and their checks.

Each public function converts its arguments to these once; internal code relies on it.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
Shape = tuple[int, ...]
Array = NDArray[np.floating[Any]]
Pair = tuple[int, int]
Borders = tuple[Pair, Pair]
IntOrPair = int | Sequence[int]
Padding = Literal["valid", "same", "full"] | int | tuple[IntOrPair, IntOrPair]
PadMode = Literal["zeros", "reflect", "edge", "wrap"]

PAD_MODES: tuple[PadMode, ...] = ("zeros", "reflect", "edge", "wrap")


class ShapeError(ValueError):
    """Arrays or sizes that cannot be combined; the message says what would fit."""


class CopyError(ShapeError):
    """Padding that would have to copy more pixels than the image has."""


def check_at_least(minimum: int, **values: int) -> None:
    """Raise ValueError if any of the named whole numbers is smaller than `minimum`.

    Parameters
    ----------
    minimum : int
    **values : int
        Values to check, by the names that the message shows.

    Raises
    ------
    ValueError
        If a value is not a whole number or too small.
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"`{name}` must be a whole number. Received: {name}={value!r}")
        if value < minimum:
            raise ValueError(f"`{name}` must be at least {minimum}. Received: {name}={value}")


def pair(name: str, value: IntOrPair, *, minimum: int = 1) -> Pair:
    """Return (rows, columns) from a whole number or from two of them.

    Raises
    ------
    ValueError
        If `value` is neither, or one of its numbers is below `minimum`.

    Examples
    --------
    >>> pair("strides", 2)
    (2, 2)
    >>> pair("strides", (2, 1))
    (2, 1)
    """
    numbers = [value, value] if isinstance(value, int | np.integer) else value
    if (
        not isinstance(numbers, Sequence)
        or isinstance(numbers, str)
        or len(numbers) != 2
        or not all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in numbers)
        or min(numbers) < minimum
    ):
        raise ValueError(
            f"`{name}` must be a whole number of at least {minimum}, or a pair of them. "
            f"Received: {name}={value!r}"
        )
    return int(numbers[0]), int(numbers[1])


def as_float(name: str, values: Any, *, ndim: int, axes: str) -> Array:
    """Return `values` as a floating array of `ndim` dimensions, without a needless copy.

    Whole numbers and booleans become float64; float32 stays float32.

    Raises
    ------
    ShapeError
        If the number of dimensions is wrong; `axes` is named in the message.
    """
    array = np.asarray(values)
    if array.dtype.kind in "biu":
        array = array.astype(np.float64)
    if array.dtype.kind != "f":
        raise ValueError(f"`{name}` must hold numbers. Received: {name}.dtype={array.dtype}")
    if array.ndim != ndim:
        raise ShapeError(f"`{name}` must have shape {axes}. Received: {name}.shape={array.shape}")
    return array


def as_images(images: Any) -> Array:
    """Return `images` as a floating array of shape (n, height, width, channels)."""
    return as_float("images", images, ndim=4, axes="(n, height, width, channels)")


def as_bias(bias: Any, length: int, noun: str) -> Array | None:
    """Return `bias` as a floating array of `length` numbers, or None.

    Raises
    ------
    ShapeError
        If it does not hold one number per `noun`: filter, map or unit.
    """
    if bias is None:
        return None
    array = as_float("bias", bias, ndim=np.ndim(bias), axes="")
    if array.shape != (length,):
        raise ShapeError(
            f"`bias` must hold one number per {noun}, {length}. Received: bias.shape={array.shape}"
        )
    return array


def as_gradient(name: str, values: Any, shape: tuple[int, ...]) -> Array:
    """Return `values` as a floating array after checking its shape.

    Raises
    ------
    ShapeError
        If the shape is not `shape`; names both.
    """
    array = as_float(name, values, ndim=np.ndim(values), axes="")
    if array.shape != shape:
        raise ShapeError(
            f"`{name}` must have the shape of the output, {shape}. "
            f"Received: {name}.shape={array.shape}"
        )
    return array
