"""A short training on drawings of one's own: its recipe, and what speaks against the drawings."""

from dataclasses import dataclass

import numpy as np

from cnn_lab.data.mnist import Split
from cnn_lab.data.pens import STYLES, pen_digits
from cnn_lab.digits.answer import answer_for
from cnn_lab.network import Network
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.ops.types import Images

START = "fast"  # the network that such a run begins with
# Low, because the network has learned MNIST already; a fifth of that keeps it from forgetting.
TRAINING = TrainingSpec(
    learning_rate=0.002,
    schedule="cosine",
    label_smoothing=0.1,
    data_fraction=0.2,
    batch_size=128,
    epochs=1,
)
# Ways to write a digit that are unlike MNIST's: a hand for those who cannot draw here.
BORROWED = (
    "0 slashed",
    "1 long upstroke",
    "2 flat",
    "3 shallow waist",
    "4 short stem, like lightning",
    "5 hat",
    "6 collapsed",
    "7 low bar",
    "8 slim",
    "9 s tail",
)


def split_of(images: Images, digits: list[int]) -> Split:
    """Return prepared drawings as training images.

    Parameters
    ----------
    images : ndarray of float32 in [0, 1], shape (n, 28, 28, 1)
    digits : list of int
        What each was drawn as.
    """
    pixels = np.round(images[..., 0] * 255).astype(np.uint8)
    return Split(pixels, np.array(digits, np.int64))


def borrowed_hand(seed: int) -> Split:
    """Return one drawing of each digit by the parametric pen, in the styles of `BORROWED`."""
    drawn = [pen_digits(1, seed=seed, styles=[name])[0][0, ..., 0] for name in BORROWED]
    return Split(np.stack(drawn), np.array([STYLES[name].digit for name in BORROWED]))


@dataclass(frozen=True)
class Doubts:
    """What speaks against drawings as training images.

    Attributes
    ----------
    n : int
        Drawings.
    shapeless : tuple of int
        Those that look like no digit, by what they were drawn as.
    misnamed : tuple of (int, int)
        Those that are read as another digit: drawn as, read as.
    """

    n: int
    shapeless: tuple[int, ...]
    misnamed: tuple[tuple[int, int], ...]

    @property
    def digits(self) -> tuple[int, ...]:
        """What the drawings in doubt were drawn as, in order."""
        return tuple(sorted((*self.shapeless, *(drawn for drawn, _ in self.misnamed))))

    @property
    def serious(self) -> bool:
        """Whether most drawings are in doubt.

        A few may well be: a hand that the network reads badly is what it is to learn.
        """
        return 2 * len(self.digits) > self.n


def doubts(network: Network, own: Split) -> Doubts:
    """Return what speaks against drawings, as a network reads them.

    Notes
    -----
    Each drawing passes through the network, and through the champion, which says whether it is a
    digit.
    """
    shapeless, misnamed = [], []
    for image, digit in zip(own.images[..., 0], own.labels.tolist(), strict=True):
        answer, _ = answer_for(network, image)
        if answer.kind == "no_digit":
            shapeless.append(digit)
        elif answer.digit != digit:
            misnamed.append((digit, answer.digit))
    return Doubts(len(own), tuple(shapeless), tuple(misnamed))
