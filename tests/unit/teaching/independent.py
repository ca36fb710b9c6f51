"""The keys of questions computed in another way: by Keras and TensorFlow, by SciPy, by loops.

Each function gets a case's settings and returns what its key must be, to 0.005 where the key is
rounded. Unit tests try some seeds, `benchmarks/b22_questions.py` a thousand.
"""

import math

import keras
import numpy as np
import tensorflow as tf
from scipy.signal import convolve2d, correlate2d
from scipy.special import softmax


def tensor(array):
    """Return an image, a kernel or a map of one channel as a constant with four axes."""
    return tf.constant(np.asarray(array, np.float32)[..., np.newaxis])


def spread(gradient, strides):
    """Return an output gradient with the zeros that a stride puts between its numbers."""
    rows, columns = gradient.shape
    result = np.zeros(((rows - 1) * strides[0] + 1, (columns - 1) * strides[1] + 1))
    result[:: strides[0], :: strides[1]] = gradient
    return result


def kernel_gradient_cell(settings):
    """SciPy: the input correlated with the spread output gradient."""
    delta = spread(settings["grad_output"], settings["strides"])
    gradient = correlate2d(settings["input"], delta, "valid")
    return gradient[settings["row"], settings["column"]]


def input_gradient_cell(settings):
    """SciPy: the full convolution of the spread output gradient with the kernel."""
    full = convolve2d(spread(settings["grad_output"], settings["strides"]), settings["kernel"])
    gradient = np.zeros_like(settings["input"])
    gradient[: full.shape[0], : full.shape[1]] = full
    return gradient[settings["row"], settings["column"]]


def bias_gradient(settings):
    """TensorFlow: the same bias added to every output."""
    delta, bias = settings["grad_output"], tf.Variable(0.0, dtype="float64")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum((bias + tf.zeros(delta.shape, "float64")) * delta)
    return float(tape.gradient(loss, bias))


def pool_gradient(pool):
    """TensorFlow: the tape behind a pooling of Keras."""

    def gradient(settings):
        image = tensor(settings["input"][np.newaxis])
        with tf.GradientTape() as tape:
            tape.watch(image)
            pooled = pool(
                image,
                settings["pool_size"],
                settings["strides"],
                padding=settings.get("padding", "valid"),
            )
        delta = tensor(settings["grad_output"][np.newaxis])
        return tape.gradient(pooled, image, output_gradients=delta).numpy()[0, ..., 0]

    return gradient


def relu_gradient(settings):
    sums = tf.constant(settings["sums"])
    with tf.GradientTape() as tape:
        tape.watch(sums)
        output = keras.ops.relu(sums)
    return tape.gradient(output, sums, output_gradients=settings["grad_output"]).numpy()


def weight_step(settings):
    """Keras: its plain gradient descent."""
    weight = keras.Variable(settings["weight"], dtype="float64")
    optimizer = keras.optimizers.SGD(settings["learning_rate"])
    optimizer.apply([keras.ops.convert_to_tensor(settings["gradient"], "float64")], [weight])
    return float(weight.numpy())


def softmax_gradient(settings):
    """TensorFlow: the tape behind Keras's loss."""
    scores = tf.constant(settings["scores"][np.newaxis])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        loss = keras.losses.sparse_categorical_crossentropy(
            np.array([settings["label"]]), scores, from_logits=True
        )
    return tape.gradient(loss, scores).numpy()[0]


def softmax_temperature(settings):
    """1 if the largest probability grows, 2 if it stays, 3 if it shrinks."""
    before = softmax(settings["scores"]).max()
    after = softmax(settings["scores"] / settings["temperature"]).max()
    return 2 - np.sign(after - before)


def receptive_field(settings):
    """Follow one unit back, layer by layer, and count the pixels from the first to the last."""
    seen = {0}
    for kernel, stride, dilation in reversed(settings["layers"]):
        seen = {at * stride + cell * dilation for at in seen for cell in range(kernel)}
    return max(seen) - min(seen) + 1


def overfitting(settings):
    """1 if both losses fall, 2 if that of validation rises alone, 3 if both rise."""
    rises = [last > first for first, last in (settings["loss"], settings["val_loss"])]
    return 1 + sum(rises)


def dropout_output(settings):
    """Keras: the layer after training; in training, its formula."""
    if settings["phase"] == "test":
        layer = keras.layers.Dropout(settings["rate"])
        return layer(settings["values"][np.newaxis], training=False).numpy()[0]
    scaled = settings["values"] / (1 - settings["rate"])
    scaled[list(settings["dropped"])] = 0
    return scaled


def training_steps(settings):
    """Cut the images into batches, epoch by epoch."""
    starts = range(0, settings["images"], settings["batch_size"])
    return sum(len(starts) for _ in range(settings["epochs"]))


def rate_too_high(settings):
    """The first rate above 2 over the curvature, from where gradient descent diverges."""
    limit = 2 / settings["curvature"]
    return 1 + next(n for n, rate in enumerate(settings["learning_rates"]) if rate > limit)


