import numpy as np
import pytest

from cnn_lab.data.augmentation import augmented
from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.regional_strokes import with_regional_strokes
from cnn_lab.network.spec import Augmentation


@pytest.fixture(scope="module")
def digits():
    return load_mnist().test


def written(digits, label, *, share=1.0, seed=0):
    chosen = digits.labels == label
    images, labels = digits.images[chosen][:100], digits.labels[chosen][:100]
    return images, with_regional_strokes(images, labels, share, np.random.default_rng(seed))


def centre(images):
    """Row and column of each image's centre of mass."""
    mass = images[..., 0] / images.sum(axis=(1, 2, 3))[:, np.newaxis, np.newaxis]
    return np.stack([mass.sum(axis=2) @ np.arange(28), mass.sum(axis=1) @ np.arange(28)], axis=1)


def a_stem():
    image = np.zeros((1, 28, 28, 1), np.float32)
    image[0, 4:24, 13:15] = 1
    return image


@pytest.mark.parametrize("label", [0, 2, 3, 4, 5, 6, 7, 8])
def test_other_digits_stay_as_they_are(digits, label):
    before, after = written(digits, label)
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("label", [1, 9])
def test_all_of_them_gain_ink_and_stay_in_the_middle(digits, label):
    before, after = written(digits, label)
    assert (after.sum(axis=(1, 2, 3)) > before.sum(axis=(1, 2, 3)) + 1).all()
    assert (after.min(), after.max()) == (0, 1)
    # Whole pixels are moved, so half a pixel may be missing either way.
    assert np.abs(centre(after) - centre(before)).max() <= 0.5 + 1e-3


def test_a_share_of_them_is_changed_and_the_rest_is_not(digits):
    before, after = written(digits, 1, share=0.3)
    n_changed = int((before != after).any(axis=(1, 2, 3)).sum())
    assert 15 <= n_changed <= 45
    assert not np.array_equal(after, written(digits, 1, share=0.3, seed=1)[1])
    np.testing.assert_array_equal(after, written(digits, 1, share=0.3)[1])


@pytest.mark.parametrize(("label", "end"), [(1, "top"), (9, "foot")])
def test_a_stroke_goes_to_the_left_of_its_end_of_the_stem(label, end):
    for seed in range(20):
        numbers = np.random.default_rng(seed)
        after = with_regional_strokes(a_stem(), np.array([label]), 1.0, numbers)[0, ..., 0]
        columns = np.flatnonzero((after > 0.5).any(axis=0))
        stem = columns[-2:]
        assert len(columns) >= 4
        rows = np.flatnonzero((after[:, columns[0] : stem[0]] > 0.5).any(axis=1))
        middle = np.flatnonzero((after[:, stem] > 0.5).any(axis=1)).mean()
        assert (rows < middle).all() if end == "top" else (rows > middle).all()


def test_what_is_empty_stays_empty():
    nothing = np.zeros((1, 28, 28, 1), np.float32)
    assert not with_regional_strokes(nothing, np.array([1]), 1.0, np.random.default_rng(0)).any()


def test_only_with_labels_do_strokes_reach_what_is_trained_on(digits):
    ones = digits.images[digits.labels == 1][:40]
    settings = Augmentation(hands=0.5)
    without = augmented(ones, settings, np.random.default_rng(0))
    np.testing.assert_array_equal(without, ones)
    known = augmented(ones, settings, np.random.default_rng(0), digits=np.ones(40, int))
    assert 5 <= int((known != ones).any(axis=(1, 2, 3)).sum()) <= 35
