"""One layer of a page computed again by Keras.

Keras operations are used directly wherever they exist. What Keras lacks (padding of each side, edge
and wrap padding, a choice of divisor, true convolution) is composed of several.
"""

import sys
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from cnn_lab.concepts.checks import Answer, CheckFailedError, LayerCheck, compare, tolerance
from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.ops.settings import ConvolutionSettings, PoolingSettings
from cnn_lab.ops.types import Array, Borders, Pair

Tensor = Any
KERAS_PADDINGS = ("valid", "same")


def check(request: LayerCheck) -> Answer:
    """Compute with Keras what a page shows, and compare.

    Raises
    ------
    CheckFailedError
        If gradients are requested and Keras does not run on TensorFlow.
    """
    call = request.call
    theirs, magnitudes = calculate(call), calculate(call.magnitudes)
    if call.activation:
        # None is steeper than 1, so it adds nothing but the rounding of its own result.
        magnitudes["result"] = magnitudes["result"] + np.abs(theirs["result"])
    backend, allowed = keras.backend.backend(), tolerance(call)
    return Answer(
        tuple(
            compare(name, here, theirs[name], magnitudes=magnitudes[name], allowed=allowed)
            for name, here in request.computed.items()
        ),
        keras=keras.__version__,
        backend=f"{backend} {sys.modules[backend].__version__}",
        precision=call.precision,
    )


def calculate(call: LayerCall) -> dict[str, Array]:
    """Return every quantity of a layer as computed by Keras."""
    tensors = {
        name: keras.ops.convert_to_tensor(array, dtype=call.precision)
        for name, array in call.arrays()
    }
    made = _gradients(call, tensors) if call.is_gradient else {"result": _layer(call, tensors)}
    return {name: np.asarray(keras.ops.convert_to_numpy(value)) for name, value in made.items()}


def _gradients(call: LayerCall, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    if keras.backend.backend() != "tensorflow":
        raise CheckFailedError(
            "Gradients are compared with TensorFlow's. "
            f"Received: KERAS_BACKEND={keras.backend.backend()!r}"
        )
    import tensorflow as tf

    grad_output = tensors.pop("grad_output")
    if "kernel" in tensors and "bias" not in tensors:
        tensors["bias"] = keras.ops.zeros(tensors["kernel"].shape[-1:], dtype=call.precision)
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        result = _layer(call, tensors)
    if result.shape != grad_output.shape:
        raise CheckFailedError(
            "The output gradient must have the shape of the output. "
            f"Received: grad_output.shape={tuple(grad_output.shape)}, "
            f"result.shape={tuple(result.shape)}"
        )
    names = {"images": "input_gradient", "kernel": "kernel_gradient", "bias": "bias_gradient"}
    found = tape.gradient(result, tensors, output_gradients=grad_output)
    return {names[of]: gradient for of, gradient in found.items()}


def _layer(call: LayerCall, tensors: Mapping[str, Tensor]) -> Tensor:
    images = tensors["images"]
    if "pooling" in call.operation:
        pool = _max_pool if call.operation.startswith("max") else _average_pool
        return pool(images, call.pooling, call.size)
    convolve = _transposed if call.operation == "transposed_convolution" else _convolution
    maps = convolve(images, tensors["kernel"], call.convolution, call.size)
    maps = maps + tensors["bias"] if "bias" in tensors else maps
    return keras.activations.get(call.activation)(maps)


def _convolution(
    images: Tensor, kernel: Tensor, settings: ConvolutionSettings, size: Pair
) -> Tensor:
    strides, dilation_rate = settings.strides, settings.dilation_rate
    padding = settings.padding
    if settings.flip_kernel:
        kernel = keras.ops.flip(kernel, axis=(0, 1))
    # Keras does not combine strides with dilation: compute every position and keep some.
    skips = max(strides) > 1 and max(dilation_rate) > 1
    if padding not in KERAS_PADDINGS or settings.pad_mode != "zeros" or skips:
        borders = settings.borders(size, (kernel.shape[0], kernel.shape[1]))
        images, padding = _pad(images, borders, settings.pad_mode, size), "valid"
    if skips:
        maps = keras.ops.conv(images, kernel, padding=padding, dilation_rate=dilation_rate)
        return maps[:, :: strides[0], :: strides[1]]
    return keras.ops.conv(
        images, kernel, strides=strides, padding=padding, dilation_rate=dilation_rate
    )


def _transposed(
    images: Tensor, kernel: Tensor, settings: ConvolutionSettings, size: Pair
) -> Tensor:
    strides = settings.strides
    kernel = keras.ops.transpose(kernel, (0, 1, 3, 2))  # Keras puts the filters before the channels
    if settings.padding in KERAS_PADDINGS:
        return keras.ops.conv_transpose(images, kernel, strides=strides, padding=settings.padding)
    # Cut off the padding of the convolution that this reverses.
    rows, columns = (
        slice(before, (length - 1) * stride + k - after)
        for (before, after), length, stride, k in zip(
            settings.borders(size, kernel.shape[:2]), size, strides, kernel.shape[:2], strict=True
        )
    )
    return keras.ops.conv_transpose(images, kernel, strides=strides)[:, rows, columns]


def _max_pool(images: Tensor, settings: PoolingSettings, size: Pair) -> Tensor:
    pool_size, strides = settings.pool_size, settings.strides
    padding = settings.padding
    if padding not in KERAS_PADDINGS:
        images = _pad_with(images, settings.borders(size), -np.inf)
        padding = "valid"
    return keras.ops.max_pool(images, pool_size, strides, padding)


def _average_pool(images: Tensor, settings: PoolingSettings, size: Pair) -> Tensor:
    pool_size, strides = settings.pool_size, settings.strides
    padding = settings.padding
    if padding == "valid" or (padding == "same" and not settings.count_include_pad):
        return keras.ops.average_pool(images, pool_size, strides, padding)
    borders = settings.borders(size)
    means = keras.ops.average_pool(_pad_with(images, borders, 0.0), pool_size, strides)
    if settings.count_include_pad:
        return means
    ones = _pad_with(keras.ops.ones_like(images), borders, 0.0)
    return means / keras.ops.average_pool(ones, pool_size, strides)


def _pad(images: Tensor, borders: Borders, mode: str, size: Pair) -> Tensor:
    if mode == "zeros":
        return _pad_with(images, borders, 0.0)
    if mode == "reflect":
        return keras.ops.pad(images, ((0, 0), *borders, (0, 0)), mode="reflect")
    for axis, (length, (before, after)) in enumerate(zip(size, borders, strict=True), start=1):
        wanted = np.arange(-before, length + after)
        source = wanted % length if mode == "wrap" else wanted.clip(0, length - 1)
        images = keras.ops.take(images, source, axis=axis)
    return images


def _pad_with(images: Tensor, borders: Borders, value: float) -> Tensor:
    return keras.ops.pad(images, ((0, 0), *borders, (0, 0)), constant_values=value)
