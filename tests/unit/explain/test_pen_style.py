"""Which way to write a digit a drawing resembles."""

import numpy as np
import pytest

from cnn_lab.content import prose
from cnn_lab.data.mnist import as_images
from cnn_lab.data.non_digits import non_digits
from cnn_lab.data.pens import STYLES, pen_digits
from cnn_lab.explain.pen_style import NAMES, SEED, StyleFinder, n_styles
from cnn_lab.network import Network

N_EACH = 3


@pytest.fixture(scope="module")
def finder():
    return StyleFinder.of(Network.load("fast"))


@pytest.fixture(scope="module")
def drawings():
    """Return drawings of each style that the finder has not seen."""
    pixels = [pen_digits(N_EACH, seed=SEED + 1, styles=[name])[0] for name in NAMES]
    names = [name for name in NAMES for _ in range(N_EACH)]
    return as_images(np.concatenate(pixels))[..., 0], names


def family(name):
    return (STYLES[name].digit, STYLES[name].family)


def share_of_families(found, names):
    return np.mean(
        [one is not None and family(one) == family(n) for one, n in zip(found, names, strict=True)]
    )


def test_most_drawings_by_other_seeds_are_given_their_family(finder, drawings):
    images, names = drawings
    found = [finder.find(image) for image in images]
    assert share_of_families(found, names) > 0.78
    assert np.mean([one is None for one in found]) < 0.1
    given = [
        finder.find(image, digit=STYLES[name].digit)
        for image, name in zip(images, names, strict=True)
    ]
    assert share_of_families(given, names) >= share_of_families(found, names) - 0.01
    assert all(
        one is None or STYLES[one].digit == STYLES[name].digit
        for one, name in zip(given, names, strict=True)
    )


def test_what_is_far_from_every_style_is_given_none(finder):
    others = as_images(non_digits(60, seed=3)[0])[..., 0]
    assert np.mean([finder.find(image) is None for image in others]) > 0.6
    noise = np.random.default_rng(0).random((28, 28), np.float32)
    assert finder.find(noise) is None
    assert finder.find(np.zeros((28, 28), np.float32), digit=8) is None


def test_every_family_has_a_text_and_every_text_a_family():
    texts = {f"{style.digit} {style.family}" for style in STYLES.values()}
    assert all(prose("pen_style", section) for section in texts)
    assert sum(n_styles(digit) for digit in range(10)) == len(STYLES)
