"""The way to one number against the number that the network itself has there."""

import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.receptive_field import growing_fields
from cnn_lab.explain.unit import inspect_unit
from cnn_lab.network import Network, zoo
from cnn_lab.network.spec import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    LeakyReLU,
    NetworkSpec,
    ReLU,
    SeparableConv2D,
    Softmax,
    SpatialDropout2D,
)
from cnn_lab.trace.wire import wire_size

EVERY_KIND = NetworkSpec(
    name="every",
    input_shape=(17, 13, 3),
    layers=(
        Conv2D(name="conv1", filters=5, kernel_size=(3, 2), strides=(2, 1), padding="same"),
        BatchNormalization(name="norm1"),
        LeakyReLU(name="leaky"),
        DepthwiseConv2D(name="depth", kernel_size=(3, 3), depth_multiplier=2, activation="tanh"),
        AveragePooling2D(name="mean1", pool_size=(2, 3), strides=(1, 2), padding="same"),
        Conv2D(
            name="conv2", filters=4, kernel_size=(2, 2), padding="same", activation="sigmoid",
            use_bias=False,
        ),
        SeparableConv2D(
            name="separable", filters=5, kernel_size=(3, 2), depth_multiplier=2, activation="tanh"
        ),
        SeparableConv2D(name="plain", filters=4, kernel_size=(2, 2), use_bias=False),
        Activation(name="bend", activation="tanh"),
        Dropout(name="drop", rate=0.5),
        SpatialDropout2D(name="drop_maps", rate=0.5),
        ReLU(name="relu"),
        GlobalAveragePooling2D(name="mean2"),
        Dense(name="dense", units=6, activation="relu"),
        Dense(name="last", units=3),
        Softmax(name="softmax"),
    ),
)  # fmt: skip


def random_network(spec):
    random = np.random.default_rng(5)
    weights = {
        name: random.uniform(0.1, 1, shape) if "variance" in name else random.normal(0, 0.5, shape)
        for name, shape in spec.weight_shapes().items()
    }
    return Network(spec, weights)


def made(network, image):
    return {name: values[0] for name, values in network.activations(image[np.newaxis]).items()}


def summed(trace, step):
    """A step's result from its own cells, as a reader would add it up."""
    links = trace.links(step)
    reads, weights = trace.reads[links], trace.weights[links]
    values = [trace.value(cell) for cell in reads]
    if trace.term == "maximum":
        return max(values)
    if trace.term == "mean":
        inside = [v for v, c in zip(values, reads, strict=True) if not masked(trace, c)]
        return sum(inside) / len(inside)
    total = sum(v * trace.value(w) for v, w in zip(values, weights, strict=True))
    return total + trace.value(trace.biases[step])


def masked(trace, cell):
    grid, row, column = trace.locate(cell)
    return bool(grid.mask[row, column] & 1)


NETWORKS = {
    "paper": (Network.load("paper"), load_mnist().test.image(3)),
    "fast": (Network.load("fast"), load_mnist().test.image(3)),
    "lenet": (random_network(zoo.lenet().network), load_mnist().test.image(3)),
    "every": (
        random_network(EVERY_KIND),
        np.random.default_rng(1).random((17, 13, 3)).astype(np.float32),
    ),
}
CASES = [(name, layer.name) for name, (net, _) in NETWORKS.items() for layer in net.spec.layers]
AFTER = {
    "linear": lambda x: x,
    "relu": lambda x: max(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


@pytest.mark.parametrize(("name", "layer"), CASES)
def test_a_number_is_made_as_the_network_made_it(name, layer):
    network, image = NETWORKS[name]
    activations = made(network, image)
    values = activations[layer]
    maps = values if values.ndim == 3 else values.reshape(1, 1, -1)
    kind = next(one for one in network.spec.layers if one.name == layer)
    rows, columns, n_maps = maps.shape
    places = {(0, 0, 0), (n_maps - 1, rows - 1, columns - 1), (n_maps // 2, rows // 2, 0)}
    for channel, row, column in places:
        found = inspect_unit(network, image, activations, layer, (channel, row, column))
        value = maps[row, column, channel]
        assert found.value == value
        if found.trace is None:
            assert found.latex or found.origin is not None
            continue
        cell = found.trace.writes[found.step]
        grid, at_row, at_column = found.trace.locate(cell)
        if values.ndim == 3:
            assert (grid.row_labels[at_row], grid.column_labels[at_column]) == (row, column)
        bend = AFTER[getattr(kind, "activation", "linear")]
        assert bend(found.trace.value(cell)) == pytest.approx(value, abs=1e-5)
        assert summed(found.trace, found.step) == pytest.approx(found.trace.value(cell), abs=1e-5)
        assert wire_size(found.trace.to_wire()) <= 60_000


def test_what_is_shown_of_many_maps_is_the_strongest_and_the_rest_is_all_others():
    network, image = NETWORKS["paper"]
    activations = made(network, image)
    found = inspect_unit(network, image, activations, "conv3", (7, 4, 5))
    window = activations["conv2"][4:7, 5:8].astype(float)
    shares = (window * network.weights["conv3/kernel"][..., 7]).sum(axis=(0, 1))
    strongest = np.argsort(-np.abs(shares))[:3]
    trace = found.trace
    parts = [trace.locate(cell)[0].part for cell in trace.partials[found.step]]
    assert parts == [f"map {channel}" for channel in strongest]
    assert found.n_others == 125
    rest = shares.sum() - shares[strongest].sum() + network.weights["conv3/bias"][7]
    assert trace.value(trace.biases[found.step]) == pytest.approx(rest, abs=1e-5)
    assert "the rest, 125 more maps and the bias" in trace.caption(found.step)


def test_neighbours_on_the_stage_are_those_of_the_map():
    network, image = NETWORKS["fast"]
    activations = made(network, image)
    found = inspect_unit(network, image, activations, "conv2", (9, 0, 4))
    shown = found.trace.grid("output-1").values
    np.testing.assert_allclose(shown, activations["conv2"][0:3, 2:5, 9], atol=1e-5)


@pytest.mark.parametrize("place", [(16, 0, 0), (0, 28, 0), (0, 0, -1)])
def test_a_place_outside_is_refused(place):
    network, image = NETWORKS["paper"]
    with pytest.raises(ValueError, match="must lie in 16 maps of 28 x 28"):
        inspect_unit(network, image, made(network, image), "conv1", place)


def test_a_layer_that_is_not_there_is_refused():
    network, image = NETWORKS["paper"]
    with pytest.raises(ValueError, match="must be one of: conv1"):
        inspect_unit(network, image, made(network, image), "conv9", (0, 0, 0))


def test_sight_grows_from_layer_to_layer_and_ends_with_the_whole_image():
    sizes = [
        (name, patch.rows, patch.columns)
        for name, patch in growing_fields(zoo.paper().network, "dense1", 0, 3)
    ]
    assert sizes == [
        ("conv1", 2, 2),
        ("pool1", 3, 3),
        ("conv2", 7, 7),
        ("conv3", 11, 11),
        ("pool2", 13, 13),
        ("dense1", 28, 28),
    ]


def test_fields_before_the_last_lie_within_it():
    growth = growing_fields(zoo.paper().network, "conv3", 2, 7)
    last = growth[-1][1]
    for _, patch in growth:
        assert last.first_row <= patch.first_row
        assert patch.first_row + patch.rows <= last.first_row + last.rows
        assert last.first_column <= patch.first_column
        assert patch.first_column + patch.columns <= last.first_column + last.columns
