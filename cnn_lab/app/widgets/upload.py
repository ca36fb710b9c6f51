"""The user's picture, from a file or the camera, and the part of it to animate."""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnn_lab.app.widgets.inputs import crop_side, whole_number
from cnn_lab.content import prose
from cnn_lab.data.teaching_images import landscape
from cnn_lab.data.uploads import (
    MAX_MB,
    MAX_SIDE,
    PictureError,
    lightness,
    picture_channels,
    picture_pixels,
    place_of_most_contrast,
)
from cnn_lab.ops.types import Array

FILE, CAMERA = "a file", "the camera"
# Enough for MAX_SIDE. By default Streamlit starts at the full size of the camera and a second
# later switches to the width of the column: the picture would depend on when it was taken.
RESOLUTION: Literal["480p"] = "480p"


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


def picture_controls(page: str) -> Crop:
    """Show the upload of a picture and the choice of the part to animate; return the part.

    Parameters
    ----------
    page : str
        Prefix of the keys. The picture is kept in the session under `<page>_picture`, the
        position of the part in the address.
    """
    way = st.segmented_control(
        "Source",
        [FILE, CAMERA],
        default=FILE,
        required=True,
        key=f"{page}_camera",
        width="stretch",
    )
    key = f"{page}_upload"
    if way == FILE:
        st.file_uploader(
            prose("convolution", "upload_label"),
            type=["png", "jpg", "jpeg", "webp"],
            max_upload_size=MAX_MB,
            key=key,
            on_change=_take,
            args=(page, key),
        )
    else:
        key = f"{page}_shot"
        st.camera_input(
            prose("convolution", "camera_label"),
            resolution=RESOLUTION,
            key=key,
            on_change=_take,
            args=(page, key),
        )
    if problem := st.session_state.pop(f"{page}_problem", ""):
        st.error(problem)
    picture = kept_picture(page)
    if not picture.is_sample:
        st.button(
            "Back to the sample picture",
            icon=":material/undo:",
            key=f"{page}_sample",
            on_click=_keep,
            args=(page, drawn_picture()),
        )
    return _crop(page, picture)


def kept_picture(page: str) -> OwnPicture:
    """Return the picture of the session, the sample if none was uploaded."""
    kept = st.session_state.get(f"{page}_picture")
    return kept if isinstance(kept, OwnPicture) else drawn_picture()


@cache
def drawn_picture() -> OwnPicture:
    """Return the sample picture."""
    return OwnPicture.of(landscape(), is_sample=True)


def _take(page: str, key: str) -> None:
    if sent := st.session_state[key]:
        try:
            _keep(page, OwnPicture.of(picture_pixels(sent.getvalue())))
        except PictureError as error:
            st.session_state[f"{page}_problem"] = str(error)


def _keep(page: str, picture: OwnPicture) -> None:
    st.session_state[f"{page}_picture"] = picture
    _go_to_most_contrast(page, picture, st.session_state[f"{page}_crop"])


def _go_to_most_contrast(page: str, picture: OwnPicture, side: int) -> None:
    grey = lightness(picture.pixels.astype(np.float64))
    place = place_of_most_contrast(grey, side)
    for key, value in zip(_place_keys(page), place, strict=True):
        st.session_state[key] = value


def _place_keys(page: str) -> tuple[str, str]:
    return f"{page}_crop_row", f"{page}_crop_column"


def _crop(page: str, picture: OwnPicture) -> Crop:
    side = crop_side(page)
    known = {*st.session_state, *st.query_params}
    if known.isdisjoint(_place_keys(page)):
        _go_to_most_contrast(page, picture, side)
    height, width = picture.pixels.shape[:2]
    rows, columns = min(side, height), min(side, width)
    left, right = st.columns(2)
    row_key, column_key = _place_keys(page)
    with left:
        row = whole_number("First row", row_key, value=0, minimum=0, maximum=MAX_SIDE)
    with right:
        column = whole_number("First column", column_key, value=0, minimum=0, maximum=MAX_SIDE)
    return Crop(picture, min(row, height - rows), min(column, width - columns), rows, columns)
