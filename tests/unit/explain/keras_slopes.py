"""Gradients with respect to an image, by Keras's tape."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_lab.network import Network
from cnn_lab.training import keras_engine


def before_activations(network: Network) -> dict[str, Callable[[Any], Any]]:
    """Return, for each layer, a function from images to its output before its own activation."""
    model = keras_engine.to_keras(network)
    values, made = model.inputs[0], {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        config = layer.get_config()
        alone = isinstance(
            layer, keras.layers.Activation | keras.layers.ReLU | keras.layers.Softmax
        )
        if alone:
            made[layer.name] = values
        elif config.get("activation") not in (None, "linear"):
            linear = type(layer).from_config({**config, "activation": "linear", "name": "linear"})
            made[layer.name] = linear(values)
            linear.set_weights(layer.get_weights())
        else:
            made[layer.name] = layer(values)
        values = layer(values)
    return {name: keras.Model(model.inputs[0], output) for name, output in made.items()}


def slope_of(objective: Callable[[Any], Any], image: np.ndarray) -> tuple[float, np.ndarray]:
    """Return a number computed from a batch of one image, and its gradient for the image."""
    watched = tf.constant(image[np.newaxis])
    with tf.GradientTape() as tape:
        tape.watch(watched)
        value = objective(watched)
    return float(value), np.array(tape.gradient(value, watched))[0]


def digit_probabilities(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return Keras's answers for digits: of eleven outputs the first ten, divided by their sum."""
    answers = model.predict(images, verbose=0)[:, :10]
    return np.asarray(answers / answers.sum(axis=1, keepdims=True))
