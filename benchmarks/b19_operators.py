"""B19: `conv2d` and its gradients, against Keras and SciPy on the same shapes.

Single precision, kernels of 3 x 3, padding "same", one thread for everybody: as pages compute.
Keras runs compiled (`tf.function`), its gradients by `GradientTape`. SciPy knows one channel at
a time, so it takes part where there is one. All take turns, so that a busy moment hits all.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy.signal import convolve2d, correlate2d, fftconvolve

from benchmarks.report import Row, median, report
from cnn_lab.app.frame import tune_process
from cnn_lab.ops import Conv2DGradients, conv2d, conv2d_gradients
from cnn_lab.ops.types import Array

WARM_UP, BUDGET_S, MAX_RUNS, FEWEST_RUNS = 2, 4.0, 500, 7
# (n, height, width, channels) and filters.
SHAPES = (
    ((1, 6, 6, 1), 1),
    ((1, 28, 28, 1), 16),
    ((64, 28, 28, 16), 32),
    ((64, 28, 28, 128), 128),
)

Work = Callable[[], object]


def time_ms(contestants: Mapping[str, Work]) -> dict[str, float]:
    """Return the median milliseconds of each, having let them take turns."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    started = time.perf_counter()
    n_rounds = 0
    while n_rounds < WARM_UP + FEWEST_RUNS or (
        n_rounds < MAX_RUNS and time.perf_counter() - started < BUDGET_S
    ):
        for name, work in contestants.items():
            begun = time.perf_counter()
            work()
            times[name].append(1000 * (time.perf_counter() - begun))
        n_rounds += 1
    return {name: median(values[WARM_UP:]) for name, values in times.items()}


def keras_work(images: Array, kernel: Array, delta: Array) -> tuple[Work, Work]:
    """Return Keras's forward pass and its gradients, compiled; both return arrays."""
    import keras
    import tensorflow as tf

    tensors = [tf.constant(array) for array in (images, kernel, np.zeros(kernel.shape[3], "f4"))]
    weights = tf.constant(delta)

    def forward(images: Any, kernel: Any, bias: Any) -> Any:
        return keras.ops.conv(images, kernel, padding="same") + bias

    def backward(images: Any, kernel: Any, bias: Any) -> Any:
        inputs = [images, kernel, bias]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            result = forward(*inputs)
        return tape.gradient(result, inputs, output_gradients=weights)

    compiled = [tf.function(work) for work in (forward, backward)]
    return tuple(  # type: ignore[return-value]
        partial(lambda work: tf.nest.map_structure(np.asarray, work(*tensors)), work)
        for work in compiled
    )


def scipy_forward(correlate: Callable[..., Array], images: Array, kernel: Array) -> Array:
    """Cross-correlate one image of one channel with each filter."""
    maps = [correlate(images[0, ..., 0], one, mode="same") for one in filters_of(kernel)]
    return np.stack(maps, axis=-1)[np.newaxis]


def scipy_gradients(images: Array, kernel: Array, delta: Array) -> Conv2DGradients:
    """Return the gradients of one image of one channel, from the textbook's formulas."""
    padded = np.pad(images[0, ..., 0], 1)
    deltas = np.moveaxis(delta[0], -1, 0)
    grad_kernel = [correlate2d(padded, one, "valid") for one in deltas]
    grad_image = sum(
        convolve2d(one, weights, "same")
        for one, weights in zip(deltas, filters_of(kernel), strict=True)
    )
    return Conv2DGradients(
        np.asarray(grad_image)[np.newaxis, ..., np.newaxis],
        np.stack(grad_kernel, axis=-1)[:, :, np.newaxis],
        delta.sum(axis=(0, 1, 2)),
    )


def fft_correlate(image: Array, kernel: Array, mode: str) -> Array:
    return np.asarray(fftconvolve(image, kernel[::-1, ::-1], mode=mode))


def filters_of(kernel: Array) -> list[Array]:
    return [kernel[..., 0, f] for f in range(kernel.shape[3])]


def difference(ours: object, theirs: object) -> float:
    """Return the largest difference between results, as a part of their largest value."""
    pairs = zip(as_arrays(ours), as_arrays(theirs), strict=True)
    return max(float(np.abs(our - their).max() / np.abs(our).max()) for our, their in pairs)


def as_arrays(result: object) -> list[Array]:
    return list(result) if isinstance(result, list | tuple) else [np.asarray(result)]


def measure_shape(shape: tuple[int, int, int, int], filters: int) -> list[Row]:
    random = np.random.default_rng(0)
    images = random.normal(size=shape).astype(np.float32)
    kernel = random.normal(size=(3, 3, shape[3], filters)).astype(np.float32)
    bias = np.zeros(filters, np.float32)
    delta = random.normal(size=(*shape[:3], filters)).astype(np.float32)
    keras_forward, keras_backward = keras_work(images, kernel, delta)
    forward: dict[str, Work] = {
        "NumPy": lambda: conv2d(images, kernel, bias, padding="same"),
        "Keras": keras_forward,
    }
    backward: dict[str, Work] = {
        "NumPy": lambda: conv2d_gradients(images, kernel, delta, padding="same"),
        "Keras": keras_backward,
    }
    if shape[0] == shape[3] == 1:
        forward["SciPy's `correlate2d`"] = partial(scipy_forward, correlate2d, images, kernel)
        forward["SciPy's `fftconvolve`"] = partial(scipy_forward, fft_correlate, images, kernel)
        backward["SciPy's `correlate2d`"] = partial(scipy_gradients, images, kernel, delta)
    n, height, width, channels = shape
    many = f"{n} × " if n > 1 else ""
    label = f"{many}{height} × {width} × {channels} to {filters}"
    rows = []
    for what, contestants in (("`conv2d`", forward), ("its gradients", backward)):
        results = {name: work() for name, work in contestants.items()}
        times = time_ms(contestants)
        ours = times.pop("NumPy")
        rows.append(Row(f"{label}: {what}", ours, "ms"))
        rows += [
            Row(f"{label}: {what}, {name} takes", theirs / ours, "times as long")
            for name, theirs in times.items()
        ]
        off = max(difference(results["NumPy"], results[name]) for name in times)
        rows.append(Row(f"{label}: {what}, largest difference", 1e6 * off, "millionths"))
    return rows


def measure() -> Sequence[Row]:
    tune_process()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return [row for shape, filters in SHAPES for row in measure_shape(shape, filters)]


if __name__ == "__main__":
    report("B19", measure)
