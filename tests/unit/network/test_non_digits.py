"""Networks with an eleventh output, which says that an image shows no digit at all."""

from pathlib import Path

import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.answer import answer_for
from cnn_lab.digits.calibration import cooled
from cnn_lab.explain.digit_map import feature_parts
from cnn_lab.explain.fool import Nudging
from cnn_lab.network import Network, digit_problem
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec, Softmax
from cnn_lab.network.visitor import network_from_visitor
from cnn_lab.training.keras_engine import to_keras

ELEVEN = NetworkSpec(
    name="eleven",
    layers=(
        Flatten(name="flatten"),
        Dense(name="hidden", units=12, activation="relu"),
        Dense(name="dense", units=11),
        Softmax(name="softmax"),
    ),
)


def network(last_bias: float) -> Network:
    weights = initial_weights(ELEVEN, 0)
    weights["dense/bias"][10] = last_bias
    return Network(ELEVEN, weights)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return load_mnist().test.at(slice(20)).images


def test_its_classes_are_the_ten_digits_given_that_there_is_one(images: np.ndarray) -> None:
    one = network(3.0)
    outputs = one.outputs(images)
    assert (ELEVEN.n_outputs, ELEVEN.n_classes, outputs.shape) == (11, 10, (20, 11))
    digits = outputs[:, :10] / outputs[:, :10].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(one.predict(images), digits, atol=1e-6)
    scores = one.scores(images)
    assert scores.shape == (20, 10)
    np.testing.assert_array_equal(scores.argmax(axis=1), digits.argmax(axis=1))


def test_keras_gets_all_eleven_outputs(images: np.ndarray) -> None:
    one = network(1.0)
    np.testing.assert_allclose(
        to_keras(one).predict(images, verbose=0), one.outputs(images), atol=1e-5
    )


@pytest.mark.parametrize(("bias", "kind"), [(-20.0, False), (20.0, True), (200.0, True)])
def test_the_answer_is_no_digit_where_the_eleventh_output_leads(
    bias: float, kind: bool, images: np.ndarray
) -> None:
    """Ten probabilities that add up to one are shown even where none of them is left."""
    answer, probabilities = answer_for(network(bias), images[0, ..., 0])
    assert (answer.kind == "no_digit") is kind
    assert probabilities.shape == (10,)
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert probabilities[answer.digit] == probabilities.max()


def test_files_and_pages_take_such_a_network(images: np.ndarray, tmp_path: Path) -> None:
    one = network(0.5)
    one.save(tmp_path / "one.safetensors")
    loaded = Network.load(tmp_path / "one.safetensors")
    np.testing.assert_array_equal(loaded.outputs(images), one.outputs(images))
    assert digit_problem(network_from_visitor(one.to_bytes()).spec) == ""
    features, answers = next(feature_parts(one, images))
    np.testing.assert_array_equal(answers, one.predict(images).argmax(axis=1))
    assert features.shape == (20, 12)


def test_cooling_changes_all_eleven_and_no_answer(images: np.ndarray) -> None:
    one, cool = network(0.0), cooled(network(0.0), 0.5)
    np.testing.assert_array_equal(one.outputs(images).argmax(1), cool.outputs(images).argmax(1))
    assert cool.predict(images).max(axis=1).mean() > one.predict(images).max(axis=1).mean()


def test_an_attack_leads_to_a_digit_whatever_the_eleventh_output_says(images: np.ndarray) -> None:
    one = network(20.0)
    target = int(one.predict(images[:1])[0].argsort()[-2])
    nudging = Nudging(one, images[0], target, limit=10)
    nudging.advance(100)
    assert nudging.outcome == "found"
    assert one.predict(nudging.moments[-1].image[np.newaxis])[0].argmax() == target
