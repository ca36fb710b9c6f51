"""How far an image is from being a digit."""

from dataclasses import replace

import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.novelty import KEPT, NoveltyDetector, features_of, novelty_detector
from cnn_lab.network import Network

N_CHECKED = 1500


@pytest.fixture(scope="module")
def data():
    return load_mnist()


def test_digits_are_familiar_and_other_things_are_not(data) -> None:
    detector = novelty_detector()
    digits = detector.novelty(data.validation.images[:N_CHECKED])
    assert (digits <= 1).mean() >= KEPT - 0.005
    noise = np.random.default_rng(0).random((50, 28, 28, 1), np.float32)
    assert (detector.novelty(noise) > 1).all()
    upside_down = np.flip(data.validation.images[:200], axis=(1, 2))
    assert detector.novelty(upside_down).mean() > digits.mean()


@pytest.fixture(scope="module")
def learned(data):
    images, labels = data.train.images[:1200], data.train.labels[:1200]
    return images, labels, NoveltyDetector.of(Network.load("champion"), images, labels)


def test_distances_are_those_of_mahalanobis(learned) -> None:
    images, labels, detector = learned
    features = features_of(detector.network, images).astype(float)
    centres = np.stack([features[labels == digit].mean(axis=0) for digit in range(10)])
    around = features - centres[labels]
    covariance = around.T @ around / len(around)
    covariance += 1e-3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    away = features[:5, np.newaxis] - centres
    squares = np.einsum("nkf,fg,nkg->nk", away, np.linalg.inv(covariance), away)
    far = replace(detector, largest=np.inf)
    np.testing.assert_allclose(far.novelty(images[:5]), np.sqrt(squares.min(axis=1)), rtol=1e-3)


def test_the_rest_is_what_components_leave_over(learned) -> None:
    images, _, detector = learned
    pixels = images.reshape(len(images), -1).astype(float)
    usual = pixels.mean(axis=0)
    _, _, axes = np.linalg.svd(pixels - usual, full_matrices=False)
    axes = axes[: detector.components.shape[1]]
    left = pixels[:5] - usual
    left = left - left @ axes.T @ axes
    near = replace(detector, farthest=np.inf)
    by_hand = np.linalg.norm(left, axis=1)
    np.testing.assert_allclose(near.novelty(images[:5]), by_hand, rtol=1e-3)


def test_bounds_keep_nearly_all_digits_and_no_more(learned) -> None:
    images, _, detector = learned
    kept = (detector.bounded(images).novelty(images) <= 1).mean()
    assert KEPT <= kept < KEPT + 0.004


def test_a_file_gives_back_what_it_was_given(tmp_path, data) -> None:
    detector, some = novelty_detector(), data.test.images[:20]
    detector.save(tmp_path / "novelty.safetensors")
    again = NoveltyDetector.load(tmp_path / "novelty.safetensors")
    np.testing.assert_array_equal(again.novelty(some), detector.novelty(some))


def test_only_the_very_network_needs_no_second_look(data) -> None:
    detector, image = novelty_detector(), data.test.images[0, ..., 0]
    champion = Network.load("champion")
    assert detector.is_of(champion)
    assert not detector.is_of(Network.load("fast"))
    other = Network(champion.spec, {k: v * 2 for k, v in champion.weights.items()})
    assert not detector.is_of(other)
    images = image[np.newaxis, ..., np.newaxis]
    np.testing.assert_array_equal(
        detector.novelty(images, champion.activations(images)), detector.novelty(images)
    )
