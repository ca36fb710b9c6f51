"""Training images closest to an image, for each digit."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_lab.data.mnist import Bytes
from cnn_lab.ops.types import Array, ShapeError, as_array, as_classes, as_finite, check_at_least

BLUR = 2  # times that (1, 2, 1) is applied along each axis
WHOLE = 255 * 16**BLUR  # value of white in sums that are not divided
PART = 500  # images at a time, to stay in the processor's cache
N_DIGITS = 10


class Neighbour(NamedTuple):
    """An image of the bank.

    Attributes
    ----------
    number : int
        Its index in the bank.
    distance : float
        Euclidean distance between the two blurred images: a digit of MNIST is about 7 away from
        an empty image.
    """

    number: int
    distance: float


def nearest_digits(
    image: Array, bank_images: Bytes, bank_labels: NDArray[np.int64], *, per_digit: int = 1
) -> list[list[Neighbour]]:
    """Return the images of a bank that are closest to an image, for each digit.

    Parameters
    ----------
    image : ndarray of float in [0, 1], shape (height, width, channels)
        Compared as bytes.
    bank_images : ndarray of uint8, shape (n, height, width) or (n, height, width, channels)
    bank_labels : ndarray of int, shape (n,)
        From 0 to 9.
    per_digit : int
        Number of images per digit, at least 1.

    Returns
    -------
    list of 10 lists of Neighbour
        By digit, closest first; at most `per_digit`, or fewer if the bank has fewer.

    Raises
    ------
    ShapeError
        If the image has another shape than those in the bank, or labels are missing.
    ValueError
        If `per_digit` is below 1.

    Notes
    -----
    Every image of the bank is compared: about 0.1 s for 10,000 of 28 x 28 on one core. Blurring
    with binomial weights, standard deviation one pixel, makes a stroke that is shifted by a pixel
    close, unlike one that is elsewhere.
    """
    check_at_least(1, per_digit=per_digit)
    image, bank_images = as_finite("image", image), as_array("bank_images", bank_images)
    bank_labels = as_classes("bank_labels", bank_labels, N_DIGITS)
    if bank_images.dtype != np.uint8 or bank_images.ndim not in (3, 4):
        raise ShapeError(
            "`bank_images` must hold bytes, shape (n, height, width) or with channels. Received: "
            f"bank_images.shape={bank_images.shape}, bank_images.dtype={bank_images.dtype}"
        )
    wanted = bank_images.shape[1:] if bank_images.ndim == 4 else (*bank_images.shape[1:], 1)
    if image.shape != wanted or bank_labels.shape != bank_images.shape[:1]:
        raise ShapeError(
            "`image` must have the shape of those in the bank, each of which has a label. "
            f"Received: image.shape={image.shape}, bank_images.shape={bank_images.shape}, "
            f"bank_labels.shape={bank_labels.shape}"
        )
    pixels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    ours = _blurred(pixels[np.newaxis]).astype(np.float32)
    bank = bank_images.reshape(len(bank_images), *wanted)
    distances = np.empty(len(bank))
    for start in range(0, len(bank), PART):
        apart = _blurred(bank[start : start + PART]).astype(np.float32)
        apart -= ours
        flat = apart.reshape(len(apart), -1)
        distances[start : start + PART] = np.sqrt(np.einsum("ij,ij->i", flat, flat)) / WHOLE
    found = []
    for digit in range(N_DIGITS):
        own = np.flatnonzero(bank_labels == digit)
        nearest = own[np.argsort(distances[own], kind="stable")[:per_digit]]
        found.append([Neighbour(int(index), float(distances[index])) for index in nearest])
    return found


def _blurred(pixels: Bytes) -> NDArray[np.uint16]:
    """Return images, shape (n, height, width, channels), blurred and 256 times as bright.

    (1, 2, 1) is the sum of neighbours, twice; all sums fit into two bytes.
    """
    ring = (0, 0), (BLUR, BLUR), (BLUR, BLUR), (0, 0)
    sums = np.pad(pixels.astype(np.uint16), ring)
    for _ in range(2 * BLUR):
        sums = sums[:, 1:] + sums[:, :-1]
    for _ in range(2 * BLUR):
        sums = sums[:, :, 1:] + sums[:, :, :-1]
    return sums
