"""Which networks read which ways to write a digit, and which were trained with them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cnn_lab.data.mnist import as_images
from cnn_lab.data.pens import STYLES, Labels, Pixels, pen_digits
from cnn_lab.network import Network

SEED = 7  # of the drawings that are shown


@dataclass(frozen=True, eq=False)
class StyleReading:
    """Drawings in one style, and what networks answer.

    Attributes
    ----------
    name : str
        In `cnn_lab.data.pens.STYLES`.
    pixels : ndarray of uint8, shape (n, 28, 28)
    answers : dict of str to ndarray of int, shape (n,)
        By the network's name.
    """

    name: str
    pixels: Pixels
    answers: Mapping[str, Labels]

    @property
    def digit(self) -> int:
        """The digit that is written."""
        return STYLES[self.name].digit

    @property
    def title(self) -> str:
        """The style's name without its digit."""
        return self.name.partition(" ")[2]

    @property
    def section(self) -> str:
        """The section of the prose about styles of this family, such as "7 bar"."""
        return f"{self.digit} {STYLES[self.name].family}"

    def of(self, *networks: str) -> "StyleReading":
        """Return the same with the answers of these networks alone."""
        return replace(self, answers={name: self.answers[name] for name in networks})

    def n_right(self, network: str) -> int:
        """Return how many of the drawings a network reads as the digit."""
        return int(np.count_nonzero(self.answers[network] == self.digit))

    def usual_mistake(self, network: str) -> int | None:
        """Return the other digit that a network answers most often; None if it never does."""
        counts = np.bincount(self.answers[network], minlength=10)
        counts[self.digit] = 0
        return int(counts.argmax()) if counts.any() else None


def read_styles(digit: int, networks: Mapping[str, Network], *, n: int) -> list[StyleReading]:
    """Return `n` drawings of each style of a digit, with the answer of each network.

    Notes
    -----
    The same drawings each time. A sixth of a second for six styles, eight drawings of each and
    three networks.
    """
    names = [name for name, style in STYLES.items() if style.digit == digit]
    return [read_style(name, networks, n=n) for name in names]


def read_style(name: str, networks: Mapping[str, Network], *, n: int) -> StyleReading:
    """Return the same `n` drawings in a style each time, with each network's answers."""
    pixels = pen_digits(n, seed=SEED, styles=[name])[0]
    images = as_images(pixels)
    answers = {network: one.predict(images).argmax(axis=1) for network, one in networks.items()}
    return StyleReading(name, pixels[..., 0], answers)


def pens_in_training(network: Network) -> float:
    """Return the share of drawings by the parametric pen in a network's training, by its card.

    Returns
    -------
    float
        From 0 to 1; 0 as well if the card, which others may have written, does not say.
    """
    try:
        share = float(json.loads(network.card["training"])["pens"])
    except (KeyError, TypeError, ValueError):
        return 0.0
    return share if 0 <= share <= 1 else 0.0


def compared_with(chosen: str, networks: Mapping[str, Network], reading: StyleReading) -> str:
    """Return the network that shows best what drawings by the pen are worth in training.

    Beside a network trained without them, the one trained with them that reads most drawings of
    the style, or any other if there is none; beside one trained with them, the first without.
    """
    knows = {name: pens_in_training(network) > 0 for name, network in networks.items()}
    others = [name for name in networks if name != chosen]
    different = [name for name in others if knows[name] != knows[chosen]]
    if different and knows[chosen]:
        return different[0]
    return max(different or others, key=reading.n_right)
