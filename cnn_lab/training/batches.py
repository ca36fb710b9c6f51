"""Batches of a run: which images, how they are changed, and what is drawn for them."""

import math
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cnn_lab.data.augmentation import augmented
from cnn_lab.data.mnist import Split, as_images
from cnn_lab.data.non_digits import non_digits
from cnn_lab.data.pens import pen_digits
from cnn_lab.network.initial import packed, stream, unpack
from cnn_lab.network.spec import DIGIT_SHAPE, N_DIGITS, Augmentation, TrainingSpec
from cnn_lab.ops.types import Images
from cnn_lab.training.engine import Labels, State

FADED = 0.3  # of each bound of the augmentation, in the last epochs of a run that fades it
OWN_SHARE = 1 / 8  # of the split's images of a batch, at most, that own drawings replace
OF_OWN = Augmentation(shift=1, rotate=10, scale=0.1, shear=10, elastic=0.5)
OF_DRAWINGS = Augmentation(shift=1, rotate=4, scale=0.05, shear=4)  # which vary by themselves
MAX_SEED = 2**31
MAX_DRAWINGS = 48_000  # of each kind; a longer run sees them more often

Drawn = Literal["pens", "non_digits"]


class Batches:
    """Batches of a run, each from the same few random generators.

    Parameters
    ----------
    training : TrainingSpec
    split : Split
        The training images.
    own : Split, optional
        A reader's own drawings.

    Notes
    -----
    A batch of `batch_size` images has the training's share of pen digits and of non-digits; the
    others are images of the split, each of which comes once in an epoch. A drawing is made when it
    is first needed, which takes about a millisecond, and serves later batches too.

    Own drawings take the place of a few images of the split, each in every batch if there are few
    of them, changed a little each time. Everything else stays as it is without them.
    """

    def __init__(self, training: TrainingSpec, split: Split, own: Split | None = None) -> None:
        self._training, self._split, self._own = training, split, own
        self._n_of: dict[Drawn, int] = {
            "pens": int(training.pens * training.batch_size),
            "non_digits": int(training.non_digits * training.batch_size),
        }
        self._n_of_split = training.batch_size - sum(self._n_of.values())
        self._order = stream(training.seed, "order")
        self._changes = stream(training.seed, "augmentation")
        self._drawn = stream(training.seed, "drawn")
        self._own_changes = stream(training.seed, "own")
        self._shuffled: Labels = np.zeros(0, np.int64)
        self._epoch = 0

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(len(self._split) / self._n_of_split)

    def begin(self, epoch: int) -> None:
        """Shuffle for an epoch, from 1; each must be begun, in order."""
        self._epoch = epoch
        self._shuffled = self._order.permutation(len(self._split))

    def batch(self, number: int, augmentation: Augmentation) -> tuple[Images, Labels, int]:
        """Return a batch of the epoch that has begun.

        Parameters
        ----------
        number : int
            From 1; each must be asked for, in order.
        augmentation : Augmentation
            Bounds for images of the split; weaker at the end of a training that fades them.

        Returns
        -------
        images : ndarray of float32 in [0, 1], shape (n, height, width, channels)
        labels : ndarray of int, shape (n,)
            10 for a non-digit.
        n : int
            How many of them, the first ones, are images of the split or own drawings.
        """
        start = (number - 1) * self._n_of_split
        chosen = self._shuffled[start : start + self._n_of_split]
        images, labels = as_images(self._split.pixels[chosen]), self._split.labels[chosen]
        digits = labels if self._training.data_set == "mnist" else None
        n_kept = int(self._training.unchanged * len(images))
        changed = augmented(
            images[n_kept:],
            self._weakened(augmentation),
            self._changes,
            digits=None if digits is None else digits[n_kept:],
        )
        parts = [(images[:n_kept], labels[:n_kept]), (changed, labels[n_kept:])]
        parts += [self._drawings(kind, n) for kind, n in self._n_of.items() if n]
        batch = np.concatenate([part for part, _ in parts])
        answers = np.concatenate([part for _, part in parts])
        if self._own is not None:
            some, digits = self._some_own(self._own, int(OWN_SHARE * len(images)))
            place = slice(len(images) - len(some), len(images))
            batch[place], answers[place] = some, digits
        return batch, answers, len(images)

    def state(self) -> State:
        """Return the states of the random generators that are in use within an epoch."""
        state = {"changes": packed(self._changes), "drawn": packed(self._drawn)}
        return state if self._own is None else state | {"own": packed(self._own_changes)}

    def set_state(self, state: State) -> None:
        """Go on from what `state` returned; ValueError if it is another state."""
        if state.keys() != self.state().keys():
            raise ValueError(f"The state must be of batches. Received: {sorted(state)}")
        unpack(state["changes"], self._changes)
        unpack(state["drawn"], self._drawn)
        if self._own is not None:
            unpack(state["own"], self._own_changes)

    def _weakened(self, augmentation: Augmentation) -> Augmentation:
        training = self._training
        if self._epoch <= training.epochs * (1 - training.fade):
            return augmentation
        bounds = {name: FADED * bound for name, bound in augmentation}
        return Augmentation(**bounds | {"shift": round(bounds["shift"])})

    def _some_own(self, own: Split, most: int) -> tuple[Images, Labels]:
        chosen = own.at(self._own_changes.permutation(len(own))[:most])
        return augmented(chosen.images, OF_OWN, self._own_changes), chosen.labels

    def _drawings(self, kind: Drawn, n: int) -> tuple[Images, Labels]:
        numbers = self._drawn.integers(0, self._n_drawn(n), n)
        seed = int(stream(self._training.seed, kind).integers(MAX_SEED))
        chosen = _drawings(kind, seed).at(numbers)
        return augmented(chosen.images, OF_DRAWINGS, self._drawn), chosen.labels

    def _n_drawn(self, n_per_batch: int) -> int:
        return min(n_per_batch * len(self) * self._training.epochs, MAX_DRAWINGS)


class Drawings:
    """Drawings by a program, each made when it is first asked for.

    Parameters
    ----------
    kind : {"pens", "non_digits"}
    seed : int
    """

    def __init__(self, kind: Drawn, seed: int) -> None:
        self._kind, self._seed = kind, seed
        self._pixels = np.zeros((MAX_DRAWINGS, *DIGIT_SHAPE), np.uint8)
        self._labels: Labels = np.full(MAX_DRAWINGS, -1)

    def at(self, chosen: NDArray[np.integer]) -> Split:
        """Return drawings by their numbers, which are below MAX_DRAWINGS."""
        for number in chosen[self._labels[chosen] < 0].tolist():
            if self._kind == "pens":
                pixels, (label,), _ = pen_digits(1, seed=self._seed, first=number)
            else:
                (pixels, _), label = non_digits(1, seed=self._seed, first=number), N_DIGITS
            self._pixels[number], self._labels[number] = pixels[0], label
        return Split(self._pixels[chosen], self._labels[chosen])


@lru_cache(maxsize=2)
def _drawings(kind: Drawn, seed: int) -> Drawings:
    """Return drawings that the next run with this seed in this process has too: 38 MB at most."""
    return Drawings(kind, seed)
