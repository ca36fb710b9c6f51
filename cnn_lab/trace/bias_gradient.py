"""Trace of the gradient of a bias: the sum of the output gradient."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.trace.grid import Grid, Scale
from cnn_lab.trace.layer import Placer
from cnn_lab.trace.model import Trace
from cnn_lab.trace.numbers import MAX_SHOWN_DECIMALS, settle
from cnn_lab.trace.scatter import Form, as_map, check_form, place_gradient, scatter_totals
from cnn_lab.trace.windows import check_links


def bias_gradient_trace(
    grad_output: NDArray[Any], *, form: Form = "gather", name: str | None = None
) -> Trace:
    """Trace the gradient of one filter's bias, the sum of its output gradient.

    Parameters
    ----------
    grad_output : ndarray, shape (out_height, out_width)
        Finite numbers.
    form : {"gather", "scatter"}
        One step that adds everything, or one for each cell.
    name : str, optional

    Returns
    -------
    Trace
        Grids "grad-output" and "grad-bias".

    Raises
    ------
    ShapeError, ValueError, TraceTooLarge
        As `kernel_gradient_trace`.

    Examples
    --------
    >>> bias_gradient_trace(np.array([[1, 2], [3, -4]])).grid("grad-bias").values
    array([[2.]])
    """
    check_form(form)
    delta, delta_precision = settle(as_map("grad_output", grad_output))
    check_links(delta.size, delta.size)
    result, precision = settle(
        np.array([[delta.sum()]]), MAX_SHOWN_DECIMALS, exact=delta_precision.exact
    )
    grids: list[Grid] = []
    place = Placer(grids)
    sources = place_gradient(place, delta, delta_precision, role="input") + np.arange(delta.size)
    totals = extremes = result
    if form == "scatter":
        alike = np.zeros(delta.size, np.int64)
        totals, extremes = scatter_totals(alike, delta.ravel(), precision)
    target = place(
        result,
        key="grad-bias",
        title="Bias gradient",
        note="",
        role="output",
        family="Bias gradient",
        scale=Scale.signed(result, extremes),
        precision=precision,
    )
    if form == "gather":
        return Trace(
            name=name or "Bias gradient, gathered",
            grids=tuple(grids),
            term="sum",
            step_starts=np.array([0, delta.size]),
            reads=sources,
            writes=np.array([target]),
            window_columns=delta.shape[1],
            caption_template="{output}: all {count} cells of the output gradient add up to "
            "{about}{result}.",
        ).checked()
    return Trace(
        name=name or "Bias gradient, scattered",
        grids=tuple(grids),
        term="scatter_add",
        step_starts=np.arange(delta.size + 1),
        reads=sources,
        sources=sources,
        targets=np.full(delta.size, target),
        totals=totals,
        caption_template="{output}, row {row}, column {column}: {result} is added to the gradient "
        "of the bias.",
    ).checked()
