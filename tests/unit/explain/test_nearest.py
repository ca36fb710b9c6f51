"""The nearest digits of a bank: an image itself, and what a plain loop finds."""

import numpy as np
import pytest
from scipy import ndimage

from cnn_lab.data.mnist import Split, load_mnist
from cnn_lab.explain.nearest import PART, nearest_digits
from cnn_lab.ops import ShapeError


def bank(n: int) -> Split:
    test = load_mnist().test
    return Split(test.pixels[:n], test.labels[:n])


def test_an_image_finds_itself_in_whichever_part_it_lies() -> None:
    digits = bank(PART + 20)
    for number in (0, 17, PART, PART + 19):
        found = nearest_digits(digits.image(number), digits.pixels, digits.labels)
        own = found[digits.labels[number]][0]
        assert own == (number, 0)
        assert all(one.distance > 0.5 for digit in found for one in digit if one != own)


def test_the_nearest_are_those_of_a_loop() -> None:
    digits, image = bank(150), load_mnist().test.image(400)
    found = nearest_digits(image, digits.pixels, digits.labels, per_digit=3)
    bell = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
    blurred = [
        ndimage.correlate(digits.image(number)[..., 0] - image[..., 0], bell, mode="constant")
        for number in range(150)
    ]
    distances = np.sqrt([np.square(one).sum() for one in blurred])
    for digit, neighbours in enumerate(found):
        own = np.flatnonzero(digits.labels == digit)
        assert [one.number for one in neighbours] == list(own[np.argsort(distances[own])[:3]])
        for one in neighbours:
            assert one.distance == pytest.approx(distances[one.number], rel=1e-5)


def test_digits_that_the_bank_lacks_have_no_neighbours() -> None:
    colours = np.zeros((3, 4, 5, 3), np.uint8)
    colours[1] = 255
    found = nearest_digits(np.ones((4, 5, 3)), colours, np.array([7, 7, 2]), per_digit=5)
    assert [len(neighbours) for neighbours in found] == [0, 0, 1, 0, 0, 0, 0, 2, 0, 0]
    assert [one.number for one in found[7]] == [1, 0]


def test_what_does_not_fit_is_refused() -> None:
    digits = bank(5)
    with pytest.raises(ShapeError, match=r"image.shape=\(28, 28\)"):
        nearest_digits(digits.image(0)[..., 0], digits.pixels, digits.labels)
    with pytest.raises(ShapeError, match=r"bank_labels.shape=\(4,\)"):
        nearest_digits(digits.image(0), digits.pixels, digits.labels[:4])
    with pytest.raises(ValueError, match=r"at least 1. Received: per_digit=0"):
        nearest_digits(digits.image(0), digits.pixels, digits.labels, per_digit=0)
