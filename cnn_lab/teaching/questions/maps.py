"""Questions about feature maps: which kernel made one, and what a shift changes."""

from typing import Any

import numpy as np
from numpy.random import RandomState

from cnn_lab.ops import conv2d, max_pool2d
from cnn_lab.ops.types import Array, Pair
from cnn_lab.teaching.questions.case import Level, Line, Question, Solution, Wrong, answer_text
from cnn_lab.teaching.questions.windows import bracketed, pick, place_words, same_twice

TOPIC = "Feature maps"
_DOWN_IS_BRIGHT = np.array([[-1.0, -1.0], [1.0, 1.0]])
_SUM = np.ones((2, 2))


def _map(image: Array, kernel: Array, strides: Pair = (1, 1)) -> Array:
    """Return the feature map of one image and one filter, without padding."""
    return conv2d(
        np.asarray(image, float)[np.newaxis, ..., np.newaxis],
        np.asarray(kernel, float)[..., np.newaxis, np.newaxis],
        strides=strides,
    )[0, ..., 0]


def _sum_words(window: Array, kernel: Array) -> str:
    """Return the sum of products of a window, such as "2 · 1 + 3 · (−1)"."""
    pairs = zip(window.ravel().tolist(), kernel.ravel().tolist(), strict=True)
    return " + ".join(f"{answer_text(pixel)} · {bracketed(weight)}" for pixel, weight in pairs)


def _draw_which_kernel(numbers: RandomState, level: Level) -> dict[str, Any]:
    true = np.rot90(_DOWN_IS_BRIGHT, numbers.randint(4))
    kernels = [true, true.T, -true, _SUM]
    while True:
        image = numbers.randint(0, 7, size=(3, 4)).astype(float)
        maps = np.stack([_map(image, kernel) for kernel in kernels])
        if any(len(set(maps[(slice(None), *cell)])) == 4 for cell in np.ndindex(maps.shape[1:])):
            break
    order = numbers.permutation(4).tolist()
    return {
        "input": image,
        "map": maps[0],
        "kernels": [kernels[index].copy() for index in order],
    }


def _solve_which_kernel(
    input: Array,
    map: Array,
    kernels: list[Array],
) -> Solution:
    image, given = np.asarray(input, float), np.asarray(map, float)
    maps = np.stack([_map(image, kernel) for kernel in kernels])
    key = next(n for n, each in enumerate(maps) if np.allclose(each, given))
    row, column = _telling_cell(maps)
    rows, columns = kernels[0].shape
    window = image[row : row + rows, column : column + columns]
    there = f"row {row}, column {column}"
    lines = [
        Line(f"{_letter(n)} at {there}: {_sum_words(window, kernel)}", maps[n, row, column])
        for n, kernel in enumerate(kernels)
    ]
    wrong = {}
    for n, kernel in enumerate(kernels):
        name = _mistaken(kernel, kernels[key])
        if n != key and name:
            wrong[name] = Wrong(
                n + 1,
                {
                    "letter": _letter(n),
                    "place": there,
                    "wrong": answer_text(float(maps[n, row, column])),
                    "right": answer_text(float(given[row, column])),
                },
            )
    return Solution(
        key=key + 1,
        lines=(*lines, Line(f"the map at {there}", float(given[row, column]))),
        wrong=wrong,
        choices=tuple(answer_text(kernel) for kernel in kernels),
    )


def _telling_cell(maps: Array) -> Pair:
    """Return the cell at which the most of the maps differ."""
    counts = [len(set(maps[(slice(None), *cell)].tolist())) for cell in np.ndindex(maps.shape[1:])]
    row, column = np.unravel_index(int(np.argmax(counts)), maps.shape[1:])
    return int(row), int(column)


def _mistaken(kernel: Array, true: Array) -> str:
    """Return the misconception that takes one kernel for another, "" if there is none."""
    if np.array_equal(kernel, -true):
        return "kernel-signs-turned"
    if np.array_equal(kernel, true.T) or np.array_equal(kernel, -true.T):
        return "edge-direction-swapped"
    return "sum-taken-for-difference" if np.array_equal(kernel, _SUM) else ""


