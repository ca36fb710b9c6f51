"""Temperatures, calibration errors, and what counts as a sure answer."""

import json

import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.calibration import calibration_error, cooled, sure_odds, temperature
from cnn_lab.network import Network
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec
from cnn_lab.ops.types import ShapeError

N_CHECKED = 1500


@pytest.fixture(scope="module")
def data():
    return load_mnist()


def answers(n, *, sharpness, seed=0):
    """Ten probabilities each, with labels drawn from them, then made `sharpness` times as sure."""
    numbers = np.random.default_rng(seed)
    scores = numbers.normal(0, 2, (n, 10))
    believed = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    labels = np.array([numbers.choice(10, p=row) for row in believed])
    sharper = np.exp(sharpness * scores)
    return sharper / sharper.sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("sharpness", [0.5, 1, 3])
def test_the_temperature_undoes_too_much_and_too_little_belief(sharpness) -> None:
    probabilities, labels = answers(20_000, sharpness=sharpness)
    assert temperature(probabilities, labels) == pytest.approx(sharpness, rel=0.05)


def test_calibrated_answers_have_hardly_any_error() -> None:
    honest, labels = answers(20_000, sharpness=1)
    boasting, _ = answers(20_000, sharpness=3)
    assert calibration_error(honest, labels) < 0.02
    assert calibration_error(boasting, labels) > 0.1


def test_sure_answers_are_right_999_times_of_1000() -> None:
    probabilities = np.full((4000, 3), 0.0)
    first = np.linspace(0.4, 0.999, 4000)
    probabilities[:, 0], probabilities[:, 1] = first, 1 - first
    labels = np.zeros(4000, int)
    labels[:1000:10] = 1  # only doubtful answers are wrong
    odds = sure_odds(probabilities, labels)
    sure = first >= odds * (1 - first)
    assert (labels[sure] == 0).mean() >= 0.999
    assert odds >= 3
    labels[-1] = 1  # the surest of all is wrong: no odds will do for few, but they do for many
    assert sure_odds(probabilities, labels) >= odds


def test_cooling_changes_no_answer_and_every_probability(data) -> None:
    network, images = Network.load("fast"), data.test.images[:50]
    cool = cooled(network, 2.0)
    before, after = network.predict(images), cool.predict(images)
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))
    expected = np.sqrt(before.astype(float))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(after, expected, rtol=1e-3, atol=1e-6)


def test_what_cannot_be_calibrated_is_refused() -> None:
    spec = NetworkSpec(
        name="odd", layers=(Flatten(name="flat"), Dense(name="end", units=10, activation="softmax"))
    )
    weights = {name: np.zeros(shape, np.float32) for name, shape in spec.weight_shapes().items()}
    with pytest.raises(ValueError, match="linear dense layer and softmax"):
        cooled(Network(spec, weights), 2.0)
    with pytest.raises(ValueError, match=r"above 0\. Received: divisor=0"):
        cooled(Network.load("fast"), 0)
    with pytest.raises(ShapeError, match=r"at least one image\. Received"):
        temperature(np.zeros((0, 10)), np.zeros(0, int))


@pytest.mark.parametrize("name", ["paper", "fast", "champion"])
def test_a_shipped_network_says_what_it_believes(data, name) -> None:
    network, seen = Network.load(name), data.validation
    probabilities = network.predict(seen.images[:N_CHECKED])
    labels = seen.labels[:N_CHECKED]
    card = json.loads(network.card["calibration"])
    assert card["error_after"] < card["error_before"]
    # Of fewer images than the card's, so with more of the chance in it.
    assert calibration_error(probabilities, labels) < 0.006
    assert card["sure_odds"] >= 3
