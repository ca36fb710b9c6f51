"""An image's way through a network, station by station."""

from dataclasses import dataclass

import numpy as np

from cnn_lab import ops
from cnn_lab.network import Network
from cnn_lab.network.spec import Layer
from cnn_lab.ops.sizes import Window
from cnn_lab.ops.types import Array

MAX_MAPS = 16
_EACH = Window((1, 1), (1, 1), ((0, 0), (0, 0)))


@dataclass(frozen=True, eq=False)
class Station:
    """What the image has become after one operation.

    Attributes
    ----------
    operation : str
        "image", or the type of a layer as in Keras; the ReLU inside a layer has a station of its
        own, "ReLU".
    layer : str
        Name of the layer; "" for the image.
    values : ndarray, shape (rows, columns, maps)
        The strongest maps, at most 16, strongest first: those with the largest mean magnitude in
        the layer's output. An operation that keeps maps apart shows the same maps as the station
        before. Of units in a row, all; each is a map of one number.
    shown : tuple of int
        Index of each of these maps among all maps of the layer.
    n_maps : int
        Number of maps or units of the layer.
    window : Window or None
        The window that slides over the station before; None for an operation without one.
    """

    operation: str
    layer: str
    values: Array
    shown: tuple[int, ...]
    n_maps: int
    window: Window | None = None

    @property
    def strongest(self) -> int:
        """Index of the strongest map or unit, among all of the layer."""
        return self.shown[int(np.abs(self.values).mean(axis=(0, 1)).argmax())]


def journey(network: Network, image: Array) -> tuple[list[Station], Array]:
    """Return the stations of an image in a network, and the network's answer.

    Parameters
    ----------
    network : Network
    image : ndarray of float32 in [0, 1], shape (height, width, channels)

    Returns
    -------
    list of Station
        The image, and each operation that changes numbers; the layer before a final softmax and
        the softmax itself are the answer and have no station.
    ndarray of float32, shape (classes,)

    Notes
    -----
    3 ms for the paper's network: one forward pass.
    """
    values = network.one_image(image)[np.newaxis]
    shown: tuple[int, ...] = tuple(range(values.shape[3]))
    stations = [Station("image", "", values[0], shown, len(shown))]
    answering = {layer.name for layer in _answering(network)}
    for layer in network.spec.layers:
        before = values
        rectified = layer.nonlinearity == "relu" and layer.convolves
        linear = layer.before_softmax() if rectified else layer
        assert linear is not None  # only a softmax has nothing before it
        values, _ = linear.forward(values, linear.own_weights(network.weights))
        sums, values = values, ops.relu(values) if rectified else values
        if layer.name in answering or layer.passes_through:
            continue
        if not layer.per_map:
            shown = _strongest(values[0])
        window = layer.window(before.shape[1:])
        if rectified:
            stations.append(_station(layer.type, layer, sums[0], shown, window))
            stations.append(_station("ReLU", layer, values[0], shown, _EACH))
        else:
            stations.append(_station(layer.type, layer, values[0], shown, window))
    return stations, values[0]


def _answering(network: Network) -> list[Layer]:
    """Return the last layer with weights, and all after it."""
    layers = network.spec.layers
    last = max(i for i, layer in enumerate(layers) if layer.dense or layer.convolves)
    return list(layers[last:])


def _strongest(values: Array) -> tuple[int, ...]:
    """Return the indices of the strongest maps, strongest first; of units in a row, all."""
    if values.ndim == 1:
        return tuple(range(len(values)))
    strength = np.abs(values).mean(axis=(0, 1))
    order = np.argsort(-strength, kind="stable")[:MAX_MAPS]
    return tuple(int(index) for index in order)


def _station(
    operation: str, layer: Layer, values: Array, shown: tuple[int, ...], window: Window | None
) -> Station:
    maps = values if values.ndim == 3 else values.reshape(1, 1, -1)
    return Station(operation, layer.name, maps[..., shown], shown, maps.shape[2], window)
