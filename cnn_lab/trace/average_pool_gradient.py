"""Trace of the gradient of average pooling: equal shares for every cell of a window."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.pooling import average_pool2d_gradient, cells_inside
from cnn_lab.ops.types import IntOrPair, Padding
from cnn_lab.trace.backward_pool import CELL, BackwardPool, place_input_gradient
from cnn_lab.trace.grid import Grid, Scale
from cnn_lab.trace.layer import Placer
from cnn_lab.trace.model import Trace
from cnn_lab.trace.numbers import MAX_SHOWN_DECIMALS, settle
from cnn_lab.trace.scatter import (
    DROPPED_CAPTION,
    Form,
    check_form,
    padded_labels,
    place_gradient,
    ring_mask,
    scatter_totals,
)
from cnn_lab.trace.windows import size_note, span_words


def average_pool_gradient_trace(
    image: NDArray[Any],
    grad_output: NDArray[Any],
    *,
    pool_size: IntOrPair = 2,
    strides: IntOrPair | None = None,
    padding: Padding = "valid",
    count_include_pad: bool = False,
    form: Form = "scatter",
    name: str | None = None,
) -> Trace:
    """Trace the gradient of average pooling, which each window shares equally among its cells.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        Only its shape matters.
    grad_output, pool_size, strides, padding, form, name
        As in `max_pool_gradient_trace`.
    count_include_pad : bool
        As in `cnn_lab.ops.average_pool2d`; where the padding was counted, its share is dropped.

    Returns
    -------
    Trace
        Grids "grad-output", "share" (the gradient over the number of cells) and "grad-input".

    Raises
    ------
    ShapeError, ValueError, TraceTooLarge
        As `max_pool_gradient_trace`.

    Examples
    --------
    >>> trace = average_pool_gradient_trace(np.zeros((2, 2)), np.array([[5]]))
    >>> trace.grid("grad-input").values
    array([[1.25, 1.25],
           [1.25, 1.25]])
    """
    check_form(form)
    pool = BackwardPool(image, grad_output, pool_size, strides, padding)
    whole = pool.window[0] * pool.window[1]
    counts = cells_inside(pool.size, pool_size, strides, padding)
    shares = pool.delta / (np.full(pool.positions, whole) if count_include_pad else counts)
    shares, share_precision = settle(shares, MAX_SHOWN_DECIMALS, exact=pool.delta_precision.exact)
    result = average_pool2d_gradient(
        pool.pixels[np.newaxis, ..., np.newaxis],
        pool.delta[np.newaxis, ..., np.newaxis],
        pool_size=pool_size,
        strides=strides,
        padding=padding,
        count_include_pad=count_include_pad,
    )[0, ..., 0]
    result, precision = settle(result, share_precision.decimals, exact=share_precision.exact)
    grids: list[Grid] = []
    place = Placer(grids)
    deltas = place_gradient(place, pool.delta, pool.delta_precision, role="input")
    share_cells = np.arange(shares.size) + place(
        shares,
        key="share",
        title="Share of each cell",
        role="kernel",
        family="Output gradient",
        scale=Scale.signed(pool.delta),
        precision=share_precision,
    )
    inner = pool.inner_index()
    steps, cells = np.nonzero((inner[pool.reads] >= 0) | count_include_pad)
    receivers = pool.reads[steps, cells]
    if form == "gather":
        kept = inner[receivers] >= 0
        steps, receivers = steps[kept], inner[receivers[kept]]
    if form == "scatter":
        totals, extremes = scatter_totals(receivers, shares.ravel()[steps], precision)
        mask = ring_mask(pool.size, pool.borders)
        complete = np.zeros(mask.size)
        complete[receivers] = totals  # the last one written is the final total
        labels = padded_labels(pool.size, pool.borders)
        first = place_input_gradient(
            place,
            complete.reshape(mask.shape),
            precision,
            extremes,
            mask=mask,
            note=size_note(pool.size),
            row_labels=labels[0],
            column_labels=labels[1],
        )
        return Trace(
            name=name or "Average pooling's gradient, scattered",
            grids=tuple(grids),
            term="scatter_add",
            step_starts=np.r_[0, np.cumsum(np.bincount(steps, minlength=shares.size))],
            reads=share_cells[steps],
            sources=deltas + np.arange(shares.size),
            targets=first + receivers,
            totals=totals,
            window_columns=pool.window[1],
            padding_name="On the padding",
            span="targets",
            caption_template=f"{CELL}: {{result}} is shared by {{count}} cells, "
            f"{span_words(pool.window, (1, 1))}; each gets {{about}}{{share}}.",
            padding_template=DROPPED_CAPTION,
            few_templates=("", f"{CELL}: {{result}} goes to the one cell of its window."),
        ).checked()
    first = place_input_gradient(place, result, precision, result)
    order = np.argsort(receivers, kind="stable")
    sizes = np.bincount(receivers, minlength=result.size)
    return Trace(
        name=name or "Average pooling's gradient, gathered",
        grids=tuple(grids),
        term="sum",
        step_starts=np.r_[0, np.cumsum(sizes)],
        reads=share_cells[steps[order]],
        writes=first + np.arange(result.size),
        caption_template=f"{CELL}: {{count}} windows cover it; their shares add up to "
        "{about}{result}.",
        few_templates=(
            f"{CELL}: no window covers it, so its gradient is 0.",
            f"{CELL}: one window covers it, and its share is {{about}}{{result}}.",
        ),
    ).checked()
