"""Saliency and Grad-CAM against Keras's tape, occlusion against a plain loop."""

from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.attribution import (
    Occlusion,
    cam_layers,
    grad_cam,
    last_convolution,
    occlusion,
    saliency,
)
from cnn_lab.network import Network, spec
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops import ShapeError
from cnn_lab.training import keras_engine
from tests.unit.network.random_networks import COLOUR, GREY, random_images, random_network

# Ends in an activation, has three classes, and comes to them without a dense layer.
FEW = NetworkSpec(
    name="few",
    input_shape=(9, 10, 2),
    layers=(
        spec.Conv2D(name="conv", filters=4, kernel_size=(3, 3), padding="same", activation="tanh"),
        spec.MaxPooling2D(name="pool"),
        spec.Conv2D(name="three", filters=3, kernel_size=(2, 2)),
        spec.GlobalAveragePooling2D(name="whole"),
        spec.Activation(name="softmax", activation="softmax"),
    ),
)
BARE = NetworkSpec(
    name="bare",
    input_shape=(5, 4, 1),
    layers=(
        spec.Conv2D(name="conv", filters=2, kernel_size=(2, 2), activation="relu"),
        spec.Flatten(name="flatten"),
        spec.Dense(name="dense", units=4),
    ),
)
ENDS_IN_POINTS = NetworkSpec(
    name="points",
    input_shape=(6, 6, 1),
    layers=(
        spec.Conv2D(name="first", filters=2, kernel_size=(3, 3), activation="relu"),
        spec.Conv2D(name="second", filters=3, kernel_size=(4, 4), activation="relu"),
        spec.Flatten(name="flatten"),
        spec.Dense(name="dense", units=3),
    ),
)
NETWORKS = ["paper", "fast", "grey", "colour", "few", "bare"]


@cache
def case(name: str) -> tuple[Network, np.ndarray]:
    """A network and an image for it."""
    made = {one.name: one for one in (GREY, COLOUR, FEW, BARE, ENDS_IN_POINTS)}
    if name in made:
        return random_network(made[name]), random_images(made[name], 1)[0]
    return Network.load(name), load_mnist().test.image(7)


def keras_scores(network: Network) -> keras.Model:
    """The network in Keras, softmax left out, with the result of every layer."""
    model = keras_engine.to_keras(network)
    outputs = {layer.name: layer.output for layer in model.layers}
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax):
        del outputs[last.name]
    elif getattr(last, "activation", None) is keras.activations.softmax:
        last.activation = keras.activations.linear
        outputs[last.name] = last(model.layers[-2].output)
    return keras.Model(model.inputs[0], outputs)


def theirs(name: str, digit: int) -> tuple[dict, dict, np.ndarray, float]:
    """What Keras makes of a case: results and slopes by layer, slopes by pixel, the score."""
    network, image = case(name)
    model, watched = keras_scores(network), tf.constant(image[np.newaxis])
    with tf.GradientTape() as tape:
        tape.watch(watched)
        results = model(watched, training=False)
        score = results[list(results)[-1]][0, digit]
    slopes = tape.gradient(score, {**results, " image": watched})
    by_layer = {key: np.asarray(value)[0] for key, value in slopes.items() if key != " image"}
    values = {key: np.asarray(value)[0] for key, value in results.items()}
    return values, by_layer, np.asarray(slopes[" image"])[0], float(score)


def assert_close(ours: np.ndarray, wanted: np.ndarray, message: str = "") -> None:
    assert ours.shape == wanted.shape, message
    assert ours.dtype == np.float32, message
    scale = np.abs(wanted).max()
    assert scale > 0, message
    np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-5 * scale, err_msg=message)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_slope_is_keras_s(name: str) -> None:
    network, image = case(name)
    values, by_layer, by_pixel, score = theirs(name, digit=2)
    slopes = network.slopes(image, 2)
    assert list(slopes.values) == list(slopes.of_values) == list(values)
    assert slopes.score == pytest.approx(score, rel=1e-4)
    assert slopes.score == network.scores(image[np.newaxis])[0, 2]
    for layer, wanted in by_layer.items():
        assert_close(slopes.of_values[layer], wanted, layer)
        assert_close(slopes.values[layer], values[layer], layer)
    assert_close(saliency(network, image, 2), np.abs(by_pixel).max(axis=-1))
    for layer, maps in values.items():
        if maps.ndim == 3:
            heat = np.maximum((maps * by_layer[layer].mean(axis=(0, 1))).sum(axis=-1), 0)
            ours = grad_cam(network, image, 2, layer)
            np.testing.assert_allclose(ours, heat, atol=1e-4 * np.abs(maps).max(), err_msg=layer)


