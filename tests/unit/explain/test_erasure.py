"""Small erasures: they change the answer, and no pixel of them could have stayed."""

from functools import cache
from itertools import product

import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.erasure import Erasure, small_erasure
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


def assert_needed(network: Network, image: np.ndarray, found: Erasure | None) -> None:
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
    found = small_erasure(fast(), image)
    assert_needed(fast(), image, found)
    assert found.digit_after != fast().predict(image[np.newaxis]).argmax()
    assert found.n_pixels < 0.25 * image.any(axis=-1).sum()


def test_a_nought_becomes_the_digit_asked_for() -> None:
    image = load_mnist().test.image(3)
    found = small_erasure(fast(), image, target=6)
    assert_needed(fast(), image, found)
    assert found.digit_after == 6


def test_the_least_by_hand() -> None:
    """Two of the six pixels of ink above must go for the five below to lead."""
    image = np.zeros((6, 4, 1), np.float32)
    image[0, :] = image[1, :2] = image[5, :] = image[4, 0] = 1
    found = small_erasure(halves(), image)
    assert_needed(halves(), image, found)
    assert (found.n_pixels, found.digit_after) == (2, 2)
    assert found.mask[:2].sum() == 2


def test_what_is_found_is_compared_with_a_search_of_all_sets_of_pixels() -> None:
    """M20: an erasure is never smaller than the least, often as small, but not always."""
    tiny = NetworkSpec(
        name="tiny",
        input_shape=(3, 4, 1),
        layers=(
            spec.Flatten(name="flatten"),
            spec.Dense(name="hidden", units=6, activation="relu"),
            spec.Dense(name="dense", units=3),
        ),
    )
    masks = np.array(list(product([False, True], repeat=12))).reshape(-1, 3, 4)
    sizes, n_missed = [], 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        shapes = {"hidden/kernel": (12, 6), "hidden/bias": (6,), "dense/kernel": (6, 3)}
        weights = {name: random.normal(size=shape) for name, shape in shapes.items()}
        weights["dense/bias"] = np.zeros(3)
        network = Network(tiny, {name: each.astype(np.float32) for name, each in weights.items()})
        image = random.random((3, 4, 1)).astype(np.float32)
        scores = network.scores(np.where(masks[..., np.newaxis], np.float32(0), image))
        before = scores[0].argmax()
        changes = np.delete(scores, before, axis=1).max(axis=1) > scores[:, before]
        found = small_erasure(network, image)
        if found is None:
            n_missed += bool(changes.any())
            continue
        assert_needed(network, image, found)
        sizes.append((found.n_pixels, int(masks[changes].sum(axis=(1, 2)).min())))
    assert all(size >= least for size, least in sizes)
    assert sum(size == least for size, least in sizes) > len(sizes) / 2
    assert any(size > least for size, least in sizes), "so the page must not say smallest"
    assert n_missed, "so the page must not say that there is none"


def test_what_cannot_be_had_is_none() -> None:
    image = np.zeros((6, 4, 1), np.float32)
    assert small_erasure(halves(), image) is None, "no ink"
    image[:2] = 1
    assert small_erasure(halves(), image) is None, "nearly all of it would have to go"
    assert small_erasure(halves(), image, target=2) is None, "ink that goes adds nothing below"


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
    found = small_erasure(network, image)
    assert_needed(network, image, found)
    assert (found.n_pixels, found.digit_after) == (2, 2)
    assert small_erasure(network, image, target=1) is None, "there is no green"


def test_what_does_not_fit_is_refused() -> None:
    image = np.ones((6, 4, 1), np.float32)
    image[:3] = 0.5
    with pytest.raises(ValueError, match=r"other than the current answer, 2. Received: target=2"):
        small_erasure(halves(), image, target=2)
    with pytest.raises(ValueError, match=r"class from 0 to 2 .* Received: target=3"):
        small_erasure(halves(), image, target=3)
    with pytest.raises(ShapeError, match=r"must have shape \(6, 4, 1\)"):
        small_erasure(halves(), image[..., 0])
