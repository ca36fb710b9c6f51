"""Batch normalization as it learns: over a batch that lies in several parts."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnn_lab import ops
from cnn_lab.network.layers import Gradients
from cnn_lab.ops.types import Array

Parts = list[Array]
Each = Callable[..., list[Any]]
Back = Callable[[Parts, bool], tuple[Parts, Gradients]]


def normalize_parts(
    layer: Any, parts: Parts, weights: Mapping[str, Array], each: Each
) -> tuple[Parts, Back]:
    """Normalize a batch by its own statistics, and let the moving averages follow them.

    Parameters
    ----------
    layer : BatchNormalization
    parts : list of ndarray of float32, shape (n, ..., channels)
        The batch, cut along its first axis.
    weights : mapping of str to ndarray
        By "layer/weight"; the layer's moving averages are changed in place.
    each : callable
        As `map`, but returns a list and may work on several parts at once.

    Returns
    -------
    parts : list of ndarray
        What the layer makes of them.
    back : callable
        As `Step.back`, for parts.

    References
    ----------
    .. [1] Ioffe and Szegedy (2015), arXiv:1502.03167, algorithm 1 and section 3.
    """
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    gamma, beta, moving_mean, moving_variance = (weights[f"{layer.name}/{n}"] for n in names)
    n = np.float32(sum(part.size for part in parts) // parts[0].shape[-1])
    mean = sum(each(channel_sums, parts)) / n
    variance = sum(each(lambda part: channel_sums(np.square(part - mean)), parts)) / n
    keep = np.float32(layer.momentum)
    moving_mean += (1 - keep) * (mean - moving_mean)
    moving_variance += (1 - keep) * (variance - moving_variance)
    statistics = {"mean": mean, "variance": variance, "epsilon": layer.epsilon}

    def normalized(part: Array) -> Array:
        return ops.batch_normalization(part, gamma=gamma, beta=beta, **statistics)

    def back(grads: Parts, onward: bool) -> tuple[Parts, Gradients]:
        # As with known statistics; then what flows through the batch's own is taken off.
        found = each(
            lambda part, grad: ops.batch_normalization_gradients(
                part, grad, gamma=gamma, **statistics
            ),
            parts,
            grads,
        )
        grad_gamma = sum(of_part.gamma for of_part in found)
        grad_beta = sum(of_part.beta for of_part in found)
        spread = 1 / np.sqrt(variance + np.float32(layer.epsilon))

        def to_input(part: Array, grad: Array) -> Array:
            along = (part - mean) * (spread * grad_gamma / n)
            grad -= (along + grad_beta / n) * (gamma * spread)
            return grad

        inputs = [of_part.inputs for of_part in found]
        if onward:
            inputs = each(to_input, parts, inputs)
        return inputs, {f"{layer.name}/gamma": grad_gamma, f"{layer.name}/beta": grad_beta}

    return each(normalized, parts), back


def channel_sums(values: Array) -> Array:
    """Return the sum of each channel over all that comes before it, as one matrix product."""
    rows = values.reshape(-1, values.shape[-1])
    return np.ones(len(rows), rows.dtype) @ rows
