"""Answer for a drawing: a sentence from ten probabilities, with its doubt; and hard digits."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnn_lab.content.words import percent
from cnn_lab.data.mnist import Split
from cnn_lab.digits.calibration import MIN_ODDS
from cnn_lab.network import Network
from cnn_lab.ops.types import as_finite

READER = "champion"  # says for networks of ten outputs whether an image shows a digit
MAX_NON_DIGIT = 0.5  # above it, "no digit" is more probable than all ten digits together

Kind = Literal["sure", "unsure", "no_digit"]


@dataclass(frozen=True)
class Answer:
    """Answer for one image, with its confidence.

    Attributes
    ----------
    digit, runner_up : int
        The most likely and the second most likely digit.
    probability, runner_up_probability : float
    sure_odds : float
        Ratio of the first to the second probability from which an answer counts as sure.
    is_novel : bool
        Whether the image does not look like a digit.
    """

    digit: int
    runner_up: int
    probability: float
    runner_up_probability: float
    sure_odds: float = MIN_ODDS
    is_novel: bool = False

    @classmethod
    def of(
        cls,
        probabilities: NDArray[np.floating[Any]],
        *,
        sure_odds: float = MIN_ODDS,
        is_novel: bool = False,
    ) -> "Answer":
        """Build the answer from ten probabilities, shape (10,)."""
        second, first = (int(digit) for digit in np.argsort(probabilities, kind="stable")[-2:])
        believed = float(probabilities[first]), float(probabilities[second])
        return cls(first, second, *believed, sure_odds, is_novel)

    @property
    def kind(self) -> Kind:
        """Kind of the answer."""
        if self.is_novel:
            return "no_digit"
        is_close = self.probability < self.sure_odds * self.runner_up_probability
        return "unsure" if is_close else "sure"

    @property
    def sentence(self) -> str:
        """Sentence for the answer.

        Examples
        --------
        >>> Answer(digit=7, runner_up=1, probability=0.982, runner_up_probability=0.01).sentence
        'This looks like a 7 (98.2%).'
        >>> Answer(digit=9, runner_up=4, probability=0.6, runner_up_probability=0.3).sentence
        'This looks like a 4 or a 9.'
        >>> Answer(8, 3, 0.9, 0.05, is_novel=True).sentence
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


def answer_for(
    network: Network, image: NDArray[np.float32]
) -> tuple[Answer, NDArray[np.floating[Any]]]:
    """Return a network's answer for one image, and its probabilities.

    Parameters
    ----------
    network : Network
        For 28x28 images and ten digits. The odds that count as sure are in its card if it was
        calibrated; otherwise 3 to 1.
    image : ndarray of float32 in [0, 1], shape (28, 28)
        Prepared as in MNIST.

    Returns
    -------
    Answer
    ndarray of float32, shape (10,)

    Notes
    -----
    One forward pass through the network. Whether the image shows a digit at all, a network with an
    eleventh output says itself; for others the champion says it, in a pass of its own.
    """
    images = as_finite("image", image)[np.newaxis, ..., np.newaxis]
    outputs = network.outputs(images)
    probabilities = network.spec.class_probabilities(outputs)[0]
    answer = Answer.of(
        probabilities,
        sure_odds=_sure_odds(network.card),
        is_novel=_is_novel(network, images, outputs),
    )
    return answer, probabilities


def _is_novel(network: Network, images: NDArray[np.float32], outputs: NDArray[np.float32]) -> bool:
    """Return whether an eleventh output calls the image no digit."""
    if not network.spec.knows_non_digits:
        outputs = _reader().outputs(images)
    return float(outputs[0, -1]) > MAX_NON_DIGIT


@cache
def _reader() -> Network:
    return Network.load(READER)


def hard_digits(
    network: Network, split: Split, *, start: int = 0, most: int | None = None, doubt: bool = False
) -> Iterator[int]:
    """Find images that a network misreads.

    Parameters
    ----------
    network : Network
        For images of the split's shape.
    split : Split
    start : int
        Index of the first image looked at; the first image of the split follows the last.
    most : int, optional
        Number of images looked at; all of them by default.
    doubt : bool
        Whether to find images too that are read correctly, but with doubt.

    Yields
    ------
    int
        Index of the next image found.

    Notes
    -----
    Computed lazily. Looking at one image takes 3 ms with the paper's network, which finds one among
    about 150, and 1 ms with the champion, which finds one among about 300.
    """
    odds = _sure_odds(network.card)
    for number in range(len(split) if most is None else min(most, len(split))):
        index = (start + number) % len(split)
        probabilities = network.predict(split.image(index)[np.newaxis])[0]
        answer = Answer.of(probabilities, sure_odds=odds)
        if answer.digit != split.labels[index] or (doubt and answer.kind == "unsure"):
            yield index


def _sure_odds(card: Mapping[str, str]) -> float:
    """Return the odds in a card; the default if it has none that can be used."""
    try:
        odds = float(json.loads(card["calibration"])["sure_odds"])
    except (KeyError, TypeError, ValueError):  # not calibrated, or a card that others wrote
        return MIN_ODDS
    return odds if math.isfinite(odds) else MIN_ODDS
