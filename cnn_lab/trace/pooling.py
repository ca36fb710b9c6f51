"""Traces of max and average pooling, and of their gradients."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.content.words import shape_words
from cnn_lab.ops.padding import pad_images
from cnn_lab.ops.pooling import (
    average_pool2d,
    average_pool2d_gradient,
    cells_inside,
    max_pool2d,
    max_pool2d_gradient,
)
from cnn_lab.ops.settings import Geometry, PoolingSettings
from cnn_lab.ops.types import IntOrPair, Padding
from cnn_lab.trace.builder import (
    CELL,
    DROPPED_CAPTION,
    PADDING_CAPTION,
    Grids,
    as_map,
    as_output_gradient,
    check_form,
    check_links,
    final_totals,
    gather_order,
    inner_index,
    padded,
    scatter_totals,
    span_words,
    window_cells,
)
from cnn_lab.trace.grid import WINNER, IntArray, Scale
from cnn_lab.trace.model import Form, Term, Trace
from cnn_lab.trace.numbers import Rounded, round_to, round_values


def max_pool_trace(
    image: NDArray[Any],
    *,
    pool_size: IntOrPair = 2,
    strides: IntOrPair | None = None,
    padding: Padding = "valid",
) -> Trace:
    """Trace max pooling of one channel, row by row.

    Parameters
    ----------
    image : ndarray, shape (height, width) or (height, width, 1)
        Finite numbers.
    pool_size, strides, padding
        As in `cnn_lab.ops.max_pool2d`.

    Returns
    -------
    Trace
        Grids "input" and "output". Each step names its winner, the first one on ties, as
        in TensorFlow. Padding is minus infinity and has no number.

    Raises
    ------
    ShapeError, ValueError
        As `cnn_lab.ops.max_pool2d`, or if there are several channels.
    TraceTooLarge
        If the browser could not play it well.

    Examples
    --------
    >>> trace = max_pool_trace(np.array([[1, 2], [4, 3]]))
    >>> trace.caption(0)
    'Max pooling, row 0, column 0: the window covers rows 0 to 1 and columns 0 to 1; the largest
    of 4 cells is 4, at row 1, column 0.'
    """
    pool = _Pool(image, PoolingSettings(pool_size, strides, padding), fill=-np.inf)
    result = max_pool2d(pool.images, pool_size=pool_size, strides=strides, padding=padding)
    return pool.trace(
        "Max pooling",
        "maximum",
        Rounded(result[0, ..., 0].astype(np.float64), pool.image.precision),
        sentence="the largest of {count} cells is {about}{result}, at row {winner_row}, "
        "column {winner_column}",
        alone="only one of its cells counts: {result}, at row {winner_row}, column {winner_column}",
        winners=pool.winners(),
        skip_padding=True,
    )


def average_pool_trace(
    image: NDArray[Any],
    *,
    pool_size: IntOrPair = 2,
    strides: IntOrPair | None = None,
    padding: Padding = "valid",
    count_include_pad: bool = False,
) -> Trace:
    """Trace average pooling of one channel, row by row.

    Parameters
    ----------
    image : ndarray, shape (height, width) or (height, width, 1)
        Finite numbers.
    pool_size, strides, padding, count_include_pad
        As in `cnn_lab.ops.average_pool2d`.

    Returns
    -------
    Trace
        Grids "input" and "output".

    Raises
    ------
    ShapeError, ValueError
        As `cnn_lab.ops.average_pool2d`, or if there are several channels.
    TraceTooLarge
        If the browser could not play it well.

    Examples
    --------
    >>> average_pool_trace(np.array([[1, 2], [4, 3]])).grid("output").values
    array([[2.5]])
    """
    settings = PoolingSettings(pool_size, strides, padding, count_include_pad)
    pool = _Pool(image, settings, fill=0.0)
    means = average_pool2d(pool.images, **vars(settings))[0, ..., 0]
    return pool.trace(
        "Average pooling",
        "mean",
        round_to(means, pool.image.precision.longest),
        sentence="the mean of {count} cells is {about}{result}",
        alone="only one of its cells counts, so the mean is {result}",
        skip_padding=not count_include_pad,
    )


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
    settings = PoolingSettings(pool_size, strides, padding)
    pool = _Pool(image, settings, fill=-np.inf)
    delta = as_output_gradient(grad_output, pool.geometry)
    winners = pool.winners()
    found = max_pool2d_gradient(
        pool.images,
        delta.values[np.newaxis, ..., np.newaxis],
        pool_size=pool_size,
        strides=strides,
        padding=padding,
    )[0, ..., 0]
    result = round_to(found, delta.precision.longest)
    to_inner = inner_index(pool.geometry)
    receivers = to_inner[winners]
    totals = extremes = result.values
    if form == "scatter":
        totals, extremes = scatter_totals(receivers, delta.values.ravel(), result.precision)
    grids = Grids()
    pool.add_input(grids)
    grids[0].mask.ravel()[winners] |= WINNER
    deltas = grids.add_gradient("output", delta, role="kernel") + np.arange(len(winners))
    first = grids.add_gradient("input", result, extremes)
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
            routed=True,
            skip_padding=True,
            caption_template=f"{CELL}: {{result}} goes to the largest cell of its window, row "
            "{winner_row}, column {winner_column}, and to no other.",
        ).checked()
    order, starts = gather_order(receivers, result.values.size)
    return Trace(
        name=name or "Max pooling's gradient, gathered",
        grids=tuple(grids),
        term="sum",
        step_starts=starts,
        reads=deltas[order],
        writes=first + np.arange(result.values.size),
        windows=np.flatnonzero(to_inner >= 0),
        routed=True,
        skip_padding=True,
        caption_template=f"{CELL}: largest cell of {{count}} windows, whose gradients add up to "
        "{about}{result}.",
        few_templates=(
            f"{CELL}: the largest cell of no window, so its gradient is 0.",
            f"{CELL}: the largest cell of one window, whose gradient is {{result}}.",
        ),
    ).checked()


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
    settings = PoolingSettings(pool_size, strides, padding, count_include_pad)
    pool = _Pool(image, settings, fill=0.0)
    geometry = pool.geometry
    delta = as_output_gradient(grad_output, geometry)
    counts = prod(geometry.window) if count_include_pad else cells_inside(geometry)
    shares = round_to(delta.values / counts, delta.precision.longest)
    found = average_pool2d_gradient(
        pool.images, delta.values[np.newaxis, ..., np.newaxis], **vars(settings)
    )[0, ..., 0]
    result = round_to(found, shares.precision)
    grids = Grids()
    deltas = grids.add_gradient("output", delta, role="input")
    share_cells = np.arange(shares.values.size) + grids.add(
        shares,
        key="share",
        title="Share of each cell",
        role="kernel",
        family="Output gradient",
        scale=Scale.signed(delta.values),
    )
    inner = inner_index(geometry)
    steps, cells = np.nonzero((inner[pool.reads] >= 0) | count_include_pad)
    receivers = pool.reads[steps, cells]
    if form == "scatter":
        amounts = shares.values.ravel()[steps]
        totals, extremes = scatter_totals(receivers, amounts, result.precision)
        complete = final_totals(receivers, totals, geometry.padded_size)
        first = grids.add_gradient(
            "input",
            Rounded(complete, result.precision),
            extremes,
            note=shape_words(geometry.size),
            **padded(geometry),
        )
        return Trace(
            name=name or "Average pooling's gradient, scattered",
            grids=tuple(grids),
            term="scatter_add",
            step_starts=np.r_[0, np.cumsum(np.bincount(steps, minlength=len(share_cells)))],
            reads=share_cells[steps],
            sources=deltas + np.arange(len(share_cells)),
            targets=first + receivers,
            totals=totals,
            window_columns=geometry.window[1],
            padding_name="On the padding",
            span="targets",
            caption_template=f"{CELL}: {{result}} is shared by {{count}} cells, "
            f"{span_words(geometry.window)}; each gets {{about_share}}{{share}}.",
            padding_template=DROPPED_CAPTION,
            few_templates=("", f"{CELL}: {{result}} goes to the one cell of its window."),
        ).checked()
    kept = inner[receivers] >= 0
    order, starts = gather_order(inner[receivers[kept]], result.values.size)
    first = grids.add_gradient("input", result)
    return Trace(
        name=name or "Average pooling's gradient, gathered",
        grids=tuple(grids),
        term="sum",
        step_starts=starts,
        reads=share_cells[steps[kept][order]],
        writes=first + np.arange(result.values.size),
        caption_template=f"{CELL}: {{count}} windows cover it; their shares add up to "
        "{about}{result}.",
        few_templates=(
            f"{CELL}: no window covers it, so its gradient is 0.",
            f"{CELL}: one window covers it, and its share is {{about}}{{result}}.",
        ),
    ).checked()


class _Pool:
    """One channel of an image, rounded and padded, and the cells of each window."""

    def __init__(self, image: NDArray[Any], settings: PoolingSettings, *, fill: float) -> None:
        self.image = round_values(as_map("image", image))
        self.images = self.image.values[np.newaxis, ..., np.newaxis]
        self.geometry: Geometry = settings.geometry(self.image.values.shape)
        check_links(self.geometry.n_reads, prod(self.geometry.padded_size))
        self.padded = pad_images(self.images, self.geometry.borders, fill=fill)[0]
        self.reads = window_cells(self.geometry)
        self.scale = Scale.for_image(self.image.values)

    def winners(self) -> IntArray:
        """Return the largest cell of each window, the first one on ties."""
        largest = self.padded.ravel()[self.reads].argmax(axis=1)
        return np.take_along_axis(self.reads, largest[:, np.newaxis], axis=1).ravel()

    def add_input(self, grids: Grids) -> None:
        """Add the grid of the padded image."""
        padded = Rounded(self.padded, self.image.precision)
        grids.add_input(padded, self.geometry, self.reads, scale=self.scale)

    def trace(
        self,
        name: str,
        term: Term,
        result: Rounded,
        *,
        sentence: str,
        alone: str,
        skip_padding: bool,
        winners: IntArray | None = None,
    ) -> Trace:
        """Return the trace of the pooling."""
        grids = Grids()
        self.add_input(grids)
        first = grids.add(result, key="output", title=name, role="output", scale=self.scale)
        n_steps, n_reads = self.reads.shape
        covers = f"{CELL}: the window covers {span_words(self.geometry.window)}; "
        return Trace(
            name=name,
            grids=tuple(grids),
            term=term,
            step_starts=np.arange(n_steps + 1) * n_reads,
            reads=self.reads.ravel(),
            writes=first + np.arange(n_steps),
            winners=np.empty(0, np.int64) if winners is None else winners,
            window_columns=self.geometry.window[1],
            skip_padding=skip_padding,
            caption_template=f"{covers}{sentence}.",
            few_templates=("", f"{covers}{alone}."),
            padding_template=PADDING_CAPTION,
        ).checked()
