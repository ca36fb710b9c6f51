"""Traces of max and average pooling."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.padding import pad_images
from cnn_lab.ops.pooling import average_pool2d, max_pool2d, pooling_geometry
from cnn_lab.ops.types import IntOrPair, Padding, ShapeError
from cnn_lab.ops.windows import output_size
from cnn_lab.trace.grid import Grid, IntArray, Scale
from cnn_lab.trace.model import Term, Trace
from cnn_lab.trace.numbers import MAX_SHOWN_DECIMALS, FloatArray, Precision, settle
from cnn_lab.trace.windows import (
    PADDING_CAPTION,
    as_image,
    check_links,
    input_grids,
    plain_grid,
    span_words,
    window_cells,
)


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
    pixels, precision = settle(_one_channel(image))
    layout = _Layout(pixels, pool_size, strides, padding, fill=-np.inf)
    result = max_pool2d(pixels[np.newaxis], pool_size=pool_size, strides=strides, padding=padding)
    winners = layout.reads[
        np.arange(len(layout.reads)), layout.padded.ravel()[layout.reads].argmax(axis=1)
    ]
    return layout.trace(
        "Max pooling",
        "maximum",
        result[0, :, :, 0].astype(np.float64),
        precision,
        precision,
        sentence="the largest of {count} cells is {about}{result}, at row {winner_row}, "
        "column {winner_column}",
        alone="only one of its cells counts: {result}, at row {winner_row}, column {winner_column}",
        winners=winners,
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
    pixels, precision = settle(_one_channel(image))
    layout = _Layout(pixels, pool_size, strides, padding, fill=0.0)
    result = average_pool2d(
        pixels[np.newaxis],
        pool_size=pool_size,
        strides=strides,
        padding=padding,
        count_include_pad=count_include_pad,
    )[0, :, :, 0]
    result, result_precision = settle(result, MAX_SHOWN_DECIMALS, exact=precision.exact)
    return layout.trace(
        "Average pooling",
        "mean",
        result,
        precision,
        result_precision,
        sentence="the mean of {count} cells is {about}{result}",
        alone="only one of its cells counts, so the mean is {result}",
        skip_padding=not count_include_pad,
    )


class _Layout:
    """The padded image and the cells of each window."""

    def __init__(
        self,
        pixels: FloatArray,
        pool_size: IntOrPair,
        strides: IntOrPair | None,
        padding: Padding,
        *,
        fill: float,
    ) -> None:
        size = (pixels.shape[0], pixels.shape[1])
        self.window, steps, self.borders = pooling_geometry(size, pool_size, strides, padding)
        positions = output_size(size, self.window, steps, self.borders)
        padded_size = (size[0] + sum(self.borders[0]), size[1] + sum(self.borders[1]))
        n_links = positions[0] * positions[1] * self.window[0] * self.window[1]
        check_links(n_links, padded_size[0] * padded_size[1])
        self.scale = Scale.for_image(pixels)
        self.padded = pad_images(pixels[np.newaxis], self.borders, fill=fill)[0]
        self.reads = window_cells(padded_size, positions, self.window, steps, (1, 1), 1)

    def trace(
        self,
        name: str,
        term: Term,
        result: FloatArray,
        precision: Precision,
        result_precision: Precision,
        *,
        sentence: str,
        alone: str,
        skip_padding: bool,
        winners: IntArray | None = None,
    ) -> Trace:
        covers = (
            "{output}, row {row}, column {column}: the window covers "
            f"{span_words(self.window, (1, 1))}; "
        )
        inputs = input_grids(
            self.padded,
            self.borders,
            self.reads,
            precision=precision,
            scale=self.scale,
            parts=("",),
        )
        first_id = inputs[0].values.size
        output: Grid = plain_grid(
            result,
            key="output",
            title=name,
            role="output",
            first_id=first_id,
            scale=self.scale,
            precision=result_precision,
        )
        n_steps, n_reads = self.reads.shape
        return Trace(
            name=name,
            grids=(*inputs, output),
            term=term,
            step_starts=np.arange(n_steps + 1) * n_reads,
            reads=self.reads.ravel(),
            writes=first_id + np.arange(n_steps),
            winners=np.empty(0, np.int64) if winners is None else winners,
            window_columns=self.window[1],
            skip_padding=skip_padding,
            caption_template=f"{covers}{sentence}.",
            few_templates=("", f"{covers}{alone}."),
            padding_template=PADDING_CAPTION,
        ).checked()


def _one_channel(image: NDArray[Any]) -> NDArray[np.floating[Any]]:
    array = as_image(image)
    if array.shape[2] != 1:
        raise ShapeError(
            "Pooling is traced one channel at a time; pass one, shape (height, width). "
            f"Received: image.shape={array.shape}"
        )
    return array
