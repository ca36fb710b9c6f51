"""Questions about gradients: of weights, pixels and the bias, through pooling, and one step."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.random import RandomState

from cnn_lab.content.words import counted
from cnn_lab.ops import (
    Conv2DGradients,
    average_pool2d_gradient,
    conv2d_gradients,
    max_pool2d_gradient,
    relu_gradient,
)
from cnn_lab.ops.padding import pad_images
from cnn_lab.ops.pooling import cells_inside
from cnn_lab.ops.settings import ConvolutionSettings, Geometry, PoolingSettings
from cnn_lab.ops.types import Array, Padding, Pair
from cnn_lab.teaching.questions.case import Level, Line, Question, Solution, Wrong, answer_text
from cnn_lab.teaching.questions.windows import (
    MAX_SPELLED_OUT,
    bracketed,
    list_words,
    pick,
    same_twice,
    sliding_words,
    sum_words,
    two_decimals,
)

TOPIC = "Gradients"
MAX_LINE_EACH = 4  # products that have a line of their own


class _Product(NamedTuple):
    """One product of a gradient: the window it comes from, and its factors."""

    window: Pair
    delta: float
    factor: float

    @property
    def value(self) -> float:
        return self.delta * self.factor

    @property
    def words(self) -> str:
        return f"{answer_text(self.delta)} · {bracketed(self.factor)}"

    @property
    def bracketed(self) -> str:
        """The same after a plus sign."""
        return f"{bracketed(self.delta)} · {bracketed(self.factor)}"


def _draw_layer(numbers: RandomState, stride: int, side: int, rows: int) -> dict[str, Any]:
    """Return a small convolution of whole numbers, whose output has `rows` rows and columns."""
    size = (rows - 1) * stride + side
    deltas = [pick(numbers, {-2: 1, -1: 2, 0: 1, 1: 3, 2: 3, 3: 1}) for _ in range(rows * rows)]
    return {
        "input": numbers.randint(0, 6, size=(size, size)).astype(float),
        "kernel": numbers.randint(-2, 4, size=(side, side)).astype(float),
        "grad_output": np.array(deltas, float).reshape(rows, rows),
        "strides": (stride, stride),
    }


def _draw_kernel_gradient_cell(numbers: RandomState, level: Level) -> dict[str, Any]:
    stride, side, rows = pick(numbers, {(1, 2, 2): 2, (1, 2, 3): 1, (1, 3, 2): 1, (2, 2, 2): 3})
    layer = _draw_layer(numbers, stride, side, rows)
    return {**layer, "row": int(numbers.randint(side)), "column": int(numbers.randint(side))}


def _solve_kernel_gradient_cell(
    input: Array,
    kernel: Array,
    grad_output: Array,
    strides: Pair,
    row: int,
    column: int,
    padding: Padding = "valid",
    dilation_rate: Pair = (1, 1),
) -> Solution:
    layer = _Layer.of(input, kernel, grad_output, strides, padding, dilation_rate)
    key, tolerance = two_decimals(layer.kernel_gradient()[row, column])
    products = list(layer.products_of_weight(row, column))
    turned = layer._replace(grad_output=layer.grad_output[::-1, ::-1])
    first = products[0]
    wrong = {
        "stride-left-out-of-gradient": _not_strided(layer, row, column),
        "gradient-rotated": Wrong(
            round(float(turned.kernel_gradient()[row, column]), 2),
            {
                "wrong": f"{answer_text(products[-1].delta)} · {bracketed(first.factor)}",
                "right": first.words,
            },
        ),
        "one-window-only": Wrong(
            round(first.value, 2), {"first": first.words, "windows": len(products)}
        ),
        "bias-gradient-for-weight": Wrong(
            round(float(layer.grad_output.sum()), 2),
            {"sum": answer_text(round(float(layer.grad_output.sum()), 2)), "right": first.words},
        ),
    }
    return Solution(
        key=key,
        lines=_lines_of(products, key, layer.geometry.positions[1]),
        wrong={name: each for name, each in wrong.items() if each is not None},
        slots={"row": row, "column": column, "sliding": layer.sliding},
        tolerance=tolerance,
    )


def _not_strided(layer: "_Layer", row: int, column: int) -> Wrong | None:
    """Return what comes out when the weight is led over neighbouring pixels despite a stride."""
    if max(layer.geometry.strides) == 1:
        return None
    close = layer.with_strides((1, 1))
    products = list(close.products_of_weight(row, column))
    down, right = layer.geometry.strides
    return Wrong(
        round(sum(product.value for product in products), 2),
        {"stride": same_twice((down, right)), "pixels": _factors(products),
         "right": _factors(layer.products_of_weight(row, column))},
    )  # fmt: skip


def _factors(products: Any) -> str:
    return list_words(np.array([product.factor for product in products][:MAX_SPELLED_OUT]))


class _Layer(NamedTuple):
    """A convolution of one channel with the gradient of its output."""

    image: Array
    kernel: Array
    grad_output: Array
    settings: ConvolutionSettings

    @classmethod
    def of(
        cls,
        image: Array,
        kernel: Array,
        grad_output: Array,
        strides: Pair,
        padding: Padding,
        dilation_rate: Pair,
    ) -> "_Layer":
        image, kernel, grad_output = (
            np.asarray(each, float) for each in (image, kernel, grad_output)
        )
        settings = ConvolutionSettings(strides, padding, dilation_rate)
        return cls(image, kernel, grad_output, settings)

    @property
    def geometry(self) -> Geometry:
        rows, columns = self.image.shape
        return self.settings.geometry((rows, columns), (len(self.kernel), len(self.kernel[0])))

    @property
    def sliding(self) -> str:
        """How the kernel slides, in words."""
        return sliding_words(
            self.settings.strides, self.settings.padding, self.settings.dilation_rate
        )

    def with_strides(self, strides: Pair) -> "_Layer":
        """Return the layer with other strides and the same output gradient, of the first cells."""
        settings = ConvolutionSettings(strides, self.geometry.borders, self.settings.dilation_rate)
        return self._replace(settings=settings)

    def kernel_gradient(self) -> Array:
        return self.gradients().kernel[..., 0, 0]

    def input_gradient(self) -> Array:
        return self.gradients().images[0, ..., 0]

    def gradients(self) -> Conv2DGradients:
        return conv2d_gradients(
            self.image[np.newaxis, ..., np.newaxis],
            self.kernel[..., np.newaxis, np.newaxis],
            self.grad_output[np.newaxis, ..., np.newaxis],
            strides=self.settings.strides,
            padding=self.settings.padding,
            dilation_rate=self.settings.dilation_rate,
        )

    def products_of_weight(self, row: int, column: int) -> Iterator[_Product]:
        """Yield what each window adds to the gradient of a weight."""
        geometry = self.geometry
        padded = pad_images(self.image[np.newaxis, ..., np.newaxis], geometry.borders)[0, ..., 0]
        (down, right), (apart, across) = geometry.strides, geometry.dilation_rate
        for i, j in np.ndindex(self.grad_output.shape):
            pixel = padded[i * down + row * apart, j * right + column * across]
            yield _Product((i, j), float(self.grad_output[i, j]), float(pixel))

    def products_of_pixel(self, row: int, column: int) -> Iterator[tuple[_Product, Pair]]:
        """Yield what each window that reads a pixel adds to its gradient, and by which weight."""
        geometry = self.geometry
        (top, _), (left, _) = geometry.borders
        (down, right), (apart, across) = geometry.strides, geometry.dilation_rate
        for i, j in np.ndindex(self.grad_output.shape):
            m, off = divmod(row + top - i * down, apart)
            n, aside = divmod(column + left - j * right, across)
            inside = 0 <= m < len(self.kernel) and 0 <= n < len(self.kernel[0])
            if inside and not off and not aside:
                delta, weight = float(self.grad_output[i, j]), float(self.kernel[m, n])
                yield _Product((i, j), delta, weight), (m, n)


def _lines_of(products: list[_Product], key: float, columns: int) -> tuple[Line, ...]:
    """Return a line for each product or, of many, for each row of the output; and their sum."""
    if len(products) == 1:
        return (Line(f"window {_cell(products[0].window)}: {products[0].words}", key),)
    lines = []
    if len(products) <= MAX_LINE_EACH:
        for product in products:
            text = f"window {_cell(product.window)}: {product.words}"
            lines.append(Line(text, round(product.value, 4)))
    elif len(products) <= MAX_SPELLED_OUT:
        for start in range(0, len(products), columns):
            part = products[start : start + columns]
            text = " + ".join([part[0].words, *(product.bracketed for product in part[1:])])
            total = round(sum(product.value for product in part), 4)
            lines.append(Line(f"windows of row {part[0].window[0]}: {text}", total))
    return (*lines, Line(f"the sum over the {len(products)} windows", key))


def _cell(place: Pair) -> str:
    return f"({place[0]}, {place[1]})"


def _draw_input_gradient_cell(numbers: RandomState, level: Level) -> dict[str, Any]:
    stride, side, rows = pick(
        numbers, {(1, 2, 2): 2, (1, 2, 3): 2, (1, 3, 2): 1, (2, 3, 2): 2, (2, 2, 2): 1}
    )
    layer = _draw_layer(numbers, stride, side, rows)
    size = len(layer["input"])
    counts = {
        (row, column): len(list(_Layer.of(**_renamed(layer)).products_of_pixel(row, column)))
        for row, column in np.ndindex(size, size)
    }
    row, column = pick(numbers, counts)  # the more windows read a pixel, the likelier
    return {**layer, "row": row, "column": column}


def _renamed(layer: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in layer.items() if name != "input"}
    return {"image": layer["input"], "padding": "valid", "dilation_rate": (1, 1), **rest}


def _solve_input_gradient_cell(
    input: Array,
    kernel: Array,
    grad_output: Array,
    strides: Pair,
    row: int,
    column: int,
    padding: Padding = "valid",
    dilation_rate: Pair = (1, 1),
) -> Solution:
    layer = _Layer.of(input, kernel, grad_output, strides, padding, dilation_rate)
    key, tolerance = two_decimals(layer.input_gradient()[row, column])
    found = list(layer.products_of_pixel(row, column))
    products = [product for product, _ in found]
    return Solution(
        key=key,
        lines=_pixel_lines(found, key),
        wrong=_wrong_pixel(layer, row, column, products),
        slots={"row": row, "column": column, "sliding": layer.sliding},
        tolerance=tolerance,
    )


def _pixel_lines(found: list[tuple[_Product, Pair]], key: float) -> tuple[Line, ...]:
    if not found:
        return (Line("no window reads this pixel, so its gradient", key),)
    texts = [
        f"window {_cell(product.window)} reads it with weight {_cell(weight)}: {product.words}"
        for product, weight in found
    ]
    if len(found) == 1:
        return (Line(texts[0], key),)
    values = [round(product.value, 4) for product, _ in found]
    each = [Line(*line) for line in zip(texts, values, strict=True)]
    shown = each if len(each) <= MAX_SPELLED_OUT else []
    return (*shown, Line(f"the sum over the {len(found)} windows", key))


def _wrong_pixel(
    layer: _Layer, row: int, column: int, products: list[_Product]
) -> dict[str, Wrong]:
    wrong = {}
    turned = layer._replace(kernel=layer.kernel[::-1, ::-1])
    others = [product for product, _ in turned.products_of_pixel(row, column)]
    if others:
        wrong["kernel-not-rotated"] = Wrong(
            round(float(turned.input_gradient()[row, column]), 2),
            {"wrong": others[0].words, "right": products[0].words},
        )
    if max(layer.geometry.strides) > 1:
        close = [each for each, _ in layer.with_strides((1, 1)).products_of_pixel(row, column)]
        wrong["gradient-not-spread"] = Wrong(
            round(sum(product.value for product in close), 2),
            {
                "stride": same_twice(layer.geometry.strides),
                "close": len(close),
                "reads": f"{counted(len(products), 'window')} read{'s' * (len(products) == 1)}",
            },
        )
    if len(products) > 1:
        last = products[-1]
        total = round(sum(product.value for product in products), 2)
        wrong["windows-overwrite"] = Wrong(
            round(last.value, 2),
            {
                "pixel": _cell((row, column)),
                "n": len(products),
                "wrong": answer_text(round(last.value, 2)),
                "right": answer_text(total),
            },
        )
    if products:
        weights = np.array([product.factor for product in products])
        wrong["output-gradient-left-out"] = Wrong(
            round(float(weights.sum()), 2),
            {"weights": sum_words(weights[:MAX_SPELLED_OUT]), "right": products[0].words},
        )
    return wrong


def _draw_bias_gradient(numbers: RandomState, level: Level) -> dict[str, Any]:
    shape = pick(numbers, {(2, 2): 2, (2, 3): 2, (3, 2): 2, (3, 3): 1})
    grad_output = numbers.randint(-3, 5, size=shape).astype(float)
    grad_output[0, 0] += 1 if grad_output.sum() == 0 else 0
    return {"grad_output": grad_output}


def _solve_bias_gradient(grad_output: Array) -> Solution:
    grad_output = np.asarray(grad_output, float)
    rows, columns = grad_output.shape
    # Neither image nor kernel matters to the gradient of the bias.
    layer = _Layer.of(np.zeros((rows, columns)), np.ones((1, 1)), grad_output, (1, 1), "valid",
                      (1, 1))  # fmt: skip
    key, tolerance = two_decimals(layer.gradients().bias[0])
    lines = [
        Line(f"row {i}: {sum_words(row)}", round(float(row.sum()), 4))
        for i, row in enumerate(grad_output)
        if rows > 1 and grad_output.size <= MAX_SPELLED_OUT
    ]
    text = "the sum of the rows" if lines else f"the sum of the {grad_output.size} numbers"
    magnitudes = float(np.abs(grad_output).sum())
    wrong = {
        "bias-gradient-averaged": Wrong(
            round(key / grad_output.size, 2), {"sum": answer_text(key), "n": grad_output.size}
        ),
        "bias-gradient-is-one": Wrong(1.0, {"n": grad_output.size}),
        "signs-dropped": Wrong(
            round(magnitudes, 2),
            {"wrong": answer_text(round(magnitudes, 2)), "sum": answer_text(key)},
        ),
    }
    return Solution(key=key, lines=(*lines, Line(text, key)), wrong=wrong, tolerance=tolerance)


def _draw_pooling(
    numbers: RandomState, layouts: dict[tuple[int, int, int], int], *, multiple: int = 1
) -> dict[str, Any]:
    """Return a map of whole numbers and the gradient of its pooling.

    A layout is (rows of the map, side of the window, stride), with how often it comes.
    """
    rows, side, stride = pick(numbers, layouts)
    positions = (rows - side) // stride + 1
    image = numbers.randint(0, 7, size=(rows, rows)).astype(float)
    grad_output = multiple * numbers.randint(1, 6, size=(positions, positions)).astype(float)
    return {
        "input": image,
        "pool_size": (side, side),
        "strides": (stride, stride),
        "grad_output": grad_output,
    }


def _draw_max_pool_gradient(numbers: RandomState, level: Level) -> dict[str, Any]:
    drawn = _draw_pooling(numbers, {(4, 2, 2): 3, (3, 2, 1): 3, (5, 3, 2): 1})
    if numbers.randint(2):  # a second pixel as large as the largest
        image = drawn["input"]
        row, column = np.argwhere(image == image.max())[0]
        beside = column + 1 if column + 1 < image.shape[1] else column - 1
        image[row, beside] = image[row, column]
    return drawn


class _Pooling(NamedTuple):
    """Windows over one map, and the gradient of what pooling makes of them."""

    image: Array
    grad_output: Array
    settings: PoolingSettings

    @property
    def geometry(self) -> Geometry:
        rows, columns = self.image.shape
        return self.settings.geometry((rows, columns))

    def windows(self) -> Iterator[tuple[Pair, float, list[Pair]]]:
        """Yield each window: its place, its gradient, the pixels of the map that it reads."""
        (top, _), (left, _) = self.geometry.borders
        (down, right), (tall, wide) = self.geometry.strides, self.geometry.window
        height, width = self.image.shape
        for i, j in np.ndindex(self.grad_output.shape):
            rows = range(max(0, i * down - top), min(height, i * down - top + tall))
            columns = range(max(0, j * right - left), min(width, j * right - left + wide))
            pixels = [(row, column) for row in rows for column in columns]
            yield (i, j), float(self.grad_output[i, j]), pixels

    def winners(self, pixels: list[Pair]) -> list[Pair]:
        """Return which of the pixels are the largest, the first one first."""
        largest = max(self.image[pixel] for pixel in pixels)
        return [pixel for pixel in pixels if self.image[pixel] == largest]

    def arguments(self) -> dict[str, Any]:
        return {
            "pool_size": self.settings.pool_size,
            "strides": self.settings.strides,
            "padding": self.settings.padding,
        }

    @property
    def slots(self) -> dict[str, object]:
        sliding = sliding_words(self.settings.strides, self.settings.padding)
        return {"window": answer_text(self.settings.pool_size), "sliding": sliding}


def _solve_max_pool_gradient(
    input: Array,
    pool_size: Pair,
    strides: Pair,
    grad_output: Array,
    padding: Padding = "valid",
) -> Solution:
    pooling = _Pooling(
        np.asarray(input, float),
        np.asarray(grad_output, float),
        PoolingSettings(pool_size, strides, padding),
    )
    key = max_pool2d_gradient(
        pooling.image[np.newaxis, ..., np.newaxis],
        pooling.grad_output[np.newaxis, ..., np.newaxis],
        **pooling.arguments(),
    )[0, ..., 0]
    all_tied, assigned, shared = (np.zeros_like(key) for _ in range(3))
    tied, lines = 0, []
    writers = np.zeros(key.shape, int)
    for window, delta, pixels in pooling.windows():
        winners = pooling.winners(pixels)
        tied = max(tied, len(winners))
        for pixel in winners:
            all_tied[pixel] += delta
        assigned[winners[0]] = delta
        writers[winners[0]] += 1
        for pixel in pixels:
            shared[pixel] += delta / len(pixels)
        text = f"window {_cell(window)} has its first largest at {_cell(winners[0])}, which gets"
        lines.append(Line(text, delta))
    wrong = {
        "every-tied-maximum": Wrong(all_tied, {"n": tied}),
        "windows-overwrite": Wrong(assigned, _overwritten(writers, assigned, key)),
        "gradient-shared-in-max-pooling": Wrong(
            np.round(shared, 2), {"cells": pool_size[0] * pool_size[1]}
        ),
    }
    shown = lines if len(lines) <= MAX_SPELLED_OUT else []
    return Solution(
        key=key,
        lines=(*shown, Line("added up in the grid, 0 everywhere else", key)),
        wrong=wrong,
        slots=pooling.slots,
        tolerance=1e-6,
    )


def _overwritten(senders: Any, assigned: Array, key: Array) -> dict[str, object]:
    """Return the slots for the pixel that gets something from the most windows."""
    most = int(senders.argmax())
    row, column = np.unravel_index(most, key.shape)
    return {
        "pixel": _cell((int(row), int(column))),
        "n": int(senders.flat[most]),
        "wrong": answer_text(round(float(assigned.flat[most]), 2)),
        "right": answer_text(round(float(key.flat[most]), 2)),
    }


def _draw_average_pool_gradient(numbers: RandomState, level: Level) -> dict[str, Any]:
    # Quarters of even numbers have one decimal.
    return _draw_pooling(numbers, {(4, 2, 2): 1, (3, 2, 1): 1}, multiple=2)


def _solve_average_pool_gradient(
    input: Array,
    pool_size: Pair,
    strides: Pair,
    grad_output: Array,
    padding: Padding = "valid",
) -> Solution:
    pooling = _Pooling(
        np.asarray(input, float),
        np.asarray(grad_output, float),
        PoolingSettings(pool_size, strides, padding),
    )
    exact = average_pool2d_gradient(
        pooling.image[np.newaxis, ..., np.newaxis],
        pooling.grad_output[np.newaxis, ..., np.newaxis],
        **pooling.arguments(),
    )[0, ..., 0]
    key = np.round(exact, 2)
    whole, assigned, to_largest = (np.zeros_like(key) for _ in range(3))
    counts = cells_inside(pooling.geometry)
    lines, readers = [], np.zeros(key.shape, int)
    for window, delta, pixels in pooling.windows():
        for pixel in pixels:
            whole[pixel] += delta
            assigned[pixel] = delta / len(pixels)
            readers[pixel] += 1
        to_largest[pooling.winners(pixels)[0]] += delta
        text = f"each pixel of window {_cell(window)}: {answer_text(delta)} / {counts[window]:g}"
        lines.append(Line(text, round(delta / len(pixels), 4)))
    wrong = {
        "gradient-not-shared": Wrong(
            whole,
            {"cells": f"{counts.flat[0]:g}", "delta": answer_text(float(grad_output[0][0]))},
        ),
        "windows-overwrite": Wrong(np.round(assigned, 2), _overwritten(readers, assigned, key)),
        "average-gradient-to-largest": Wrong(to_largest, {"cells": f"{counts.flat[0]:g}"}),
    }
    shown = lines if len(lines) <= MAX_SPELLED_OUT else []
    return Solution(
        key=key,
        lines=(*shown, Line("added up in the grid, 0 where no window reads", key)),
        wrong=wrong,
        slots=pooling.slots,
        tolerance=1e-6 if np.allclose(key, exact, atol=1e-6) else 0.006,
    )


def _draw_relu_gradient(numbers: RandomState, level: Level) -> dict[str, Any]:
    shape = pick(numbers, {(2, 2): 1, (2, 3): 2, (3, 3): 1})
    sums = numbers.randint(-4, 5, size=shape).astype(float)
    grad_output = numbers.randint(-3, 4, size=shape).astype(float)
    sums.flat[0], grad_output.flat[0] = 2.0, -1.0 - numbers.randint(3)
    sums.flat[1], grad_output.flat[1] = -1.0 - numbers.randint(3), 1.0 + numbers.randint(3)
    order = numbers.permutation(sums.size)
    return {
        "sums": sums.ravel()[order].reshape(shape),
        "grad_output": grad_output.ravel()[order].reshape(shape),
    }


def _solve_relu_gradient(sums: Array, grad_output: Array) -> Solution:
    sums, grad_output = np.asarray(sums, float), np.asarray(grad_output, float)
    key = np.round(relu_gradient(sums, grad_output), 2)
    off = sums <= 0
    lines = [
        Line(f"row {i}: the gradient passes {_columns(row)}", key[i])
        for i, row in enumerate(sums > 0)
    ]
    wrong = {
        "gradient-through-closed-relu": Wrong(
            np.round(grad_output, 2), {"n": int(off.sum()), "all": off.size}
        ),
        "relu-of-the-gradient": Wrong(
            np.round(np.maximum(grad_output, 0), 2),
            {"value": answer_text(float(grad_output.min()))},
        ),
        "negative-gradient-cut": Wrong(
            np.maximum(key, 0), {"value": answer_text(float(key.min()))}
        ),
        "relu-gradient-is-slope": Wrong((~off).astype(float), {"n": int((~off).sum())}),
    }
    shown = lines if 1 < len(lines) <= MAX_SPELLED_OUT else []
    return Solution(
        key=key,
        lines=(*shown, Line("all rows", key)),
        wrong=wrong,
        tolerance=1e-6 if np.allclose(key, relu_gradient(sums, grad_output)) else 0.006,
    )


def _columns(flags: Array) -> str:
    places = [str(place) for place in np.flatnonzero(flags)]
    if not places:
        return "nowhere, because no sum is above 0"
    return f"in column{'s' * (len(places) > 1)} {', '.join(places)}, where the sum is above 0"


def _draw_weight_step(numbers: RandomState, level: Level) -> dict[str, Any]:
    weight = numbers.randint(-20, 21) / 10
    gradient = pick(numbers, {-4: 1, -3: 1, -2: 1, -1.5: 1, 0.5: 1, 1.5: 1, 2: 1, 3: 1, 5: 1})
    return {
        "weight": float(weight),
        "gradient": float(gradient),
        "learning_rate": float(pick(numbers, {0.1: 3, 0.2: 2, 0.5: 2, 0.3: 1})),
    }


def _solve_weight_step(weight: float, gradient: float, learning_rate: float) -> Solution:
    step = learning_rate * gradient
    key, tolerance = two_decimals(weight - step)
    written = f"{answer_text(learning_rate)} · {bracketed(gradient)}"
    change = answer_text(round(step, 4))
    wrong = {
        "step-uphill": Wrong(round(weight + step, 2), {"step": change, "key": answer_text(key)}),
        "rate-forgotten": Wrong(
            round(weight - gradient, 2),
            {"gradient": answer_text(gradient), "step": f"{written} = {change}"},
        ),
        "step-replaces-weight": Wrong(
            round(-step, 2), {"change": answer_text(round(-step, 4)), "weight": answer_text(weight)}
        ),
        "rate-scales-weight": Wrong(
            round(learning_rate * (weight - gradient), 2),
            {"step": f"{written} = {change}", "weight": answer_text(weight)},
        ),
    }
    return Solution(
        key=key,
        lines=(
            Line(f"learning rate times gradient: {written}", round(step, 4)),
            Line(f"{answer_text(weight)} minus the line above", key),
        ),
        wrong=wrong,
        slots={
            "weight": answer_text(weight),
            "gradient": answer_text(gradient),
            "rate": answer_text(learning_rate),
        },
        tolerance=tolerance,
    )


QUESTIONS = (
    Question(
        name="kernel-gradient-cell",
        topic=TOPIC,
        page="backpropagation",
        form="number",
        draw=_draw_kernel_gradient_cell,
        solve=_solve_kernel_gradient_cell,
    ),
    Question(
        name="input-gradient-cell",
        topic=TOPIC,
        page="backpropagation",
        form="number",
        draw=_draw_input_gradient_cell,
        solve=_solve_input_gradient_cell,
    ),
    Question(
        name="bias-gradient",
        topic=TOPIC,
        page="backpropagation",
        form="number",
        draw=_draw_bias_gradient,
        solve=_solve_bias_gradient,
    ),
    Question(
        name="max-pool-gradient",
        topic=TOPIC,
        page="pooling",
        form="cells",
        draw=_draw_max_pool_gradient,
        solve=_solve_max_pool_gradient,
    ),
    Question(
        name="average-pool-gradient",
        topic=TOPIC,
        page="pooling",
        form="cells",
        draw=_draw_average_pool_gradient,
        solve=_solve_average_pool_gradient,
    ),
    Question(
        name="relu-gradient",
        topic=TOPIC,
        page="backpropagation",
        form="cells",
        draw=_draw_relu_gradient,
        solve=_solve_relu_gradient,
    ),
    Question(
        name="weight-step",
        topic=TOPIC,
        page="backpropagation",
        form="number",
        draw=_draw_weight_step,
        solve=_solve_weight_step,
    ),
)
