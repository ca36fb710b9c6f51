"""Every layer that a spec knows, in NumPy and in Keras, with the same weights."""

from typing import get_args

import keras
import numpy as np
import pytest

from cnn_lab import keras_engine, spec
from cnn_lab.network import Network
from cnn_lab.spec import NetworkSpec

GREY = NetworkSpec(
    name="grey",
    input_shape=(13, 12, 1),
    layers=(
        spec.Conv2D(name="conv", filters=6, kernel_size=(3, 2), padding="same", activation="tanh"),
        spec.DepthwiseConv2D(
            name="depthwise", kernel_size=(3, 3), depth_multiplier=2, strides=(2, 2), padding="same"
        ),
        spec.LeakyReLU(name="leaky"),
        spec.BatchNormalization(name="norm"),
        spec.MaxPooling2D(name="largest", pool_size=(3, 2), strides=(2, 1), padding="same"),
        spec.DepthwiseConv2D(name="plain", kernel_size=(2, 2), use_bias=False),
        spec.ReLU(name="relu"),
        spec.AveragePooling2D(name="mean", padding="same"),
        spec.Dropout(name="dropout", rate=0.5),
        spec.Flatten(name="flatten"),
        spec.Dense(name="dense", units=9, activation="sigmoid"),
        spec.Activation(name="squash", activation="tanh"),
        spec.Dense(name="ten", units=10, use_bias=False, activation="softmax"),
    ),
)
COLOUR = NetworkSpec(
    name="colour",
    input_shape=(16, 16, 3),
    layers=(
        spec.Conv2D(name="conv", filters=8, kernel_size=(3, 3), strides=(2, 2), use_bias=False),
        spec.BatchNormalization(name="norm", epsilon=1e-2),
        spec.Activation(name="sigmoid", activation="sigmoid"),
        spec.DepthwiseConv2D(name="depthwise", kernel_size=(3, 2), activation="relu"),
        spec.Conv2D(name="mix", filters=12, kernel_size=(1, 1), activation="sigmoid"),
        spec.GlobalAveragePooling2D(name="whole"),
        spec.BatchNormalization(name="features"),
        spec.Dense(name="dense", units=10),
        spec.Softmax(name="softmax"),
    ),
)
SPECS = [GREY, COLOUR]


def random_network(network_spec: NetworkSpec) -> Network:
    numbers = np.random.default_rng(3)
    weights = {
        name: numbers.normal(0, 0.4, shape).astype(np.float32)
        for name, shape in network_spec.weight_shapes().items()
    }
    for name in weights:
        if name.endswith("moving_variance"):
            weights[name] = np.abs(weights[name]) + np.float32(0.1)
    return Network(network_spec, weights)


def random_images(network_spec: NetworkSpec, n: int) -> np.ndarray:
    shape = (n, *network_spec.input_shape)
    return np.random.default_rng(4).uniform(size=shape).astype(np.float32)


@pytest.mark.parametrize("network_spec", SPECS, ids=lambda network_spec: network_spec.name)
def test_every_layer_agrees_with_keras(network_spec: NetworkSpec) -> None:
    network = random_network(network_spec)
    images = random_images(network_spec, 5)
    model = keras_engine.to_keras(network)
    inspect = keras.Model(model.inputs[0], [layer.output for layer in model.layers])
    ours = network.activations(images)
    assert list(ours) == [layer.name for layer in model.layers]
    for name, theirs in zip(ours, inspect(images), strict=True):
        assert ours[name].dtype == np.float32, name
        np.testing.assert_allclose(
            ours[name], np.asarray(theirs), rtol=1e-5, atol=1e-5, err_msg=name
        )


def test_no_layer_of_the_spec_is_left_out() -> None:
    known = {type(layer) for network_spec in SPECS for layer in network_spec.layers}
    assert known == set(get_args(get_args(spec.Layer)[0]))
