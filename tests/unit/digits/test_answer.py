import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.answer import Verdict, judge
from cnn_lab.digits.calibration import calibration_error, cooled, sure_odds, temperature
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.novelty import KEPT, Familiarity, familiarity, features_of
from cnn_lab.network import Network
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec
from cnn_lab.ops.types import ShapeError

N_CHECKED = 1500


@pytest.fixture(scope="module")
def data():
    return load_mnist()


def prepared(draw):
    """What becomes of a drawing of 280 x 280 pixels; `draw` gets the pen."""
    canvas = Image.new("RGBA", (280, 280), "black")
    draw(ImageDraw.Draw(canvas))
    image = prepare_digit(np.asarray(canvas))
    assert image is not None
    return image


@pytest.mark.parametrize(
    ("probabilities", "sentence"),
    [
        ({7: 0.982, 1: 0.018}, "This looks like a 7 (98.2%)."),
        ({8: 0.9, 3: 0.1}, "This looks like an 8 (90.0%)."),
        ({9: 0.5, 4: 0.45}, "This looks like a 4 or a 9."),
        ({9: 0.76, 4: 0.24}, "This looks like a 9 (76.0%)."),
        ({9: 0.74, 4: 0.26}, "This looks like a 4 or a 9."),
        ({3: 0.99999, 5: 0.00001}, "This looks like a 3 (>99.9%)."),
    ],
)
def test_answer_in_words(probabilities: dict[int, float], sentence: str) -> None:
    ten = np.zeros(10)
    ten[list(probabilities)] = list(probabilities.values())
    assert Verdict.of(ten).sentence == sentence


def test_what_counts_as_sure_is_the_networks_own() -> None:
    ten = np.full(10, 0.01)
    ten[[4, 9]] = 0.83, 0.09
    assert Verdict.of(ten).kind == "sure"
    careful = Verdict.of(ten, sure_odds=20)
    assert (careful.kind, careful.sentence) == ("unsure", "This looks like a 4 or a 9.")
    stranger = Verdict.of(ten, is_strange=True)
    assert stranger.kind == "no_digit"
    assert "not look like a digit" in stranger.sentence


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


def test_digits_are_familiar_and_other_things_are_not(data) -> None:
    known = familiarity()
    digits = known.strangeness(data.validation.images[:N_CHECKED])
    assert (digits <= 1).mean() >= KEPT - 0.005
    noise = np.random.default_rng(0).random((50, 28, 28, 1), np.float32)
    assert (known.strangeness(noise) > 1).all()
    upside_down = np.flip(data.validation.images[:200], axis=(1, 2))
    assert known.strangeness(upside_down).mean() > digits.mean()


@pytest.fixture(scope="module")
def learned(data):
    images, labels = data.train.images[:1200], data.train.labels[:1200]
    return images, labels, Familiarity.of(Network.load("champion"), images, labels)


def test_distances_are_those_of_mahalanobis(learned) -> None:
    images, labels, known = learned
    features = features_of(known.network, images).astype(float)
    centres = np.stack([features[labels == digit].mean(axis=0) for digit in range(10)])
    around = features - centres[labels]
    covariance = around.T @ around / len(around)
    covariance += 1e-3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    away = features[:5, np.newaxis] - centres
    squares = np.einsum("nkf,fg,nkg->nk", away, np.linalg.inv(covariance), away)
    far = replace(known, largest=np.inf)
    np.testing.assert_allclose(far.strangeness(images[:5]), np.sqrt(squares.min(axis=1)), rtol=1e-3)


def test_the_rest_is_what_components_leave_over(learned) -> None:
    images, _, known = learned
    pixels = images.reshape(len(images), -1).astype(float)
    usual = pixels.mean(axis=0)
    _, _, axes = np.linalg.svd(pixels - usual, full_matrices=False)
    axes = axes[: known.components.shape[1]]
    left = pixels[:5] - usual
    left = left - left @ axes.T @ axes
    near = replace(known, farthest=np.inf)
    by_hand = np.linalg.norm(left, axis=1)
    np.testing.assert_allclose(near.strangeness(images[:5]), by_hand, rtol=1e-3)


def test_bounds_keep_nearly_all_digits_and_no_more(learned) -> None:
    images, _, known = learned
    kept = (known.bounded(images).strangeness(images) <= 1).mean()
    assert KEPT <= kept < KEPT + 0.004


def test_a_file_gives_back_what_it_was_given(tmp_path, data) -> None:
    known, some = familiarity(), data.test.images[:20]
    known.save(tmp_path / "known.safetensors")
    again = Familiarity.load(tmp_path / "known.safetensors")
    np.testing.assert_array_equal(again.strangeness(some), known.strangeness(some))


def test_a_seven_is_read_and_a_hash_is_not_taken_for_a_digit() -> None:
    champion = Network.load("champion")
    seven = prepared(lambda pen: pen.line([(70, 70), (210, 70), (120, 230)], "white", 20, "curve"))
    verdict, probabilities = judge(champion, seven)
    assert (verdict.kind, verdict.digit) == ("sure", 7)
    assert verdict.probability == probabilities.max()

    def a_hash(pen):
        for place in (100, 180):
            pen.line([(place, 50), (place, 230)], "white", 14)
            pen.line([(50, place), (230, place)], "white", 14)

    # Whoever reads it: that it is no digit is the champion's to say.
    for name in ("champion", "paper"):
        assert judge(Network.load(name), prepared(a_hash))[0].kind == "no_digit"


def test_only_the_very_network_needs_no_second_look(data) -> None:
    known, image = familiarity(), data.test.images[0, ..., 0]
    champion = Network.load("champion")
    assert known.is_of(champion)
    assert not known.is_of(Network.load("fast"))
    other = Network(champion.spec, {k: v * 2 for k, v in champion.weights.items()})
    assert not known.is_of(other)
    images = image[np.newaxis, ..., np.newaxis]
    np.testing.assert_array_equal(
        known.strangeness(images, champion.activations(images)), known.strangeness(images)
    )
