"""How far an image is from being a digit."""

from dataclasses import replace

import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.novelty import KEPT, Familiarity, familiarity, features_of
from cnn_lab.network import Network

N_CHECKED = 1500


@pytest.fixture(scope="module")
def data():
    return load_mnist()


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