def test_a_class_has_heat_of_its_own() -> None:
    network, image = case("paper")
    three, seven = (grad_cam(network, image, digit, "conv3") for digit in (3, 7))
    assert three.shape == (10, 10)
    assert np.abs(three - seven).max() > 0.1 * max(three.max(), seven.max())


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("few", {"size": 3, "step": 1}),
        ("few", {"size": 4, "step": 3, "fill": 0.6}),
        ("grey", {"size": 1, "step": 5}),
        ("fast", {}),
    ],
)
def test_covering_is_a_loop_over_places(name: str, settings: dict[str, float]) -> None:
    network, image = case(name)
    found = occlusion(network, image, 2, **settings)
    size, step, fill = settings.get("size", 5), settings.get("step", 2), settings.get("fill", 0)
    height, width, _ = image.shape
    for row, down in enumerate(range(0, height, step)):
        for column, right in enumerate(range(0, width, step)):
            covered = image.copy()
            for pixel in np.ndindex(height, width):
                away = pixel[0] - down + size // 2, pixel[1] - right + size // 2
                if 0 <= away[0] < size and 0 <= away[1] < size:
                    covered[pixel] = fill
            answer = network.predict(covered[np.newaxis])[0, 2]
            assert found.probabilities[row, column] == pytest.approx(answer, abs=1e-6)
    assert found.probabilities.shape == (row + 1, column + 1)
    assert found.before == pytest.approx(network.predict(image[np.newaxis])[0, 2], abs=1e-6)
    np.testing.assert_array_equal(found.lost, np.float32(found.before) - found.probabilities)
    assert np.abs(found.lost).max() > 0


def test_what_does_not_fit_is_refused() -> None:
    network, image = case("few")
    for ask in (saliency, occlusion):
        with pytest.raises(ValueError, match=r"class from 0 to 2. Received: digit=3"):
            ask(network, image, 3)
        with pytest.raises(ShapeError, match=r"must have shape \(9, 10, 2\)"):
            ask(network, image[..., :1], 0)
    with pytest.raises(ShapeError, match=r"must output maps.*whole"):
        grad_cam(network, image, 0, "whole")
    with pytest.raises(ValueError, match="one of: conv, pool"):
        grad_cam(network, image, 0, "conv7")
    with pytest.raises(ValueError, match=r"at least 1. Received: step=0"):
        occlusion(network, image, 0, step=0)
    with pytest.raises(ValueError, match=r"from 0 to 1. Received: fill=2"):
        occlusion(network, image, 0, fill=2)


def test_a_softmax_over_maps_is_no_place_to_look_from() -> None:
    maps = NetworkSpec(
        name="maps",
        input_shape=(3, 3, 1),
        layers=(
            spec.Conv2D(name="conv", filters=2, kernel_size=(2, 2)),
            spec.Softmax(name="softmax"),
        ),
    )
    network, image = random_network(maps), random_images(maps, 1)[0]
    assert grad_cam(network, image, 7, "conv").shape == (2, 2)
    with pytest.raises(ValueError, match="before the softmax that ends the network"):
        grad_cam(network, image, 0, "softmax")


def test_factors_are_of_the_answer_before_and_finite() -> None:
    probabilities = np.array([[0.5, 0.1], [0.0, 1.0]], np.float32)
    times = Occlusion(probabilities, 5, 2, 0.1).times_as_probable
    np.testing.assert_allclose(times[0], [5, 1], rtol=1e-6)
    assert 0 < times[1, 0] < 1e-20
    assert np.isfinite(Occlusion(probabilities, 5, 2, 0.0).times_as_probable).all()


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("paper", "conv3"),
        ("fast", "relu3"),
        ("champion", "conv4"),
        ("few", "three"),
        ("points", "first"),
    ],
)
def test_the_last_convolution_is_one_that_still_says_where(name: str, last: str) -> None:
    """M18: the last of champion and of points leave one number of each map."""
    network, image = case(name)
    assert last_convolution(network.spec) == last
    for layer in cam_layers(network.spec):
        assert grad_cam(network, image, 0, layer).ndim == 2


def test_without_a_convolution_the_last_maps_are_taken() -> None:
    pool = spec.MaxPooling2D(name="pool")
    flat = (spec.Flatten(name="flatten"), spec.Dense(name="dense", units=2))
    plain = NetworkSpec(name="plain", input_shape=(4, 4, 1), layers=(pool, *flat))
    assert last_convolution(plain) == "pool"
    with pytest.raises(ValueError, match="No layer outputs maps"):
        last_convolution(NetworkSpec(name="none", input_shape=(4, 4, 1), layers=flat))
