"""The input image of a page: small numbers to edit, or a part of a test image."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from cnn_lab.app.caches import test_digits
from cnn_lab.app.widgets.cell_edits import Editable
from cnn_lab.app.widgets.inputs import choice, digit_number, menu, two_numbers, whole_number
from cnn_lab.app.widgets.matrix import MatrixEditor
from cnn_lab.data.teaching_images import densest_crop, stroke_image
from cnn_lab.ops.types import Array

SOURCES = ("numbers", "digit")
CROPS = (8, 14, 20, 28)
MAX_SIDE = 12
MAX_TYPED_SIDE = CROPS[-1]
CHANNEL_NAMES = ("red", "green", "blue", "grey")


def image_controls(page: str, *, channels: int = 1, side: int = 6) -> Array:
    """Show the controls of the input image of a page and return the image.

    Parameters
    ----------
    page : str
        Prefix of all keys, which are also the address parameters.
    channels : int
        1, 3 for red, green and blue, or 4 for these and grey; a digit repeats its one channel.
    side : int
        Initial rows and columns of the small numbers.

    Returns
    -------
    ndarray of float64, shape (rows, columns, channels)
        0 to 9 for small numbers, 0 to 255 or 0 to 1 for a digit, anything finite once edited.
    """
    return sourced_image(image_source(page), page, channels=channels, side=side)


def editable_image(page: str, image: Array) -> dict[str, Editable]:
    """Return the channels of an input image for editing on the stage, by the keys of their grids.

    The first edit of a digit, a picture or an example makes its numbers those that are typed.

    Parameters
    ----------
    page : str
        As in `image_controls`.
    image : ndarray, shape (rows, columns, channels)
    """
    channels = image.shape[2]
    keys = _keys(page, channels)
    typed = {key: image[..., channel] for channel, key in enumerate(keys)}
    return {
        "input" if channels == 1 else f"input-{number}": Editable(
            "input",
            key,
            typed[key],
            is_painted=True,
            source={f"{page}_input": SOURCES[0]},
            typed=typed,
        )
        for number, key in enumerate(keys, start=1)
    }


def image_source(page: str, sources: Sequence[str] = SOURCES) -> str:
    """Show the source of an input image, key `<page>_input`, and return it."""
    return choice("Image", sources, f"{page}_input")


def sourced_image(source: str, page: str, *, channels: int, side: int = 6) -> Array:
    """Show the controls of one of `SOURCES` and return the image, as `image_controls` does."""
    if source == "digit":
        return np.repeat(_digit(page), channels, axis=2)
    return _numbers(page, channels, side)


def crop_side(page: str) -> int:
    """Show the side length of the part to play, key `<page>_crop`, and return it."""
    return menu("Side length in pixels", CROPS, f"{page}_crop", default=CROPS[1])


def cropped_digit(page: str, *, white: int) -> Array:
    """Show the choice of a test image and of its side length, and return the densest part.

    Keys are `<page>_digit` and `<page>_crop`; the result has shape (side, side, 1).
    """
    left, right = st.columns(2)
    with left:
        index = digit_number(f"{page}_digit")
    with right:
        side = crop_side(page)
    return densest_crop(test_digits().pixels[index][..., np.newaxis] / (255 / white), side)


def _keys(page: str, channels: int) -> list[str]:
    """Return the keys of the typed numbers of each channel."""
    if channels == 1:
        return [f"{page}_values"]
    return [f"{page}_values_{name}" for name in CHANNEL_NAMES[:channels]]


def _digit(page: str) -> Array:
    numbers = st.container()
    white = choice(
        "White is",
        (255, 1),
        f"{page}_white",
        help="MNIST stores whole numbers from 0 to 255; networks receive them divided by 255.",
    )
    with numbers:
        return cropped_digit(page, white=white)


def _numbers(page: str, channels: int, side: int) -> Array:
    rows, columns = two_numbers(
        ("Rows", "Columns"),
        (f"{page}_rows", f"{page}_columns"),
        value=side,
        minimum=1,
        maximum=MAX_SIDE,
    )
    seed = whole_number(
        "Stroke",
        f"{page}_seed",
        value=0,
        minimum=0,
        maximum=9999,
        help="Each number draws a different soft stroke.",
    )
    drawn = stroke_image(rows, columns, channels=channels, seed=seed)
    with MatrixEditor("Edit the numbers", f"{page}_edit_image") as editor:
        layers = [
            editor.matrix(
                key,
                drawn[..., channel],
                label="Image" if channels == 1 else f"Image, {CHANNEL_NAMES[channel]}",
                max_rows=MAX_TYPED_SIDE,
                max_columns=MAX_TYPED_SIDE,
                preset=(rows, columns, seed),
            )
            for channel, key in enumerate(_keys(page, channels))
        ]
        if len({layer.shape for layer in layers}) > 1:
            editor.problem("All channels must have the same size. The stroke is shown instead.")
            return drawn
    return np.stack(layers, axis=-1)
