"""Recorded reliability of the shipped networks.

Do probabilities mean what they say? Of all answers with a probability of about 90 %, nine in ten
should be right. `Reliability` groups answers by their probability and compares [1]_. The figures of
the shipped networks, on MNIST's test images and on pen strokes by other writers, are recorded in
`reliability.json` by

    python -m benchmarks.b16_honesty --strokes pen_strokes.npz --record

References
----------
.. [1] Guo, Pleiss, Sun and Weinberger (2017), "On Calibration of Modern Neural Networks",
   arXiv:1706.04599.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cnn_lab.digits.calibration import BINS, calibration_error
from cnn_lab.network import MODELS
from cnn_lab.ops.types import Array

Of = Literal["MNIST", "pen strokes"]
SETS: tuple[Of, ...] = ("MNIST", "pen strokes")
RECORD = Path(__file__).with_name("reliability.json")
DIGITS = 6


@dataclass(frozen=True)
class Group:
    """Answers whose probabilities lie in one of 15 intervals of equal width.

    Attributes
    ----------
    n : int
        At least 1.
    confidence, accuracy : float
        Mean probability of these answers, and the share that is right.
    """

    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Reliability:
    """Probabilities of a network's answers beside how often they are right.

    Attributes
    ----------
    n : int
        Images.
    accuracy : float
    error : float
        Expected calibration error, from 0 to 1.
    groups : tuple of Group
        By probability, lowest first; none is empty.
    """

    n: int
    accuracy: float
    error: float
    groups: tuple[Group, ...]

    @classmethod
    def of(cls, probabilities: Array, labels: NDArray[np.integer]) -> "Reliability":
        """Compare probabilities with labels, shapes (n, classes) and (n,)."""
        error = calibration_error(probabilities, labels)  # which checks them
        confidence = probabilities.max(axis=1).astype(np.float64)
        right = probabilities.argmax(axis=1) == labels
        group_of = np.minimum((confidence * BINS).astype(int), BINS - 1)
        groups = tuple(
            Group(
                int(np.count_nonzero(group_of == group)),
                round(float(confidence[group_of == group].mean()), DIGITS),
                round(float(right[group_of == group].mean()), DIGITS),
            )
            for group in np.unique(group_of)
        )
        accuracy = round(float(right.mean()), DIGITS)
        return cls(len(labels), accuracy, round(error, DIGITS), groups)


def weights_digest(name: str) -> str:
    """Return the sha256 of a shipped network's file, by which a record knows its network."""
    return sha256((MODELS / f"{name}.safetensors").read_bytes()).hexdigest()


def record(found: Mapping[str, Mapping[Of, Reliability]], path: Path = RECORD) -> None:
    """Write the reliability of shipped networks; others in the file keep theirs."""
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    now = {
        name: {
            "weights_sha256": weights_digest(name),
            **{of: asdict(one) for of, one in sets.items()},
        }
        for name, sets in found.items()
    }
    text = json.dumps(dict(sorted({**before, **now}.items())), indent=1) + "\n"
    path.write_text(text, encoding="utf-8")


@cache
def recorded(name: str, path: Path = RECORD) -> dict[Of, Reliability]:
    """Return what is recorded of a shipped network: nothing if its weights have changed since."""
    networks = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if name not in networks or networks[name]["weights_sha256"] != weights_digest(name):
        return {}
    return {
        of: Reliability(
            **{
                **networks[name][of],
                "groups": tuple(Group(**group) for group in networks[name][of]["groups"]),
            }
        )
        for of in SETS
        if of in networks[name]
    }
