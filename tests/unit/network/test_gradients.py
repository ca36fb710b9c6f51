"""The gradients of a whole network: against Keras's tape, and against finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_lab.network import Network, spec
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops import ShapeError
from cnn_lab.training import keras_engine
from tests.unit.network.random_networks import COLOUR, GREY, random_images, random_network

LABELS = np.array([3, 0, 9, 3])


@pytest.mark.parametrize("network_spec", [GREY, COLOUR], ids=lambda spec: spec.name)
def test_gradients_agree_with_keras(network_spec: NetworkSpec) -> None:
    network, images = random_network(network_spec), random_images(network_spec, len(LABELS))
    model = keras_engine.to_keras(network)
    watched = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        loss = keras.losses.SparseCategoricalCrossentropy()(LABELS, model(watched, training=False))
    of_images, *theirs = tape.gradient(loss, [watched, *model.trainable_weights])
    our_loss, ours, our_grad_images = network.gradients(images, LABELS)
    assert our_loss == pytest.approx(float(loss), rel=1e-5)
    assert list(ours) == [
        f"{layer.name}/{weight.name}"
        for layer in model.layers
        for weight in layer.trainable_weights
    ]
    for name, our, their in zip(
        ["images", *ours],
        [our_grad_images, *ours.values()],
        map(np.asarray, [of_images, *theirs]),
        strict=True,
    ):
        assert our.shape == their.shape, name
        assert our.dtype == np.float32, name
        np.testing.assert_allclose(our, their, rtol=1e-4, atol=1e-5 * np.abs(their).max())


def test_gradients_are_slopes() -> None:
    """Along a random direction of all weights, which single precision can still tell."""
    network, images = random_network(COLOUR), random_images(COLOUR, len(LABELS))
    _, gradients, _ = network.gradients(images, LABELS)
    numbers = np.random.default_rng(8)
    direction = {name: numbers.normal(size=grad.shape) for name, grad in gradients.items()}
    length = np.sqrt(sum(np.vdot(part, part) for part in direction.values()))

    def loss(step: float) -> float:
        moved = {
            name: weight + np.float32(step / length) * direction[name].astype(np.float32)
            if name in direction
            else weight
            for name, weight in network.weights.items()
        }
        return Network(COLOUR, moved).gradients(images, LABELS)[0]

    slope = (loss(1e-2) - loss(-1e-2)) / 2e-2
    expected = sum(np.vdot(grad, direction[name]) for name, grad in gradients.items()) / length
    assert slope == pytest.approx(expected, rel=5e-3)


def test_labels_may_be_distributions() -> None:
    network, images = random_network(COLOUR), random_images(COLOUR, len(LABELS))
    by_number = network.gradients(images, LABELS)
    by_row = network.gradients(images, np.eye(10)[LABELS])
    assert by_row[0] == pytest.approx(by_number[0], rel=1e-6)
    np.testing.assert_allclose(by_row[2], by_number[2], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_a_network_without_softmax_learns_as_in_keras(activation: str) -> None:
    """Keras keeps the answers from 0 and 1 and makes them sum to 1."""
    bare = NetworkSpec(
        name="bare",
        input_shape=(3, 3, 1),
        layers=(
            spec.Flatten(name="flatten"),
            spec.Dense(name="dense", units=10, activation=activation),
        ),
    )
    network, images = random_network(bare), random_images(bare, len(LABELS))
    model = keras_engine.to_keras(network)
    with tf.GradientTape() as tape:
        loss = keras.losses.SparseCategoricalCrossentropy()(LABELS, model(images))
    theirs = tape.gradient(loss, model.trainable_weights)
    our_loss, ours, _ = network.gradients(images, LABELS)
    assert our_loss == pytest.approx(float(loss), rel=1e-5)
    for our, their in zip(ours.values(), theirs, strict=True):
        np.testing.assert_allclose(our, np.asarray(their), rtol=1e-3, atol=1e-4)


def test_what_does_not_fit_is_refused() -> None:
    network, images = random_network(COLOUR), random_images(COLOUR, len(LABELS))
    with pytest.raises(ShapeError, match="at least one image"):
        network.gradients(images, LABELS[:2])
    with pytest.raises(ValueError, match="whole numbers from 0 to 9"):
        network.gradients(images, LABELS + 7)
    with pytest.raises(ShapeError, match=r"must have shape \(n, 16, 16, 3\)"):
        network.gradients(images[..., :1], LABELS)
