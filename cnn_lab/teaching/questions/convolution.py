"""Questions about convolution."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.random import RandomState

from cnn_lab.ops import conv2d, conv2d_gradients, relu
from cnn_lab.ops.padding import pad_images
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import Array, Padding, PadMode, Pair
from cnn_lab.teaching.questions.case import Level, Line, Question, Solution, Wrong, answer_text
from cnn_lab.teaching.questions.windows import (
    MAX_SPELLED_OUT,
    Place,
    Slots,
    all_sides,
    bracketed,
    draw_place,
    list_words,
    pick,
    place_words,
    rounded,
    rounding_words,
    same_twice,
    sliding_words,
    spans,
    start_lines,
    sum_words,
    two_decimals,
)

TOPIC = "Convolution"
Points = tuple[Pair, ...]

_MAX_WORDS = 120  # characters of products in a line
_MAX_SUMS = 6  # lines of products in a solution


def _draw_cell(numbers: RandomState, level: Level) -> dict[str, Any]:
    window, channels = pick(numbers, {(2, 1): 2, (3, 1): 2, (2, 2): 1})
    stride = pick(numbers, {1: 1, 2: 1})
    paddings: dict[Padding, int] = {"valid": 4, all_sides(1): 2, "same": 1}
    padding: Padding = "valid" if channels > 1 else pick(numbers, paddings)
    low = window + stride
    size = tuple(int(numbers.randint(low, max(low + 1, 6))) for _ in range(2))
    geometry = ConvolutionSettings(stride, padding).geometry((size[0], size[1]), (window, window))
    return {
        "input": draw_pixels(numbers, (*size, channels)),
        "kernel": draw_weights(numbers, (window, window, channels, 1)),
        "bias": draw_bias(numbers),
        "strides": (stride, stride),
        "padding": padding,
        **draw_place(numbers, geometry.positions),
    }


def draw_pixels(numbers: RandomState, shape: tuple[int, ...]) -> Array:
    """Return whole numbers from 0 to 5."""
    return numbers.randint(0, 6, size=shape).astype(float)


def draw_weights(numbers: RandomState, shape: tuple[int, ...]) -> Array:
    """Return a kernel of whole numbers from -2 to 3 that a rotation by 180 degrees changes."""
    kernel = numbers.randint(-2, 4, size=shape).astype(float)
    while np.array_equal(kernel, kernel[::-1, ::-1]):
        kernel = numbers.randint(-2, 4, size=shape).astype(float)
    return kernel


def draw_bias(numbers: RandomState) -> int:
    """Return a whole number from -3 to 3 other than 0."""
    return int(numbers.choice([-3, -2, -1, 1, 2, 3]))


class _Sum(NamedTuple):
    """The sum that makes one cell of an output.

    Attributes
    ----------
    cells, weights : ndarray, shape (rows, columns, channels)
        What the window reads, and the weights as they lie on it.
    bias : float
    """

    cells: Array
    weights: Array
    bias: float

    @property
    def products(self) -> float:
        return float((self.cells * self.weights).sum())

    @property
    def value(self) -> float:
        return self.products + self.bias


# What a misconception makes of a sum, and the slots of its prose.
_WrongSum = Callable[[_Sum], tuple[float, Slots]]


def _bias_forgotten(one: _Sum) -> tuple[float, Slots]:
    return one.products, {"products": answer_text(one.products), "bias": answer_text(one.bias)}


def _rotated(one: _Sum) -> tuple[float, Slots]:
    turned = one._replace(weights=one.weights[::-1, ::-1])
    return turned.value, _misplaced_weight(one, turned)


def _flipped_one_way(one: _Sum) -> tuple[float, Slots]:
    half_turned = one._replace(weights=one.weights[:, ::-1])
    return half_turned.value, _misplaced_weight(one, half_turned)


def _misplaced_weight(right: _Sum, wrong: _Sum) -> Slots:
    """Return the first cell of the window on which the kernels lay different weights."""
    differ = np.argwhere(right.weights != wrong.weights)
    at = tuple(differ[0]) if len(differ) else (0, 0, 0)
    return {
        "cell": answer_text(float(right.cells[at])),
        "place": place_words((int(at[0]), int(at[1]))),
        "weight": answer_text(float(right.weights[at])),
        "wrong": answer_text(float(wrong.weights[at])),
    }


def _channels_not_summed(one: _Sum) -> tuple[float, Slots]:
    first = one._replace(cells=one.cells[..., :1], weights=one.weights[..., :1])
    return first.value, {
        "first": answer_text(first.products),
        "others": answer_text(one.products - first.products),
        "channels": one.cells.shape[2],
    }


def _bias_for_each_channel(one: _Sum) -> tuple[float, Slots]:
    channels = one.cells.shape[2]
    return one.products + channels * one.bias, {
        "channels": channels,
        "bias": answer_text(one.bias),
        "products": answer_text(one.products),
    }


def _weights_left_out(one: _Sum) -> tuple[float, Slots]:
    pixels = float(one.cells.sum())
    return pixels + one.bias, {
        "pixels": answer_text(pixels),
        "product": _products_words(one.cells[0, 0, :1], one.weights[0, 0, :1]),
    }


def _relu_unasked(one: _Sum) -> tuple[float, Slots]:
    return max(one.value, 0.0), {"sum": answer_text(one.value)}


_WRONG_SUMS: dict[str, _WrongSum] = {
    "bias-forgotten": _bias_forgotten,
    "channels-not-summed": _channels_not_summed,
    "bias-for-each-channel": _bias_for_each_channel,
    "relu-unasked": _relu_unasked,
    "weights-left-out": _weights_left_out,
}


def _solve_cell(
    input: Array,
    kernel: Array,
    bias: float,
    strides: Pair,
    padding: Padding,
    row: int,
    column: int,
    dilation_rate: Pair = (1, 1),
    flip_kernel: bool = False,
    pad_mode: PadMode = "zeros",
) -> Solution:
    bias = float(np.squeeze(bias))
    output = conv2d(
        input[np.newaxis],
        kernel,
        np.array([bias]),
        strides=strides,
        padding=padding,
        dilation_rate=dilation_rate,
        flip_kernel=flip_kernel,
        pad_mode=pad_mode,
    )
    key, tolerance = two_decimals(output[0, row, column, 0])
    settings = ConvolutionSettings(strides, padding, dilation_rate)
    size, window = (input.shape[0], input.shape[1]), (kernel.shape[0], kernel.shape[1])
    place = Place(settings.geometry(size, window), row, column)
    padded = pad_images(input[np.newaxis], place.geometry.borders, pad_mode)[0]
    weights = (kernel[::-1, ::-1] if flip_kernel else kernel)[..., 0]
    one = _Sum(place.read(padded), weights, bias)
    flips: dict[str, _WrongSum] = {"kernel-flipped": _rotated}
    if flip_kernel:
        flips = {"kernel-not-flipped": _rotated, "kernel-flipped-one-way": _flipped_one_way}
    wrong = {name: Wrong(*wrong_sum(one)) for name, wrong_sum in (flips | _WRONG_SUMS).items()}
    for name, start in place.misplaced().items():
        elsewhere = one._replace(cells=place.read(padded, start))
        wrong[name] = Wrong(elsewhere.value, place.slots(start))
    return Solution(
        key=key,
        lines=(*start_lines(place), *_sum_lines(one, key)),
        wrong={name: rounded(each) for name, each in wrong.items()},
        slots={
            "window": answer_text(window),
            "sliding": sliding_words(strides, padding, dilation_rate),
            "bias": answer_text(bias),
            "place": place_words((row, column)),
            "kind": _kind(flip_kernel),
            "rounding": rounding_words(tolerance),
        },
        tolerance=tolerance,
    )


def _kind(flip_kernel: bool) -> str:
    if flip_kernel:
        return "Compute a true convolution, as in mathematics."
    return "Compute it as Keras does."


def _sum_lines(one: _Sum, key: float) -> Iterator[Line]:
    """Yield the sums of products, by rows or by channels or all at once, and their sum."""
    rows, _, channels = one.weights.shape
    parts: dict[str, Any] = {"products": ...}
    if rows * channels <= _MAX_SUMS:
        parts = {
            f"row {row} of the window" + f", channel {channel + 1}" * (channels > 1): np.s_[
                row, :, channel
            ]
            for channel in range(channels)
            for row in range(rows)
        }
    elif channels <= _MAX_SUMS:
        parts = {f"channel {channel + 1}": np.s_[:, :, channel] for channel in range(channels)}
    sums = []
    for name, part in parts.items():
        cells, weights = one.cells[part], one.weights[part]
        sums.append(float((cells * weights).sum()))
        yield Line(f"{name}: {_products_words(cells, weights)}", sums[-1])
    yield Line(f"sum with the bias: {sum_words(np.array([*sums, one.bias]))}", key)


def _products_words(cells: Array, weights: Array) -> str:
    """Return products as a sum, such as "1 · 2 + 3 · (−1)", or how many they are."""
    words = " + ".join(
        f"{bracketed(cell)} · {bracketed(weight)}"
        for cell, weight in zip(cells.ravel().tolist(), weights.ravel().tolist(), strict=True)
    )
    if weights.size > MAX_SPELLED_OUT or len(words) > _MAX_WORDS:
        return f"{weights.size} products, added up"
    return words


def _draw_true_cell(numbers: RandomState, level: Level) -> dict[str, Any]:
    window = pick(numbers, {2: 2, 3: 1})
    rows, columns = numbers.randint(window + 1, 6, size=2).tolist()
    place = draw_place(numbers, (rows - window + 1, columns - window + 1))
    cell = (0, place["row"], place["column"], 0)
    while True:
        image = draw_pixels(numbers, (rows, columns, 1))
        kernel = draw_weights(numbers, (window, window, 1, 1))
        flipped = conv2d(image[np.newaxis], kernel, flip_kernel=True)
        if flipped[cell] != conv2d(image[np.newaxis], kernel)[cell]:
            break
    return {
        "input": image,
        "kernel": kernel,
        "bias": draw_bias(numbers),
        "strides": (1, 1),
        "padding": "valid",
        **place,
        "flip_kernel": True,
    }


def _draw_output(numbers: RandomState, level: Level) -> dict[str, Any]:
    stride = pick(numbers, {1: 2, 2: 1})
    rows, columns = (3, pick(numbers, {3: 1, 4: 1})) if stride == 1 else (4, 4)
    return {
        "input": draw_pixels(numbers, (rows, columns, 1)),
        "kernel": draw_weights(numbers, (2, 2, 1, 1)),
        "bias": draw_bias(numbers),
        "strides": (stride, stride),
        "padding": "valid",
    }


def _solve_output(
    input: Array,
    kernel: Array,
    bias: float,
    strides: Pair,
    padding: Padding,
    dilation_rate: Pair = (1, 1),
    flip_kernel: bool = False,
    pad_mode: PadMode = "zeros",
) -> Solution:
    bias = float(np.squeeze(bias))

    def convolved(flip: bool) -> Array:
        maps = conv2d(
            input[np.newaxis],
            kernel,
            strides=strides,
            padding=padding,
            dilation_rate=dilation_rate,
            flip_kernel=flip,
            pad_mode=pad_mode,
        )
        return np.asarray(maps[0, ..., 0])

    exact = convolved(flip_kernel) + bias
    key = np.round(exact, 2) + 0.0
    tolerance = max(two_decimals(value)[1] for value in exact.ravel().tolist())
    settings = ConvolutionSettings(strides, padding, dilation_rate)
    size, window = (input.shape[0], input.shape[1]), (kernel.shape[0], kernel.shape[1])
    geometry = settings.geometry(size, window)
    padded = pad_images(input[np.newaxis], geometry.borders, pad_mode)[0]
    weights = (kernel[::-1, ::-1] if flip_kernel else kernel)[..., 0]
    sums = {
        place: _Sum(Place(geometry, *place).read(padded), weights, bias)
        for place in np.ndindex(*geometry.positions)
    }
    first = sums[0, 0]
    products = convolved(flip_kernel)
    negative = list_words(key[key < 0])
    bias_once = products.copy()
    bias_once[0, 0] += bias
    wrong: dict[str, tuple[Array, Slots]] = {
        "kernel-not-flipped" if flip_kernel else "kernel-flipped": (
            convolved(not flip_kernel) + bias,
            _rotated(first)[1],
        ),
        "bias-forgotten": (
            products,
            {"products": list_words(products), "bias": answer_text(bias)},
        ),
        "bias-for-first-cell": (bias_once, {"bias": answer_text(bias)}),
        "relu-unasked": (relu(exact), {"sum": negative}),
    }
    return Solution(
        key=key,
        lines=_output_lines(sums, key),
        wrong={
            name: Wrong(np.round(value, 2) + 0.0, each) for name, (value, each) in wrong.items()
        },
        slots={
            "window": answer_text(window),
            "sliding": sliding_words(strides, padding, dilation_rate),
            "bias": answer_text(bias),
            "size": answer_text(geometry.positions),
            "kind": _kind(flip_kernel),
            "rounding": rounding_words(tolerance),
        },
        tolerance=tolerance,
    )


def _output_lines(sums: Mapping[tuple[int, ...], _Sum], key: Array) -> tuple[Line, ...]:
    """Return a line for each cell; the last one ends with the whole output."""
    if len(sums) > MAX_SPELLED_OUT:
        return (Line(f"{len(sums)} sums of products, each with the bias", key),)
    lines = []
    for place, one in sums.items():
        words = _products_words(one.cells, one.weights)
        text = f"{place_words((place[0], place[1]))}: {words} + {bracketed(one.bias)}"
        lines.append(Line(text, two_decimals(one.value)[0]))
    lines[-1] = Line(f"{lines[-1].text}, and with that the whole output", key)
    return tuple(lines)


def _draw_window(numbers: RandomState, level: Level) -> dict[str, Any]:
    padding, dilation = pick(
        numbers, {("valid", 1): 2, ("valid", 2): 2, (all_sides(1), 1): 2, ("same", 1): 1}
    )
    # A single row could lie in the padding and read nothing.
    kernel_size = pick(
        numbers, {(2, 2): 2, (2, 3): 1} | ({(1, 3): 1} if padding == "valid" else {})
    )
    stride = pick(numbers, {1: 1, 2: 3})
    span = [dilation * (cells - 1) + 1 for cells in kernel_size]
    size = tuple(int(numbers.randint(width + stride, width + stride + 3)) for width in span)
    settings = ConvolutionSettings(stride, padding, dilation)
    geometry = settings.geometry((size[0], size[1]), kernel_size)
    return {
        "input_size": size,
        "kernel_size": kernel_size,
        "strides": (stride, stride),
        "padding": padding,
        "dilation_rate": (dilation, dilation),
        **draw_place(numbers, geometry.positions),
    }


def _solve_window(
    input_size: Pair,
    kernel_size: Pair,
    strides: Pair,
    padding: Padding,
    row: int,
    column: int,
    dilation_rate: Pair = (1, 1),
) -> Solution:
    geometry = ConvolutionSettings(strides, padding, dilation_rate).geometry(
        input_size, kernel_size
    )
    place = Place(geometry, row, column)
    reads = np.zeros((1, *geometry.positions, 1))
    reads[0, row, column] = 1.0
    # The gradient of one output cell by the input is not zero where the cell reads.
    gradients = conv2d_gradients(
        np.zeros((1, *input_size, 1)),
        np.ones((*kernel_size, 1, 1)),
        reads,
        strides=strides,
        padding=padding,
        dilation_rate=dilation_rate,
    )
    key = tuple((int(row), int(column)) for row, column in np.argwhere(gradients.images[0, ..., 0]))
    if not key:
        raise ValueError(
            "The window must cover part of the input. Received: "
            f"row={row}, column={column}, padding={padding!r}"
        )
    span, stretched = spans(kernel_size, dilation_rate), spans(kernel_size, strides)
    axis = int(kernel_size[0] == 1)
    gaps: Slots = {"dilation": dilation_rate[axis]}
    dilated: Slots = {
        "cells": kernel_size[axis],
        "span": span[axis],
        "dilation": dilation_rate[axis],
    }
    cells: dict[str, tuple[Points, Slots]] = {
        "dilation-forgotten": (_cells(place, place.start, kernel_size, (1, 1)), dilated),
        "gaps-read": (
            _cells(place, place.start, span, (1, 1)),
            gaps,
        ),
        "stride-stretches-kernel": (
            _cells(place, place.start, kernel_size, strides),
            {"stride": same_twice(strides), "stretched": stretched[axis], "span": span[axis]},
        ),
    } | {
        name: (_cells(place, start, kernel_size, dilation_rate), place.slots(start))
        for name, start in place.misplaced().items()
    }
    rows, columns = (sorted({point[n] for point in key}) for n in (0, 1))
    return Solution(
        field=input_size,
        key=key,
        lines=(
            *start_lines(place),
            Line("rows that it reads inside the input", np.array(rows)),
            Line("columns that it reads inside the input", np.array(columns)),
        ),
        wrong={name: Wrong(points, slots) for name, (points, slots) in cells.items() if points},
        slots={
            "input": answer_text(input_size),
            "window": answer_text(kernel_size),
            "sliding": sliding_words(strides, padding, dilation_rate),
            "place": place_words((row, column)),
        },
    )


def _cells(place: Place, start: Pair, window: Pair, dilation_rate: Pair) -> Points:
    """Return the cells inside the input that a window reads which starts there."""
    rows, columns = (
        [at + n * step for n in range(cells) if 0 <= at + n * step < size]
        for at, cells, step, size in zip(
            start, window, dilation_rate, place.geometry.size, strict=True
        )
    )
    return tuple((row, column) for row in rows for column in columns)


def _draw_bias_and_relu(numbers: RandomState, level: Level) -> dict[str, Any]:
    while True:
        sums, bias = numbers.randint(-6, 7, size=(2, 3)).astype(float), draw_bias(numbers)
        if max(sums.min(), (sums + bias).min()) < 0 < (sums + bias).max():
            return {"input": sums, "bias": bias}


def _solve_bias_and_relu(input: Array, bias: float) -> Solution:
    bias = float(np.squeeze(bias))
    sums = np.asarray(input, float)
    biased = sums + bias
    key = relu(biased)
    lowest, highest = float(biased.min()), float(biased.max())
    return Solution(
        key=key,
        lines=(
            Line(f"with the bias: each sum + {bracketed(bias)}", biased),
            Line("negative numbers become 0, the others stay", key),
        ),
        wrong={
            "bias-after-relu": Wrong(relu(sums) + bias, {"bias": answer_text(bias)}),
            "relu-left-out": Wrong(biased, {"value": answer_text(lowest)}),
            "relu-drops-the-sign": Wrong(
                np.abs(biased), {"value": answer_text(lowest), "wrong": answer_text(abs(lowest))}
            ),
            "relu-is-a-step": Wrong((biased > 0).astype(float), {"value": answer_text(highest)}),
            "relu-keeps-negative": Wrong(
                np.minimum(biased, 0.0),
                {
                    "negative": list_words(biased[biased < 0]),
                    "positive": list_words(biased[biased > 0]),
                },
            ),
        },
        slots={"bias": answer_text(bias)},
    )


QUESTIONS = (
    Question(
        name="conv-cell",
        topic=TOPIC,
        page="convolution",
        form="number",
        draw=_draw_cell,
        solve=_solve_cell,
    ),
    Question(
        name="true-convolution-cell",
        topic=TOPIC,
        page="convolution",
        form="number",
        draw=_draw_true_cell,
        solve=_solve_cell,
    ),
    Question(
        name="conv-output",
        topic=TOPIC,
        page="convolution",
        form="cells",
        draw=_draw_output,
        solve=_solve_output,
    ),
    Question(
        name="window-cells",
        topic=TOPIC,
        page="padding",
        form="points",
        draw=_draw_window,
        solve=_solve_window,
    ),
    Question(
        name="bias-and-relu",
        topic=TOPIC,
        page="convolution",
        form="cells",
        draw=_draw_bias_and_relu,
        solve=_solve_bias_and_relu,
    ),
)
