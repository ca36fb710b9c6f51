"""The traces of the gradients of max and average pooling: who gets the error back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.padding import IntOrPair, Padding, pad_images
from cnn_lab.ops.pooling import (
    average_pool2d_gradient,
    cells_inside,
    max_pool2d_gradient,
    pooling_geometry,
)
from cnn_lab.ops.windows import output_size
from cnn_lab.trace.grid import WINNER, Grid, IntArray, Scale
from cnn_lab.trace.layer import Placer
from cnn_lab.trace.model import Trace
from cnn_lab.trace.numbers import MOST_SHOWN_DECIMALS, FloatArray, Precision, settle
from cnn_lab.trace.scatter import (
    DROPPED_CAPTION,
    Form,
    as_map,
    check_form,
    check_gradient,
    padded_labels,
    place_gradient,
    ring_mask,
    scatter_totals,
)
from cnn_lab.trace.windows import check_links, input_grids, size_note, span_words, window_cells

_CELL = "{output}, row {row}, column {column}"


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
    """Trace the gradient of max pooling: each window's goes to its largest cell alone.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        One channel; finite numbers.
    grad_output : ndarray, shape (out_height, out_width)
        The loss's gradient with respect to the pooled map.
    pool_size, strides, padding
        As in `cnn_lab.ops.max_pool2d`.
    form : {"gather", "scatter"}
        A step for each pixel, which adds up what the windows it won hand on; or a step for each
        window.
    name : str, optional
        What to call the operation where several are compared.

    Returns
    -------
    Trace
        Grids "input", its winners marked, "grad-output" and "grad-input". On ties the first
        cell wins, as in TensorFlow; where windows overlap, their gradients add up.

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
    pool = _Pool(image, grad_output, pool_size, strides, padding)
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
    result, precision = settle(result, MOST_SHOWN_DECIMALS, exact=pool.delta_precision.exact)
    totals, extremes = scatter_totals(receivers, pool.delta.ravel(), precision)
    first = _place_result(place, result, precision, result if form == "gather" else extremes)
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
            caption_template=f"{_CELL}: {{result}} goes to the largest cell of its window, row "
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
        caption_template=f"{_CELL}: largest cell of {{count}} windows, whose gradients add up to "
        "{about}{result}.",
        few_templates=(
            f"{_CELL}: the largest cell of no window, so its gradient is 0.",
            f"{_CELL}: the largest cell of one window, whose gradient is {{result}}.",
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
    """Trace the gradient of average pooling: each window's is shared equally by its cells.

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
    pool = _Pool(image, grad_output, pool_size, strides, padding)
    whole = pool.window[0] * pool.window[1]
    counts = cells_inside(pool.size, pool_size, strides, padding)
    shares = pool.delta / (np.full(pool.positions, whole) if count_include_pad else counts)
    shares, share_precision = settle(shares, MOST_SHOWN_DECIMALS, exact=pool.delta_precision.exact)
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
    mask = (
        ring_mask(pool.size, pool.borders) if form == "scatter" else np.zeros(pool.size, np.uint8)
    )
    inner = pool.inner_index()
    steps, cells = np.nonzero((inner[pool.reads] >= 0) | count_include_pad)
    receivers = pool.reads[steps, cells]
    if form == "gather":
        kept = inner[receivers] >= 0
        steps, receivers = steps[kept], inner[receivers[kept]]
    amounts = shares.ravel()[steps]
    totals, extremes = scatter_totals(receivers, amounts, precision)
    if form == "scatter":
        mask = ring_mask(pool.size, pool.borders)
        complete = np.zeros(mask.size)
        complete[receivers] = totals  # the last one written is the last one added
        labels = padded_labels(pool.size, pool.borders)
        first = _place_result(
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
            padding_name="Falls on the padding",
            span="targets",
            caption_template=f"{_CELL}: {{result}} is shared by {{count}} cells, "
            f"{span_words(pool.window, (1, 1))}; each gets {{about}}{{share}}.",
            padding_template=DROPPED_CAPTION,
            few_templates=("", f"{_CELL}: {{result}} goes to the one cell of its window."),
        ).checked()
    first = _place_result(place, result, precision, result)
    order = np.argsort(receivers, kind="stable")
    sizes = np.bincount(receivers, minlength=result.size)
    return Trace(
        name=name or "Average pooling's gradient, gathered",
        grids=tuple(grids),
        term="sum",
        step_starts=np.r_[0, np.cumsum(sizes)],
        reads=share_cells[steps[order]],
        writes=first + np.arange(result.size),
        caption_template=f"{_CELL}: {{count}} windows cover it; their shares add up to "
        "{about}{result}.",
        few_templates=(
            f"{_CELL}: no window covers it, so its gradient is 0.",
            f"{_CELL}: one window covers it, and its share is {{about}}{{result}}.",
        ),
    ).checked()


class _Pool:
    """The pooled image, the gradient that arrives, and what each window covers."""

    def __init__(
        self,
        image: NDArray[Any],
        grad_output: NDArray[Any],
        pool_size: IntOrPair,
        strides: IntOrPair | None,
        padding: Padding,
    ) -> None:
        pixels, delta = as_map("image", image), as_map("grad_output", grad_output)
        self.size = (pixels.shape[0], pixels.shape[1])
        self.window, steps, self.borders = pooling_geometry(self.size, pool_size, strides, padding)
        self.positions = output_size(self.size, self.window, steps, self.borders)
        check_gradient(delta, self.positions)
        self.padded_size = (
            self.size[0] + sum(self.borders[0]),
            self.size[1] + sum(self.borders[1]),
        )
        check_links(
            delta.size * self.window[0] * self.window[1],
            self.padded_size[0] * self.padded_size[1],
        )
        self.pixels, self.image_precision = settle(pixels)
        self.delta, self.delta_precision = settle(delta)
        self.reads = window_cells(self.padded_size, self.positions, self.window, steps, (1, 1), 1)

    def inner_index(self) -> IntArray:
        """Return for each cell of the padded image its index in the image, -1 in the border."""
        index = np.full(self.padded_size, -1)
        (top, _), (left, _) = self.borders
        index[top : top + self.size[0], left : left + self.size[1]] = np.arange(
            self.size[0] * self.size[1]
        ).reshape(self.size)
        return index.ravel()


def _place_result(
    place: Placer,
    values: FloatArray,
    precision: Precision,
    extremes: FloatArray,
    **properties: Any,
) -> int:
    return place(
        values,
        key="grad-input",
        title="Input gradient",
        role="output",
        family="Input gradient",
        scale=Scale.signed(values, extremes),
        precision=precision,
        **properties,
    )