def which_kernel(settings):
    maps = [correlate2d(settings["input"], kernel, "valid") for kernel in settings["kernels"]]
    (found,) = (n for n, each in enumerate(maps, start=1) if np.allclose(each, settings["map"]))
    return found


def shifted_map(settings):
    """SciPy: the map of the moved image, and where it is largest."""
    moved = np.roll(settings["input"], settings["shift"], axis=(0, 1))
    values = correlate2d(moved, settings["kernel"], "valid")
    values = values[:: settings["strides"][0], :: settings["strides"][1]]
    return np.argwhere(values == values.max())


def pooled_shift(settings):
    def pooled(values):
        return values.reshape(2, 2, 2, 2).max(axis=(1, 3))

    moved = np.pad(settings["map"], ((0, 0), (1, 0)))[:, :-1]
    return (pooled(settings["map"]) != pooled(moved)).sum()


def borders(settings, window):
    """Return the padding in pixels; "same" is the least with enough places, the rest at the end."""
    padding = settings.get("padding", "valid")
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding != "same":
        return padding
    found = []
    for length, cells, stride, apart in axes(settings, window):
        total = 0
        while len(starts(length + total, cells, stride, apart)) < -(-length // stride):
            total += 1
        found.append((total // 2, total - total // 2))
    return tuple(found)


def axes(settings, window):
    """Yield length, cells of the window, stride and dilation of the rows and of the columns."""
    size = settings["input_size"] if "input_size" in settings else settings["input"].shape[:2]
    cells = settings[window] if window in settings else settings["kernel"].shape[:2]
    return zip(size, cells, settings["strides"], settings.get("dilation_rate", (1, 1)), strict=True)


def starts(length, cells, stride, apart):
    """Return where windows start, moving by the stride while the last cell is inside."""
    found, at = [], 0
    while at + apart * (cells - 1) < length:
        found.append(at)
        at += stride
    return found


def windows(settings, window="kernel_size"):
    """Return, for rows and for columns, the pixels of each window; below 0 in the padding."""
    lines = []
    for axis, (before, after) in zip(
        axes(settings, window), borders(settings, window), strict=True
    ):
        length, cells, stride, apart = axis
        lines.append(
            [
                [start - before + apart * cell for cell in range(cells)]
                for start in starts(length + before + after, cells, stride, apart)
            ]
        )
    return lines


def output_size(window):
    return lambda settings: tuple(map(len, windows(settings, window)))


def same_padding(settings):
    return borders(settings | {"padding": "same"}, "kernel_size")


def unread_pixels(settings):
    """Count what lies beyond the last pixel of the last window, padding included."""
    return tuple(
        length + after - 1 - lines[-1][-1]
        for (length, *_), (_, after), lines in zip(
            axes(settings, "kernel_size"),
            borders(settings, "kernel_size"),
            windows(settings),
            strict=True,
        )
    )


def read_count(settings):
    down, right = windows(settings)
    return sum(settings["row"] in each for each in down) * sum(
        settings["column"] in each for each in right
    )


def transposed_output_size(settings):
    """The size whose valid convolution, with the pixels at its end, has this input as output."""
    return tuple(
        stride * length + max(0, cells - stride)
        for length, cells, stride, _ in axes(settings, "kernel_size")
    )


def window_cells(settings):
    down, right = windows(settings)
    height, width = settings["input_size"]
    return [
        (row, column)
        for row in down[settings["row"]]
        for column in right[settings["column"]]
        if 0 <= row < height and 0 <= column < width
    ]


def convolved(settings):
    """SciPy: every channel correlated with its kernel, then added up."""
    sides = borders(settings, "kernel_size")
    flipped = settings.get("flip_kernel", False)
    total = 0.0
    for channel in range(settings["input"].shape[2]):
        kernel = settings["kernel"][..., channel, 0]
        padded = np.pad(settings["input"][..., channel], sides)
        total += correlate2d(padded, kernel[::-1, ::-1] if flipped else kernel, "valid")
    return total[:: settings["strides"][0], :: settings["strides"][1]] + settings["bias"]


def cell(output):
    return lambda settings: output(settings)[settings["row"], settings["column"]]


def pixels_of_window(settings):
    """Return the pixels of the map in one pooling window, row by row, and its number of cells."""
    down, right = windows(settings, "pool_size")
    rows, columns = down[settings["row"]], right[settings["column"]]
    height, width = settings["input"].shape
    inside = [
        (row, column)
        for row in rows
        for column in columns
        if 0 <= row < height and 0 <= column < width
    ]
    return inside, len(rows) * len(columns)


def pooled(combine):
    def number(settings):
        inside, n_cells = pixels_of_window(settings)
        return combine([settings["input"][place] for place in inside], n_cells)

    return number


def max_pool_winner(settings):
    inside, _ = pixels_of_window(settings)
    return [max(inside, key=lambda place: settings["input"][place])]  # the first of equals


def n_weights(settings):
    """Count the weights of a convolution one by one, and its biases."""
    shape = (*settings["kernel_size"], settings["channels_in"], settings["filters"])
    return np.ones(shape).sum() + settings["use_bias"] * settings["filters"]


def n_products(settings):
    shape = (*settings["kernel_size"], settings["channels_in"], settings["filters"])
    return np.ones((*settings["output_size"], *shape)).sum()


def separable_parameters(settings):
    depthwise = np.ones((*settings["kernel_size"], settings["channels_in"])).sum()
    pointwise = settings | {"kernel_size": (1, 1)}
    return depthwise + n_weights(pointwise)


def dense_parameters(settings):
    weights = np.ones((*settings["input_shape"], settings["units"])).sum()
    return weights + settings["use_bias"] * settings["units"]


INDEPENDENT = {
    "conv-output-size": output_size("kernel_size"),
    "pool-output-size": output_size("pool_size"),
    "same-padding": same_padding,
    "unread-pixels": unread_pixels,
    "read-count": read_count,
    "transposed-output-size": transposed_output_size,
    "window-cells": window_cells,
    "conv-cell": cell(convolved),
    "true-convolution-cell": cell(convolved),
    "conv-output": convolved,
    "bias-and-relu": lambda settings: np.clip(settings["input"] + settings["bias"], 0, None),
    "max-pool-cell": pooled(lambda values, _: max(values)),
    "average-pool-cell": pooled(lambda values, _: sum(values) / len(values)),
    "average-pool-whole-window": pooled(lambda values, n_cells: sum(values) / n_cells),
    "max-pool-winner": max_pool_winner,
    "conv-parameters": n_weights,
    "conv-pool-parameters": n_weights,
    "conv-multiply-adds": n_products,
    "separable-parameters": separable_parameters,
    "dense-parameters": dense_parameters,
    "kernel-gradient-cell": kernel_gradient_cell,
    "input-gradient-cell": input_gradient_cell,
    "bias-gradient": bias_gradient,
    "max-pool-gradient": pool_gradient(keras.ops.max_pool),
    "average-pool-gradient": pool_gradient(keras.ops.average_pool),
    "relu-gradient": relu_gradient,
    "weight-step": weight_step,
    "relu-cells": lambda settings: np.where(settings["sums"] > 0, settings["sums"], 0),
    "softmax-probability": lambda settings: softmax(settings["scores"])[settings["label"]],
    "softmax-shift": lambda settings: softmax(settings["scores"])[settings["label"]],
    "softmax-temperature": softmax_temperature,
    "cross-entropy": lambda settings: -math.log(settings["probabilities"][settings["label"]]),
    "softmax-gradient": softmax_gradient,
    "receptive-field": receptive_field,
    "channel-sum": lambda settings: math.fsum([*settings["sums"], settings["bias"]]),
    "best-epoch": lambda settings: (
        settings["first_epoch"] + settings["val_loss"].index(min(settings["val_loss"]))
    ),
    "overfitting": overfitting,
    "dropout-output": dropout_output,
    "training-steps": training_steps,
    "rate-too-high": rate_too_high,
    "training-order": lambda settings: np.argsort(settings["shown"]) + 1,
    "which-kernel": which_kernel,
    "response-order": lambda settings: (
        np.argsort([-float((settings["input"] * kernel).sum()) for kernel in settings["kernels"]])
        + 1
    ),
    "shifted-map": shifted_map,
    "pooled-shift": pooled_shift,
}

MAX_PRODUCTS = 9  # in one number of an answer
MAX_NUMBER = 30  # in what is multiplied
HALF_A_HUNDREDTH = 0.00501


def key_agrees(case):
    """Return whether a case's key is what the other computation says, as exactly as it claims."""
    other = np.asarray(INDEPENDENT[case.question](case.settings), float)
    key = np.asarray(case.key, float)
    if key.shape != other.shape:
        return False
    if case.form == "points":
        return sorted(key.tolist()) == sorted(other.tolist())
    return np.abs(key - other).max() <= (1e-4 if case.tolerance < 1e-5 else HALF_A_HUNDREDTH)


def most_products(case):
    """Return how many products one number of the answer takes."""
    settings = case.settings
    if case.question == "kernel-gradient-cell":
        return settings["grad_output"].size
    if case.question == "which-kernel":
        return settings["kernels"][0].size
    if case.question == "response-order":
        return sum(kernel.size for kernel in settings["kernels"])
    return settings["kernel"].size if "kernel" in settings else 0


def is_solvable_on_paper(case):
    """Return whether a case takes few products of small numbers, and has a short key."""
    factors = [
        case.settings[name] for name in ("input", "kernel", "grad_output") if name in case.settings
    ]
    return (
        most_products(case) <= MAX_PRODUCTS
        and np.allclose(np.round(np.asarray(case.key, float), 2), np.asarray(case.key, float))
        and all(np.abs(each).max() <= MAX_NUMBER for each in factors)
        and all(np.allclose(each, np.round(each, 2)) for each in factors)
    )
