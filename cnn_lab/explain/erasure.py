"""Small erasures of a drawing's ink that change a network's answer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnn_lab.network import Network
from cnn_lab.ops.types import Array

Mask = NDArray[np.bool_]

RADIUS = 1.5  # of a disc in pixels: 3 x 3, as wide as MNIST's strokes
CANDIDATES = 16  # discs that are evaluated in each step
MAX_SHARE = 0.6  # of the ink; beyond that it is a different picture
CLEAR = 1e-4  # between two scores, so that the answer does not depend on rounding


@dataclass(frozen=True)
class Erasure:
    """Ink whose removal changes the answer.

    Attributes
    ----------
    mask : ndarray of bool, shape (height, width)
        The erased ink.
    image_after : ndarray of float32, shape (height, width, channels)
    n_pixels : int
        Number of erased pixels.
    digit_after : int
        The answer without this ink.
    """

    mask: Mask
    image_after: Array
    n_pixels: int
    digit_after: int


def small_erasure(network: Network, image: Array, *, target: int | None = None) -> Erasure | None:
    """Return a small amount of ink without which a network answers another digit.

    Discs are erased one by one, each time the one that most favours another class over the current
    one. Then as many pixels as possible are restored, one by one, until each of the rest is needed.

    Not the smallest erasure there is: that would take a search of all sets of pixels. What is
    promised is that the answer changes, and that restoring any single pixel takes that back.

    Parameters
    ----------
    network : Network
    image : ndarray of float32 in [0, 1], shape (height, width, channels)
        Values above 0 are ink.
    target : int, optional
        The class to be answered afterwards; by default any other class.

    Returns
    -------
    Erasure or None
        None if the search fails: six tenths of the ink were not enough, or no disc favoured another
        class. Other erasures may still exist.

    Raises
    ------
    ShapeError
        If the image is not of the network's input shape.
    ValueError
        If `target` is not a class, or is already the answer.

    Notes
    -----
    Greedy. Discs are tried in the order in which the
    slopes of the scores promise most, the first 16 in earnest. Some 100 answers of the network: a
    third of a second with the paper's.
    """
    image = network.one_image(image)
    before = int(network.scores(image[np.newaxis]).argmax())
    n_classes = network.spec.n_classes
    if target is not None and not (0 <= target < n_classes and target != before):
        raise ValueError(
            f"`target` must be a class from 0 to {n_classes - 1} other than the current answer, "
            f"{before}. Received: target={target}"
        )
    search = _Search(network, image, before, target)
    mask = search.grow()
    if mask is None:
        return None
    mask = search.shrink(mask)
    after = search.without(mask[np.newaxis])[0]
    digit = int(network.scores(after[np.newaxis]).argmax())
    return Erasure(mask, after, int(mask.sum()), digit)


@dataclass(frozen=True)
class _Search:
    """Fixed inputs of the search for an erasure."""

    network: Network
    image: Array
    before: int
    target: int | None

    def without(self, masks: Mask) -> Array:
        """Return the image without the ink of each mask, shape (n, height, width, channels)."""
        return np.where(masks[..., np.newaxis], np.float32(0), self.image)

    def leads(self, masks: Mask) -> tuple[Array, NDArray[np.int64]]:
        """Return the lead of the wanted class over all others, and the leading class, by mask.

        Without a target, the wanted class is the best one other than the original answer.
        """
        scores = self.network.scores(self.without(masks)).reshape(len(masks), -1)
        wanted = np.zeros(scores.shape[1], bool)
        if self.target is None:
            wanted[:] = True
            wanted[self.before] = False
        else:
            wanted[self.target] = True
        rivals = np.where(wanted, scores, -np.inf)
        others = np.where(wanted, -np.inf, scores)
        return rivals.max(axis=1) - others.max(axis=1), rivals.argmax(axis=1)

    def grow(self) -> Mask | None:
        """Return a mask that changes the answer, disc by disc, or None."""
        ink = self.image.any(axis=-1)
        mask = np.zeros(ink.shape, bool)
        lead, rival = (part[0] for part in self.leads(mask[np.newaxis]))
        while lead <= CLEAR:
            discs = self._promising(ink & ~mask, mask, int(rival))
            if not len(discs):
                return None
            found, rivals = self.leads(mask | discs)
            best = int(found.argmax())
            if found[best] <= lead:
                return None
            mask, lead, rival = mask | discs[best], found[best], rivals[best]
            if mask.sum() > MAX_SHARE * ink.sum():
                return None
        return mask

    def _promising(self, ink: Mask, mask: Mask, rival: int) -> Mask:
        """Return the most promising discs of ink to erase, shape (n, height, width)."""
        rows, columns = np.nonzero(ink)
        near = np.hypot(rows[:, np.newaxis] - rows, columns[:, np.newaxis] - columns) <= RADIUS
        present = self.without(mask[np.newaxis])[0]
        scores = self.network.scores(present[np.newaxis]).reshape(-1)
        scores[rival] = -np.inf
        slope = (
            self.network.slopes(present, rival).of_image
            - self.network.slopes(present, int(scores.argmax())).of_image
        )
        gain = -(slope * present).sum(axis=-1)[rows, columns]
        chosen = np.argsort(-(near @ gain), kind="stable")[:CANDIDATES]
        discs = np.zeros((len(chosen), *ink.shape), bool)
        for disc, one in zip(discs, chosen, strict=True):
            disc[rows[near[one]], columns[near[one]]] = True
        return discs

    def shrink(self, mask: Mask) -> Mask:
        """Return a part of a mask that still changes the answer, all of which is needed."""
        while True:
            places = np.argwhere(mask)
            fewer = np.repeat(mask[np.newaxis], len(places), axis=0)
            fewer[np.arange(len(places)), places[:, 0], places[:, 1]] = False
            leads, _ = self.leads(fewer)
            spare = np.flatnonzero(leads > CLEAR)
            if not len(spare):
                return mask
            # Cheapest first, and as many at once as possible.
            order = places[spare[np.argsort(-leads[spare], kind="stable")]]
            fewer = np.repeat(mask[np.newaxis], len(order), axis=0)
            for number, (row, column) in enumerate(order):
                fewer[number:, row, column] = False
            leads, _ = self.leads(fewer)
            enough = np.flatnonzero(leads > CLEAR)
            if not len(enough):
                return mask
            mask = fewer[enough.max()]
