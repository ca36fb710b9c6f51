"""What a network's ten probabilities come to in words, with all due doubt."""

import json
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnn_lab.content.words import percent
from cnn_lab.digits.calibration import LEAST_ODDS
from cnn_lab.digits.novelty import familiarity
from cnn_lab.network import Network

Kind = Literal["sure", "unsure", "no_digit"]


@dataclass(frozen=True)
class Verdict:
    """An answer and what it is worth.

    Attributes
    ----------
    digit, runner_up : int
        The most and the second most probable digit.
    probability, runner_up_probability : float
    sure_odds : float
        How many times more probable than the second the first must be to count as sure.
    is_strange : bool
        Whether the image looks like no digit at all.
    """

    digit: int
    runner_up: int
    probability: float
    runner_up_probability: float
    sure_odds: float = LEAST_ODDS
    is_strange: bool = False

    @classmethod
    def of(
        cls,
        probabilities: NDArray[np.floating[Any]],
        *,
        sure_odds: float = LEAST_ODDS,
        is_strange: bool = False,
    ) -> "Verdict":
        """Read ten probabilities, shape (10,)."""
        second, first = (int(digit) for digit in np.argsort(probabilities, kind="stable")[-2:])
        believed = float(probabilities[first]), float(probabilities[second])
        return cls(first, second, *believed, sure_odds, is_strange)

    @property
    def kind(self) -> Kind:
        """What sort of answer it is."""
        if self.is_strange:
            return "no_digit"
        is_close = self.probability < self.sure_odds * self.runner_up_probability
        return "unsure" if is_close else "sure"

    @property
    def sentence(self) -> str:
        """The answer.

        Examples
        --------
        >>> Verdict(digit=7, runner_up=1, probability=0.982, runner_up_probability=0.01).sentence
        'This looks like a 7 (98.2%).'
        >>> Verdict(digit=9, runner_up=4, probability=0.6, runner_up_probability=0.3).sentence
        'This looks like a 4 or a 9.'
        >>> Verdict(8, 3, 0.9, 0.05, is_strange=True).sentence
        'This does not look like a digit. The closest match is an 8.'
        """
        named = _with_article(self.digit)
        low, high = map(_with_article, sorted((self.digit, self.runner_up)))
        return {
            "no_digit": f"This does not look like a digit. The closest match is {named}.",
            "unsure": f"This looks like {low} or {high}.",
            "sure": f"This looks like {named} ({percent(self.probability)}).",
        }[self.kind]


def _with_article(digit: int) -> str:
    return f"{'an' if digit == 8 else 'a'} {digit}"


def judge(
    network: Network, image: NDArray[np.float32]
) -> tuple[Verdict, NDArray[np.floating[Any]]]:
    """Return what a network reads in one image and what that is worth, with its probabilities.

    Parameters
    ----------
    network : Network
        Of 28x28 images and ten digits. What counts as sure stands in its card, if it was
        calibrated; 3 to 1 otherwise.
    image : ndarray of float32 in [0, 1], shape (28, 28)
        Prepared as MNIST's are.

    Returns
    -------
    Verdict
    ndarray of float32, shape (10,)

    Notes
    -----
    One pass through the network, and one through the champion, which tells whether this is a
    digit; the champion itself needs no second one.
    """
    images, known = image[np.newaxis, ..., np.newaxis], familiarity()
    activations = network.activations(images)
    probabilities = activations[network.spec.layers[-1].name][0]
    of_champion = activations if known.is_of(network) else known.network.activations(images)
    card = json.loads(network.card.get("calibration", "{}"))
    verdict = Verdict.of(
        probabilities,
        sure_odds=float(card.get("sure_odds", LEAST_ODDS)),
        is_strange=bool(known.strangeness(images, of_champion)[0] > 1),
    )
    return verdict, probabilities
