"""Sums of a convolution around one place, as a trace of the strongest channels."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_lab.content.words import shape_words
from cnn_lab.ops import conv2d
from cnn_lab.ops.padding import pad_images
from cnn_lab.ops.settings import ConvolutionSettings, Geometry
from cnn_lab.ops.types import Array, Padding, Pair
from cnn_lab.trace import Scale, Trace
from cnn_lab.trace.builder import PADDING_CAPTION, Grids, span_words, window_cells
from cnn_lab.trace.numbers import FloatArray, Rounded, round_values

MAX_CHANNELS = 3
REACH = 2  # outputs shown on each side of the selected one


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Outputs of one filter around a place, with their terms.

    Attributes
    ----------
    first : (int, int)
        Row and column of the first output in the whole map.
    step : int
        Index of the place among the outputs, row by row.
    padded : ndarray, shape (rows, columns, channels)
        Input of their windows, padding included.
    borders : ((int, int), (int, int))
        Padding in it, above and below, left and right.
    corner : (int, int)
        Row and column of its first pixel in the whole input; below 0 in padding.
    sums, shares : ndarray, shape (n_rows, n_columns) and (n_rows, n_columns, channels)
        Outputs before the activation, and each channel's share of them.
    """

    first: Pair
    step: int
    padded: Array
    borders: tuple[Pair, Pair]
    corner: Pair
    sums: Array
    shares: Array

    @property
    def size(self) -> Pair:
        """Rows and columns of the outputs."""
        return self.sums.shape[0], self.sums.shape[1]

    def strongest(self, most: int = MAX_CHANNELS) -> list[int]:
        """Return the channels with the largest shares at the place, in descending order."""
        at = self.shares.reshape(self.sums.size, -1)[self.step]
        return [int(c) for c in np.argsort(-np.abs(at), kind="stable")[:most]]


def neighbourhood(
    inputs: Array,
    kernel: Array,
    bias: float,
    place: Pair,
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    reach: int = REACH,
) -> Neighbourhood:
    """Return one filter's outputs around a place.

    Parameters
    ----------
    inputs : ndarray, shape (height, width, channels)
    kernel : ndarray, shape (kernel_height, kernel_width, channels)
    bias : float
    place : (int, int)
        Row and column of an existing output.
    strides, padding
        As in `cnn_lab.ops.conv2d`.
    reach : int
        Number of outputs on each side, as far as they exist.

    Notes
    -----
    At most ``(2 * reach + 1) ** 2 * kernel.size`` multiply-adds, twice.
    """
    size, window = (inputs.shape[0], inputs.shape[1]), (kernel.shape[0], kernel.shape[1])
    geometry = ConvolutionSettings(strides, padding).geometry(size, window)
    borders = geometry.borders
    first, pieces, cuts, corner = [], [], [], []
    for at, n, step, k, length, (before, _) in zip(
        place, geometry.positions, strides, window, size, borders, strict=True
    ):
        low, high = max(at - reach, 0), min(at + reach, n - 1)
        start, stop = low * step, high * step + k
        first.append(low)
        corner.append(start - before)
        pieces.append(slice(start, stop))
        cuts.append((max(before - start, 0), max(stop - before - length, 0)))
    padded = pad_images(inputs[np.newaxis], borders)[0][pieces[0], pieces[1]].astype(np.float64)
    channels = inputs.shape[2]
    each = kernel[:, :, np.newaxis, :].astype(np.float64)
    shares = conv2d(padded[np.newaxis], each, strides=strides, groups=channels)[0]
    sums = shares.sum(axis=2) + bias
    step = (place[0] - first[0]) * sums.shape[1] + place[1] - first[1]
    return Neighbourhood(
        (first[0], first[1]),
        step,
        padded,
        (cuts[0], cuts[1]),
        (corner[0], corner[1]),
        sums,
        shares,
    )


