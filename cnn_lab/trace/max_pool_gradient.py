"""Trace of the gradient of max pooling: all of it goes to the winner of each window."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.padding import pad_images
from cnn_lab.ops.pooling import max_pool2d_gradient
from cnn_lab.ops.types import IntOrPair, Padding
from cnn_lab.trace.backward_pool import CELL, BackwardPool, place_input_gradient
from cnn_lab.trace.grid import WINNER, Grid, Scale
from cnn_lab.trace.layer import Placer
from cnn_lab.trace.model import Trace
from cnn_lab.trace.numbers import MAX_SHOWN_DECIMALS, settle
from cnn_lab.trace.scatter import Form, check_form, place_gradient, scatter_totals
from cnn_lab.trace.windows import input_grids


def max_pool_gradient_trace(
    image: NDArray[Any],
    grad_output: NDArray[Any],
    *,
    pool_size: IntOrPair = 2,
    strides: IntOrPair | None = None,
    padding: Padding = "valid",
    form: Form = "scatter",
    name: str | None = None,
) -> Trace:
    """Trace the gradient of max pooling, which goes to the largest cell of each window alone.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        One channel; finite numbers.
    grad_output : ndarray, shape (out_height, out_width)
        Gradient of the loss with respect to the pooled map.
    pool_size, strides, padding
        As in `cnn_lab.ops.max_pool2d`.
    form : {"gather", "scatter"}
        A step for each pixel, which adds up the gradients of the windows it won, or a step for
        each window.
    name : str, optional
        Name of the operation when several are compared.

    Returns
    -------
    Trace
        Grids "input" with its winners marked, "grad-output" and "grad-input". On ties the
        first cell wins, as in TensorFlow; where windows overlap, their gradients add up.

    Raises
    ------
    ShapeError
        If a shape does not match or there are several channels.
    ValueError
        If an argument is out of range or a value is not finite.
    TraceTooLarge
        If the browser could not play it well.

    Examples
    --------
    >>> trace = max_pool_gradient_trace(np.array([[1, 2], [4, 3]]), np.array([[5]]))
    >>> trace.grid("grad-input").values
    array([[0., 0.],
           [5., 0.]])
    """
    check_form(form)
    pool = BackwardPool(image, grad_output, pool_size, strides, padding)
    padded = pad_images(pool.pixels[np.newaxis, ..., np.newaxis], pool.borders, fill=-np.inf)[0]
    winners = pool.reads[np.arange(len(pool.reads)), padded.ravel()[pool.reads].argmax(axis=1)]
    result = max_pool2d_gradient(
        pool.pixels[np.newaxis, ..., np.newaxis],
        pool.delta[np.newaxis, ..., np.newaxis],
        pool_size=pool_size,
        strides=strides,
        padding=padding,
    )[0, ..., 0]
    (grid,) = input_grids(
        padded,
        pool.borders,
        pool.reads,
        precision=pool.image_precision,
        scale=Scale.for_image(pool.pixels),
        parts=("",),
    )
    grid.mask.ravel()[winners] |= WINNER
    grids: list[Grid] = [grid]
    place = Placer(grids)
    deltas = place_gradient(place, pool.delta, pool.delta_precision) + np.arange(len(winners))
    to_inner = pool.inner_index()
    receivers = to_inner[winners]
    result, precision = settle(result, MAX_SHOWN_DECIMALS, exact=pool.delta_precision.exact)
    totals = extremes = result
    if form == "scatter":
        totals, extremes = scatter_totals(receivers, pool.delta.ravel(), precision)
    first = place_input_gradient(place, result, precision, extremes)
    if form == "scatter":
        return Trace(
            name=name or "Max pooling's gradient, scattered",
            grids=tuple(grids),
            term="scatter_add",
            step_starts=np.arange(len(winners) + 1),
            reads=deltas,
            sources=deltas,
            targets=first + receivers,
            totals=totals,
            winners=winners,
            windows=pool.reads.ravel(),
            skip_padding=True,
            caption_template=f"{CELL}: {{result}} goes to the largest cell of its window, row "
            "{winner_row}, column {winner_column}, and to no other.",
        ).checked()
    order = np.argsort(receivers, kind="stable")
    sizes = np.bincount(receivers, minlength=result.size)
    return Trace(
        name=name or "Max pooling's gradient, gathered",
        grids=tuple(grids),
        term="sum",
        step_starts=np.r_[0, np.cumsum(sizes)],
        reads=deltas[order],
        writes=first + np.arange(result.size),
        windows=np.flatnonzero(to_inner >= 0),
        skip_padding=True,
        caption_template=f"{CELL}: largest cell of {{count}} windows, whose gradients add up to "
        "{about}{result}.",
        few_templates=(
            f"{CELL}: the largest cell of no window, so its gradient is 0.",
            f"{CELL}: the largest cell of one window, whose gradient is {{result}}.",
        ),
    ).checked()
