"""Questions about sizes and padding."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.random import RandomState

from cnn_lab.ops.reads import line_reads, read_counts
from cnn_lab.ops.settings import ConvolutionSettings, Geometry, PoolingSettings
from cnn_lab.ops.sizes import (
    conv_output_length,
    conv_transpose_output_length,
    effective_kernel_size,
    same_padding,
    unread_length,
)
from cnn_lab.ops.types import Padding, Pair
from cnn_lab.teaching.questions.case import Level, Line, Question, Solution, Wrong, answer_text
from cnn_lab.teaching.questions.windows import (
    Slots,
    all_sides,
    list_words,
    pick,
    place_words,
    same_twice,
    sliding_words,
)

TOPIC = "Sizes and padding"


class _Axis(NamedTuple):
    """The rows of an image and a window that slides down them, or the columns."""

    length: int
    cells: int
    stride: int
    border: Pair
    dilation: int

    @property
    def span(self) -> int:
        return effective_kernel_size(self.cells, self.dilation)

    @property
    def padded(self) -> int:
        return self.length + sum(self.border)

    @property
    def rest(self) -> int:
        """How far the window can slide."""
        return self.padded - self.span

    @property
    def positions(self) -> int:
        return conv_output_length(*self)


# What a misconception makes of an axis, and the slots of its prose.
_WrongLength = Callable[[_Axis], tuple[int, Slots]]


def _plus_one_forgotten(axis: _Axis) -> tuple[int, Slots]:
    return axis.positions - 1, {"steps": axis.positions - 1, "positions": axis.positions}


def _ceiling_for_floor(axis: _Axis) -> tuple[int, Slots]:
    return axis.positions + (unread_length(*axis) > 0), {
        "division": f"{axis.rest} / {axis.stride}",
        "steps": axis.positions - 1,
    }


def _padding_counted_once(axis: _Axis) -> tuple[int, Slots]:
    before, after = axis.border
    return _slid(axis._replace(border=(max(before, after), 0))), {
        "once": f"{axis.length} + {max(before, after)}",
        "both": f"{axis.length} + {before} + {after}",
    }


def _padding_forgotten(axis: _Axis) -> tuple[int, Slots]:
    return _slid(axis._replace(border=(0, 0))), {
        "length": axis.length,
        "padded": axis.padded,
    }


def _stride_forgotten(axis: _Axis) -> tuple[int, Slots]:
    return axis.rest + 1, {"stride": axis.stride, "rest": axis.rest}


def _stride_stretches_kernel(axis: _Axis) -> tuple[int, Slots]:
    stretched = effective_kernel_size(axis.cells, axis.stride)
    return axis.padded - stretched + 1, {
        "stride": axis.stride,
        "stretched": stretched,
        "span": axis.span,
    }


def _dilation_forgotten(axis: _Axis) -> tuple[int, Slots]:
    return _slid(axis._replace(dilation=1)), {
        "cells": axis.cells,
        "span": axis.span,
        "dilation": axis.dilation,
    }


def _dilation_multiplies_kernel(axis: _Axis) -> tuple[int, Slots]:
    product = axis.dilation * axis.cells
    return _slid(axis._replace(cells=product, dilation=1)), {
        "product": f"{axis.dilation} · {axis.cells} = {product}",
        "span": f"{axis.dilation} · {axis.cells - 1} + 1 = {axis.span}",
    }


def _same_keeps_size(axis: _Axis) -> tuple[int, Slots]:
    return axis.length, {
        "length": axis.length,
        "stride": axis.stride,
        "positions": axis.positions,
    }


def _same_rounded_down(axis: _Axis) -> tuple[int, Slots]:
    return axis.length // axis.stride, {
        "division": f"{axis.length} / {axis.stride}",
        "below": axis.length // axis.stride,
        "positions": axis.positions,
    }


def _same_padding_forgotten(axis: _Axis) -> tuple[int, Slots]:
    positions, _ = _padding_forgotten(axis)
    return positions, {"wrong": positions, "division": f"{axis.length} / {axis.stride}"}


def _stride_taken_for_window(axis: _Axis) -> tuple[int, Slots]:
    return axis.length // axis.cells, {
        "division": f"{axis.length} / {axis.cells}",
        "window": axis.cells,
        "stride": axis.stride,
    }


def _slid(axis: _Axis) -> int:
    """Return the number of positions, 0 where the window does not fit."""
    return axis.rest // axis.stride + 1 if axis.rest >= 0 else 0


_WRONG_SAME: dict[str, _WrongLength] = {
    "same-keeps-size": _same_keeps_size,
    "same-rounded-down": _same_rounded_down,
    "same-taken-for-valid": _same_padding_forgotten,
}
_WRONG_SIZES: dict[str, _WrongLength] = {
    "plus-one-forgotten": _plus_one_forgotten,
    "ceiling-for-floor": _ceiling_for_floor,
    "dilation-multiplies-kernel": _dilation_multiplies_kernel,
    "padding-counted-once": _padding_counted_once,
    "padding-forgotten": _padding_forgotten,
    "dilation-forgotten": _dilation_forgotten,
    "stride-forgotten": _stride_forgotten,
    "stride-stretches-kernel": _stride_stretches_kernel,
}


def _output_size(
    geometry: Geometry, padding: Padding, more: Mapping[str, _WrongLength] = MappingProxyType({})
) -> Solution:
    """Return the solution for the size of an output."""
    rows, columns = axes = [_Axis(*axis) for axis in geometry.axes]
    key = (rows.positions, columns.positions)
    functions = {**(_WRONG_SAME if padding == "same" else _WRONG_SIZES), **more}
    wrong = {}
    for name, wrong_length in functions.items():
        value = (wrong_length(rows)[0], wrong_length(columns)[0])
        if min(value) >= 1 and value != key:
            # The explanation speaks of the rows if they are wrong, else of the columns.
            wrong[name] = Wrong(value, wrong_length(axes[value[0] == key[0]])[1])
    if key[0] != key[1]:
        wrong["rows-and-columns-swapped"] = Wrong(
            key[::-1], {"swapped": answer_text(key[::-1]), "rows": key[0], "columns": key[1]}
        )
    return Solution(
        key=key,
        lines=_same_lines(axes, key) if padding == "same" else _size_lines(axes, key),
        wrong=wrong,
        slots={
            "input": answer_text(geometry.size),
            "window": answer_text(geometry.window),
            "sliding": sliding_words(geometry.strides, padding, geometry.dilation_rate),
        },
    )


def _same_lines(axes: list[_Axis], key: Pair) -> tuple[Line, ...]:
    down, right = (f"{axis.length} / {axis.stride}" for axis in axes)
    return (
        Line(f'rows, with padding "same": {down}, rounded up', key[0]),
        Line(f"columns: {right}, rounded up; the size, rows first", key),
    )


def _size_lines(axes: list[_Axis], key: Pair) -> tuple[Line, ...]:
    lines = []
    if any(axis.dilation > 1 for axis in axes):
        sums = _both(f"{axis.dilation} · ({axis.cells} − 1) + 1" for axis in axes)
        lines.append(Line(f"pixels that the window spans: {sums}", _pair(a.span for a in axes)))
    if any(sum(axis.border) for axis in axes):
        sums = _both(f"{axis.length} + {axis.border[0]} + {axis.border[1]}" for axis in axes)
        lines.append(Line(f"input with its padding: {sums}", _pair(a.padded for a in axes)))
    for way, axis in zip(("down", "to the right"), axes, strict=True):
        steps = f"steps {way}: ({axis.padded} − {axis.span}) / {axis.stride}"
        lines.append(Line(steps + ", rounded down" * (axis.stride > 1), axis.positions - 1))
    lines.append(Line("positions: one more than steps, each way", key))
    return tuple(lines)


def _both(sums: Iterable[str]) -> str:
    """Return the sum for the rows and that for the columns, once if they are the same."""
    return " and ".join(dict.fromkeys(sums))


def _pair(numbers: Iterable[int]) -> Pair:
    rows, columns = numbers
    return rows, columns


def _draw_conv_output_size(numbers: RandomState, level: Level) -> dict[str, Any]:
    dilation = pick(numbers, {1: 2, 2: 1})
    kernel_size = pick(numbers, {2: 1, 3: 2} if dilation > 1 else {2: 1, 3: 3, 4: 1, 5: 1})
    paddings: dict[Padding, int] = {"valid": 3, "same": 2, all_sides(1): 3, all_sides(2): 1}
    padding = pick(numbers, paddings | {((0, 1), (0, 1)): 1, ((1, 0), (2, 1)): 1})
    stride = pick(numbers, {1: 1, 2: 4, 3: 2})
    return {
        "input_size": _draw_size(numbers, effective_kernel_size(kernel_size, dilation) + 2, 15),
        "kernel_size": (kernel_size, kernel_size),
        "strides": (stride, stride),
        "padding": padding,
        "dilation_rate": (dilation, dilation),
    }


def _draw_size(numbers: RandomState, low: int, high: int) -> Pair:
    return int(numbers.randint(low, high)), int(numbers.randint(low, high))


def _solve_conv_output_size(
    input_size: Pair, kernel_size: Pair, strides: Pair, padding: Padding, dilation_rate: Pair
) -> Solution:
    settings = ConvolutionSettings(strides, padding, dilation_rate)
    return _output_size(settings.geometry(input_size, kernel_size), padding)


def _draw_pool_output_size(numbers: RandomState, level: Level) -> dict[str, Any]:
    pool_size = pick(numbers, {2: 3, 3: 3, 4: 1})
    stride = pick(numbers, {1: 1, 2: 3, 3: 2})
    paddings: dict[Padding, int] = {"valid": 3, "same": 2, all_sides(1): 1}
    return {
        "input_size": _draw_size(numbers, pool_size + 2, 14),
        "pool_size": (pool_size, pool_size),
        "strides": (stride, stride),
        "padding": pick(numbers, paddings),
        "dilation_rate": (1, 1),
    }


def _solve_pool_output_size(
    input_size: Pair,
    pool_size: Pair,
    strides: Pair,
    padding: Padding,
    dilation_rate: Pair = (1, 1),
) -> Solution:
    geometry = PoolingSettings(pool_size, strides, padding).geometry(input_size)
    more = {} if strides == pool_size else {"stride-taken-for-window": _stride_taken_for_window}
    return _output_size(geometry._replace(dilation_rate=dilation_rate), padding, more)


def _draw_same_padding(numbers: RandomState, level: Level) -> dict[str, Any]:
    weights = {2: 2, 3: 3, 4: 2, 5: 1}
    stride = pick(numbers, {1: 1, 2: 3, 3: 1})
    return {
        "input_size": _draw_size(numbers, 5, 13),
        "kernel_size": (pick(numbers, weights), pick(numbers, weights)),
        "strides": (stride, stride),
    }


def _same_symmetric(axis: _Axis) -> tuple[Pair, Slots]:
    half = axis.span // 2
    return (half, half), {
        "half": half,
        "missing": sum(axis.border),
        "before": axis.border[0],
        "after": axis.border[1],
    }


def _same_extra_first(axis: _Axis) -> tuple[Pair, Slots]:
    before, after = axis.border
    return (after, before), {"before": before, "after": after}


def _same_on_each_side(axis: _Axis) -> tuple[Pair, Slots]:
    before, after = axis.border
    missing = before + after
    return (missing, missing), {"missing": missing, "before": before, "after": after}


def _same_stride_forgotten(axis: _Axis) -> tuple[Pair, Slots]:
    border = same_padding(axis.length, axis.cells, 1, axis.dilation)
    return border, {
        "alone": sum(border),
        "stride": axis.stride,
        "positions": axis.positions,
        "missing": sum(axis.border),
    }


_WRONG_BORDERS: dict[str, Callable[[_Axis], tuple[Pair, Slots]]] = {
    "same-symmetric": _same_symmetric,
    "same-extra-first": _same_extra_first,
    "same-on-each-side": _same_on_each_side,
    "same-stride-forgotten": _same_stride_forgotten,
}


def _solve_same_padding(
    input_size: Pair, kernel_size: Pair, strides: Pair, dilation_rate: Pair = (1, 1)
) -> Solution:
    geometry = ConvolutionSettings(strides, "same", dilation_rate).geometry(input_size, kernel_size)
    rows, columns = axes = [_Axis(*axis) for axis in geometry.axes]
    key = (rows.border, columns.border)
    wrong = {}
    for name, wrong_border in _WRONG_BORDERS.items():
        value = (wrong_border(rows)[0], wrong_border(columns)[0])
        wrong[name] = Wrong(value, wrong_border(axes[value[0] == key[0]])[1])
    needed = [(axis.positions - 1) * axis.stride + axis.span for axis in axes]
    return Solution(
        key=key,
        lines=(
            Line(
                "positions: " + _both(f"{a.length} / {a.stride}" for a in axes) + ", rounded up",
                geometry.positions,
            ),
            Line(
                "pixels that so many windows need: "
                + _both(f"({a.positions} − 1) · {a.stride} + {a.span}" for a in axes),
                _pair(needed),
            ),
            Line(
                "pixels missing, 0 if there are enough: "
                + _both(f"{n} − {a.length}" for n, a in zip(needed, axes, strict=True)),
                _pair(sum(axis.border) for axis in axes),
            ),
            Line("half of them before, rounded down, and the others after", key),
        ),
        wrong=wrong,
        slots={
            "input": answer_text(input_size),
            "window": answer_text(kernel_size),
            "stride": same_twice(strides),
            "dilation": ""
            if dilation_rate == (1, 1)
            else f", dilation {same_twice(dilation_rate)}",
        },
    )


def _remainder_of_length(axis: _Axis) -> tuple[int, Slots]:
    return axis.padded % axis.stride, {
        "division": f"{axis.padded} / {axis.stride}",
        "span": axis.span,
        "rest": f"{axis.padded} − {axis.span} = {axis.rest}",
        "stride": axis.stride,
    }


def _nothing_left_over(axis: _Axis) -> tuple[int, Slots]:
    end = axis.padded - unread_length(*axis)
    return 0, {"end": end, "length": axis.padded}


def _stride_less_one(axis: _Axis) -> tuple[int, Slots]:
    return axis.stride - 1, {
        "most": axis.stride - 1,
        "stride": axis.stride,
        "rest": axis.rest,
        "beyond": unread_length(*axis),
    }


_WRONG_REST: dict[str, _WrongLength] = {
    "remainder-of-length": _remainder_of_length,
    "nothing-left-over": _nothing_left_over,
    "largest-remainder": _stride_less_one,
}


def _draw_unread(numbers: RandomState, level: Level) -> dict[str, Any]:
    kernel_size, stride = pick(numbers, {2: 1, 3: 2, 4: 1}), pick(numbers, {2: 1, 3: 2, 4: 1})
    paddings: dict[Padding, int] = {"valid": 3, all_sides(1): 1}
    padding = pick(numbers, paddings)
    settings = ConvolutionSettings(stride, padding)
    beyond = [0, 0]
    while not any(beyond):
        size = _draw_size(numbers, kernel_size + stride, 15)
        geometry = settings.geometry(size, (kernel_size, kernel_size))
        beyond = [unread_length(*axis) for axis in geometry.axes]
    return {
        "input_size": size,
        "kernel_size": (kernel_size, kernel_size),
        "strides": (stride, stride),
        "padding": padding,
        "dilation_rate": (1, 1),
    }


def _solve_unread(
    input_size: Pair, kernel_size: Pair, strides: Pair, padding: Padding, dilation_rate: Pair
) -> Solution:
    settings = ConvolutionSettings(strides, padding, dilation_rate)
    rows, columns = axes = [
        _Axis(*axis) for axis in settings.geometry(input_size, kernel_size).axes
    ]
    key = (unread_length(*rows), unread_length(*columns))
    wrong = {}
    for name, wrong_length in _WRONG_REST.items():
        value = (wrong_length(rows)[0], wrong_length(columns)[0])
        wrong[name] = Wrong(value, wrong_length(axes[value[0] == key[0]])[1])
    return Solution(
        key=key,
        lines=(
            *_size_lines(axes, _pair(axis.positions for axis in axes))[:-1],
            Line(
                "pixels from the start to the end of the last window: "
                + _both(f"{a.positions - 1} · {a.stride} + {a.span}" for a in axes),
                _pair(a.padded - beyond for a, beyond in zip(axes, key, strict=True)),
            ),
            Line(
                "pixels beyond it: "
                + _both(f"{a.padded} − {a.padded - n}" for a, n in zip(axes, key, strict=True)),
                key,
            ),
        ),
        wrong=wrong,
        slots={
            "input": answer_text(input_size),
            "window": answer_text(kernel_size),
            "sliding": sliding_words(strides, padding, dilation_rate),
        },
    )


def _draw_read_count(numbers: RandomState, level: Level) -> dict[str, Any]:
    kernel_size = pick(numbers, {2: 1, 3: 3})
    stride = pick(numbers, {1: 3, 2: 1})
    paddings: dict[Padding, int] = {"valid": 3, all_sides(1): 1, "same": 1}
    size = _draw_size(numbers, 5, 8)
    # Near the border the count is not that of the middle.
    near = [0, 0, 1, 1, 2, -1, -2]
    return {
        "input_size": size,
        "kernel_size": (kernel_size, kernel_size),
        "strides": (stride, stride),
        "padding": pick(numbers, paddings),
        "row": int(numbers.choice(near)) % size[0],
        "column": int(numbers.choice(near)) % size[1],
    }


def _solve_read_count(
    input_size: Pair,
    kernel_size: Pair,
    strides: Pair,
    padding: Padding,
    row: int,
    column: int,
    dilation_rate: Pair = (1, 1),
) -> Solution:
    settings = ConvolutionSettings(strides, padding, dilation_rate)
    geometry = settings.geometry(input_size, kernel_size)
    key = int(read_counts(geometry)[row, column])
    rows, columns = line_reads(geometry)
    down, across = int(rows.image[row]), int(columns.image[column])
    cells = kernel_size[0] * kernel_size[1]
    wrong = {
        "every-pixel-read-alike": Wrong(
            cells, {"cells": cells, "place": place_words((row, column)), "key": key}
        ),
        "reads-added": Wrong(down + across, {"down": down, "across": across, "key": key}),
        "reads-of-one-axis": Wrong(down, {"down": down, "across": across, "key": key}),
        "read-once": Wrong(1, {"down": down, "across": across, "key": key}),
    }
    if np.any(geometry.borders) and all(axis[0] >= _Axis(*axis).span for axis in geometry.axes):
        bare = ConvolutionSettings(strides, "valid", dilation_rate)
        inside = int(read_counts(bare.geometry(input_size, kernel_size))[row, column])
        wrong["reads-from-padding-forgotten"] = Wrong(inside, {"inside": inside, "key": key})
    return Solution(
        key=key,
        lines=(
            Line(f"positions down that read row {row}{_starts(geometry, 0, row)}", down),
            Line(
                f"positions across that read column {column}{_starts(geometry, 1, column)}", across
            ),
            Line(f"windows: {down} · {across}", key),
        ),
        wrong=wrong,
        slots={
            "input": answer_text(input_size),
            "window": answer_text(kernel_size),
            "sliding": sliding_words(strides, padding, dilation_rate),
            "place": place_words((row, column)),
        },
    )


def _starts(geometry: Geometry, axis: int, pixel: int) -> str:
    """Return in words where the windows start that read a row (axis 0) or a column (axis 1)."""
    _, cells, stride, (before, _), dilation = geometry.axes[axis]
    starts = [
        place * stride - before
        for place in range(geometry.positions[axis])
        if pixel
        in range(place * stride - before, place * stride - before + cells * dilation, dilation)
    ]
    return f", starting at {list_words(np.array(starts))}" if starts else ""


def _convolved_instead(axis: _Axis, key: int) -> tuple[int, Slots]:
    return _slid(axis), {"length": axis.length, "stride": axis.stride, "key": key}


def _stride_multiplied_only(axis: _Axis, key: int) -> tuple[int, Slots]:
    return axis.length * axis.stride, {
        "product": f"{axis.length} · {axis.stride}",
        "copies": f"({axis.length} − 1) · {axis.stride} + {axis.span} = {key}",
    }


def _copies_side_by_side(axis: _Axis, key: int) -> tuple[int, Slots]:
    return axis.length * axis.span, {
        "product": f"{axis.length} · {axis.span}",
        "stride": axis.stride,
        "copies": f"({axis.length} − 1) · {axis.stride} + {axis.span} = {key}",
    }


_WRONG_TRANSPOSED: dict[str, Callable[[_Axis, int], tuple[int, Slots]]] = {
    "transposed-taken-for-convolution": _convolved_instead,
    "stride-multiplied-only": _stride_multiplied_only,
    "copies-side-by-side": _copies_side_by_side,
}


def _draw_transposed(numbers: RandomState, level: Level) -> dict[str, Any]:
    stride = pick(numbers, {1: 1, 2: 3, 3: 1})
    kernel_size = stride + int(numbers.randint(1, 3))
    return {
        "input_size": _draw_size(numbers, max(2, kernel_size), 8),
        "kernel_size": (kernel_size, kernel_size),
        "strides": (stride, stride),
    }


def _solve_transposed(input_size: Pair, kernel_size: Pair, strides: Pair) -> Solution:
    key = _pair(map(conv_transpose_output_length, input_size, kernel_size, strides))
    rows, columns = axes = [
        _Axis(length, cells, stride, (0, 0), 1)
        for length, cells, stride in zip(input_size, kernel_size, strides, strict=True)
    ]
    wrong = {}
    for name, wrong_length in _WRONG_TRANSPOSED.items():
        value = (wrong_length(rows, key[0])[0], wrong_length(columns, key[1])[0])
        axis = int(value[0] == key[0])
        if min(value) >= 1:
            wrong[name] = Wrong(value, wrong_length(axes[axis], key[axis])[1])
    starts = _both(f"({axis.length} − 1) · {axis.stride}" for axis in axes)
    last = [(axis.length - 1) * axis.stride for axis in axes]
    # Keras goes on to the end of the last stride where the kernel is shorter.
    ends = [max(axis.span, axis.stride) for axis in axes]
    return Solution(
        key=key,
        lines=(
            Line(f"where the last copy of the kernel starts: {starts}", _pair(last)),
            Line(
                "and where it ends: "
                + _both(f"{at} + {end}" for at, end in zip(last, ends, strict=True)),
                key,
            ),
        ),
        wrong=wrong,
        slots={
            "input": answer_text(input_size),
            "window": answer_text(kernel_size),
            "stride": same_twice(strides),
        },
    )


QUESTIONS = (
    Question(
        name="conv-output-size",
        topic=TOPIC,
        page="padding",
        form="size",
        draw=_draw_conv_output_size,
        solve=_solve_conv_output_size,
    ),
    Question(
        name="pool-output-size",
        topic=TOPIC,
        page="pooling",
        form="size",
        draw=_draw_pool_output_size,
        solve=_solve_pool_output_size,
    ),
    Question(
        name="same-padding",
        topic=TOPIC,
        page="padding",
        form="sides",
        draw=_draw_same_padding,
        solve=_solve_same_padding,
    ),
    Question(
        name="unread-pixels",
        topic=TOPIC,
        page="padding",
        form="size",
        draw=_draw_unread,
        solve=_solve_unread,
    ),
    Question(
        name="read-count",
        topic=TOPIC,
        page="padding",
        form="number",
        draw=_draw_read_count,
        solve=_solve_read_count,
    ),
    Question(
        name="transposed-output-size",
        topic=TOPIC,
        page="padding",
        form="size",
        draw=_draw_transposed,
        solve=_solve_transposed,
    ),
)
