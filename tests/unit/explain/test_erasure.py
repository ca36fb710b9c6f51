"""The smallest erasure: it changes the answer, and no pixel of it could have stayed."""

from functools import cache

import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.erasure import Erasure, smallest_erasure
from cnn_lab.network import Network, spec
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops import ShapeError

# Class 0 is how dark the picture is, class 1 its upper half and class 2 its lower.
HALVES = NetworkSpec(
    name="halves",
    input_shape=(6, 4, 1),
    layers=(spec.Flatten(name="flatten"), spec.Dense(name="dense", units=3)),
)


def halves() -> Network:
    kernel = np.zeros((6, 4, 3), np.float32)
    kernel[:3, :, 1] = kernel[3:, :, 2] = 1
    bias = np.array([0.5, 0, 0], np.float32)
    return Network(HALVES, {"dense/kernel": kernel.reshape(24, 3), "dense/bias": bias})


@cache
def fast() -> Network:
    return Network.load("fast")


def assert_smallest(network: Network, image: np.ndarray, found: Erasure | None) -> None:
    """It is what it says, and with any pixel of it back the old answer or a draw is back."""
    assert found is not None
    assert found.n_pixels == found.mask.sum() > 0
    assert image[found.mask].any(axis=-1).all(), "only ink can go"
    np.testing.assert_array_equal(found.image_after[~found.mask], image[~found.mask])
    assert not found.image_after[found.mask].any()
    assert network.predict(found.image_after[np.newaxis]).argmax() == found.digit_after
    for row, column in np.argwhere(found.mask):
        back = found.image_after.copy()
        back[row, column] = image[row, column]
        scores = network.scores(back[np.newaxis])[0]
        others = np.delete(scores, found.digit_after)
        assert scores[found.digit_after] - others.max() < 2e-4


@pytest.mark.parametrize("number", [0, 3, 8])
def test_a_digit_becomes_another_and_every_pixel_counts(number: int) -> None:
    image = load_mnist().test.image(number)
    found = smallest_erasure(fast(), image)
    assert_smallest(fast(), image, found)
    assert found.digit_after != fast().predict(image[np.newaxis]).argmax()
    assert found.n_pixels < 0.25 * image.any(axis=-1).sum()


def test_a_nought_becomes_the_digit_asked_for() -> None:
    image = load_mnist().test.image(3)
    found = smallest_erasure(fast(), image, target=6)
    assert_smallest(fast(), image, found)
    assert found.digit_after == 6


def test_the_least_by_hand() -> None:
    """Two of the six pixels of ink above must go for the five below to lead."""
    image = np.zeros((6, 4, 1), np.float32)
    image[0, :] = image[1, :2] = image[5, :] = image[4, 0] = 1
    found = smallest_erasure(halves(), image)
    assert_smallest(halves(), image, found)
    assert (found.n_pixels, found.digit_after) == (2, 2)
    assert found.mask[:2].sum() == 2


def test_what_cannot_be_had_is_none() -> None:
    image = np.zeros((6, 4, 1), np.float32)
    assert smallest_erasure(halves(), image) is None, "no ink"
    image[:2] = 1
    assert smallest_erasure(halves(), image) is None, "nearly all of it would have to go"
    assert smallest_erasure(halves(), image, target=2) is None, "ink that goes adds nothing below"


def test_colour_has_ink_too() -> None:
    """Three pixels of red against two of blue, counted on 3 x 5 pixels by a mean: two must go."""
    colours = NetworkSpec(
        name="colours",
        input_shape=(3, 5, 3),
        layers=(
            spec.GlobalAveragePooling2D(name="mean"),
            spec.Dense(name="dense", units=3, use_bias=False, activation="softmax"),
        ),
    )
    network = Network(colours, {"dense/kernel": 15 * np.eye(3, dtype=np.float32)})
    image = np.zeros((3, 5, 3), np.float32)
    image[0, :3, 0] = image[2, 3:, 2] = 1
    found = smallest_erasure(network, image)
    assert_smallest(network, image, found)
    assert (found.n_pixels, found.digit_after) == (2, 2)
    assert smallest_erasure(network, image, target=1) is None, "there is no green"


def test_what_does_not_fit_is_refused() -> None:
    image = np.ones((6, 4, 1), np.float32)
    image[:3] = 0.5
    with pytest.raises(ValueError, match=r"other than the current answer, 2. Received: target=2"):
        smallest_erasure(halves(), image, target=2)
    with pytest.raises(ValueError, match=r"class from 0 to 2 .* Received: target=3"):
        smallest_erasure(halves(), image, target=3)
    with pytest.raises(ShapeError, match=r"must have shape \(6, 4, 1\)"):
        smallest_erasure(halves(), image[..., 0])
