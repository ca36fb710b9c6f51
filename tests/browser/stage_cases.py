"""The traces that the stage is tested with, for the page that shows them and the tests alike."""

from collections.abc import Callable

import numpy as np

from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.window import neighbourhood, neighbourhood_trace
from cnn_lab.trace import (
    Trace,
    average_pool_gradient_trace,
    average_pool_trace,
    bias_gradient_trace,
    convolution_trace,
    input_gradient_trace,
    kernel_gradient_trace,
    max_pool_gradient_trace,
    max_pool_trace,
    transposed_convolution_trace,
)

SOBEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])[:, :, np.newaxis, np.newaxis]
PATCH = np.array(
    [
        [3, 0, 1, 2, 7, 4],
        [1, 5, 8, 9, 3, 1],
        [2, 7, 2, 5, 1, 3],
        [0, 1, 3, 1, 7, 8],
        [4, 2, 1, 6, 2, 8],
        [2, 4, 5, 2, 3, 9],
    ]
)


def _colour() -> list[Trace]:
    random = np.random.default_rng(7)
    image = random.integers(0, 5, (6, 6, 3))
    kernel = random.integers(-2, 3, (3, 3, 3, 4))
    bias = np.array([0.5, 0, -1, 2])
    return [convolution_trace(image, kernel, bias, channel_names=("red", "green", "blue"))]


def _rounded() -> list[Trace]:
    random = np.random.default_rng(3)
    image = random.integers(0, 256, (8, 8)) / 255
    return [convolution_trace(image, random.normal(size=(3, 3, 1, 2)), np.array([0.1, 0]))]


def _pooling(image: np.ndarray = PATCH, **options: object) -> list[Trace]:
    return [max_pool_trace(image, **options), average_pool_trace(image, **options)]


def _digit() -> np.ndarray:
    return load_mnist().test.images[0]


FLAT_SOBEL = SOBEL[:, :, 0, 0]
DELTA = np.array([[1, -1, 0, 2], [0, 2, 1, 0], [-2, 0, 1, 1], [1, 1, 0, -1]])


def _depthwise() -> list[Trace]:
    random = np.random.default_rng(5)
    image = random.integers(0, 5, (6, 6, 3))
    return [convolution_trace(image, random.integers(-2, 3, (3, 3, 1, 3)), groups=3)]


def _strongest() -> list[Trace]:
    random = np.random.default_rng(11)
    maps, kernel = random.random((9, 9, 6)), random.normal(size=(3, 3, 6))
    near = neighbourhood(maps, kernel, 0.3, (0, 4), strides=(2, 1), padding="same")
    return [neighbourhood_trace(near, kernel, name="Map 3", strides=(2, 1))]


CASES: dict[str, Callable[[], list[Trace]]] = {
    "small": lambda: [convolution_trace(PATCH, SOBEL)],
    "bias": lambda: [convolution_trace(PATCH / 10, SOBEL, np.array([0.25]))],
    "rectified": lambda: [
        convolution_trace(PATCH, np.concatenate([SOBEL, -SOBEL], axis=3), activation="relu")
    ],
    "squeezed": lambda: [convolution_trace(PATCH, SOBEL / 4, activation="tanh")],
    "padded": lambda: [convolution_trace(PATCH, SOBEL, padding="same")],
    "copied": lambda: [
        convolution_trace(
            PATCH, SOBEL[:2, :2], strides=2, padding=((1, 0), (1, 0)), pad_mode="wrap"
        )
    ],
    "stride": lambda: [convolution_trace(PATCH, SOBEL, strides=2, padding=1)],
    "dilated": lambda: [convolution_trace(PATCH, SOBEL[:2, :2], dilation_rate=2)],
    "colour": _colour,
    "rounded": _rounded,
    "pooling": _pooling,
    "overlapping": lambda: _pooling(pool_size=3, strides=2, padding="same"),
    "digit": lambda: [convolution_trace(_digit(), SOBEL)],
    "digit-pooling": lambda: _pooling(_digit()),
    "digit-filters": lambda: [
        convolution_trace(
            _digit(), np.random.default_rng(1).normal(size=(5, 5, 1, 4)), padding="same"
        )
    ],
    "flip": lambda: [
        convolution_trace(PATCH, SOBEL),
        convolution_trace(PATCH, SOBEL, flip_kernel=True),
    ],
    "paddings": lambda: [
        convolution_trace(PATCH, SOBEL, padding=padding, name=padding.capitalize())
        for padding in ("valid", "same", "full")
    ],
    "depthwise": _depthwise,
    "kernel-gather": lambda: [kernel_gradient_trace(PATCH, FLAT_SOBEL, DELTA)],
    "kernel-scatter": lambda: [kernel_gradient_trace(PATCH, FLAT_SOBEL, DELTA, form="scatter")],
    "kernel-both": lambda: [
        kernel_gradient_trace(PATCH, FLAT_SOBEL, DELTA[:3, :3], strides=2, padding=1, form=form)
        for form in ("gather", "scatter")
    ],
    "input-gather": lambda: [input_gradient_trace(PATCH, FLAT_SOBEL, DELTA[:2, :2], strides=2)],
    "input-scatter": lambda: [
        input_gradient_trace(
            PATCH, FLAT_SOBEL / 3, DELTA[:3, :3], strides=2, padding="same", form="scatter"
        )
    ],
    "bias-gather": lambda: [bias_gradient_trace(DELTA)],
    "bias-scatter": lambda: [bias_gradient_trace(DELTA, form="scatter")],
    "transposed": lambda: [
        transposed_convolution_trace(DELTA[:3, :3], FLAT_SOBEL, strides=2, padding="same")
    ],
    "max-gradient": lambda: [
        max_pool_gradient_trace(PATCH, DELTA[:3, :3], pool_size=3, strides=2, padding="same")
    ],
    "max-gradient-gather": lambda: [
        max_pool_gradient_trace(PATCH, DELTA[:2, :2], pool_size=3, strides=2, form="gather")
    ],
    "pooling-duel": lambda: [
        max_pool_gradient_trace(PATCH, DELTA[:3, :3]),
        average_pool_gradient_trace(PATCH, DELTA[:3, :3]),
    ],
    "average-gradient": lambda: [
        average_pool_gradient_trace(
            PATCH, DELTA[:3, :3], pool_size=3, strides=2, padding="same", form=form
        )
        for form in ("gather", "scatter")
    ],
    "strongest": _strongest,
    "large-kernel": lambda: [
        convolution_trace(PATCH.repeat(2, 0).repeat(2, 1), np.full((7, 7, 1, 1), 1 / 49))
    ],
}
