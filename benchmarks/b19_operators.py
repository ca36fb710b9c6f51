"""B19: `conv2d` and its gradients, against Keras, PyTorch and SciPy on the same shapes.

Single precision, padding "same", one thread for everybody: as pages compute. Keras runs compiled
(`tf.function`), its gradients by `GradientTape`. PyTorch takes part where it is installed, in a
process of its own. SciPy knows one channel at a time, so it takes part where there is one. The
matrix products alone, which NumPy leaves to OpenBLAS, say what a design of NumPy could reach. All
times are processor time unless a row says otherwise.
"""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import convolve2d, correlate2d, fftconvolve

from benchmarks.in_pytorch import has_pytorch
from benchmarks.report import Row, median, report
from benchmarks.turns import Rival, Turn, compared, in_turns, timed
from cnn_lab.app.frame import tune_process
from cnn_lab.ops import Conv2DGradients, conv2d, conv2d_gradients
from cnn_lab.ops.types import Array

ROUNDS, WARM_UP = 9, 2
TURN_S = 0.02  # work that takes less is repeated
LARGE = 16  # images; the goal is for so many and more
GOAL = 0.7
# (n, height, width, channels), rows and columns of the kernel, and filters.
SHAPES = (
    ((1, 6, 6, 1), 3, 1),
    ((1, 28, 28, 1), 3, 16),
    ((64, 28, 28, 16), 3, 32),
    ((64, 14, 14, 64), 3, 64),
    ((64, 28, 28, 16), 5, 32),
    ((64, 28, 28, 128), 3, 128),
)

Work = Callable[[], object]


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


def difference(ours: Sequence[Array], theirs: Sequence[Array]) -> float:
    """Return the largest difference between results, as a part of their largest value."""
    pairs = zip(ours, theirs, strict=True)
    return max(float(np.abs(our - their).max() / np.abs(our).max()) for our, their in pairs)


def as_arrays(result: object) -> list[Array]:
    return list(result) if isinstance(result, list | tuple) else [np.asarray(result)]


def turn_of(work: Work) -> Callable[[], Turn]:
    """Return a function that times a piece of work, often enough for the clock."""
    n_calls = max(1, round(TURN_S / timed(work).processor_s))
    return partial(timed, work, n_calls)


def products_alone(shape: tuple[int, ...], kernel: Array, backwards: bool) -> Work:
    """Return the matrix products of a convolution, or of its gradients, with nothing around them.

    The windows of one image at a time, always the same ones.
    """
    windows = np.ones((shape[1] * shape[2], kernel[..., 0].size), np.float32)
    maps = np.ones((len(windows), kernel.shape[3]), np.float32)
    bank = kernel.reshape(-1, kernel.shape[3])
    back = np.ascontiguousarray(bank.T)

    def forward() -> None:
        for _ in range(shape[0]):
            np.matmul(windows, bank)

    def backward() -> None:
        for _ in range(shape[0]):
            np.matmul(windows.T, maps)
            np.matmul(maps, back)

    return backward if backwards else forward


def measure_shape(
    shape: tuple[int, int, int, int], size: int, filters: int, pytorch: Rival | None
) -> list[Row]:
    random = np.random.default_rng(0)
    arrays = {
        "images": random.normal(size=shape).astype(np.float32),
        "kernel": random.normal(size=(size, size, shape[3], filters)).astype(np.float32),
        "delta": random.normal(size=(*shape[:3], filters)).astype(np.float32),
    }
    images, kernel, delta = arrays.values()
    bias = np.zeros(filters, np.float32)
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
    many = f"{shape[0]} × " if shape[0] > 1 else ""
    label = f"{many}{shape[1]} × {shape[2]} × {shape[3]} to {filters}, {size} × {size}"
    rows = []
    for what, works in (("`conv2d`", forward), ("its gradients", backward)):
        rows += measure_works(f"{label}: {what}", works, works is backward, arrays, pytorch)
    return rows


def measure_works(
    label: str,
    works: Mapping[str, Work],
    backwards: bool,
    arrays: Mapping[str, Array],
    pytorch: Rival | None,
) -> list[Row]:
    """Return the rows of one operator at one shape."""
    results = {name: as_arrays(work()) for name, work in works.items()}
    contestants = {name: turn_of(work) for name, work in works.items()}
    if pytorch is not None:
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder, "arrays.npz"), Path(folder, "result.npz")
            np.savez(files[0], **dict[str, Any](arrays))
            pytorch.ask(arrays=str(files[0]), result=str(files[1]), backwards=backwards)
            with np.load(files[1]) as stored:
                results["PyTorch"] = list(stored.values())
        n_calls = contestants["NumPy"].args[1]  # type: ignore[attr-defined]
        contestants["PyTorch"] = partial(pytorch.turn, n_calls=n_calls)
    shape = arrays["images"].shape
    large = shape[0] >= LARGE
    if large:
        alone = products_alone(shape, arrays["kernel"], backwards)
        contestants["OpenBLAS's products alone"] = turn_of(alone)
    turns = in_turns(contestants, ROUNDS, WARM_UP)
    ours = turns.pop("NumPy")
    rows = [Row(label, 1000 * median([turn.processor_s for turn in ours]), "ms")]
    for name, theirs in turns.items():
        found = compared(
            f"{label}, {name}", ours, theirs, GOAL if large and name == "Keras" else None
        )
        rows += found if name == "Keras" else found[:1]
    off = max(difference(results["NumPy"], other) for other in results.values())
    rows.append(Row(f"{label}, largest difference", 1e6 * off, "millionths"))
    return rows


def measure() -> Sequence[Row]:
    tune_process()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    with ExitStack() as stack:
        pytorch = stack.enter_context(Rival("benchmarks.in_pytorch")) if has_pytorch() else None
        return [row for shape in SHAPES for row in measure_shape(*shape, pytorch)]


if __name__ == "__main__":
    report("B19", measure)
