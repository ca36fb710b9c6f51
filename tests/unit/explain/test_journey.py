"""The stations of an image, against the network itself."""

import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.journey import MAX_MAPS, journey
from cnn_lab.network import Network
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec, Softmax


@pytest.fixture(scope="module")
def paper():
    return Network.load("paper")


@pytest.fixture(scope="module")
def image():
    return load_mnist().test.image(0)


def test_stations_show_the_outputs_of_the_layers_and_the_answer(paper, image):
    stations, probabilities = journey(paper, image)
    activations = paper.activations(image[np.newaxis])
    assert [(each.operation, each.layer) for each in stations] == [
        ("image", ""),
        ("Conv2D", "conv1"),
        ("MaxPooling2D", "pool1"),
        ("Conv2D", "conv2"),
        ("ReLU", "conv2"),
        ("Conv2D", "conv3"),
        ("ReLU", "conv3"),
        ("MaxPooling2D", "pool2"),
        ("Dense", "dense1"),
    ]
    for station in stations[1:]:
        output = activations[station.layer][0]
        maps = output.reshape(1, 1, -1) if output.ndim == 1 else output
        shown = maps[..., station.shown]
        assert station.n_maps == maps.shape[2]
        if (station.operation, station.layer) in [("Conv2D", "conv2"), ("Conv2D", "conv3")]:
            assert station.values.min() < 0
            np.testing.assert_allclose(np.maximum(station.values, 0), shown, atol=1e-5)
        else:
            np.testing.assert_allclose(station.values, shown, atol=1e-5)
    np.testing.assert_allclose(probabilities, activations["softmax"][0], atol=1e-6)


def test_the_sixteen_strongest_maps_come_first_and_stay_what_they_are(paper, image):
    stations, _ = journey(paper, image)
    sums, rectified, *_ = (each for each in stations if each.layer == "conv2")
    strength = np.abs(rectified.values).mean(axis=(0, 1))
    assert len(sums.shown) == MAX_MAPS
    assert (np.diff(strength) <= 0).all()
    assert rectified.shown == sums.shown
    pooled = next(each for each in stations if each.layer == "pool2")
    assert pooled.shown == next(each for each in stations if each.layer == "conv3").shown
    best = paper.activations(image[np.newaxis])["pool2"][0][..., pooled.strongest]
    assert best.mean() == pytest.approx(pooled.values.mean(axis=(0, 1)).max())


def test_windows_are_those_of_the_layers(paper, image):
    windows = {each.layer: each.window for each in journey(paper, image)[0]}
    assert windows["conv1"].size == (2, 2)
    assert windows["conv1"].borders == ((0, 1), (0, 1))
    assert windows["pool1"].strides == (2, 2)
    assert windows["conv2"].size == (1, 1)  # ReLU's, which comes after its sums
    assert windows["dense1"] is None


def test_a_network_without_maps_has_only_its_units(image):
    spec = NetworkSpec(
        name="flat",
        layers=(
            Flatten(name="flatten"),
            Dense(name="d1", units=4, activation="relu"),
            Dense(name="d2", units=10),
            Softmax(name="softmax"),
        ),
    )
    weights = {name: np.ones(shape, np.float32) for name, shape in spec.weight_shapes().items()}
    stations, _ = journey(Network(spec, weights), image)
    assert [each.operation for each in stations] == ["image", "Dense"]
    assert stations[1].values.shape == (1, 1, 4)
