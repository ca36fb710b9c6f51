"""Questions about pooling."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import RandomState

from cnn_lab.ops import average_pool2d, max_pool2d, max_pool2d_gradient
from cnn_lab.ops.padding import pad_images
from cnn_lab.ops.pooling import cells_inside
from cnn_lab.ops.settings import PoolingSettings
from cnn_lab.ops.types import Array, Padding, Pair
from cnn_lab.teaching.questions.case import Level, Line, Question, Solution, Wrong, answer_text
from cnn_lab.teaching.questions.windows import (
    MAX_SPELLED_OUT,
    Place,
    Slots,
    all_sides,
    draw_place,
    list_words,
    pick,
    place_words,
    rounded,
    rounding_words,
    sliding_words,
    start_lines,
    sum_words,
    two_decimals,
)

TOPIC = "Pooling"

# What a misconception makes of the cells of a window, NaN in the padding, and the slots of its
# prose.
_WrongWindow = Callable[[Array], tuple[float, Slots]]


def _padding_counts_as_zero(cells: Array) -> tuple[float, Slots]:
    return float(np.nan_to_num(cells).max()), {"largest": answer_text(float(np.nanmax(cells)))}


def _mean_for_maximum(cells: Array) -> tuple[float, Slots]:
    mean = float(np.nanmean(cells))
    return mean, {
        "mean": answer_text(two_decimals(mean)[0]),
        "cells": list_words(_inside(cells)),
    }


def _sign_ignored(cells: Array) -> tuple[float, Slots]:
    furthest = float(_inside(cells)[np.abs(_inside(cells)).argmax()])
    return furthest, {
        "furthest": answer_text(furthest),
        "largest": answer_text(float(np.nanmax(cells))),
    }


_WRONG_MAXIMA: dict[str, _WrongWindow] = {
    "padding-counts-as-zero": _padding_counts_as_zero,
    "sign-ignored": _sign_ignored,
    "mean-for-maximum": _mean_for_maximum,
}


def _divided_by_whole_window(cells: Array) -> tuple[float, Slots]:
    inside = _inside(cells)
    return float(inside.sum()) / cells.size, _divided_slots(cells)


def _divided_by_inside(cells: Array) -> tuple[float, Slots]:
    return float(_inside(cells).mean()), _divided_slots(cells)


def _divided_slots(cells: Array) -> Slots:
    inside = _inside(cells)
    return {"sum": answer_text(float(inside.sum())), "inside": inside.size, "window": cells.size}


def _maximum_for_mean(cells: Array) -> tuple[float, Slots]:
    return float(np.nanmax(cells)), {
        "largest": answer_text(float(np.nanmax(cells))),
        "cells": list_words(_inside(cells)),
    }


_WRONG_MEANS: dict[str, _WrongWindow] = {
    "divided-by-whole-window": _divided_by_whole_window,
    "divided-by-inside": _divided_by_inside,
    "maximum-for-mean": _maximum_for_mean,
}


def _inside(cells: Array) -> Array:
    """Return the cells of a window that lie on the image."""
    return cells[~np.isnan(cells)]


def _solve_max_cell(
    input: Array, pool_size: Pair, strides: Pair, padding: Padding, row: int, column: int
) -> Solution:
    settings = PoolingSettings(pool_size, strides, padding)
    pooled = max_pool2d(_as_map(input), pool_size=pool_size, strides=strides, padding=padding)
    key, tolerance = two_decimals(pooled[0, row, column, 0])
    place, padded = _placed(input, settings, row, column)
    cells = place.read(padded)
    return Solution(
        key=key,
        lines=(*start_lines(place), Line(f"largest of {list_words(_inside(cells))}", key)),
        wrong=_wrong_cells(place, padded, _WRONG_MAXIMA, np.nanmax),
        slots=_slots(place, padding) | {"rounding": rounding_words(tolerance)},
        tolerance=tolerance,
    )


def _solve_average_cell(
    input: Array,
    pool_size: Pair,
    strides: Pair,
    padding: Padding,
    row: int,
    column: int,
    count_include_pad: bool = False,
) -> Solution:
    settings = PoolingSettings(pool_size, strides, padding, count_include_pad)
    pooled = average_pool2d(
        _as_map(input),
        pool_size=pool_size,
        strides=strides,
        padding=padding,
        count_include_pad=count_include_pad,
    )
    key, tolerance = two_decimals(pooled[0, row, column, 0])
    place, padded = _placed(input, settings, row, column)
    inside = _inside(place.read(padded))
    total = float(inside.sum())
    divisor = pool_size[0] * pool_size[1] if count_include_pad else inside.size
    added = sum_words(inside) if inside.size <= MAX_SPELLED_OUT else f"{inside.size} numbers"

    def average(cells: Array) -> float:
        inside = _inside(cells)
        return float(inside.sum() / (cells.size if count_include_pad else inside.size))

    return Solution(
        key=key,
        lines=(
            *start_lines(place),
            Line(f"sum of the cells inside the input: {added}", total),
            Line(f"mean: {answer_text(total)} / {divisor}", key),
        ),
        wrong={
            "mean-not-divided": Wrong(
                two_decimals(total)[0], {"sum": answer_text(total), "divisor": divisor}
            )
        }
        | _wrong_cells(place, padded, _WRONG_MEANS, average),
        slots=_slots(place, padding) | {"rounding": rounding_words(tolerance)},
        tolerance=tolerance,
    )


def _as_map(values: Array) -> Array:
    return np.asarray(values, float)[np.newaxis, ..., np.newaxis]


def _placed(values: Array, settings: PoolingSettings, row: int, column: int) -> tuple[Place, Array]:
    """Return the window of an output cell, and the map with its padding, NaN there."""
    place = Place(settings.geometry((values.shape[0], values.shape[1])), row, column)
    padded = pad_images(_as_map(values), place.geometry.borders, fill=np.nan)
    return place, padded[0, ..., 0]


def _wrong_cells(
    place: Place,
    padded: Array,
    of_the_window: dict[str, _WrongWindow],
    pool: Callable[[Array], float],
) -> dict[str, Wrong]:
    """Return what misconceptions make of the right window, and of a window in a wrong place."""
    cells = place.read(padded)
    wrong = {name: Wrong(*wrong_window(cells)) for name, wrong_window in of_the_window.items()}
    for name, start in place.misplaced().items():
        wrong[name] = Wrong(pool(place.read(padded, start)), place.slots(start))
    return {name: rounded(each) for name, each in wrong.items()}


def _slots(place: Place, padding: Padding) -> Slots:
    return {
        "window": answer_text(place.geometry.window),
        "sliding": sliding_words(place.geometry.strides, padding),
        "place": place_words((place.row, place.column)),
    }


def _draw_window(numbers: RandomState, paddings: dict[Padding, int]) -> tuple[Pair, dict[str, Any]]:
    """Return the size of a map and a window on it, at the border if there is padding."""
    pool_size = pick(numbers, {2: 3, 3: 2})
    padding = pick(numbers, paddings)
    stride = pick(numbers, {1: 1, 2: 3})
    rows, columns = numbers.randint(pool_size + stride, 7, size=2).tolist()
    geometry = PoolingSettings(pool_size, stride, padding).geometry((rows, columns))
    at_border = cells_inside(geometry) < pool_size**2
    return (rows, columns), {
        "pool_size": (pool_size, pool_size),
        "strides": (stride, stride),
        "padding": padding,
        **draw_place(numbers, geometry.positions, at_border),
    }


def _draw_max_cell(numbers: RandomState, level: Level) -> dict[str, Any]:
    size, window = _draw_window(numbers, {"valid": 3, "same": 2, all_sides(1): 1})
    # Below zero, a border of zeros would win.
    high = 10 if window["padding"] == "valid" else 0
    return {"input": numbers.randint(-9, high, size=size).astype(float), **window}


def _draw_average_cell(numbers: RandomState, level: Level) -> dict[str, Any]:
    size, window = _draw_window(numbers, {"valid": 1, "same": 2, all_sides(1): 1})
    return {"input": _draw_divisible(numbers, size, window), **window}


def _draw_average_count_include_pad(numbers: RandomState, level: Level) -> dict[str, Any]:
    size, window = _draw_window(numbers, {all_sides(1): 1})
    return {
        "input": _draw_divisible(numbers, size, window),
        **window,
        "count_include_pad": True,
    }


def _draw_divisible(numbers: RandomState, size: Pair, window: dict[str, Any]) -> Array:
    """Return a map whose mean in a window has two decimals at most."""
    settings = PoolingSettings(window["pool_size"], window["strides"], window["padding"])
    total = 0.0
    while not total:
        values = numbers.randint(-4, 10, size=size).astype(float)
        place, padded = _placed(values, settings, window["row"], window["column"])
        total = float(_inside(place.read(padded)).sum())
        if window["pool_size"] == (3, 3):  # divided by 4, 6 or 9
            row, column = (max(0, at) for at in place.start)
            values[row, column] -= total % 9
            total -= total % 9
    return values


def _draw_winner(numbers: RandomState, level: Level) -> dict[str, Any]:
    (rows, columns), window = _draw_window(numbers, {"valid": 3, "same": 1})
    # No two alike, so that one cell wins; about half of them below zero.
    values = numbers.permutation(rows * columns).reshape(rows, columns) - rows * columns // 2
    return {"input": values.astype(float), **window}


def _solve_winner(
    input: Array, pool_size: Pair, strides: Pair, padding: Padding, row: int, column: int
) -> Solution:
    settings = PoolingSettings(pool_size, strides, padding)
    place, padded = _placed(input, settings, row, column)
    arrives = np.zeros((1, *place.geometry.positions, 1))
    arrives[0, row, column] = 1.0
    # All of a pooled cell's gradient goes to the cell that it was taken from.
    gradient = max_pool2d_gradient(
        _as_map(input), arrives, pool_size=pool_size, strides=strides, padding=padding
    )
    winner = _first(gradient[0, ..., 0])
    cells = place.read(padded)
    within = (winner[0] - place.start[0], winner[1] - place.start[1])
    largest = float(np.nanmax(cells))
    _, signless = _sign_ignored(cells)
    wrong: dict[str, tuple[Pair, Slots]] = {
        "counted-within-window": (
            within,
            {"within": place_words(within), "start": place_words(place.start)},
        ),
        "sign-ignored": (_moved(_first(np.nan_to_num(np.abs(cells), nan=-1.0)), place), signless),
    }
    for name, start in place.misplaced().items():
        elsewhere = _first(np.nan_to_num(place.read(padded, start), nan=-np.inf))
        wrong[name] = ((start[0] + elsewhere[0], start[1] + elsewhere[1]), place.slots(start))
    return Solution(
        field=(input.shape[0], input.shape[1]),
        key=(winner,),
        lines=(
            *start_lines(place),
            Line(f"largest of {list_words(_inside(cells))}", largest),
            Line("its row in the map", winner[0]),
            Line("its column in the map", winner[1]),
        ),
        wrong={name: Wrong((cell,), slots) for name, (cell, slots) in wrong.items()},
        slots=_slots(place, padding),
    )


def _first(values: Array) -> Pair:
    """Return the row and column of the largest number, the first of equals."""
    row, column = divmod(int(values.argmax()), values.shape[1])
    return row, column


def _moved(cell: Pair, place: Place) -> Pair:
    """Return a cell of the window as a cell of the map."""
    return cell[0] + place.start[0], cell[1] + place.start[1]


QUESTIONS = (
    Question(
        name="max-pool-cell",
        topic=TOPIC,
        page="pooling",
        form="number",
        draw=_draw_max_cell,
        solve=_solve_max_cell,
    ),
    Question(
        name="average-pool-cell",
        topic=TOPIC,
        page="pooling",
        form="number",
        draw=_draw_average_cell,
        solve=_solve_average_cell,
    ),
    Question(
        name="average-pool-whole-window",
        topic=TOPIC,
        page="pooling",
        form="number",
        draw=_draw_average_count_include_pad,
        solve=_solve_average_cell,
    ),
    Question(
        name="max-pool-winner",
        topic=TOPIC,
        page="pooling",
        form="points",
        draw=_draw_winner,
        solve=_solve_winner,
    ),
)
