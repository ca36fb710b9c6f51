"""Operations by name, with settings, as traces of small numbers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

import numpy as np

from cnn_lab.data.kernels import KERNELS, MAX_SIZE
from cnn_lab.data.teaching_images import stroke_image
from cnn_lab.ops.activations import Activation
from cnn_lab.ops.settings import ConvolutionSettings, PoolingSettings
from cnn_lab.ops.types import Array, Padding, PadMode, Pair, check_at_least
from cnn_lab.trace import (
    Form,
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

MAX_PIXELS_A_SIDE = 64
MAX_MAPS = 16
FIRST_KERNELS = ("sobel_columns", "sobel_rows", "laplacian", "binomial", "ones")
_MAX_GRADIENT = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Settings:
    """Inputs and settings of an operation; each operation reads those that it needs.

    Attributes
    ----------
    input : (int, int)
        Rows and columns of the image, a soft stroke drawn from `seed`.
    kernel : (int, int)
        Rows and columns of the kernel.
    kernel_names : tuple of str
        Named kernels, one per filter; repeated if there are too few, chosen if there are none.
    values, weights, gradient : ndarray or None
        An image, a kernel and an output gradient of one's own, shape (rows, columns).
    strides : (int, int) or None
        None means 1, and for pooling the window.
    padding, dilation_rate, groups, flip_kernel, pad_mode, count_include_pad
        As in `cnn_lab.ops`.
    activation : {"relu", "sigmoid", "tanh"} or None
    pool_size : (int, int)
    bias : float or None
    channels, filters : int
    form : {"gather", "scatter"} or None
        None is the form in which the operation is usually told.
    seed : int
    """

    input: Pair = (6, 6)
    kernel: Pair = (3, 3)
    kernel_names: tuple[str, ...] = ()
    values: Array | None = None
    weights: Array | None = None
    gradient: Array | None = None
    strides: Pair | None = None
    padding: Padding = "valid"
    dilation_rate: Pair = (1, 1)
    groups: int = 1
    flip_kernel: bool = False
    pad_mode: PadMode = "zeros"
    activation: Activation | None = None
    count_include_pad: bool = False
    pool_size: Pair = (2, 2)
    bias: float | None = None
    channels: int = 1
    filters: int = 1
    form: Form | None = None
    seed: int = 0

    def image(self) -> Array:
        """Return the image, shape (rows, columns, channels)."""
        if self.values is not None:
            return np.repeat(self.values[:, :, np.newaxis], self.channels, axis=2)
        check_at_least(1, channels=self.channels)
        rows, columns = self.input
        if max(rows, columns) > MAX_PIXELS_A_SIDE or self.channels > MAX_MAPS:
            raise ValueError(
                f"An image may have at most {MAX_PIXELS_A_SIDE} rows and columns and {MAX_MAPS} "
                f"channels. Received: input={rows}x{columns}, channels={self.channels}"
            )
        return stroke_image(rows, columns, channels=self.channels, seed=self.seed)

    def kernels(self) -> Array:
        """Return the bank of kernels, shape (rows, columns, channels / groups, filters)."""
        check_at_least(1, channels=self.channels, filters=self.filters, groups=self.groups)
        if self.filters > MAX_MAPS:
            raise ValueError(
                f"There may be at most {MAX_MAPS} filters. Received: filters={self.filters}"
            )
        if self.weights is not None:
            each = [self.weights] * self.filters
        else:
            names = self.kernel_names or [n for n in FIRST_KERNELS if KERNELS[n].fits(*self.kernel)]
            if not names:
                raise ValueError(
                    f"A kernel may have at most {MAX_SIZE} rows and columns. "
                    f"Received: kernel={self.kernel[0]}x{self.kernel[1]}"
                )
            each = [KERNELS[n].values(*self.kernel) for n in islice(cycle(names), self.filters)]
        depth = max(1, self.channels // self.groups)
        return np.repeat(np.stack(each, axis=-1)[:, :, np.newaxis, :], depth, axis=2)

    def output_gradient(self, size: Pair) -> Array:
        """Return the given output gradient, or small whole numbers of both signs."""
        if self.gradient is not None:
            return self.gradient
        random = np.random.default_rng(self.seed)
        return random.integers(-_MAX_GRADIENT, _MAX_GRADIENT + 1, size).astype(float)

    def convolved_size(self, image: Array, kernel: Array) -> Pair:
        """Return how many positions the kernel takes."""
        settings = ConvolutionSettings(self.strides or 1, self.padding, self.dilation_rate)
        return settings.geometry(image.shape[:2], kernel.shape[:2]).positions

    @property
    def told(self) -> dict[str, Any]:
        """The form as an argument, if one was chosen."""
        return {"form": self.form} if self.form else {}


@dataclass(frozen=True)
class Operation:
    """An operation that can be animated.

    Attributes
    ----------
    trace : callable
        Settings -> Trace.
    settings : frozenset of str
        Names of the settings that it reads.
    """

    trace: Callable[[Settings], Trace]
    settings: frozenset[str] = field(default_factory=frozenset)


def _convolution(settings: Settings) -> Trace:
    bias = None if settings.bias is None else np.full(settings.filters, settings.bias)
    return convolution_trace(
        settings.image(),
        settings.kernels(),
        bias,
        strides=settings.strides or 1,
        padding=settings.padding,
        dilation_rate=settings.dilation_rate,
        groups=settings.groups,
        flip_kernel=settings.flip_kernel,
        pad_mode=settings.pad_mode,
        activation=settings.activation,
    )


def _transpose(settings: Settings) -> Trace:
    return transposed_convolution_trace(
        settings.image()[..., 0],
        settings.kernels()[..., 0, 0],
        strides=settings.strides or 1,
        padding=settings.padding,
        **settings.told,
    )


def _layer_gradient(build: Callable[..., Trace]) -> Callable[[Settings], Trace]:
    def trace(settings: Settings) -> Trace:
        image, kernel = settings.image()[..., 0], settings.kernels()[..., 0, 0]
        return build(
            image,
            kernel,
            settings.output_gradient(settings.convolved_size(image, kernel)),
            strides=settings.strides or 1,
            padding=settings.padding,
            dilation_rate=settings.dilation_rate,
            **settings.told,
        )

    return trace


def _bias_gradient(settings: Settings) -> Trace:
    image, kernel = settings.image()[..., 0], settings.kernels()[..., 0, 0]
    size = settings.convolved_size(image, kernel)
    return bias_gradient_trace(settings.output_gradient(size), **settings.told)


def _pooling(build: Callable[..., Trace]) -> Callable[[Settings], Trace]:
    def trace(settings: Settings) -> Trace:
        return build(settings.image()[..., 0], **_pool(settings, build))

    return trace


def _pooling_gradient(build: Callable[..., Trace]) -> Callable[[Settings], Trace]:
    def trace(settings: Settings) -> Trace:
        image = settings.image()[..., 0]
        pooling = PoolingSettings(settings.pool_size, settings.strides, settings.padding)
        gradient = settings.output_gradient(pooling.geometry(image.shape).positions)
        return build(image, gradient, **_pool(settings, build), **settings.told)

    return trace


def _pool(settings: Settings, build: Callable[..., Trace]) -> dict[str, Any]:
    averages = build in (average_pool_trace, average_pool_gradient_trace)
    own = {"count_include_pad": settings.count_include_pad} if averages else {}
    shared = {"strides": settings.strides, "padding": settings.padding}
    return {"pool_size": settings.pool_size, **shared, **own}


_IMAGE = frozenset({"input", "values", "seed", "padding", "strides"})
_KERNEL = _IMAGE | {"kernel", "kernel_names", "weights"}
_BACK = frozenset({"gradient", "form"})
_POOL = _IMAGE | {"pool_size"}
_LAYER = _KERNEL | _BACK | {"dilation_rate"}
_MAPS = {"dilation_rate", "groups", "flip_kernel", "pad_mode", "activation"}
_MAPS |= {"bias", "channels", "filters"}

OPERATIONS: dict[str, Operation] = {
    "conv": Operation(_convolution, _KERNEL | _MAPS),
    "max-pool": Operation(_pooling(max_pool_trace), _POOL),
    "average-pool": Operation(_pooling(average_pool_trace), _POOL | {"count_include_pad"}),
    "transpose": Operation(_transpose, _KERNEL | {"form"}),
    "kernel-gradient": Operation(_layer_gradient(kernel_gradient_trace), _LAYER),
    "input-gradient": Operation(_layer_gradient(input_gradient_trace), _LAYER),
    "bias-gradient": Operation(_bias_gradient, _LAYER),
    "max-pool-gradient": Operation(_pooling_gradient(max_pool_gradient_trace), _POOL | _BACK),
    "average-pool-gradient": Operation(
        _pooling_gradient(average_pool_gradient_trace), _POOL | _BACK | {"count_include_pad"}
    ),
}
