"""Argument types and their checks.

Each public function converts its arguments to these once; internal code relies on it.
"""

import math
from collections.abc import Sequence
from numbers import Real
from textwrap import shorten
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

MAX_SHOWN = 80  # characters of a value in a message
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


def check_finite(**values: float) -> None:
    """Raise ValueError if any of the named values is not a finite number."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            raise ValueError(
                f"`{name}` must be a finite number. Received: {name}={received(value)}"
            )


def check_class(n_classes: int, **values: int) -> None:
    """Raise ValueError if any of the named values is not the number of a class."""
    for name, value in values.items():
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not 0 <= value < n_classes:
            raise ValueError(
                f"`{name}` must be a class from 0 to {n_classes - 1}. "
                f"Received: {name}={received(value)}"
            )


def received(value: Any) -> str:
    """Return a value as messages show it, shortened."""
    return shorten(repr(value), MAX_SHOWN, placeholder=" ...")


def as_array(name: str, values: Any) -> NDArray[Any]:
    """Return `values` as an array of any kind; ShapeError if its rows differ in length."""
    try:
        return np.asarray(values)
    except ValueError:
        raise ShapeError(
            f"`{name}` must be an array, its rows equally long. Received: {name}={received(values)}"
        ) from None


def as_numbers(name: str, values: Any) -> Array:
    """Return `values` as a floating array of any shape, without a needless copy.

    Whole numbers and booleans become float64; float32 stays float32. NaN and infinity pass
    through, as they do through a formula; a training that diverges is told by its loss.

    Raises
    ------
    ValueError
        If they are not real numbers.
    """
    array = as_array(name, values)
    if array.dtype.kind in "biu":
        array = array.astype(np.float64)
    if array.dtype.kind != "f":
        raise ValueError(f"`{name}` must hold real numbers. Received: {name}.dtype={array.dtype}")
    return array


def as_finite(name: str, values: Any) -> Images:
    """Return `values` as float32, of any shape; ValueError if a number is not finite in it."""
    with np.errstate(over="ignore"):  # said here
        array = as_numbers(name, values).astype(np.float32, copy=False)
    wrong = ~np.isfinite(array)
    if wrong.any():
        place = tuple(map(int, np.argwhere(wrong)[0]))
        raise ValueError(
            f"`{name}` must hold finite numbers of float32. "
            f"Received: {name}[{', '.join(map(str, place))}]={array[place]}"
        )
    return array


def as_finite_images(images: Any) -> Images:
    """Return `images` as finite float32 of shape (n, height, width, channels).

    Raises
    ------
    ShapeError
        If they do not have four axes, or no pixels.
    ValueError
        If a number is not finite.
    """
    array = as_finite("images", images)
    if array.ndim != 4 or not all(array.shape[1:]):
        raise ShapeError(
            "`images` must hold pixels, in shape (n, height, width, channels). "
            f"Received: images.shape={array.shape}"
        )
    return array


def as_classes(name: str, values: Any, n_classes: int) -> NDArray[np.int64]:
    """Return one class for each image; ValueError if they are not numbers of classes."""
    array = as_array(name, values)
    whole = array.dtype.kind in "iu" and array.ndim == 1
    if not whole or not ((array >= 0) & (array < n_classes)).all():
        raise ValueError(
            f"`{name}` must be whole numbers from 0 to {n_classes - 1}, one for each image. "
            f"Received: {name}={received(array)}"
        )
    return array.astype(np.int64, copy=False)


def as_float(name: str, values: Any, *, ndim: int, axes: str) -> Array:
    """Return `values` as `as_numbers` does, with `ndim` dimensions.

    Raises
    ------
    ShapeError
        If the number of dimensions is wrong; `axes` is named in the message.
    """
    array = as_numbers(name, values)
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
    array = as_numbers("bias", bias)
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
    array = as_numbers(name, values)
    if array.shape != shape:
        raise ShapeError(
            f"`{name}` must have the shape of the output, {shape}. "
            f"Received: {name}.shape={array.shape}"
        )
    return array
