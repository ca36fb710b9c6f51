"""Layers with every setting a page has, and what the operators make of them."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from cnn_lab import ops
from cnn_lab.concepts.layer_call import LayerCall, Operation
from cnn_lab.ops.activations import ACTIVATIONS, Activation
from cnn_lab.ops.settings import ConvolutionSettings, PoolingSettings
from cnn_lab.ops.types import Array

OWN = ((2, 0), (1, 3))


def random(shape: tuple[int, ...], seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def convolution(
    operation: Operation = "convolution",
    size: tuple[int, int] = (7, 6),
    kernel_size: tuple[int, int] = (3, 2),
    channels: int = 1,
    filters: int = 1,
    *,
    bias: bool = True,
    activation: Activation | None = None,
    **settings: Any,
) -> LayerCall:
    made = ConvolutionSettings(**settings)
    images = random((1, *size, channels))
    kernel = random((*kernel_size, channels // made.groups, filters), 1)
    biases = random((filters,), 2) if bias else None
    call = LayerCall("convolution", made, images, kernel, biases, activation=activation)
    if operation == "convolution":
        return call
    grad_output = random(computed(call)["result"].shape, 3)
    return LayerCall(operation, made, images, kernel, biases, grad_output)


def transposed(strides: Any, padding: Any, kernel_size: tuple[int, int] = (3, 2)) -> LayerCall:
    settings = ConvolutionSettings(strides=strides, padding=padding)
    images, kernel = random((1, 4, 5, 2)), random((*kernel_size, 2, 3), 1)
    return LayerCall("transposed_convolution", settings, images, kernel, random((3,), 2))


def pooling(operation: Operation, **settings: Any) -> LayerCall:
    made = PoolingSettings(**settings)
    images = np.random.default_rng(0).integers(-9, 0, (1, 7, 6, 2)).astype(float)
    if not operation.endswith("gradient"):
        return LayerCall(operation, made, images)
    forward = pooling(_FORWARD[operation], **settings)
    return LayerCall(
        operation, made, images, grad_output=random(computed(forward)["result"].shape, 3)
    )


_FORWARD: dict[str, Operation] = {
    "max_pooling_gradient": "max_pooling",
    "average_pooling_gradient": "average_pooling",
}


def computed(call: LayerCall) -> dict[str, Array]:
    """What a page would show."""
    operations: dict[str, Callable[..., Any]] = {
        "convolution": ops.conv2d,
        "transposed_convolution": ops.conv2d_transpose,
        "max_pooling": ops.max_pool2d,
        "average_pooling": ops.average_pool2d,
        "convolution_gradients": ops.conv2d_gradients,
        "max_pooling_gradient": ops.max_pool2d_gradient,
        "average_pooling_gradient": ops.average_pool2d_gradient,
    }
    operation = operations[call.operation]
    settings = vars(call.settings).copy()
    if call.operation.startswith("max"):
        del settings["count_include_pad"]
    if call.operation == "transposed_convolution":
        settings = {name: settings[name] for name in ("strides", "padding")}
    arrays = dict(call.arrays())
    if call.is_gradient:
        arrays.pop("bias", None)
    made = operation(*arrays.values(), **settings)
    if call.operation == "convolution_gradients":
        return {
            "kernel_gradient": made.kernel,
            "input_gradient": made.images,
            "bias_gradient": made.bias,
        }
    if call.activation:
        made = ACTIVATIONS[call.activation](made)
    return {call.quantities[0]: made}


def _calls() -> dict[str, LayerCall]:
    calls: dict[str, LayerCall] = {}
    for operation, padding in product(
        ("convolution", "convolution_gradients"), ("valid", "same", "full", 1, OWN)
    ):
        several: dict[str, Any] = {"channels": 4, "filters": 4, "padding": padding}
        for name, call in {
            "plain": convolution(operation, padding=padding),
            "strides": convolution(operation, padding=padding, strides=(2, 3), bias=False),
            "dilation": convolution(operation, padding=padding, dilation_rate=(1, 2)),
            "both": convolution(operation, padding=padding, strides=2, dilation_rate=2),
            "flip": convolution(operation, padding=padding, flip_kernel=True),
            "several": convolution(operation, **several),
            "depthwise": convolution(operation, **several, groups=4, strides=2),
        }.items():
            calls[f"{operation}-{padding}-{name}"] = call
        for mode in ("reflect", "edge", "wrap"):
            call = convolution(operation, padding=padding, pad_mode=mode, strides=(1, 2))
            calls[f"{operation}-{padding}-{mode}"] = call
    for activation in ACTIVATIONS:
        call = convolution(channels=2, filters=3, padding="same", activation=activation)
        calls[f"convolution-{activation}"] = call
    for strides, padding in product((1, 2, (3, 4)), ("valid", "same", 0, 1, ((0, 1), (1, 0)))):
        calls[f"transposed-{padding}-{strides}"] = transposed(strides, padding)
    calls["transposed-gaps"] = transposed(3, "same", (1, 2))
    for operation in ("max_pooling", "average_pooling", *_FORWARD):
        for padding, (size, strides) in product(
            ("valid", "same", "full", 1, ((1, 0), (0, 1))), ((2, None), (3, 2), ((2, 3), 1))
        ):
            settings: dict[str, Any] = {"pool_size": size, "strides": strides, "padding": padding}
            calls[f"{operation}-{padding}-{size}-{strides}"] = pooling(operation, **settings)
            if operation.startswith("average"):
                calls[f"{operation}-{padding}-{size}-{strides}-counted"] = pooling(
                    operation, **settings, count_include_pad=True
                )
    return calls


CALLS = [pytest.param(call, id=name) for name, call in _calls().items()]
