"""Computation of one number in any layer of a network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnn_lab.content.words import significant
from cnn_lab.explain.window import neighbourhood, neighbourhood_trace
from cnn_lab.network import Network
from cnn_lab.network.layers.base import Place
from cnn_lab.network.layers.latex import activation_latex
from cnn_lab.ops.types import Array
from cnn_lab.trace import (
    Grid,
    Trace,
    TraceTooLarge,
    average_pool_trace,
    convolution_trace,
    format_number,
    max_pool_trace,
)

# With more channels, a trace shows only the strongest; with these or fewer, the whole map.
MAX_WHOLE_CHANNELS = 3
COLOURS = ("red", "green", "blue")


@dataclass(frozen=True, eq=False, kw_only=True)
class Inspection:
    """Computation of one number.

    Attributes
    ----------
    layer : str
    place : (int, int, int)
        Map, row and column.
    value : float
        The number in the network.
    written : str
        The number as text, with the digits of the trace, or four significant ones without it.
    trace : Trace or None
        The windows around it; None for layers without windows, or if the trace would be too large
        for the browser.
    step : int
        The step of the trace that computes it.
    latex : str
        The calculation without a trace, or the activation after it, as a formula with numbers; ""
        if there is nothing to add.
    n_others : int
        Channels that the trace sums up as the rest.
    origin : (int, int, int) or None
        For a layer that only passes numbers on, the place in the layer before.
    """

    layer: str
    place: Place
    value: float
    written: str
    trace: Trace | None = None
    step: int = 0
    latex: str = ""
    n_others: int = 0
    origin: Place | None = field(default=None)


def inspect_unit(
    network: Network, image: Array, activations: Mapping[str, Array], layer: str, place: Place
) -> Inspection:
    """Return the computation of one number of a layer.

    Parameters
    ----------
    network : Network
    image : ndarray of float32, shape (height, width, channels)
    activations : mapping of str to ndarray
        Output of each layer for the image, without the batch axis.
    layer : str
        By name.
    place : (int, int, int)
        Map, row and column of the number; (unit, 0, 0) for a row of numbers.

    Raises
    ------
    ValueError
        If the layer or the place does not exist.

    Notes
    -----
    2 ms if a whole map is traced, under 1 ms otherwise.
    """
    index, _ = network.spec.find(layer)
    values = activations[layer]
    maps = values if values.ndim == 3 else values.reshape(1, 1, -1)
    channel, row, column = place
    inside = zip((row, column, channel), maps.shape, strict=True)
    if not all(0 <= at < n for at, n in inside):
        raise ValueError(
            f"`place` must lie in {maps.shape[2]} maps of {maps.shape[0]} x {maps.shape[1]}. "
            f"Received: place={place}"
        )
    one = network.spec.layers[index]
    before = activations[network.spec.layers[index - 1].name] if index else image
    value = float(maps[row, column, channel])
    known: dict[str, Any] = {
        "layer": layer,
        "place": place,
        "value": value,
        "written": significant(value),
    }
    weights = one.own_weights(network.weights)
    if one.convolves:
        return _convolved(one, before, weights, known)
    if one.pooling:
        return _pooled(one, before, values, known)
    if one.passes_through:
        return Inspection(**known, origin=one.origin(place, before.shape))
    return Inspection(**known, latex=one.formula(before, weights, place, value))


def _convolved(
    layer: Any, before: Array, weights: Mapping[str, Array], known: dict[str, Any]
) -> Inspection:
    channel, row, column = known["place"]
    kernels = layer.kernels(weights)
    inputs, filtered = before[..., layer.sources(channel)], kernels[..., channel]
    bias = float(weights["bias"][channel]) if "bias" in weights else 0.0
    window = {"strides": layer.strides, "padding": layer.padding}
    n_channels = filtered.shape[2]
    trace, step, n_others = None, 0, 0
    if n_channels <= MAX_WHOLE_CHANNELS:
        try:
            trace = convolution_trace(
                inputs,
                filtered[..., np.newaxis],
                np.array([bias]),
                channel_names=COLOURS if n_channels == len(COLOURS) else None,
                **window,
            )
            step = row * trace.grid("output-1").values.shape[1] + column
        except TraceTooLarge:
            pass
    if trace is None:
        near = neighbourhood(inputs, filtered, bias, (row, column), **window)
        trace = neighbourhood_trace(near, filtered, name=f"Map {channel}", strides=layer.strides)
        step, n_others = near.step, n_channels - trace.channels
    total = trace.value(trace.writes[step])
    known["written"] = format_number(known["value"], _result(trace, step).precision)
    line = ""
    if layer.nonlinearity != "linear":
        line = activation_latex(layer.nonlinearity, total, known["value"])
    return Inspection(**known, trace=trace, step=step, latex=line, n_others=n_others)


def _pooled(layer: Any, before: Array, values: Array, known: dict[str, Any]) -> Inspection:
    channel, row, column = known["place"]
    step = 0 if values.ndim == 1 else row * values.shape[1] + column
    window = layer.window(before.shape)
    traced = max_pool_trace if layer.pooling == "max" else average_pool_trace
    try:
        trace = traced(
            before[..., channel],
            pool_size=window.size,
            strides=window.strides,
            padding=window.borders,
        )
    except TraceTooLarge:
        return Inspection(**known)
    known["written"] = format_number(known["value"], _result(trace, step).precision)
    return Inspection(**known, trace=trace, step=step)


def _result(trace: Trace, step: int) -> Grid:
    """Return the grid that a step writes into, with the digits that the stage shows."""
    return trace.locate(trace.writes[step])[0]
