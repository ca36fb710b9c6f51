"""The training images that look most like an image, digit by digit."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_lab.arithmetic import ShapeError, check_at_least
from cnn_lab.data import Bytes, as_images
from cnn_lab.explain.changes import changed
from cnn_lab.ops.padding import Array

BLUR_PX = 1.0  # so that a stroke a pixel aside is near, and not as far as one elsewhere
PART = 1000  # images at a time: 3 MB each for the bytes' floats, moved and blurred
N_DIGITS = 10


class Neighbour(NamedTuple):
    """An image of the bank.

    Attributes
    ----------
    number : int
        Its place in the bank, from 0.
    distance : float
        Root of the summed squares of what the two images differ by, both blurred; a digit of
        MNIST is some 6 away from an empty image.
    """

    number: int
    distance: float


def nearest_digits(
    image: Array, bank_images: Bytes, bank_labels: NDArray[np.int64], *, per_digit: int = 1
) -> list[list[Neighbour]]:
    """Return which images of a bank look most like an image, for each digit.

    Parameters
    ----------
    image : ndarray of float in [0, 1], shape (height, width, channels)
    bank_images : ndarray of uint8, shape (n, height, width) or (n, height, width, channels)
    bank_labels : ndarray of int, shape (n,)
        From 0 to 9.
    per_digit : int
        How many of each digit, at least 1.

    Returns
    -------
    list of 10 lists of Neighbour
        By digit; the nearest first, at most `per_digit`, and as many as the bank has.

    Raises
    ------
    ShapeError
        If the image has not the shape of those in the bank, or labels are missing.
    ValueError
        If `per_digit` is below 1.

    Notes
    -----
    Every image of the bank is looked at: 0.2 s for 10,000 of 28 x 28 on one core.
    """
    check_at_least(1, per_digit=per_digit)
    wanted = bank_images.shape[1:] if bank_images.ndim == 4 else (*bank_images.shape[1:], 1)
    if image.shape != wanted or bank_labels.shape != bank_images.shape[:1]:
        raise ShapeError(
            "`image` must have the shape of those in the bank, each of which has a label. "
            f"Received: image.shape={image.shape}, bank_images.shape={bank_images.shape}, "
            f"bank_labels.shape={bank_labels.shape}"
        )
    distances = np.empty(len(bank_images))
    for start in range(0, len(bank_images), PART):
        apart = as_images(bank_images[start : start + PART])
        apart -= image.astype(np.float32)
        apart = changed(apart, blur_px=BLUR_PX).reshape(len(apart), -1)
        distances[start : start + PART] = np.sqrt(np.einsum("ij,ij->i", apart, apart))
    found = []
    for digit in range(N_DIGITS):
        own = np.flatnonzero(bank_labels == digit)
        nearest = own[np.argsort(distances[own], kind="stable")[:per_digit]]
        found.append([Neighbour(int(index), float(distances[index])) for index in nearest])
    return found
