"""What a unit sees: against pixels nudged one by one, and against the sizes on the page."""

import numpy as np
import pytest

from cnn_lab.explain.receptive_field import seen_by, strongest_place
from cnn_lab.network import Network, costs, zoo
from cnn_lab.network.spec import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePooling2D,
    NetworkSpec,
    Softmax,
)
from tests.unit.network.random_networks import random_network

ROUNDING = 1e-5  # a product of many rows adds up in another order than one of a single row
# Borders on one side, floors that drop pixels before a layer with borders, colour, two lengths.
UNEVEN = NetworkSpec(
    name="uneven",
    input_shape=(14, 11, 2),
    layers=(
        Conv2D(name="strided", filters=2, kernel_size=(3, 2), strides=(2, 2), activation="tanh"),
        BatchNormalization(name="norm"),
        Conv2D(name="same", filters=2, kernel_size=(2, 3), padding="same"),
        DepthwiseConv2D(name="deep", kernel_size=(2, 2), activation="sigmoid"),
        AveragePooling2D(name="mean", pool_size=(2, 3), strides=(1, 1), padding="same"),
        Flatten(name="flatten"),
        Activation(name="tanh", activation="tanh"),
        Dense(name="dense", units=3),
        Softmax(name="softmax"),
    ),
)
WHOLE = NetworkSpec(
    name="whole",
    input_shape=(7, 8, 1),
    layers=(
        Conv2D(name="conv", filters=3, kernel_size=(2, 2), strides=(3, 2)),
        GlobalAveragePooling2D(name="whole"),
        Softmax(name="softmax"),
    ),
)
# Softmax alone mixes what lay in different places.
MIXED = NetworkSpec(
    name="mixed",
    input_shape=(4, 3, 1),
    layers=(
        Conv2D(name="conv", filters=2, kernel_size=(2, 2)),
        Flatten(name="flatten"),
        Activation(name="softmax", activation="softmax"),
        BatchNormalization(name="norm"),
    ),
)


def changed_by_pixel(network: Network) -> dict[str, np.ndarray]:
    """By layer, with the shape (rows, columns) of the image, where a nudge there changed what."""
    height, width, _ = network.spec.input_shape
    image = np.random.default_rng(1).uniform(size=network.spec.input_shape).astype(np.float32)
    nudged = np.tile(image, (height * width, 1, 1, 1))
    for number, one in enumerate(nudged):
        one[number // width, number % width] += 0.5
    plain, moved = network.activations(image[np.newaxis]), network.activations(nudged)
    return {
        name: (np.abs(values - plain[name]) > ROUNDING).reshape(height, width, *values.shape[1:])
        for name, values in moved.items()
    }


def bounds(marked: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(marked.any(1)), np.flatnonzero(marked.any(0))
    return rows[0], columns[0], rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


@pytest.mark.parametrize("network_spec", [UNEVEN, WHOLE, MIXED], ids=lambda spec: spec.name)
def test_a_unit_changes_with_the_pixels_it_sees_and_no_others(network_spec: NetworkSpec) -> None:
    height, width, _ = network_spec.input_shape
    for layer, changed in changed_by_pixel(random_network(network_spec)).items():
        units = changed if changed.ndim == 5 else changed[:, :, np.newaxis, :, np.newaxis]
        for row, column in np.ndindex(units.shape[2:4]):
            patch = seen_by(network_spec, layer, row, column).clipped(height, width)
            ours = patch.first_row, patch.first_column, patch.rows, patch.columns
            theirs = bounds(units[:, :, row, column].any(-1))
            assert ours == theirs, f"{layer} at {row}, {column}"


@pytest.mark.parametrize("name", ["paper", "fast", "champion", "lenet"])
def test_the_size_is_what_the_network_page_says(name: str) -> None:
    network = zoo.preset(name).network
    fields = costs.fields(network.layers, network.summary())
    for layer, (down, right) in zip(network.layers, fields, strict=True):
        patch = seen_by(network, layer.name, 0, 0)
        if layer.name != "flatten":  # of which a number is one unit of the maps before
            assert (patch.rows, patch.columns) == (down.size, right.size), layer.name


def test_neighbours_are_a_step_apart_and_reach_into_the_padding() -> None:
    first, second = (seen_by(zoo.paper().network, "conv3", 4, column) for column in (0, 1))
    assert second.first_column - first.first_column == 2  # one pooling of 2 lies before it
    assert second.first_row == first.first_row
    corner = seen_by(UNEVEN, "same", 0, 0)
    assert corner.first_column == -2
    assert corner.clipped(14, 11).first_column == 0


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"one of: strided, .*Received: layer='conv9'"):
        seen_by(UNEVEN, "conv9", 0, 0)
    with pytest.raises(ValueError, match=r"row from 0 to 5 and a column from 0 to 4.*row=6"):
        seen_by(UNEVEN, "same", 6, 0)
    with pytest.raises(ValueError, match=r"row from 0 to 0 and a column from 0 to 2.*column=-1"):
        seen_by(UNEVEN, "dense", 0, -1)


@pytest.mark.parametrize("spec", [UNEVEN, zoo.fast().network], ids=lambda spec: spec.name)
def test_the_strongest_place_is_the_largest_number_that_sees_something(spec):
    """U19: an empty window explains nothing, however large its bias."""
    image = np.zeros(spec.input_shape, np.float32)
    image[3:5, 6:8] = 1
    for layer, row in zip(spec.layers, spec.summary(), strict=True):
        if len(row.output_shape) != 3:
            continue
        height, width, n_maps = row.output_shape
        maps = np.random.default_rng(len(layer.name)).normal(size=row.output_shape)
        maps[-1, -1] += 9
        best = -np.inf
        for r, c in np.ndindex(height, width):
            patch = seen_by(spec, layer.name, r, c)
            top, left = max(patch.first_row, 0), max(patch.first_column, 0)
            bottom, end = patch.first_row + patch.rows, patch.first_column + patch.columns
            if image[top:bottom, left:end].any():
                best = max(best, maps[r, c].max())
        channel, *at = strongest_place(spec, layer.name, image, maps)
        assert maps[*at, channel] == best
        channel, *at = strongest_place(spec, layer.name, 0 * image, maps, n_maps - 1)
        assert (channel, maps[*at, channel]) == (n_maps - 1, maps[..., -1].max())
