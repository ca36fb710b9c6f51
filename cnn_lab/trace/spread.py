"""Numbers spread out by a stride and multiplied by a kernel.

Shared by the traces of input gradients and transposed convolution.
"""

import numpy as np

from cnn_lab.ops.types import Borders, Pair
from cnn_lab.trace.grid import PADDING, UNREAD, Grid, Scale
from cnn_lab.trace.layer import Placer
from cnn_lab.trace.model import Trace
from cnn_lab.trace.numbers import FloatArray, Precision
from cnn_lab.trace.scatter import (
    DROPPED_CAPTION,
    ZEROS_CAPTION,
    Form,
    padded_labels,
    ring_mask,
    scatter_totals,
)
from cnn_lab.trace.windows import plain_grid, size_note, span_words, window_cells


def spread_trace(
    given: FloatArray,
    weights: FloatArray,
    result: FloatArray,
    *,
    precisions: tuple[Precision, Precision, Precision],
    scale: Scale,
    borders: Borders,
    strides: Pair,
    dilation_rate: Pair,
    form: Form,
    name: str,
    source: tuple[str, str],
    target: tuple[str, str],
    outside: str,
) -> Trace:
    """Trace how each given number times the kernel is added to the result.

    Parameters
    ----------
    given : ndarray, shape (rows, columns)
        One number for each position of the kernel.
    weights : ndarray, shape (kernel_height, kernel_width)
    result : ndarray, shape (height, width)
    precisions : (Precision, Precision, Precision)
        Of the given numbers, the weights and the result.
    scale : Scale
        Of the given numbers.
    borders : ((int, int), (int, int))
        Border of the result that is dropped.
    strides, dilation_rate : (int, int)
        Distance between the positions, and between the cells of the kernel.
    form : {"gather", "scatter"}
    name : str
    source, target : (str, str)
        Key and title of the given grid and of the result.
    outside : str
        Legend name of the border.

    Notes
    -----
    A position p places weight m on row ``strides * p + dilation_rate * m`` of the padded
    result. Read backwards: the padded row q takes its numbers from the spread rows
    ``q - dilation_rate * m``, the last weight first, which is the rotated kernel.
    """
    layout = _Layout(given, weights, result, scale, borders, strides, dilation_rate)
    if form == "gather":
        return layout.gather(precisions, name, source, target).checked()
    return layout.scatter(precisions, name, source, target, outside).checked()


