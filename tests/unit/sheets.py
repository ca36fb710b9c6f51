"""Sheets with several digits whose places are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.pens import pen_digits
from tests.unit.pictures import Pixels, encoded

PAPER, INK, LINE = 235, 50, 150
TWELVE = ("3141", "5926", "8070")


@dataclass(frozen=True)
class SheetOfDigits:
    """A picture file of a sheet, and the middle (x, y) of each digit in reading order."""

    content: bytes
    labels: str
    middles: Sequence[tuple[float, float]]


def some_digits(labels: str, *, pens: bool = False) -> list[Pixels]:
    """Return an image of 28x28 for each label, of MNIST's training images or by a pen."""
    if pens:
        pixels, of, _ = pen_digits(300, seed=7)
    else:
        train = load_mnist().train
        pixels, of = train.pixels[:1000], train.labels[:1000]
    used: dict[str, int] = {}
    images = []
    for label in labels:
        at = used[label] = used.get(label, -1) + 1
        images.append(np.asarray(pixels[np.flatnonzero(of == int(label))[at]]).reshape(28, 28))
    return images


def sheet(
    rows: Sequence[str] = TWELVE,
    *,
    side: int = 90,
    gap: tuple[int, int] = (30, 30),
    margin: int = 60,
    degrees: float = 0.0,
    lines: bool = False,
    boxes: bool = False,
    grain: float = 4.0,
    specks: int = 0,
    pens: bool = False,
) -> SheetOfDigits:
    """Return a sheet with rows of digits; a space leaves a place empty.

    `side` is that of a digit's image of 28x28; `gap` is between images, (across, down).
    """
    columns = max(len(row) for row in rows)
    step = side + gap[0], side + gap[1]
    size = 2 * margin + columns * step[0] - gap[0], 2 * margin + len(rows) * step[1] - gap[1]
    ink = Image.new("L", size)
    pen = ImageDraw.Draw(ink)
    labels = "".join(rows).replace(" ", "")
    images, places = iter(some_digits(labels, pens=pens)), []
    for down, row in enumerate(rows):
        for across, label in enumerate(row):
            left, top = margin + across * step[0], margin + down * step[1]
            if boxes:
                pen.rectangle(
                    (left - gap[0] // 2, top - gap[1] // 2, left + step[0] - gap[0] // 2,
                     top + step[1] - gap[1] // 2), None, 140, 2,
                )  # fmt: skip
            if label != " ":
                image = next(images)
                large = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
                ink.paste(255, (left, top), large)
                trimmed = np.argwhere(image > 100)
                middle = (trimmed.min(axis=0) + trimmed.max(axis=0) + 1) / 2 * side / 28
                places.append((left + middle[1], top + middle[0]))
        if lines:
            low = margin + down * step[1] + side + gap[1] // 2
            pen.line((0, low, size[0], low), 110, 2)
    rng = np.random.default_rng(3)
    for x, y in rng.uniform((0, 0), size, (specks, 2)):
        pen.ellipse((x - 2, y - 2, x + 2, y + 2), 220)
    turned = ink.rotate(degrees, Image.Resampling.BICUBIC)
    share = np.asarray(turned, float) / 255
    grey = PAPER + (INK - PAPER) * share + rng.normal(0, grain, share.shape)
    content = encoded(Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)))
    angle = np.deg2rad(degrees)
    centre = np.array(size) / 2
    way = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return SheetOfDigits(
        content, labels, [tuple(way @ (np.array(one) - centre) + centre) for one in places]
    )
