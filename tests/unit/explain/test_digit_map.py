"""The map of digits by a network's last hidden layer, against other ways to compute it."""

import keras
import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.digit_map import (
    MAPS,
    MAX_FEATURES,
    DigitMap,
    feature_parts,
    hidden_layer,
    mapped_digits,
    n_features,
    neighbour_agreement,
    principal_axes,
)
from cnn_lab.network import MODELS, Network
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import Conv2D, Dense, Flatten, NetworkSpec, Softmax
from cnn_lab.training import keras_engine

SHIPPED = sorted(path.stem for path in MODELS.glob("*.safetensors"))
ROWS = np.random.default_rng(0).normal(size=(60, 7)) * [5, 4, 3, 2, 1, 1, 1] + 9


@pytest.fixture(scope="module")
def digits():
    return mapped_digits(load_mnist().test)


def untrained(*layers):
    spec = NetworkSpec(name="own", layers=layers)
    return Network(spec, initial_weights(spec, 0))


def test_every_shipped_network_has_a_map_of_its_own_weights() -> None:
    assert sorted(path.stem for path in MAPS.glob("*.safetensors")) == SHIPPED
    for name in SHIPPED:
        assert DigitMap.load(name).weights == Network.load(name).weights_digest()


def test_the_digits_are_every_fifth_of_the_test_set(digits) -> None:
    test = load_mnist().test
    assert len(digits) == 2000
    for i in (0, 1, 1999):
        np.testing.assert_array_equal(digits.pixels[i], test.pixels[5 * i])
        assert digits.labels[i] == test.labels[5 * i]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_places_are_projections_of_keras_hidden_outputs(name, digits) -> None:
    network, found = Network.load(name), DigitMap.load(name)
    some = np.random.default_rng(1).choice(len(digits), 30, replace=False)
    images = digits.at(some).images
    model = keras_engine.to_keras(network)
    hidden = model.get_layer(hidden_layer(network.spec)).output
    inspect = keras.Model(model.inputs[0], [hidden, model.outputs[0]])
    features, probabilities = map(np.asarray, inspect(images))
    places = (features.reshape(len(some), -1).astype(float) - found.middle) @ found.axes
    np.testing.assert_allclose(places, found.places[some], rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), found.answers[some])


def test_the_whole_map_of_the_smallest_network_by_singular_values(digits) -> None:
    network, found = Network.load("fast"), DigitMap.load("fast")
    parts = list(feature_parts(network, digits.images))
    features = np.concatenate([part[0] for part in parts]).astype(float)
    middle = features.mean(axis=0)
    np.testing.assert_allclose(found.middle, middle, rtol=1e-5, atol=1e-6)
    left, sizes, right = np.linalg.svd(features - middle, full_matrices=False)
    np.testing.assert_allclose(found.shares, (sizes**2 / (sizes**2).sum())[:3], rtol=1e-5)
    for i in range(3):
        assert abs(right[i] @ found.axes[:, i]) == pytest.approx(1, abs=1e-5)
        by_hand = np.abs(left[:, i] * sizes[i])
        np.testing.assert_allclose(np.abs(found.places[:, i]), by_hand, rtol=1e-3, atol=2e-3)
    by_hand = [neighbour_agreement(found.places[:, :n], digits.labels) for n in (1, 2, 3)]
    assert found.agreements[:3] == pytest.approx(by_hand, abs=2e-3)


@pytest.mark.parametrize("rows", [ROWS, ROWS[:5]])
def test_the_first_axis_by_power_iteration(rows) -> None:
    """Wide and tall tables of numbers go different ways."""
    middle, axes, shares = principal_axes(rows)
    around = rows - rows.mean(axis=0)
    direction = np.ones(7)
    for _ in range(2000):
        direction = around.T @ (around @ direction)
        direction /= np.linalg.norm(direction)
    np.testing.assert_allclose(middle, rows.mean(axis=0))
    assert abs(direction @ axes[:, 0]) == pytest.approx(1)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-10)
    variances = np.square(around @ axes).sum(axis=0) / np.square(around).sum()
    np.testing.assert_allclose(shares, variances)
    assert (np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0) > 0).all()


def test_what_has_no_variance_has_no_axes() -> None:
    for rows, n_found in ((np.full((9, 4), 2.5), 0), (np.arange(9.0)[:, np.newaxis], 1)):
        _, axes, shares = principal_axes(rows)
        assert np.count_nonzero(shares) == n_found
        assert not axes[:, n_found:].any()


def test_agreement_with_neighbours_is_that_of_a_loop() -> None:
    labels = np.random.default_rng(2).integers(0, 3, len(ROWS))
    same = 0
    for i, row in enumerate(ROWS):
        apart = [np.inf if i == j else ((row - other) ** 2).sum() for j, other in enumerate(ROWS)]
        same += labels[int(np.argmin(apart))] == labels[i]
    assert neighbour_agreement(ROWS, labels) == pytest.approx(same / len(ROWS))


def test_the_hidden_layer_is_the_one_that_makes_the_scores_inputs() -> None:
    made = {name: hidden_layer(Network.load(name).spec) for name in SHIPPED}
    assert made == {
        "champion": "relu5",
        "fast": "relu3",
        "paper": "dense1",
        "record": "relu6",
    }
    flat, scores = Flatten(name="flatten"), Dense(name="scores", units=10)
    alone = untrained(flat, scores, Softmax(name="softmax"))
    assert hidden_layer(alone.spec) is None
    assert n_features(alone.spec) == 784


@pytest.mark.parametrize("hidden", [(), (Dense(name="one", units=1),)])
def test_few_hidden_numbers_or_none_have_a_map_too(hidden, digits) -> None:
    network = untrained(Flatten(name="flatten"), *hidden, Dense(name="scores", units=10))
    some = digits.at(slice(0, 120))
    features, answers = map(np.concatenate, zip(*feature_parts(network, some.images), strict=True))
    found = DigitMap.of(network, features, answers, some.labels)
    assert found.places.shape == (120, 3)
    assert np.isfinite(found.places).all()
    assert sum(found.shares) <= 1 + 1e-9
    np.testing.assert_allclose(found.place(features), found.places, rtol=1e-4, atol=1e-4)
    if not hidden:
        np.testing.assert_array_equal(features, some.images.reshape(120, -1))


def test_a_hidden_layer_too_large_or_not_finite_is_refused(digits) -> None:
    wide = untrained(
        Conv2D(name="conv", filters=16, kernel_size=(1, 1)),
        Flatten(name="flatten"),
        Dense(name="scores", units=10),
    )
    assert n_features(wide.spec) == 16 * 784 > MAX_FEATURES
    with pytest.raises(ValueError, match="at most 10,000"):
        next(feature_parts(wide, digits.images[:1]))
    lost = untrained(Flatten(name="flatten"), Dense(name="a", units=4), Dense(name="b", units=10))
    lost.weights["a/kernel"][:] = np.nan
    with pytest.raises(ValueError, match="finite"):
        next(feature_parts(lost, digits.images[:1]))