class _Layout:
    def __init__(
        self,
        given: FloatArray,
        weights: FloatArray,
        result: FloatArray,
        scale: Scale,
        borders: Borders,
        strides: Pair,
        dilation_rate: Pair,
    ) -> None:
        self.given, self.weights, self.result, self.scale = given, weights, result, scale
        self.borders, self.strides, self.dilation = borders, strides, dilation_rate
        self.positions, self.window = (given.shape[0], given.shape[1]), weights.shape[:2]
        self.size = (result.shape[0], result.shape[1])

    def gather(
        self,
        precisions: tuple[Precision, Precision, Precision],
        name: str,
        source: tuple[str, str],
        target: tuple[str, str],
    ) -> Trace:
        given_precision, weight_precision, precision = precisions
        spread, labels, starts = self._spread()
        size = (spread.shape[0], spread.shape[1])
        reads = window_cells(size, self.size, self.window, (1, 1), self.dilation, 1)
        reads += starts[0] * size[1] + starts[1]
        n_steps, n_weights = reads.shape
        rows, columns = (
            -label[0] + np.arange(n) * s
            for label, n, s in zip(labels, self.positions, self.strides, strict=True)
        )
        mask = np.full(size, PADDING, np.uint8)
        mask[np.ix_(rows, columns)] = 0
        unread = np.ones(spread.size, bool)
        unread[reads] = False
        mask |= (UNREAD * unread.reshape(size)).astype(np.uint8)
        grids: list[Grid] = [
            plain_grid(
                spread,
                key=source[0],
                title=source[1],
                role="input",
                note=size_note(self.positions)
                + (f", spread to {size_note(size)}" if size != self.positions else ""),
                mask=mask,
                row_labels=labels[0],
                column_labels=labels[1],
                first_id=0,
                family=source[1],
                scale=self.scale,
                precision=given_precision,
            )
        ]
        place = Placer(grids)
        turned = place(
            self.weights[::-1, ::-1],
            key="kernel",
            title="Kernel, rotated",
            role="kernel",
            row_labels=tuple(range(self.window[0]))[::-1],
            column_labels=tuple(range(self.window[1]))[::-1],
            scale=Scale.signed(self.weights),
            precision=weight_precision,
        )
        first = place(
            self.result,
            key=target[0],
            title=target[1],
            role="output",
            family=target[1],
            scale=Scale.signed(self.result),
            precision=precision,
        )
        products = "{count} products add up to" if n_weights > 1 else "the product is"
        return Trace(
            name=name,
            grids=tuple(grids),
            term="product_sum",
            step_starts=np.arange(n_steps + 1) * n_weights,
            reads=reads.ravel(),
            weights=np.tile(turned + np.arange(n_weights), n_steps),
            writes=first + np.arange(n_steps),
            window_columns=self.window[1],
            padding_name="Inserted zeros",
            caption_template="{output}, row {row}, column {column}: the rotated kernel covers "
            f"{span_words(self.window, self.dilation)} of the spread values; "
            f"{products} {{about}}{{result}}.",
            padding_template=ZEROS_CAPTION,
        )

    def scatter(
        self,
        precisions: tuple[Precision, Precision, Precision],
        name: str,
        source: tuple[str, str],
        target: tuple[str, str],
        outside: str,
    ) -> Trace:
        given_precision, weight_precision, precision = precisions
        mask = ring_mask(self.size, self.borders)
        padded_size = (mask.shape[0], mask.shape[1])
        landing = window_cells(
            padded_size, self.positions, self.window, self.strides, self.dilation, 1
        )
        n_steps, n_weights = landing.shape
        grids: list[Grid] = []
        place = Placer(grids)
        sources = np.arange(n_steps) + place(
            self.given,
            key=source[0],
            title=source[1],
            role="input",
            family=source[1],
            scale=self.scale,
            precision=given_precision,
        )
        kernel = place(
            self.weights,
            key="kernel",
            title="Kernel",
            role="kernel",
            scale=Scale.signed(self.weights),
            precision=weight_precision,
        )
        amounts = np.outer(self.given.ravel(), self.weights.ravel()).ravel()
        totals, extremes = scatter_totals(landing.ravel(), amounts, precision)
        complete = np.zeros(mask.size)
        complete[landing.ravel()] = totals  # the last one written is the final total
        note = size_note(self.size)
        if self.size != padded_size:
            note += f" of {size_note(padded_size)}"
        labels = padded_labels(self.size, self.borders)
        first = place(
            complete.reshape(padded_size),
            key=target[0],
            title=target[1],
            note=note,
            role="output",
            family=target[1],
            mask=mask,
            row_labels=labels[0],
            column_labels=labels[1],
            scale=Scale.signed(self.result, extremes),
            precision=precision,
        )
        return Trace(
            name=name,
            grids=tuple(grids),
            term="scatter_add",
            step_starts=np.arange(n_steps + 1) * n_weights,
            reads=np.tile(kernel + np.arange(n_weights), n_steps),
            weights=np.repeat(sources, n_weights),
            sources=sources,
            targets=first + landing.ravel(),
            totals=totals,
            window_columns=self.window[1],
            padding_name=outside,
            span="targets",
            caption_template="{output}, row {row}, column {column}, is {result}: {result} times "
            f"the kernel is added to {span_words(self.window, self.dilation)} of the result.",
            padding_template=DROPPED_CAPTION,
        )

    def _spread(self) -> tuple[FloatArray, tuple[tuple[int, ...], tuple[int, ...]], Pair]:
        """Return the given numbers with zeros between and around, labels, and the first window.

        Row label 0 is the first given row; the padded result uses the same row numbers.
        """
        labels, starts = [], []
        for n, stride, dilation, k, length, (before, _) in zip(
            self.positions,
            self.strides,
            self.dilation,
            self.window,
            self.size,
            self.borders,
            strict=True,
        ):
            first_read = before - (k - 1) * dilation
            first = min(0, first_read)
            last = max((n - 1) * stride, before + length - 1)
            labels.append(tuple(range(first, last + 1)))
            starts.append(first_read - first)
        spread = np.zeros((len(labels[0]), len(labels[1])))
        top, left = -labels[0][0], -labels[1][0]
        spread[top :: self.strides[0], left :: self.strides[1]][
            : self.positions[0], : self.positions[1]
        ] = self.given
        return spread, (labels[0], labels[1]), (starts[0], starts[1])
