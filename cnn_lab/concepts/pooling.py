"""What pooling keeps and discards, in numbers: ties, overlap, shifts, divisors and fields."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnn_lab.concepts.differences import Differences, differences
from cnn_lab.content.words import shape_words
from cnn_lab.ops import average_pool2d, average_pool2d_gradient, max_pool2d, max_pool2d_gradient
from cnn_lab.ops.padding import pad_images
from cnn_lab.ops.pooling import cells_inside
from cnn_lab.ops.reads import Counts, read_counts
from cnn_lab.ops.settings import PoolingSettings
from cnn_lab.ops.sizes import ReceptiveField
from cnn_lab.ops.types import Array, Pair, ShapeError, check_at_least
from cnn_lab.ops.windows import window_view
from cnn_lab.trace.numbers import MINUS, number_text

GRADIENT_TERMS_PER_LINE = 8


@dataclass(frozen=True, eq=False)
class Routes:
    """Counts of windows and of the cells under them.

    Attributes
    ----------
    won : ndarray of int, shape (height, width)
        Number of windows that each cell wins; of equal cells the first one wins.
    covered : ndarray of int, shape (height, width)
        Number of windows that each cell lies in.
    largest : ndarray of int, shape (out_height, out_width)
        Number of cells in each window that share the largest value.
    """

    won: Counts
    covered: Counts
    largest: Counts

    @cached_property
    def n_windows(self) -> int:
        """Number of windows, which is the number of pooled cells."""
        return self.largest.size

    @cached_property
    def n_ties(self) -> int:
        """Number of windows with more than one largest cell."""
        return int((self.largest > 1).sum())

    @cached_property
    def n_won_twice(self) -> int:
        """Number of cells that win more than one window."""
        return int((self.won > 1).sum())

    @cached_property
    def n_covered_twice(self) -> int:
        """Number of cells that lie in more than one window."""
        return int((self.covered > 1).sum())


def routes(image: Array, settings: PoolingSettings) -> Routes:
    """Count the windows that each cell of one map wins.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        Finite numbers.
    settings : PoolingSettings
        The divisor is ignored.

    Raises
    ------
    ShapeError, ValueError
        As `cnn_lab.ops.max_pool2d`.

    Notes
    -----
    A gradient of ones through max pooling gives one to each winner, so its sum at a cell is the
    count.

    Examples
    --------
    >>> counts = routes(np.array([[0.0, 3, 0], [3, 0, 3]]), PoolingSettings(2, strides=1))
    >>> counts.won.tolist(), counts.covered.tolist(), counts.largest.tolist()
    ([[0, 2, 0], [0, 0, 0]], [[1, 2, 1], [1, 2, 1]], [[2, 2]])
    """
    images = np.asarray(image, np.float64)[np.newaxis, ..., np.newaxis]
    geometry = settings.geometry(images.shape[1:3])
    ones = np.ones((1, *geometry.positions, 1))
    won = max_pool2d_gradient(images, ones, **_without_divisor(settings))
    padded = pad_images(images, geometry.borders, fill=-np.inf)
    windows = window_view(padded, geometry.window, geometry.strides)
    highest = windows.max(axis=(3, 4), keepdims=True)
    largest = (windows == highest).sum(axis=(3, 4))
    return Routes(_counts(won), read_counts(geometry), _counts(largest))


def _without_divisor(settings: PoolingSettings) -> dict[str, Any]:
    return {name: vars(settings)[name] for name in ("pool_size", "strides", "padding")}


def _counts(values: NDArray[np.floating[Any]] | NDArray[np.int64]) -> Counts:
    return np.round(values[0, ..., 0]).astype(np.int64)


@dataclass(frozen=True)
class Remains:
    """Losses of one kind of pooling on a map.

    Attributes
    ----------
    n_traceless : int
        Cells that contribute to no output: they won no window, or lie in none.
    magnitude : float
        Share of the map's magnitude (the sum of its absolute values) on all other cells.
    error : float
        Reconstruction error: length of the difference over the length of the map. 0 means
        nothing was lost.
    """

    n_traceless: int
    magnitude: float
    error: float


def remains(
    image: Array, settings: PoolingSettings, found: Routes | None = None
) -> tuple[Remains, Remains]:
    """Return what max pooling and average pooling keep of one map.

    The map is reconstructed from what each kind kept: the maxima in their places and zeros
    elsewhere, or each mean spread over the cells of its window (averaged where windows
    overlap).

    Parameters
    ----------
    image : ndarray, shape (height, width)
        Finite numbers.
    settings : PoolingSettings
    found : Routes, optional
        Result of `routes` for these, if already computed.

    Raises
    ------
    ShapeError, ValueError
        As `cnn_lab.ops.average_pool2d`.

    Examples
    --------
    >>> remains(np.array([[3.0, 0], [0, 1]]), PoolingSettings(2))[0].magnitude
    0.75
    >>> remains(np.ones((4, 4)), PoolingSettings(2))[1]
    Remains(n_traceless=0, magnitude=1.0, error=0.0)
    """
    image = np.asarray(image, np.float64)
    found = found or routes(image, settings)
    winners = found.won > 0
    return (
        _weigh(image, winners, np.where(winners, image, 0.0)),
        _weigh(image, found.covered > 0, _spread_means(image, settings, found)),
    )


def _spread_means(image: Array, settings: PoolingSettings, found: Routes) -> Array:
    """Return the means spread over their windows; pixels that no window reads stay zero."""
    images = image[np.newaxis, ..., np.newaxis]
    means = average_pool2d(images, **vars(settings))
    inside = cells_inside(settings.geometry(image.shape))
    # The gradient gives each cell its share of a number; times the cells, it is the number.
    total = average_pool2d_gradient(
        images,
        means * inside[np.newaxis, ..., np.newaxis],
        **_without_divisor(settings),
    )[0, ..., 0]
    return np.asarray(total / np.maximum(found.covered, 1))


def _weigh(image: Array, counts: NDArray[np.bool_], again: Array) -> Remains:
    magnitude, length = float(np.abs(image).sum()), float(np.linalg.norm(image))
    return Remains(
        int((~counts).sum()),
        float(np.abs(image)[counts].sum()) / magnitude if magnitude else 1.0,
        float(np.linalg.norm(image - again)) / length if length else 0.0,
    )


def pooled_again(
    image: Array, settings: PoolingSettings, *, average: bool, most: int
) -> list[Array]:
    """Return one map pooled once, twice and so on, as often as the window fits.

    Parameters
    ----------
    image : ndarray, shape (height, width)
    settings : PoolingSettings
    average : bool
        Pool the mean, and not the maximum.
    most : int
        How often at most.

    Examples
    --------
    >>> once, twice = pooled_again(np.eye(4), PoolingSettings(2), average=True, most=3)
    >>> once.tolist(), twice.tolist()
    ([[0.5, 0.0], [0.0, 0.5]], [[0.25]])
    """
    maps: NDArray[Any] = np.asarray(image, np.float64)[np.newaxis, ..., np.newaxis]
    pooled: list[Array] = []
    for _ in range(most):
        try:
            if average:
                maps = average_pool2d(maps, **vars(settings))
            else:
                maps = max_pool2d(maps, **_without_divisor(settings))
        except ShapeError:
            break
        pooled.append(np.asarray(maps[0, ..., 0]))
    return pooled


@dataclass(frozen=True)
class DivisorContrast:
    """The two means of each window, compared.

    Attributes
    ----------
    means : Differences
        Between those divided by the cells inside and those divided by the whole window.
    n_inside, n_window : int
        Cells inside the image, and in total, of the window whose means differ most.
    """

    means: Differences
    n_inside: int
    n_window: int


def contrast_divisors(image: Array, settings: PoolingSettings) -> DivisorContrast:
    """Compare average pooling of one map with both divisors.

    Parameters
    ----------
    image : ndarray, shape (height, width)
    settings : PoolingSettings
        Its own divisor is ignored.

    Returns
    -------
    DivisorContrast

    Raises
    ------
    ShapeError, ValueError
        As `cnn_lab.ops.average_pool2d`.

    References
    ----------
    .. [1] Keras, `keras.layers.AveragePooling2D`.
    .. [2] PyTorch, `torch.nn.AvgPool2d`: `count_include_pad`.

    Examples
    --------
    >>> found = contrast_divisors(np.full((3, 3), 8.0), PoolingSettings(2, padding="same"))
    >>> found.means.cell, found.means.first, found.means.second
    ((1, 1), 8.0, 2.0)
    """
    images = np.asarray(image, np.float64)[np.newaxis, ..., np.newaxis]
    by_inside, by_window = (
        average_pool2d(images, **vars(replace(settings, count_include_pad=counted)))[0, ..., 0]
        for counted in (False, True)
    )
    means = differences(by_inside, by_window)
    geometry = settings.geometry(images.shape[1:3])
    n_inside = round(float(cells_inside(geometry)[means.cell]))
    return DivisorContrast(means, n_inside, prod(geometry.window))


Direction = Literal["right", "down"]


@dataclass(frozen=True)
class ShiftResponse:
    """Relative changes of an image and its pooled maps when the picture moves.

    Attributes
    ----------
    shifts : ndarray of int, shape (n,)
        Pixels, from 0.
    image, max_pooled, average_pooled : ndarray of float, shape (n,)
        Length of the difference to the unshifted numbers over the length of those: 0 means
        nothing changed, 1 means that the change is as large as the picture itself.
    """

    shifts: NDArray[np.int64]
    image: Array
    max_pooled: Array
    average_pooled: Array


def shift_response(
    image: Array, settings: PoolingSettings, *, most: int, direction: Direction = "right"
) -> ShiftResponse:
    """Shift a picture pixel by pixel and measure what changes.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        Pixels that leave are lost; zeros enter on the other side.
    settings : PoolingSettings
    most : int
        Largest shift in pixels.
    direction : {"right", "down"}

    Returns
    -------
    ShiftResponse
        For 0, 1, ..., `most` pixels.
    """
    axis = {"down": 0, "right": 1}[direction]
    shifted = np.stack([_shift(image, pixels, axis) for pixels in range(most + 1)])[..., np.newaxis]
    return ShiftResponse(
        np.arange(most + 1),
        _change(shifted),
        _change(max_pool2d(shifted, **_without_divisor(settings))),
        _change(average_pool2d(shifted, **vars(settings))),
    )


def _shift(image: Array, pixels: int, axis: int) -> Array:
    moved = np.zeros_like(image)
    source, target = np.moveaxis(image, axis, 0), np.moveaxis(moved, axis, 0)
    target[pixels:] = source[: len(source) - pixels]
    return moved


def _change(maps: Array) -> Array:
    difference = np.sqrt(np.square(maps - maps[0]).sum(axis=(1, 2, 3)))
    size = float(np.sqrt(np.square(maps[0]).sum()))
    return np.asarray(difference / size if size else np.zeros(len(maps)))


@dataclass(frozen=True)
class Seen:
    """Receptive field of one cell after a layer.

    Attributes
    ----------
    layer : str
        For example "Convolution 3 × 3".
    size : (int, int)
        Rows and columns of pixels.
    step : (int, int)
        Pixels from its field to that of the next cell, down and to the right.
    """

    layer: str
    size: Pair
    step: Pair


def fields_behind(n_blocks: int, kernel_size: int, pool_size: Pair, strides: Pair) -> list[Seen]:
    """Return the receptive field after each layer of a stack.

    Parameters
    ----------
    n_blocks : int
        Number of pairs of convolution and pooling, at least 1.
    kernel_size : int
        Rows and columns of the convolution kernels, which have stride 1.
    pool_size, strides : (int, int)
        Settings of the poolings.

    Returns
    -------
    list of Seen
        A convolution and a pooling for each block, starting at the image.

    References
    ----------
    .. [1] Araujo, Norris and Sim (2019), "Computing receptive fields of convolutional
       neural networks", Distill, doi:10.23915/distill.00021.

    Examples
    --------
    >>> [seen.size for seen in fields_behind(2, 3, (2, 2), (2, 2))]
    [(3, 3), (4, 4), (8, 8), (10, 10)]
    """
    check_at_least(1, n_blocks=n_blocks)
    rows, columns = ReceptiveField(), ReceptiveField()
    stack = []
    for _ in range(n_blocks):
        for name, window, steps in (
            ("Convolution", (kernel_size, kernel_size), (1, 1)),
            ("Pooling", pool_size, strides),
        ):
            rows = rows.through(window[0], steps[0])
            columns = columns.through(window[1], steps[1])
            layer = f"{name} {shape_words(window)}"
            stack.append(Seen(layer, (rows.size, columns.size), (rows.step, columns.step)))
    return stack


def fields_table(stack: list[Seen]) -> dict[str, list[str]]:
    """Return a stack as columns of text.

    Examples
    --------
    >>> fields_table(fields_behind(1, 3, (2, 2), (2, 1)))["Step to the next cell"]
    ['1 down, 1 right', '2 down, 1 right']
    """
    return {
        "After": [seen.layer for seen in stack],
        "Receptive field": [f"{shape_words(seen.size)} pixels" for seen in stack],
        "Step to the next cell": [f"{seen.step[0]} down, {seen.step[1]} right" for seen in stack],
    }


def read_cell_latex(settings: PoolingSettings, size: Pair) -> str:
    r"""Return the image cell under cell (m, n) of window (i, j).

    Examples
    --------
    >>> print(read_cell_latex(PoolingSettings((3, 2), strides=(2, 1), padding=1), (6, 6)))
    I(2i + m - 1,\, j + n - 1)
    """
    borders = settings.borders(size)
    row, column = (
        f"{'' if step == 1 else step}{position} + {cell}{f' - {before}' if before else ''}"
        for position, cell, step, (before, _) in zip(
            "ij", "mn", settings.strides, borders, strict=True
        )
    )
    return rf"I({row},\, {column})"


def divisor_latex(settings: PoolingSettings, size: Pair) -> str:
    """Return the divisor of a mean: one number, or N_ij if it depends on the window.

    Examples
    --------
    >>> divisor_latex(PoolingSettings((3, 2)), (6, 6))
    '6'
    >>> divisor_latex(PoolingSettings(3, padding="same"), (7, 7))
    'N_{ij}'
    """
    if divides_differently(settings, size):
        return "N_{ij}"
    return str(prod(settings.pool_size))


def divides_differently(settings: PoolingSettings, size: Pair) -> bool:
    """Return whether means of one map may divide by different numbers of cells."""
    rows, columns = settings.borders(size)
    return any(rows + columns) and not settings.count_include_pad


def gradient_sum_latex(
    image: Array, grad_output: Array, settings: PoolingSettings, cell: Pair, *, average: bool
) -> str:
    r"""Return the gradient of one cell as the sum of what the windows over it pass on.

    Equal numbers are counted, and numbers with the same divisor share one fraction, so that a
    cell of many windows still has a readable sum.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        Finite numbers.
    grad_output : ndarray, shape (out_height, out_width)
        Gradient of the loss with respect to the pooled map.
    settings : PoolingSettings
    cell : (int, int)
        Row and column in the image.
    average : bool
        Whether the mean is pooled, and not the maximum.

    Returns
    -------
    str
        LaTeX for mathematics mode; more than `GRADIENT_TERMS_PER_LINE` numbers take several lines
        (which need amsmath).

    Examples
    --------
    >>> settings = PoolingSettings(3, strides=1)
    >>> print(gradient_sum_latex(np.eye(5), np.ones((3, 3)), settings, (2, 2), average=True))
    \frac{1}{9} (9 \cdot 1) = 1
    """
    passed_on: dict[int, Counter[str]] = {}
    for window, divisor in _passing_windows(image, settings, cell, average=average):
        passed_on.setdefault(divisor, Counter())[number_text(grad_output[window])] += 1
    total = Fraction(0)
    lines: list[str] = []
    for divisor, counts in passed_on.items():
        terms = []
        for text, count in counts.items():
            value = text.replace(MINUS, "-")
            total += Fraction(value) * count / divisor
            value = f"({value})" if value.startswith("-") else value
            terms.append(rf"{count} \cdot {value}" if count > 1 else value)
        rows = [
            " + ".join(terms[first : first + GRADIENT_TERMS_PER_LINE])
            for first in range(0, len(terms), GRADIENT_TERMS_PER_LINE)
        ]
        if divisor > 1:
            rows[0] = rf"\frac{{1}}{{{divisor}}} ({rows[0]}"
            rows[-1] += ")"
        lines += rows
    result = number_text(float(total)).replace(MINUS, "-")
    equals = "=" if Fraction(result) == total else r"\approx"
    lines = lines or ["0"]
    lines[-1] += f" {equals} {result}"
    if len(lines) == 1:
        return lines[0]
    body = " \\\\\n& {} + ".join(lines)
    return f"\\begin{{aligned}}\n& {body}\n\\end{{aligned}}"


def _passing_windows(
    image: Array, settings: PoolingSettings, cell: Pair, *, average: bool
) -> Iterator[tuple[Pair, int]]:
    """Yield each window that passes gradient on to a cell, and what it divides it by."""
    geometry = settings.geometry((image.shape[0], image.shape[1]))
    images = np.asarray(image, np.float64)[np.newaxis, ..., np.newaxis]
    padded = pad_images(images, geometry.borders, fill=-np.inf)
    windows = window_view(padded, geometry.window, geometry.strides)
    winners = windows.reshape(*geometry.positions, -1).argmax(axis=-1)
    inside = cells_inside(geometry)
    for window in np.ndindex(*geometry.positions):
        row, column = (
            at + before - index * stride
            for at, (before, _), index, stride in zip(
                cell, geometry.borders, window, geometry.strides, strict=True
            )
        )
        if not (0 <= row < geometry.window[0] and 0 <= column < geometry.window[1]):
            continue
        if average:
            whole = settings.count_include_pad
            yield (window[0], window[1]), prod(geometry.window) if whole else int(inside[window])
        elif winners[window] == row * geometry.window[1] + column:
            yield (window[0], window[1]), 1
