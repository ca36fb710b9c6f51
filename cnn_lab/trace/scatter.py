"""Shared parts of gradient traces: the two forms, running totals and signed grids."""

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.types import Borders, Pair, ShapeError, as_float
from cnn_lab.trace.grid import PADDING, IntArray, Role, Scale
from cnn_lab.trace.layer import Placer
from cnn_lab.trace.numbers import FloatArray, Precision, settle
from cnn_lab.trace.windows import as_image, check_finite

Form = Literal["gather", "scatter"]

DROPPED_CAPTION = " Cells outside, where it is dropped: {padding}."
ZEROS_CAPTION = " Inserted zeros among them: {padding}."


def check_form(form: str) -> None:
    """Raise ValueError unless it is "gather" or "scatter"."""
    if form not in get_args(Form):
        raise ValueError(f'`form` must be "gather" or "scatter". Received: form={form!r}')


def as_map(name: str, values: NDArray[Any]) -> NDArray[np.floating[Any]]:
    """Return one channel of finite numbers, shape (rows, columns), from two or three axes.

    Raises
    ------
    ShapeError
        If there are several channels; gradients are traced one channel at a time.
    """
    array = as_image(values) if name == "image" else as_float(name, values, ndim=2, axes="(r, c)")
    if array.ndim == 3:
        if array.shape[2] != 1:
            raise ShapeError(
                "Gradients are traced one channel at a time; pass one, shape (height, width). "
                f"Received: {name}.shape={array.shape}"
            )
        array = array[:, :, 0]
    check_finite(name, array)
    return array


def check_gradient(grad_output: NDArray[Any], positions: Pair) -> None:
    """Raise ShapeError unless there is one number for each position of the window."""
    if grad_output.shape != positions:
        raise ShapeError(
            "`grad_output` must have one number for each output of the forward pass, shape "
            f"{positions}. Received: grad_output.shape={grad_output.shape}"
        )


def place_gradient(
    place: Placer, values: FloatArray, precision: Precision, *, role: Role = "kernel"
) -> int:
    """Append the gradient that arrives from the next layer and return its first id."""
    return place(
        values,
        key="grad-output",
        title="Output gradient",
        role=role,
        family="Output gradient",
        scale=Scale.signed(values),
        precision=precision,
    )


def scatter_totals(
    targets: IntArray, amounts: FloatArray, precision: Precision
) -> tuple[FloatArray, FloatArray]:
    """Return the total in each target after each addition, and the extremes of all totals.

    Parameters
    ----------
    targets : ndarray of int, shape (links,)
    amounts : ndarray of float64, shape (links,)
        Numbers added, in the order of the steps.
    precision : Precision
        Digits of the result.

    Returns
    -------
    totals : ndarray of float64, shape (links,)
    extremes : ndarray of float64
        The largest and the smallest total, for a colour scale that holds them all.
    """
    order = np.argsort(targets, kind="stable")
    running = np.cumsum(amounts[order])
    is_first = np.r_[True, np.diff(targets[order]) != 0][: len(order)]
    before = np.where(is_first, running - amounts[order], 0.0)
    firsts = np.flatnonzero(is_first)
    sizes = np.diff(np.r_[firsts, len(order)])
    totals = np.empty_like(amounts)
    totals[order] = running - np.repeat(before[firsts], sizes)
    decimals = precision.decimals
    totals = settle(totals, decimals, exact=precision.exact)[0]
    return totals, np.array([totals.max(initial=0.0), totals.min(initial=0.0)])


def ring_mask(size: Pair, borders: Borders) -> NDArray[np.uint8]:
    """Return a mask of the padded size that marks the border."""
    (top, bottom), (left, right) = borders
    mask = np.full((size[0] + top + bottom, size[1] + left + right), PADDING, np.uint8)
    mask[top : top + size[0], left : left + size[1]] = 0
    return mask


def padded_labels(size: Pair, borders: Borders) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return row and column labels of the padded size; padding counts down from -1."""
    rows, columns = (
        tuple(range(-before, length + after))
        for length, (before, after) in zip(size, borders, strict=True)
    )
    return rows, columns
