"""How the drawing's preparation and a network bear digits that are moved, turned, bent and resized.

MNIST's test images are laid on the canvas, each pixel a square of ten, changed there and prepared
as any drawing is: part of B15, which needs no drawings for it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks.report import Row
from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.photograph import sharp_on_canvas
from cnn_lab.network import Network

Change = Callable[[Image.Image], Image.Image]

SMOOTH = Image.Resampling.BILINEAR
N_DIGITS = 1000
MAX_LOST = 0.05
SIDE_PX = 280


def _mapped(rows: Sequence[float]) -> Change:
    """Return the change that reads each pixel of its result through this 2 x 2 matrix."""
    a, b, c, d = rows
    middle = SIDE_PX / 2
    place = (a, b, middle - a * middle - b * middle, c, d, middle - c * middle - d * middle)
    return lambda image: image.transform(image.size, Image.Transform.AFFINE, place, SMOOTH)


def _turned(degrees: float) -> Change:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return _mapped((cos, sin, -sin, cos))


def _moved(right: int, down: int) -> Change:
    place = (1, 0, -right, 0, 1, -down)
    return lambda image: image.transform(image.size, Image.Transform.AFFINE, place)


def grids() -> Mapping[str, Mapping[str, Change]]:
    """Return the changes, by kind and then by how much."""
    return {
        "shift": {f"{r}, {d} px": _moved(r, d) for r in (-40, 0, 40) for d in (-40, 0, 40)},
        "size": {f"{s:g} times": _mapped((1 / s, 0, 0, 1 / s)) for s in (0.4, 0.6, 0.8, 1.2)},
        "turn": {f"{degrees} degrees": _turned(degrees) for degrees in (-20, -10, 10, 20)},
        "slant": {
            f"{degrees} degrees": _mapped((1, math.tan(math.radians(degrees)), 0, 1))
            for degrees in (-20, -10, 10, 20)
        },
        "width": {
            "5 px thinner": lambda image: image.filter(ImageFilter.MinFilter(5)),
            "5 px thicker": lambda image: image.filter(ImageFilter.MaxFilter(5)),
            "11 px thicker": lambda image: image.filter(ImageFilter.MaxFilter(11)),
        },
        "aspect": {
            f"{wide:g} times as wide": _mapped((1 / wide, 0, 0, 1)) for wide in (0.7, 0.85, 1.15)
        },
    }


def rows(network: Network, name: str) -> Iterator[Row]:
    """Yield what preparing MNIST again loses, and for each kind of change the worst cell."""
    test = load_mnist().test
    again = _prepared(test.pixels[..., 0] if test.pixels.ndim == 4 else test.pixels, None)
    lost = _accuracy(network, test.images, test.labels) - _accuracy(network, again, test.labels)
    yield Row(f"MNIST's test images prepared again, {name}: lost", lost, "points", MAX_LOST)
    pixels, labels = test.pixels[:N_DIGITS], test.labels[:N_DIGITS]
    for kind, cells in grids().items():
        found = {
            how: _accuracy(network, _prepared(pixels, cell), labels) for how, cell in cells.items()
        }
        print("B15 ", kind, ", ".join(f"{how}: {value:.1f} %" for how, value in found.items()))
        worst = min(found, key=found.__getitem__)
        yield Row(f"digits changed in {kind}, {name}, worst: {worst}", found[worst], "%")


def _prepared(pixels: NDArray[np.uint8], change: Change | None) -> NDArray[np.float32]:
    images = []
    for digit in pixels:
        canvas = sharp_on_canvas(digit.reshape(28, 28))
        if change is not None:
            canvas = np.asarray(change(Image.fromarray(canvas[..., 0]).convert("L")))
            canvas = np.dstack([canvas] * 3 + [np.full_like(canvas, 255)])
        image = prepare_digit(canvas)
        images.append(np.zeros((28, 28), np.float32) if image is None else image)
    return np.stack(images)[..., np.newaxis]


def _accuracy(network: Network, images: NDArray[np.float32], labels: NDArray[np.integer]) -> float:
    return 100 * float((network.predict(images).argmax(axis=1) == labels).mean())
