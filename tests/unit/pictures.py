"""Digits as they lie in picture files."""

import io
from typing import Any

import numpy as np
from PIL import Image

from cnn_lab.data.mnist import load_mnist

Pixels = np.ndarray[Any, Any]
SEVEN = 0  # the first test image


def digit(index: int = SEVEN) -> Pixels:
    return load_mnist().test.pixels[index]


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def photograph(
    pixels: Pixels,
    *,
    size: tuple[int, int] = (480, 640),
    side: int = 220,
    corner: tuple[int, int] = (150, 120),
    paper: tuple[int, int] = (190, 240),
    grain: float = 5.0,
    light_ink: bool = False,
) -> Image.Image:
    """Dark ink on paper with a shadow across it; size and corner are (rows, columns)."""
    rows, columns = size
    large = np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC))
    share = np.zeros(size)
    share[corner[0] : corner[0] + side, corner[1] : corner[1] + side] = large / 255
    shadow = np.linspace(0.3, 1, rows)[:, np.newaxis] * np.linspace(0, 1, columns)
    ground = paper[0] + (paper[1] - paper[0]) * shadow
    grey = ground * (1 - share) + 60 * share
    grey = 255 - grey if light_ink else grey
    grey = grey + np.random.default_rng(0).normal(0, grain, size)
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
