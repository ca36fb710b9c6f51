"""Each layer's way forward and, beside it, the way back that its gradient takes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from cnn_lab import ops
from cnn_lab.network import spec
from cnn_lab.ops.types import Array

Weights = Mapping[str, Array]
Gradients = dict[str, Array]
Slope = Callable[[Array], Array]


class Step(NamedTuple):
    """What one layer made of its input, and the way back.

    Attributes
    ----------
    name : str
        The layer's.
    values : ndarray
    back : callable
        Takes how a loss changes with `values`, and whether anybody asks for more than the
        weights; returns how it changes with the layer's input, where asked, and with each
        weight by the weight's own name.
    """

    name: str
    values: Array
    back: Callable[[Array, bool], tuple[Array, Gradients]]


def forward(
    layers: Iterable[Any],
    values: Array,
    weights: Weights,
    drops: np.random.Generator | None = None,
) -> Iterator[Step]:
    """Run images through layers.

    Parameters
    ----------
    layers : iterable of layers of `cnn_lab.network.spec`
    values : ndarray of float32, shape (n, ...)
    weights : mapping of str to ndarray
        By "layer/weight".
    drops : numpy Generator, optional
        With it dropout drops what these numbers say, as in training; without it nothing.

    Yields
    ------
    Step
        One for each layer, made when it is asked for. Batch normalization uses its moving
        averages.
    """
    for layer in layers:
        step = _step(layer, values, weights, drops)
        values = step.values
        yield step


def backward(steps: Iterable[Step], grad: Array, *, onward: bool = True) -> tuple[Array, Gradients]:
    """Send a gradient back through steps.

    Parameters
    ----------
    steps : iterable of Step
        From `forward`, in that order.
    grad : ndarray
        How a loss changes with the values of the last step.
    onward : bool
        False spares the first layer's gradient with respect to its input.

    Returns
    -------
    grad : ndarray
        How the loss changes with what went into the first step; of no meaning if not `onward`.
    gradients : dict of str to ndarray
        How it changes with each weight, by "layer/weight".
    """
    gradients: Gradients = {}
    remaining = list(steps)
    while remaining:
        step = remaining.pop()
        grad, found = step.back(grad, onward or bool(remaining))
        gradients |= {f"{step.name}/{weight}": values for weight, values in found.items()}
    return grad, gradients


def _step(layer: Any, values: Array, weights: Weights, drops: np.random.Generator | None) -> Step:
    match layer:
        case spec.Conv2D():
            return _convolution(layer, values, weights)
        case spec.DepthwiseConv2D():
            return _depthwise_convolution(layer, values, weights)
        case spec.Dense():
            return _dense(layer, values, weights)
        case spec.BatchNormalization():
            return _batch_normalization(layer, values, weights)
        case spec.Dropout():
            result, slope = _dropped(layer.rate, values, drops)
        case spec.MaxPooling2D() | spec.AveragePooling2D():
            result, slope = _pooled(layer, values)
        case spec.GlobalAveragePooling2D():
            result = ops.global_average_pool2d(values)
            slope = partial(ops.global_average_pool2d_gradient, values)
        case spec.Flatten():
            result = values.reshape(len(values), -1)
            slope = partial(np.reshape, shape=values.shape)
        case spec.LeakyReLU():
            lean = layer.negative_slope
            result = ops.leaky_relu(values, negative_slope=lean)
            slope = partial(ops.leaky_relu_gradient, values, negative_slope=lean)
        case spec.Activation():
            result, slope = _activated(layer.activation, values)
        case spec.ReLU():
            result, slope = _activated("relu", values)
        case spec.Softmax():
            result, slope = _activated("softmax", values)
        case _:
            raise TypeError(f"Layer type {type(layer).__name__} has no NumPy form.")
    return Step(layer.name, result, lambda grad, _: (slope(grad), {}))


def _activated(
    activation: spec.ActivationName, values: Array, *, in_place: bool = False
) -> tuple[Array, Slope]:
    """Return the values after an activation, and the way back through it.

    `in_place` allows to overwrite the values, where nobody else looks at them.
    """
    match activation:
        case "linear":
            return values, lambda grad: grad
        case "relu":
            result = np.maximum(values, 0, out=values) if in_place else ops.relu(values)
            # What is above zero now was above zero before.
            return result, partial(ops.relu_gradient, result)
        case "sigmoid":
            return ops.sigmoid(values), partial(ops.sigmoid_gradient, values)
        case "tanh":
            return ops.tanh(values), partial(ops.tanh_gradient, values)
        case "softmax":
            return ops.softmax(values), partial(ops.softmax_gradient, values)


def _pooled(layer: Any, values: Array) -> tuple[Array, Slope]:
    window = {
        "pool_size": layer.pool_size,
        "strides": layer.strides,
        "padding": layer.padding,
    }
    if isinstance(layer, spec.MaxPooling2D):
        slope = partial(ops.max_pool2d_gradient, values, **window)
        return ops.max_pool2d(values, **window), slope
    slope = partial(ops.average_pool2d_gradient, values, **window)
    return ops.average_pool2d(values, **window), slope


def _dropped(rate: float, values: Array, drops: np.random.Generator | None) -> tuple[Array, Slope]:
    """Drop a share of the values, and make the others larger by as much; or do nothing.

    References
    ----------
    .. [1] Srivastava et al. (2014), "Dropout", section 10: the inverted form.
    """
    if drops is None or not rate:
        return values, lambda grad: grad
    kept = drops.random(values.shape, np.float32) >= rate
    scale = kept * np.float32(1 / (1 - rate))
    return values * scale, lambda grad: grad * scale


def _convolution(layer: Any, values: Array, weights: Weights) -> Step:
    kernel, bias = weights[f"{layer.name}/kernel"], weights.get(f"{layer.name}/bias")
    window = {"strides": layer.strides, "padding": layer.padding}
    maps = ops.conv2d(values, kernel, bias, **window)
    result, slope = _activated(layer.activation, maps, in_place=True)

    def back(grad: Array, onward: bool) -> tuple[Array, Gradients]:
        grad = slope(grad)
        if onward:
            grad, *of_weights = ops.conv2d_gradients(values, kernel, grad, **window)
        else:
            of_weights = list(ops.conv2d_weight_gradients(values, kernel, grad, **window))
        return grad, _named(*of_weights, with_bias=bias is not None)

    return Step(layer.name, result, back)


def _depthwise_convolution(layer: Any, values: Array, weights: Weights) -> Step:
    kernel, bias = weights[f"{layer.name}/kernel"], weights.get(f"{layer.name}/bias")
    window = {"strides": layer.strides, "padding": layer.padding}
    maps = ops.depthwise_conv2d(values, kernel, bias, **window)
    result, slope = _activated(layer.activation, maps, in_place=True)

    def back(grad: Array, _onward: bool) -> tuple[Array, Gradients]:
        found = ops.depthwise_conv2d_gradients(values, kernel, slope(grad), **window)
        return found.images, _named(found.kernel, found.bias, with_bias=bias is not None)

    return Step(layer.name, result, back)


def _dense(layer: Any, values: Array, weights: Weights) -> Step:
    kernel, bias = weights[f"{layer.name}/kernel"], weights.get(f"{layer.name}/bias")
    sums = ops.dense(values, kernel, bias)
    result, slope = _activated(layer.activation, sums, in_place=True)

    def back(grad: Array, _onward: bool) -> tuple[Array, Gradients]:
        found = ops.dense_gradients(values, kernel, slope(grad))
        return found.inputs, _named(found.kernel, found.bias, with_bias=bias is not None)

    return Step(layer.name, result, back)


def _named(kernel: Array, bias: Array, *, with_bias: bool) -> Gradients:
    return {"kernel": kernel} | ({"bias": bias} if with_bias else {})


def _batch_normalization(layer: Any, values: Array, weights: Weights) -> Step:
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    gamma, beta, mean, variance = (weights[f"{layer.name}/{name}"] for name in names)
    known = {"mean": mean, "variance": variance, "gamma": gamma, "epsilon": layer.epsilon}

    def back(grad: Array, _onward: bool) -> tuple[Array, Gradients]:
        found = ops.batch_normalization_gradients(values, grad, **known)
        return found.inputs, {"gamma": found.gamma, "beta": found.beta}

    return Step(layer.name, ops.batch_normalization(values, beta=beta, **known), back)
