"""Small changes of an image, found by gradient steps, after which a network answers otherwise."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cnn_lab.network import Network
from cnn_lab.ops.types import Array, check_class

Outcome = Literal["going", "found", "not found", "flat"]

STEP = 0.1  # length of a step: a tenth of what turns one black pixel white
MAX_STEPS = 100
CLEAR = 1e-4  # between two scores, so that the answer does not depend on rounding


@dataclass(frozen=True, eq=False)
class Moment:
    """The image after some steps.

    Attributes
    ----------
    image : ndarray of float32 in [0, 1], shape (height, width, channels)
    probabilities : ndarray of float32, shape (classes,)
        The network's answer to it.
    length : float
        L2 norm of the change so far: the root of the sum of the squared changes of all pixels.
    largest : float
        Largest change of a pixel so far, from 0 to 1.
    """

    image: Array
    probabilities: Array
    length: float
    largest: float


class Nudging:
    """A search, step by step, for a small change that makes a network answer a given class.

    Each step follows the gradient of the lead of that class's score over the best other score.
    The change is kept within a limit, and all pixels within [0, 1]: projected gradient ascent.

    What is found is small because the steps are small and go the steepest way. A smaller change
    may exist, and where none is found one may exist too.

    Parameters
    ----------
    network : Network
    image : ndarray of float32 in [0, 1], shape (height, width, channels)
    target : int
        The class to be answered afterwards, from 0.
    limit : float
        Largest L2 norm of the change, above 0.

    Attributes
    ----------
    moments : list of Moment
        The way so far; the first is the unchanged image.
    outcome : {"going", "found", "not found", "flat"}
        "found" when the target leads, also if it does at the start; "not found" after `MAX_STEPS`
        steps; "flat" where the gradient is 0, which leaves no direction to go.

    Raises
    ------
    ShapeError
        If the image is not of the network's input shape.
    ValueError
        If the class does not exist, or the limit is not above 0.

    References
    ----------
    .. [1] Szegedy et al. (2013), arXiv:1312.6199: that such changes exist.
    .. [2] Madry et al. (2017), arXiv:1706.06083, section 2.1: projected gradient steps.
    """

    def __init__(self, network: Network, image: Array, target: int, *, limit: float) -> None:
        check_class(network.spec.n_classes, target=target)
        if not limit > 0:
            raise ValueError(f"`limit` must be above 0. Received: limit={limit}")
        self._network = network
        self._first = network.one_image(image)
        self.target, self.limit = target, limit
        self.moments = [self._moment(self._first)]
        lead, self._ahead = self._slope(self._first)
        self.outcome: Outcome = "found" if lead > CLEAR else "going"

    @property
    def size(self) -> float:
        """L2 norm of the image itself."""
        return float(np.linalg.norm(self._first))

    def advance(self, n_steps: int) -> None:
        """Go some steps further, or as many as are left.

        Notes
        -----
        One gradient for each step: 4 to 20 ms with the networks of the lab.
        """
        for _ in range(n_steps):
            if self.outcome != "going":
                return
            self._step()

    def _step(self) -> None:
        image, slope = self.moments[-1].image, self._ahead
        # A pixel that is black cannot get darker, nor a white one brighter.
        stuck = ((image <= 0) & (slope < 0)) | ((image >= 1) & (slope > 0))
        slope = np.where(stuck, np.float32(0), slope)
        steepness = float(np.linalg.norm(slope))
        if steepness == 0:
            self.outcome = "flat"
            return
        change = image + np.float32(STEP / steepness) * slope - self._first
        length = float(np.linalg.norm(change))
        if length > self.limit:
            change *= np.float32(self.limit / length)
        after = np.clip(self._first + change, 0, 1)
        self.moments.append(self._moment(after))
        lead, self._ahead = self._slope(after)
        if lead > CLEAR:
            self.outcome = "found"
        elif len(self.moments) > MAX_STEPS:
            self.outcome = "not found"

    def _slope(self, image: Array) -> tuple[float, Array]:
        """Return the lead of the target's score, and its gradient with respect to the image."""
        lead = 0.0

        def pull(scores: Array) -> Array:
            nonlocal lead
            flat = scores.reshape(-1)[: self._network.spec.n_classes]
            others = flat.copy()
            others[self.target] = -np.inf
            rival = int(others.argmax())
            lead = float(flat[self.target] - flat[rival])
            grad = np.zeros_like(scores)
            grad.reshape(-1)[[self.target, rival]] = 1, -1
            return grad

        _, slope = self._network.image_gradient(image, pull)
        return lead, slope

    def _moment(self, image: Array) -> Moment:
        change = image - self._first
        answer = self._network.predict(image[np.newaxis])[0].reshape(-1)
        return Moment(
            image, answer, float(np.linalg.norm(change)), float(np.abs(change).max(initial=0))
        )