def _letter(index: int) -> str:
    return answer_text(index + 1, "choice")


def _draw_shifted_map(numbers: RandomState, level: Level) -> dict[str, Any]:
    stride = int(pick(numbers, {1: 3, 2: 2}))
    size = 6 if stride == 1 else 8
    while True:
        image = np.zeros((size, size))
        row, column = numbers.randint(1, size - 3, size=2)
        image[row : row + 2, column : column + 2] = numbers.randint(1, 10, size=(2, 2))
        kernel = np.rot90(_DOWN_IS_BRIGHT, numbers.randint(4)) if numbers.randint(2) else _SUM
        shift = stride * numbers.randint(-1, 3, size=2)
        corner = np.array([row, column]) + shift
        inside = (corner >= 1).all() and (corner <= size - 3).all()
        if not inside or not shift.any():
            continue
        before = _map(image, kernel, (stride, stride))
        after = _map(_moved(image, shift), kernel, (stride, stride))
        if all(each.max() > 0 and (each == each.max()).sum() == 1 for each in (before, after)):
            break
    return {
        "input": image,
        "kernel": kernel.copy(),
        "strides": (stride, stride),
        "shift": (int(shift[0]), int(shift[1])),
    }


def _moved(image: Array, shift: Any) -> Array:
    """Return the image moved down and to the right by pixels, with zeros where it came from."""
    down, right = (int(pixels) for pixels in shift)
    moved = np.zeros_like(image)
    rows, columns = np.nonzero(image)
    moved[rows + down, columns + right] = image[rows, columns]
    return moved


def _largest_at(values: Array) -> Pair:
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return int(row), int(column)


