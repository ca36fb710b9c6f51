"""Ways from one image to another: a cross-fade, and ink that moves."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cnn_lab.network import Network
from cnn_lab.ops.types import Array, Images, ShapeError, as_finite_images, check_at_least

Way = Literal["ink moves", "cross-fade"]

WAYS: tuple[Way, ...] = get_args(Way)
SPREAD_PX = 1.0  # of the entropic regularization
N_ITERATIONS = 60
FAINT = 1e-12  # ink that every pixel has, so that no logarithm is of 0


@dataclass(frozen=True)
class Turn:
    """A change of the answer on the way.

    Attributes
    ----------
    share : float
        How much of the way has been gone when the new answer first leads, from 0 to 1.
    before, after : int
        The two answers.
    """

    share: float
    before: int
    after: int


class Passage:
    """The way from one image to another, with a network's answer to each image on it.

    Parameters
    ----------
    network : Network
    first, last, n, way
        As for `morph`.

    Attributes
    ----------
    n : int
        Number of images on the whole way.
    answers : list of ndarray of float32, shape (classes,)
        The probabilities for as many images as have been answered.

    Raises
    ------
    ShapeError, ValueError
        As `morph`, once it is computed, and if an image is not of the network's input shape.
    """

    def __init__(self, network: Network, first: Array, last: Array, n: int, way: Way) -> None:
        check_at_least(2, n=n)
        self._network, self._ends, self.n, self._way = network, (first, last), n, way
        self._images = network.one_image(first)[np.newaxis]
        self.answers: list[Array] = []
        self._answer()

    @property
    def images(self) -> Images:
        """The images that have been answered, shape (number, height, width, 1)."""
        return self._images[: len(self.answers)]

    @property
    def is_done(self) -> bool:
        """Whether all images have been answered."""
        return len(self.answers) == self.n

    def advance(self, n_images: int) -> None:
        """Answer some images more, or as many as are left; the first call computes all images."""
        if len(self._images) < self.n:
            self._images = morph(*self._ends, self.n, self._way)
        for _ in range(min(n_images, self.n - len(self.answers))):
            self._answer()

    @property
    def turns(self) -> list[Turn]:
        """Where the answer changes, so far."""
        read = [int(answer.argmax()) for answer in self.answers]
        return [
            Turn(place / (self.n - 1), read[place - 1], read[place])
            for place in range(1, len(read))
            if read[place] != read[place - 1]
        ]

    def _answer(self) -> None:
        place = len(self.answers)
        answer = self._network.predict(self._images[place : place + 1])[0]
        self.answers.append(answer.reshape(-1))


def morph(first: Array, last: Array, n: int, way: Way) -> Images:
    """Return images on the way from one image to another.

    Parameters
    ----------
    first, last : ndarray of float in [0, 1], shape (height, width, 1)
    n : int
        Number of images, both ends included; at least 2.
    way : {"ink moves", "cross-fade"}
        See `moved_ink` and `cross_fade`.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (n, height, width, 1)
        The ends are exactly the two images.

    Raises
    ------
    ShapeError
        If the images do not have the same shape with one channel.
    ValueError
        If there are fewer than 2 images, the way does not exist, or ink is to move from or to an
        image without any.
    """
    check_at_least(2, n=n)
    if way not in WAYS:
        raise ValueError(f"`way` must be one of: {', '.join(WAYS)}. Received: way={way!r}")
    if first.shape != last.shape or first.ndim != 3 or first.shape[2] != 1:
        raise ShapeError(
            "`first` and `last` must have the same shape (height, width, 1). "
            f"Received: first.shape={first.shape}, last.shape={last.shape}"
        )
    begin, end = as_finite_images(np.stack([first, last]))[..., 0].astype(float)
    path = (moved_ink if way == "ink moves" else cross_fade)(begin, end, n)
    path = np.clip(path, 0, 1)
    path[0], path[-1] = begin, end
    return path[..., np.newaxis].astype(np.float32)


def cross_fade(first: Array, last: Array, n: int) -> NDArray[np.float64]:
    """Return mixtures of two images: each pixel goes straight from one value to the other.

    Parameters
    ----------
    first, last : ndarray, shape (height, width)
    n : int

    Returns
    -------
    ndarray, shape (n, height, width)
    """
    share = np.linspace(0, 1, n)[:, np.newaxis, np.newaxis]
    return np.asarray((1 - share) * first + share * last)


def moved_ink(first: Array, last: Array, n: int) -> NDArray[np.float64]:
    """Return images between two, in which the ink of one moves to where that of the other is.

    The ink moves so that the sum of the squared distances is as small as possible: optimal
    transport. The amount of ink changes evenly from that of the first image to that of the last.

    Parameters
    ----------
    first, last : ndarray, at least 0 and with some ink, shape (height, width)
    n : int

    Returns
    -------
    ndarray of at least 0, shape (n, height, width)
        Wasserstein barycenters of the two images. Values may lie slightly above 1 where ink piles
        up.

    Raises
    ------
    ValueError
        If an image has no ink.

    Notes
    -----
    A regularized problem is solved, whose blur of about a pixel is taken back. A tenth of a second
    for 33 images of 28 x 28 pixels.

    References
    ----------
    .. [1] Janati, Cuturi and Gramfort (2020), "Debiased Sinkhorn barycenters", arXiv:2006.02575,
       algorithm 1.
    .. [2] Solomon et al. (2015), "Convolutional Wasserstein distances", ACM Transactions on
       Graphics 34(4): the products with a Gaussian, axis by axis.
    """
    if not (first.any() and last.any()):
        raise ValueError("Both images must have some ink to move. Received: an empty image")
    rows, columns = (_bell(length) for length in first.shape)
    share = np.linspace(0, 1, n)[:, np.newaxis, np.newaxis]
    weights = (1 - share, share)
    inks = [(image + FAINT) / (image + FAINT).sum() for image in (first, last)]
    scales = [np.ones((n, *first.shape)) for _ in inks]
    debias = np.ones((n, *first.shape))
    between = debias
    for _ in range(N_ITERATIONS):
        spread = [
            rows @ (ink / (rows @ scale @ columns)) @ columns
            for ink, scale in zip(inks, scales, strict=True)
        ]
        logs = sum(weight * np.log(each) for weight, each in zip(weights, spread, strict=True))
        between = debias * np.exp(logs)
        scales = [between / each for each in spread]
        debias = np.sqrt(debias * between / (rows @ debias @ columns))
    between /= between.sum(axis=(1, 2), keepdims=True)
    return np.asarray(between * ((1 - share) * first.sum() + share * last.sum()))


def _bell(length: int) -> NDArray[np.float64]:
    """Return a Gaussian of the distance of each pixel of a line to each other."""
    places = np.arange(length)
    return np.exp(-(np.subtract.outer(places, places) ** 2) / (2 * SPREAD_PX**2))
