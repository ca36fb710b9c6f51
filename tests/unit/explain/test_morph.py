"""Ways from one image to another, against what optimal transport is known to do."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.morph import WAYS, Passage, Turn, cross_fade, morph, moved_ink
from cnn_lab.network import Network
from cnn_lab.ops.types import ShapeError
from cnn_lab.training import keras_engine
from tests.unit.explain.keras_slopes import digit_probabilities

SIDE = 28
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]


def blob(row, column, wide=2.0):
    return np.exp(-((ROWS - row) ** 2 + (COLUMNS - column) ** 2) / (2 * wide**2))


def middle(ink):
    return np.array([(ink * ROWS).sum(), (ink * COLUMNS).sum()]) / ink.sum()


def digits(*numbers):
    return [load_mnist().test.image(number) for number in numbers]


def test_a_blob_moves_in_a_straight_line_and_keeps_its_shape():
    first, last = blob(8, 9), blob(18, 19)
    path = moved_ink(first, last, 5)
    for step, ink in enumerate(path):
        expected = blob(8 + 2.5 * step, 9 + 2.5 * step)
        assert np.abs(ink - expected).max() < 0.05
    assert cross_fade(first, last, 5)[2][13, 14] < 0.02  # where the moved blob is brightest


def test_a_blob_that_grows_has_the_width_between():
    """Between two Gaussians, optimal transport goes along the widths, not their squares."""
    half = moved_ink(blob(14, 14, 2), blob(14, 14, 4), 3)[1]
    along = (half * (ROWS - 14) ** 2).sum() / half.sum()
    assert np.sqrt(along) == pytest.approx(3, abs=0.15)


def test_the_middle_of_the_ink_and_its_amount_change_evenly():
    first, last = (image[..., 0].astype(float) for image in digits(1, 61))
    path = moved_ink(first, last, 7)
    for share, ink in zip(np.linspace(0, 1, 7), path, strict=True):
        assert ink.sum() == pytest.approx((1 - share) * first.sum() + share * last.sum())
        expected = (1 - share) * middle(first) + share * middle(last)
        np.testing.assert_allclose(middle(ink), expected, atol=0.1)


def test_ink_goes_where_an_exact_assignment_sends_it():
    """Dots of equal ink: the pairs of the least total squared distance, halfway between."""
    places = np.array([[6, 6], [20, 8], [13, 20]]), np.array([[8, 18], [6, 9], [22, 16]])
    apart = ((places[0][:, np.newaxis] - places[1]) ** 2).sum(axis=-1)
    chosen, partners = linear_sum_assignment(apart)
    halfway = (places[0][chosen] + places[1][partners]) / 2
    first, last = (sum(blob(*place, 1.2) for place in each) for each in places)
    expected = sum(blob(*place, 1.2) for place in halfway)
    found = moved_ink(first, last, 3)[1]
    assert np.abs(found - expected).sum() < 0.2 * expected.sum()


@pytest.mark.parametrize("way", WAYS)
def test_the_ends_are_the_two_images_and_all_pixels_are_in_range(way):
    first, last = digits(0, 18)
    path = morph(first, last, 9, way)
    assert path.shape == (9, SIDE, SIDE, 1)
    assert (path[0] == first).all()
    assert (path[-1] == last).all()
    assert 0 <= path.min() <= path.max() <= 1


def test_a_cross_fade_mixes_pixel_by_pixel():
    first, last = digits(0, 18)
    quarter = morph(first, last, 5, "cross-fade")[1]
    np.testing.assert_allclose(quarter, 0.75 * first + 0.25 * last, atol=1e-6)


def test_the_answers_are_keras_answers_and_the_turns_are_where_they_change():
    network, (first, last) = Network.load("champion"), digits(1, 61)
    passage = Passage(network, first, last, 21, "ink moves")
    assert len(passage.images) == len(passage.answers) == 1
    while not passage.is_done:
        passage.advance(4)
    model = keras_engine.to_keras(network)
    answers = digit_probabilities(model, morph(first, last, 21, "ink moves"))
    np.testing.assert_allclose(passage.answers, answers, atol=1e-5)
    read = answers.argmax(axis=1)
    assert (read[0], read[-1]) == (2, 8)
    changes = np.flatnonzero(np.diff(read)) + 1
    expected = [Turn(at / 20, int(read[at - 1]), int(read[at])) for at in changes]
    assert passage.turns == expected
    assert expected


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"n": 1}, ValueError),
        ({"way": "none"}, ValueError),
        ({"last": np.zeros((SIDE, SIDE, 1))}, ValueError),
        ({"last": np.ones((SIDE, 5, 1))}, ShapeError),
        ({"last": np.ones((SIDE, SIDE, 3))}, ShapeError),
        ({"last": np.full((SIDE, SIDE, 1), np.nan)}, ValueError),
    ],
)
def test_what_makes_no_sense_is_refused(change, error):
    usual = {"first": digits(0)[0], "last": digits(1)[0], "n": 5, "way": "ink moves"}
    with pytest.raises(error):
        morph(**usual | change)