def _solve_shifted_map(
    input: Array,
    kernel: Array,
    strides: Pair,
    shift: Pair,
) -> Solution:
    image = np.asarray(input, float)
    before = _largest_at(_map(image, kernel, strides))
    key = _largest_at(_map(_moved(image, shift), kernel, strides))
    (down, right), (by_row, by_column) = shift, strides
    moved = _shift_words(shift)
    on_map = _shift_words((down // by_row, right // by_column))
    known = {"before": place_words(before), "key": place_words(key), "moved": moved}
    candidates = {
        "equivariance-taken-for-invariance": before,
        "shift-the-wrong-way": (2 * before[0] - key[0], 2 * before[1] - key[1]),
        "shift-not-divided-by-stride": (before[0] + down, before[1] + right),
        "rows-taken-for-columns": (before[0] + right // by_row, before[1] + down // by_column),
    }
    divided = {"stride": same_twice(strides), "on_map": on_map, "key": known["key"]}
    return Solution(
        key=(key,),
        lines=(
            Line("row: the row before, plus the shift down divided by the stride", float(key[0])),
            Line(
                "column: the column before, plus the shift to the right divided by the stride",
                float(key[1]),
            ),
        ),
        wrong={
            name: Wrong((place,), divided if name == "shift-not-divided-by-stride" else known)
            for name, place in candidates.items()
            if min(place) >= 0
        },
        slots={"before": place_words(before), "moved": moved, "stride": same_twice(strides)},
    )


def _shift_words(shift: Pair) -> str:
    """Return a shift in words, such as "2 rows down and 1 column to the left"."""
    words = []
    for pixels, noun, after, before in (
        (shift[0], "row", "down", "up"),
        (shift[1], "column", "to the right", "to the left"),
    ):
        if pixels:
            plural = "s" * (abs(pixels) > 1)
            words.append(f"{abs(pixels)} {noun}{plural} {after if pixels > 0 else before}")
    return " and ".join(words)


def _draw_pooled_shift(numbers: RandomState, level: Level) -> dict[str, Any]:
    while True:
        values = np.zeros((4, 4))
        for _ in range(2 + numbers.randint(3)):
            values[numbers.randint(4), numbers.randint(3)] = numbers.randint(1, 10)
        changed = int((_pooled(values) != _pooled(_moved(values, (0, 1)))).sum())
        if changed or not numbers.randint(6):
            return {"map": values, "pool_size": (2, 2)}


def _pooled(values: Array, pool_size: Pair = (2, 2)) -> Array:
    return max_pool2d(values[np.newaxis, ..., np.newaxis], pool_size=pool_size)[0, ..., 0]


def _solve_pooled_shift(
    map: Array,
    pool_size: Pair,
) -> Solution:
    values = np.asarray(map, float)
    before, after = _pooled(values, pool_size), _pooled(_moved(values, (0, 1)), pool_size)
    key = int((before != after).sum())
    cells = int((values != _moved(values, (0, 1))).sum())
    known = {"before": answer_text(before), "after": answer_text(after)}
    return Solution(
        key=key,
        lines=(
            Line("pooled before", before),
            Line("pooled after", after),
            Line("cells that differ", key),
        ),
        wrong={
            "pooling-taken-for-invariant": Wrong(0, known),
            "every-pooled-cell-changes": Wrong(before.size, {**known, "cells": before.size}),
            "map-cells-counted": Wrong(cells, {**known, "cells": cells, "pooled": before.size}),
        },
        slots={"window": answer_text(pool_size)},
    )


_ROW_KERNELS = ((1, 1, 1), (-1, 0, 1), (1, 0, -1), (-1, 2, -1), (1, -2, 1), (0, 1, 0), (0, 0, 1))


def _draw_response_order(numbers: RandomState, level: Level) -> dict[str, Any]:
    while True:
        pixels = numbers.randint(0, 10, size=(1, 3)).astype(float)
        chosen = numbers.permutation(len(_ROW_KERNELS))[:3]
        kernels = [np.array([_ROW_KERNELS[index]], float) for index in chosen]
        responses = [_map(pixels, kernel).item() for kernel in kernels]
        if len(set(np.abs(responses))) == 3 and min(responses) < 0:
            return {"input": pixels, "kernels": tuple(kernels)}


def _solve_response_order(
    input: Array,
    kernels: tuple[Array, ...],
) -> Solution:
    window = np.asarray(input, float)
    responses = np.array([_map(window, kernel).item() for kernel in kernels])

    def ranked(strengths: Array) -> tuple[int, ...]:
        return tuple((np.argsort(-strengths, kind="stable") + 1).tolist())

    key = ranked(responses)
    lowest = answer_text(float(responses.min()))
    return Solution(
        key=key,
        lines=tuple(
            Line(f"kernel {n}: {_sum_words(window, kernel)}", round(float(responses[n - 1]), 4))
            for n, kernel in enumerate(kernels, start=1)
        ),
        wrong={
            "sign-of-response-dropped": Wrong(ranked(np.abs(responses)), {"lowest": lowest}),
            "weakest-first": Wrong(
                ranked(-responses),
                {"lowest": lowest, "highest": answer_text(float(responses.max()))},
            ),
            "weights-without-pixels": Wrong(
                ranked(np.array([float(kernel.sum()) for kernel in kernels])),
                {"n": key[0], "response": answer_text(float(responses.max()))},
            ),
        },
        choices=tuple(answer_text(kernel) for kernel in kernels),
    )


QUESTIONS = (
    Question(
        name="which-kernel",
        topic=TOPIC,
        page="convolution",
        form="choice",
        draw=_draw_which_kernel,
        solve=_solve_which_kernel,
    ),
    Question(
        name="response-order",
        topic=TOPIC,
        page="convolution",
        form="order",
        draw=_draw_response_order,
        solve=_solve_response_order,
    ),
    Question(
        name="shifted-map",
        topic=TOPIC,
        page="features",
        form="points",
        draw=_draw_shifted_map,
        solve=_solve_shifted_map,
    ),
    Question(
        name="pooled-shift",
        topic=TOPIC,
        page="pooling",
        form="number",
        draw=_draw_pooled_shift,
        solve=_solve_pooled_shift,
    ),
)
