"""What a network takes, each number counted in another way than the library does."""

import itertools
import math

import numpy as np
import pytest

from cnn_lab.network import Network, zoo
from cnn_lab.network.costs import fields, memory
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import (
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    NetworkSpec,
)


def spec(*layers, shape=(11, 9, 1)):
    return NetworkSpec(name="test", input_shape=shape, layers=layers)


def conv(name, kernel_size, strides=(1, 1), padding="valid", filters=1):
    return Conv2D(
        name=name, filters=filters, kernel_size=kernel_size, strides=strides, padding=padding
    )


# Averages and plain convolutions alone: a pixel that a unit sees then always moves it.
SEEING = spec(
    conv("conv1", (3, 2)),
    AveragePooling2D(name="pool1", pool_size=(2, 3), strides=(2, 1)),
    conv("conv2", (2, 2), strides=(1, 2)),
    Flatten(name="flatten"),
    Dense(name="dense1", units=2),
)


def test_a_field_is_as_wide_as_the_pixels_that_move_a_unit():
    network = Network(SEEING, initial_weights(SEEING, 0))
    blank = np.zeros((1, *SEEING.input_shape), np.float32)
    rest = network.activations(blank)
    seen = {layer.name: set() for layer in SEEING.layers[:3]}
    for row, column in itertools.product(range(11), range(9)):
        dotted = blank.copy()
        dotted[0, row, column] = 1
        for name, values in network.activations(dotted).items():
            if name in seen and values[0, 0, 0, 0] != rest[name][0, 0, 0, 0]:
                seen[name].add((row, column))
    for (down, right), pixels in zip(
        fields(SEEING.layers, SEEING.summary()), seen.values(), strict=False
    ):
        assert down.size == 1 + max(row for row, _ in pixels)
        assert right.size == 1 + max(column for _, column in pixels)


def test_a_dense_layer_sees_what_all_units_before_it_see():
    seen = fields(SEEING.layers, SEEING.summary())
    (down, right), (_, flat) = seen[-1], seen[-2]
    rows, columns, _ = SEEING.summary()[2].output_shape
    assert (down.size, right.size) == (
        seen[2][0].size + (rows - 1) * seen[2][0].step,
        flat.size + (columns - 1) * flat.step,
    )


def test_a_global_mean_sees_as_far_as_a_dense_layer_in_its_place():
    start = SEEING.layers[:3]
    mean = spec(*start, GlobalAveragePooling2D(name="mean"), Dense(name="dense1", units=2))
    seen = fields(mean.layers, mean.summary())
    assert seen[3] == seen[4]
    assert seen[4] == fields(SEEING.layers, SEEING.summary())[4]


def test_the_papers_fields():
    network = zoo.preset("paper").network
    sizes = [down.size for down, _ in fields(network.layers, network.summary())]
    assert sizes[:5] == [2, 3, 7, 11, 13]


@pytest.mark.parametrize(
    ("kernel_size", "strides", "padding"),
    [((3, 3), (1, 1), "valid"), ((2, 5), (1, 1), "same"), ((4, 3), (3, 2), "same")],
)
def test_connections_are_those_of_a_loop(kernel_size, strides, padding):
    layer = conv("conv1", kernel_size, strides, padding, filters=3)
    network = spec(layer, shape=(7, 6, 2))
    counted = layer.connections(network.input_shape)
    ones = {
        "conv1/kernel": np.ones((*kernel_size, 2, 3), np.float32),
        "conv1/bias": np.zeros(3, np.float32),
    }
    result = Network(network, ones).activations(np.ones((1, 7, 6, 2), np.float32))["conv1"]
    assert counted.sparse == result.sum()  # each connection brings a one
    assert counted.dense == 7 * 6 * 2 * result.size
    assert counted.shared == ones["conv1/kernel"].size
    assert counted.reach == math.prod(kernel_size) * 2
    assert counted.uses == counted.sparse / counted.shared


def test_memory_of_a_small_network_by_hand():
    network = spec(
        conv("conv1", (2, 2), filters=2),
        BatchNormalization(name="norm1"),
        Flatten(name="flatten"),
        Dense(name="dense1", units=1),
        shape=(3, 3, 1),
    )
    found = memory(network.layers, network.summary(), batch_size=5)
    conv_weights, norm, dense = 2 * 4 + 2, 4 * 2, 8 + 1
    assert found.weights == 4 * (conv_weights + norm + dense)
    assert found.image == 4 * (9 + 8)
    learned = conv_weights + norm // 2 + dense
    kept = 9 + 8 + 8 + 8 + 1
    assert found.training == found.weights + 4 * (3 * learned + 5 * kept)
    assert memory((), (), batch_size=5).training == 0
