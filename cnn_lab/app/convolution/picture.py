"""The user's picture on the Convolution page: the part to animate, and the output on all of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnn_lab.app.caches import filtered_maps, framed_picture
from cnn_lab.app.widgets.image_input import crop_side
from cnn_lab.app.widgets.inputs import choice, two_numbers
from cnn_lab.app.widgets.pictures import show_png, theme_colour, tone
from cnn_lab.app.widgets.upload import picture_upload
from cnn_lab.content import prose
from cnn_lab.data.teaching_images import sample_photo
from cnn_lab.data.uploads import (
    MAX_SIDE,
    lightness,
    picture_channels,
    picture_pixels,
    place_of_most_contrast,
)
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import Array
from cnn_lab.trace.numbers import number_text

PICTURE, CROP = "conv_picture", "conv_crop"
PLACE = ("conv_crop_row", "conv_crop_column")
WIDTH_PX = 300
SIGNED, CLIPPED = "signed colours", "greys, clipped"


@dataclass(frozen=True, eq=False)
class OwnPicture:
    """A picture kept in the session.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (height, width, 3)
    sha256 : str
        Hash of the pixels, the name of the picture in caches.
    is_sample : bool
        Whether it is the sample picture.
    """

    pixels: NDArray[np.uint8]
    sha256: str
    is_sample: bool = False

    @classmethod
    def of(cls, pixels: Array, *, is_sample: bool = False) -> "OwnPicture":
        """Return a picture from whole numbers from 0 to 255."""
        small = pixels.astype(np.uint8)
        small.flags.writeable = False  # sessions share the sample picture
        name = hashlib.sha256(repr(small.shape).encode() + small.tobytes()).hexdigest()
        return cls(small, name, is_sample)

    def channels(self, channels: int) -> Array:
        """Return the picture as numbers, shape (height, width, channels)."""
        return picture_channels(self.pixels.astype(np.float64), channels)


@dataclass(frozen=True, eq=False)
class Crop:
    """A part of a picture.

    Attributes
    ----------
    picture : OwnPicture
    row, column : int
        Its top left pixel.
    rows, columns : int
    """

    picture: OwnPicture
    row: int
    column: int
    rows: int
    columns: int

    def channels(self, channels: int) -> Array:
        """Return the part as numbers, shape (rows, columns, channels)."""
        rows = slice(self.row, self.row + self.rows)
        columns = slice(self.column, self.column + self.columns)
        return picture_channels(self.picture.pixels[rows, columns].astype(np.float64), channels)


def picture_controls() -> Crop:
    """Show the upload of a picture and the choice of the part to animate; return the part."""
    picture_upload(
        "conv",
        _take,
        file_label=prose("convolution", "upload_label"),
        camera_label=prose("convolution", "camera_label"),
    )
    kept = st.session_state.get(PICTURE)
    picture = kept if isinstance(kept, OwnPicture) else sample_picture()
    if not picture.is_sample:
        st.button(
            "Back to the sample picture",
            icon=":material/undo:",
            key="conv_sample",
            on_click=_keep,
            args=(sample_picture(),),
        )
    side = crop_side("conv")
    if not {*st.session_state, *st.query_params} & {*PLACE}:
        _go_to_most_contrast(picture, side)
    height, width = picture.pixels.shape[:2]
    rows, columns = min(side, height), min(side, width)
    row, column = two_numbers(("First row", "First column"), PLACE, maximum=MAX_SIDE)
    return Crop(picture, min(row, height - rows), min(column, width - columns), rows, columns)


@cache
def sample_picture() -> OwnPicture:
    """Return the sample picture."""
    return OwnPicture.of(sample_photo(), is_sample=True)


def _take(content: bytes) -> None:
    _keep(OwnPicture.of(picture_pixels(content)))


def _keep(picture: OwnPicture) -> None:
    st.session_state[PICTURE] = picture
    _go_to_most_contrast(picture, st.session_state[CROP])


def _go_to_most_contrast(picture: OwnPicture, side: int) -> None:
    place = place_of_most_contrast(lightness(picture.pixels.astype(np.float64)), side)
    for key, value in zip(PLACE, place, strict=True):
        st.session_state[key] = value


def show_whole_picture(
    crop: Crop, kernel: Array, bias: Array, settings: Sequence[ConvolutionSettings]
) -> None:
    """Show the whole picture behind the stage's image, and the output on all of it."""
    pixels = crop.picture.pixels
    width = pixels.shape[1]
    factor = max(1, round(WIDTH_PX / width))
    st.markdown(prose("convolution", "whole", rows=pixels.shape[0], columns=width))
    if crop.picture.is_sample:
        st.markdown(prose("convolution", "invitation"))
    scale = choice(
        "Show outputs as",
        (SIGNED, CLIPPED),
        "conv_scale",
        width="content",
        help="Clipped: values below 0 are black, above 255 white, as in a photo editor.",
    )
    channels = kernel.shape[2] * settings[0].groups
    numbers = crop.picture.channels(channels)
    name = f"{crop.picture.sha256}-{channels}"
    with st.container(horizontal=True):
        with st.container(width=max(WIDTH_PX, factor * width), gap="xsmall"):
            seen = numbers[..., : 3 if channels > 1 else 1]
            shown = np.repeat(seen, 3 // seen.shape[2], axis=2).astype(np.uint8)
            box = (crop.row, crop.column, crop.rows, crop.columns)
            accent = theme_colour()
            show_png(
                framed_picture(name, box, accent, factor=factor, _pixels=shown),
                alt="The whole picture, with a frame around the part in the animation",
                width_px=factor * width,
            )
        for each in settings:
            maps = filtered_maps(
                name,
                kernel,
                bias,
                each,
                factor=factor,
                tone=tone() if scale == SIGNED else None,
                _pixels=numbers,
            )
            for f, result in enumerate(maps, start=1):
                title = "Output" if len(maps) == 1 else f"Filter {f}"
                if len(settings) > 1:
                    title += ", kernel rotated" if each.flip_kernel else ", kernel as it is"
                with st.container(width=max(WIDTH_PX, factor * result.columns), gap="xsmall"):
                    show_png(
                        result.png,
                        alt=f"{title} on the whole picture",
                        width_px=factor * result.columns,
                    )
                    st.caption(
                        prose(
                            "convolution",
                            "whole_result",
                            title=title,
                            rows=result.rows,
                            columns=result.columns,
                            low=number_text(result.low),
                            high=number_text(result.high),
                        )
                    )
