"""How often the style of a drawing is found, by network: `python -m benchmarks.pen_styles`.

Drawings of the parametric pen with other seeds than the styles were learned from, as many of each
style, and things that are not digits, which should be given no style. Which network's features are
used was chosen by these figures.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Row, describe
from cnn_lab.data.mnist import as_images
from cnn_lab.data.non_digits import non_digits
from cnn_lab.data.pens import STYLES, pen_digits
from cnn_lab.explain.pen_style import NAMES, SEED, StyleFinder
from cnn_lab.network import Network
from cnn_lab.ops.types import Images

NETWORKS = ("champion", "fast", "paper")
N_EACH, N_OTHERS = 20, 300


def drawings() -> tuple[Images, list[str]]:
    """Return drawings that no finder has seen, and the style of each."""
    pixels = [pen_digits(N_EACH, seed=SEED + 1, styles=[name])[0] for name in NAMES]
    names = [name for name in NAMES for _ in range(N_EACH)]
    return as_images(np.concatenate(pixels))[..., 0], names


def measure() -> Sequence[Row]:
    images, names = drawings()
    others: NDArray[np.float32] = as_images(non_digits(N_OTHERS, seed=SEED + 1)[0])[..., 0]
    rows = []
    for model in NETWORKS:
        finder = StyleFinder.of(Network.load(model))
        found = [finder.find(image) for image in images]
        told = [
            finder.find(image, digit=STYLES[name].digit)
            for image, name in zip(images, names, strict=True)
        ]
        taken = [finder.find(image) is not None for image in others]
        rows += [
            Row(f"{model}: digit and family found", 100 * _right(found, names), "%"),
            Row(f"{model}: family found, digit given", 100 * _right(told, names), "%"),
            Row(f"{model}: non-digits given a style", 100 * float(np.mean(taken)), "%"),
        ]
    return rows


def _right(found: Sequence[str | None], names: Sequence[str]) -> float:
    """Return the share with the digit and the family of the style that was drawn."""
    return float(np.mean([_family(a) == _family(b) for a, b in zip(found, names, strict=True)]))


def _family(name: str | None) -> tuple[int, str] | None:
    return None if name is None else (STYLES[name].digit, STYLES[name].family)


if __name__ == "__main__":
    for row in measure():
        print(f"{row.what}: {describe(row)}")
