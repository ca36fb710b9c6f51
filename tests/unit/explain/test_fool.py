"""Small changes that fool a network, against the same search with Keras's gradients."""

import numpy as np
import pytest
import tensorflow as tf

from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.fool import CLEAR, MAX_STEPS, STEP, Nudging
from cnn_lab.network import MODELS, Network
from cnn_lab.training import keras_engine
from tests.unit.explain.keras_slopes import before_activations, digit_probabilities, slope_of

SHIPPED = sorted(path.stem for path in MODELS.glob("*.safetensors"))


def leading(scores, target):
    digits = scores[:, :10]
    others = tf.where(tf.one_hot(target, 10) > 0, -np.inf, digits)
    return digits[0, target] - tf.reduce_max(others)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_first_steps_are_those_that_keras_gradients_give(name):
    network, first, target = Network.load(name), load_mnist().test.image(0), 3
    scores = list(before_activations(network).values())[-1]
    search = Nudging(network, first, target, limit=0.25)
    search.advance(4)
    image = first
    for moment in search.moments[1:]:
        _, slope = slope_of(lambda batch: leading(scores(batch, training=False), target), image)
        slope[((image <= 0) & (slope < 0)) | ((image >= 1) & (slope > 0))] = 0
        change = image + STEP * slope / np.linalg.norm(slope) - first
        change *= min(1, 0.25 / np.linalg.norm(change))
        image = np.clip(first + change, 0, 1)
        np.testing.assert_allclose(moment.image, image, atol=2e-5)
    assert len(search.moments) == 5


@pytest.mark.parametrize("name", SHIPPED)
def test_a_seven_is_read_as_a_three_within_the_limit_and_keras_agrees(name):
    network, first = Network.load(name), load_mnist().test.image(0)
    search = Nudging(network, first, 3, limit=3.0)
    search.advance(MAX_STEPS)
    assert search.outcome == "found"
    model = keras_engine.to_keras(network)
    answers = digit_probabilities(model, np.stack([moment.image for moment in search.moments]))
    read = answers.argmax(axis=1)
    assert read[0] == 7
    assert read[-1] == 3
    assert 3 not in read[:-1]
    for moment, answer in zip(search.moments, answers, strict=True):
        np.testing.assert_allclose(moment.probabilities, answer, atol=1e-5)
        assert 0 <= moment.image.min() <= moment.image.max() <= 1
        change = moment.image - first
        assert moment.length == pytest.approx(np.sqrt(np.square(change, dtype=float).sum()))
        assert moment.length <= 3.0 + 1e-5
        assert moment.largest == pytest.approx(np.abs(change).max())


def test_within_too_small_a_limit_nothing_is_found():
    search = Nudging(Network.load("fast"), load_mnist().test.image(0), 3, limit=0.2)
    search.advance(10 * MAX_STEPS)
    assert search.outcome == "not found"
    assert len(search.moments) == MAX_STEPS + 1
    assert max(moment.length for moment in search.moments) <= 0.2 + 1e-6


def test_portions_of_the_work_make_no_difference():
    network, first = Network.load("fast"), load_mnist().test.image(2)
    at_once, in_parts = (Nudging(network, first, 7, limit=4) for _ in range(2))
    at_once.advance(MAX_STEPS)
    while in_parts.outcome == "going":
        in_parts.advance(3)
    assert len(at_once.moments) == len(in_parts.moments)
    assert (at_once.moments[-1].image == in_parts.moments[-1].image).all()


def test_the_answer_itself_needs_no_change():
    search = Nudging(Network.load("fast"), load_mnist().test.image(0), 7, limit=1)
    search.advance(5)
    assert (search.outcome, len(search.moments)) == ("found", 1)
    assert search.size == pytest.approx(np.linalg.norm(load_mnist().test.image(0)))


def test_a_network_that_sees_nothing_leaves_no_way_to_go():
    shipped = Network.load("fast")
    blind = Network(shipped.spec, {name: 0 * each for name, each in shipped.weights.items()})
    search = Nudging(blind, np.zeros((28, 28, 1), np.float32), 3, limit=1)
    search.advance(5)
    assert (search.outcome, len(search.moments)) == ("flat", 1)


@pytest.mark.parametrize("wrong", [{"target": 10}, {"target": -1}, {"limit": 0}, {"limit": np.nan}])
def test_what_makes_no_sense_is_refused(wrong):
    settings = {"target": 3, "limit": 1.0} | wrong
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Nudging(Network.load("fast"), load_mnist().test.image(0), **settings)


def test_a_lead_is_clear_of_rounding():
    """The last of the steps leads by more than float32 can get wrong."""
    network = Network.load("champion")
    search = Nudging(network, load_mnist().test.image(0), 3, limit=3)
    search.advance(MAX_STEPS)
    scores = network.scores(search.moments[-1].image[np.newaxis])[0, :10]
    assert scores[3] - np.delete(scores, 3).max() > CLEAR / 2
