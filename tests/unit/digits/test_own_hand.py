"""What speaks against drawings as training images, and the recipe of a short run."""

import numpy as np
import pytest

from cnn_lab.data.mnist import Split, load_mnist
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.own_hand import START, TRAINING, borrowed_hand, doubts, split_of
from cnn_lab.digits.strokes import Stroke, ink
from cnn_lab.network import Network, zoo
from cnn_lab.network.spec import N_DIGITS
from cnn_lab.runs.job import RunSpec, own_problem
from tests.strokes import STROKES


@pytest.fixture(scope="module")
def fast() -> Network:
    return Network.load(START)


def prepared(strokes: list[list[tuple[int, int]]]) -> np.ndarray:
    grey = ink([Stroke("pen", 24, tuple(map(tuple, points))) for points in strokes])
    image = prepare_digit(np.dstack([grey, grey, grey, np.full_like(grey, 255)]))
    assert image is not None
    return image[..., np.newaxis]


def test_digits_in_their_places_are_not_in_doubt(fast: Network) -> None:
    images = np.array([prepared(STROKES[f"{digit}"]) for digit in range(N_DIGITS)])
    found = doubts(fast, split_of(images, list(range(N_DIGITS))))
    assert not found.serious
    assert found.n == N_DIGITS


def test_one_digit_under_ten_names_is_in_doubt(fast: Network) -> None:
    images = np.array([prepared(STROKES["3"])] * N_DIGITS)
    found = doubts(fast, split_of(images, list(range(N_DIGITS))))
    assert found.serious
    assert found.misnamed == tuple((digit, 3) for digit in range(N_DIGITS) if digit != 3)
    assert found.digits == tuple(digit for digit in range(N_DIGITS) if digit != 3)


def test_what_is_no_digit_is_in_doubt(fast: Network) -> None:
    zigzag = [(30 + 220 * (number % 2), 30 + 20 * number) for number in range(11)]
    found = doubts(fast, split_of(np.array([prepared([zigzag])] * N_DIGITS), list(range(N_DIGITS))))
    assert found.serious
    assert found.shapeless == tuple(range(N_DIGITS))


@pytest.mark.parametrize("n_points", [10, 30, 60])
def test_ten_scribbles_are_in_doubt(fast: Network, n_points: int) -> None:
    numbers = np.random.default_rng(5)
    images = [
        prepared([numbers.integers(20, 260, (n_points, 2)).tolist()]) for _ in range(N_DIGITS)
    ]
    assert doubts(fast, split_of(np.array(images), list(range(N_DIGITS)))).serious


def test_half_of_them_is_not_most(fast: Network) -> None:
    test = load_mnist().test
    right = np.flatnonzero(fast.predict(test.images[:200]).argmax(axis=1) == test.labels[:200])[:4]
    own = test.at(right)
    half = Split(own.pixels, np.where(np.arange(4) < 2, own.labels, (own.labels + 1) % N_DIGITS))
    found = doubts(fast, half)
    assert len(found.digits) <= 2
    assert not found.serious


def test_the_recipe_can_learn_from_ten_drawings() -> None:
    run = RunSpec(network=zoo.preset(START).network, training=TRAINING)
    assert run.n_images == 54_000 / 5  # a fifth of MNIST, in a few seconds
    assert own_problem(borrowed_hand(1), run) == ""


def test_a_borrowed_hand_has_each_digit_once_and_is_another_with_another_seed() -> None:
    one, other = borrowed_hand(1), borrowed_hand(2)
    assert one.labels.tolist() == other.labels.tolist() == list(range(N_DIGITS))
    for mine, theirs in zip(one.pixels, other.pixels, strict=True):
        assert mine.max() == 255
        assert not np.array_equal(mine, theirs)


def test_bytes_are_the_images_again() -> None:
    images = np.array([prepared(STROKES["8"])])
    own = split_of(images, [8])
    np.testing.assert_allclose(own.images, images, atol=0.5 / 255)