def neighbourhood_trace(
    near: Neighbourhood, kernel: Array, *, name: str, strides: Pair = (1, 1)
) -> Trace:
    """Return the trace of a neighbourhood: the strongest channels one by one, the rest summed.

    Parameters
    ----------
    near : Neighbourhood
    kernel : ndarray, shape (kernel_height, kernel_width, channels)
    name : str
        Name of the output, for example "Map 3".
    strides : (int, int)

    Returns
    -------
    Trace
        Grids "input-1" and so on, "kernel-1-1", "rest", "partial-1-1" and "output-1". The rest is
        one sum, so the output is that of all channels and the bias.
    """
    chosen = near.strongest()
    parts = [f"map {channel}" for channel in chosen]
    kernel_size = kernel.shape[0], kernel.shape[1]
    pixels = round_values(near.padded[..., chosen])
    n_results = near.sums.size
    (top, bottom), (left, right) = near.borders
    inner = pixels.values.shape[0] - top - bottom, pixels.values.shape[1] - left - right
    geometry = Geometry(inner, kernel_size, strides, (1, 1), near.borders, near.size)
    reads = window_cells(geometry, len(chosen))
    grids = Grids()
    grids.add_input(
        pixels,
        geometry,
        reads,
        parts=tuple(parts) if len(parts) > 1 else ("",),
        scale=_scale(pixels.values),
        note=shape_words(geometry.padded_size),
        **_labels(near.corner, geometry.padded_size),
    )
    weights = round_values(kernel[..., chosen])
    kernels = [
        grids.add(
            Rounded(weights.values[..., i], weights.precision),
            key=f"kernel-1-{i + 1}",
            title="Kernel",
            part=parts[i],
            role="kernel",
            scale=Scale.signed(weights.values),
            channel=i,
        )
        for i in range(len(chosen))
    ]
    shares = round_values(near.shares[..., chosen], exact=False)
    sums = round_values(near.sums, exact=False)
    rest = round_values(sums.values - shares.values.sum(axis=2), exact=False)
    scale = Scale.signed(shares.values, sums.values, rest.values)
    labels = _labels(near.first, near.size)
    n_others = near.shares.shape[2] - len(chosen)
    others = f"{n_others} more map{'s' * (n_others > 1)} and the bias" if n_others else "the bias"
    biases = grids.add(
        rest, key="rest", title="Rest", part=others, note="", role="bias", scale=scale, **labels
    )
    partials = [
        grids.add(
            Rounded(shares.values[..., i], shares.precision),
            key=f"partial-1-{i + 1}",
            title="Per map",
            part=parts[i],
            role="partial",
            scale=scale,
            channel=i,
            **labels,
        )
        for i in range(len(chosen))
    ]
    output = grids.add(sums, key="output-1", title=name, role="output", scale=scale, **labels)
    cells = np.arange(n_results)
    n_weights = kernel_size[0] * kernel_size[1]
    each = np.concatenate([first + np.arange(n_weights) for first in kernels])
    return Trace(
        name="Cross-correlation",
        grids=tuple(grids),
        term="product_sum",
        step_starts=np.arange(n_results + 1) * each.size,
        reads=reads.ravel(),
        weights=np.tile(each, n_results),
        writes=output + cells,
        biases=biases + cells,
        partials=np.stack([first + cells for first in partials], axis=1),
        channels=len(chosen),
        window_columns=kernel_size[1],
        excerpt=True,
        caption_template="{output}, row {row}, column {column}: the window covers "
        f"{span_words(kernel_size)}; {{count}} products and the rest, {others}, "
        "{bias}, add up to {about}{result}.",
        padding_template=PADDING_CAPTION,
    ).checked()


def _scale(pixels: FloatArray) -> Scale:
    """Return a grey scale up to the largest number, or a signed scale if there are signs."""
    if pixels.min() < 0:
        return Scale.signed(pixels)
    return Scale("grey", float(pixels.max()) or 1.0)


def _labels(first: Pair, size: Pair) -> dict[str, Any]:
    rows, columns = (tuple(range(at, at + n)) for at, n in zip(first, size, strict=True))
    return {"row_labels": rows, "column_labels": columns}
