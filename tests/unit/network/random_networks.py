"""Networks of every layer type with random weights, and images for them."""

import numpy as np

from cnn_lab.network import Network, spec
from cnn_lab.network.spec import NetworkSpec

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
        spec.SpatialDropout2D(name="maps_dropped", rate=0.5),
        spec.Activation(name="sigmoid", activation="sigmoid"),
        spec.DepthwiseConv2D(name="depthwise", kernel_size=(3, 2), activation="relu"),
        spec.SeparableConv2D(
            name="separable",
            filters=7,
            kernel_size=(2, 3),
            strides=(2, 2),
            padding="same",
            depth_multiplier=2,
            activation="tanh",
        ),
        spec.SeparableConv2D(name="plain", filters=9, kernel_size=(2, 2), use_bias=False),
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
