"""Uploaded pictures: validation, and their colours as numbers."""

import io
import struct

import numpy as np
from PIL import Image, ImageOps

from cnn_lab.ops.types import Array

FORMATS = ("PNG", "JPEG", "WEBP")
MEGABYTE = 2**20
MAX_MB = 4
MAX_PIXELS = 16_000_000
MAX_SIDE = 512

# All that Pillow raises on damaged, truncated or malicious files.
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    TypeError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


class PictureError(ValueError):
    """Raised when a picture cannot be read; the message is shown to the user."""


def open_rgba(source: bytes | Image.Image, *, longest_side: int, grey: bool = False) -> Image.Image:
    """Return an uploaded picture upright, with its opacity, near the required size.

    Parameters
    ----------
    source : bytes or PIL.Image.Image
        A PNG, JPEG or WebP file of at most 4 MB and 16 million pixels; of an animation,
        the first picture.
    longest_side : int
        Size that the caller will scale it down to. A JPEG may be decoded at a half, a quarter or
        an eighth of its size, but not smaller than this.
    grey : bool
        Whether only lightness is needed; a JPEG is then decoded without colours.

    Returns
    -------
    PIL.Image.Image of mode RGBA

    Raises
    ------
    PictureError
        If the file is too large, of another kind, or damaged.

    Notes
    -----
    File size and number of pixels are checked before decoding.
    """
    picture = _open(source) if isinstance(source, bytes) else source
    if picture.width * picture.height > MAX_PIXELS:
        raise PictureError(
            f"A picture may have at most {MAX_PIXELS / 1e6:.0f} million pixels. "
            f"Received: {picture.width} x {picture.height}"
        )
    try:
        # A JPEG can be decoded at a fraction of its size, which is much faster.
        picture.draft("L" if grey else "RGB", (longest_side, longest_side))
        upright = ImageOps.exif_transpose(picture)
        if upright.mode.startswith("I"):
            upright = _eight_bits(upright)
        return upright.convert("RGBA")
    except _BROKEN as error:
        raise PictureError("The picture is damaged and cannot be read completely.") from error


def picture_pixels(source: bytes | Image.Image) -> Array:
    """Return a picture's colours as integers from 0 to 255.

    Parameters
    ----------
    source : bytes or PIL.Image.Image
        As for `open_rgba`.

    Returns
    -------
    ndarray of float64, shape (height, width, 3)
        Red, green and blue, all equal for a grey picture; at most 512 pixels on the longer side,
        smaller pictures in their own size. Transparent areas become white.

    Raises
    ------
    PictureError
        If the file is too large, of another kind, or damaged.

    Notes
    -----
    Scaled by area averaging.
    """
    picture = open_rgba(source, longest_side=MAX_SIDE)
    factor = min(1.0, MAX_SIDE / max(picture.size))
    width, height = (max(1, round(length * factor)) for length in picture.size)
    small = picture.resize((width, height), Image.Resampling.BOX)
    ground = Image.new("RGBA", small.size, "white")
    return np.asarray(Image.alpha_composite(ground, small).convert("RGB"), np.float64)


def lightness(pixels: Array) -> Array:
    """Return a colour picture's grey levels as integers, shape (height, width).

    Parameters
    ----------
    pixels : ndarray, shape (height, width, 3)
        Red, green and blue from 0 to 255.

    References
    ----------
    .. [1] Recommendation ITU-R BT.601: 0.299 red + 0.587 green + 0.114 blue.
    """
    return np.asarray(np.round(pixels @ np.array([0.299, 0.587, 0.114])))


def picture_channels(pixels: Array, channels: int) -> Array:
    """Return a picture as input of an operation: in grey, in colours, or both.

    Parameters
    ----------
    pixels : ndarray, shape (height, width, 3)
    channels : {1, 3, 4}
        Lightness only; red, green and blue; or these followed by the lightness.

    Returns
    -------
    ndarray of float64, shape (height, width, channels)
    """
    if channels == 3:
        return pixels
    grey = lightness(pixels)[..., np.newaxis]
    return grey if channels == 1 else np.concatenate([pixels, grey], axis=2)


def middle_of(pixels: Array, shape: tuple[int, int, int]) -> Array:
    """Return the largest central part of a picture, scaled to a network's input.

    Parameters
    ----------
    pixels : ndarray, shape (height, width, 3)
        Red, green and blue from 0 to 255.
    shape : (int, int, int)
        Rows, columns and channels of the result. One channel is the lightness; beyond three, the
        lightness is repeated.

    Returns
    -------
    ndarray of float32 in [0, 1], of that shape

    Notes
    -----
    Each pixel is the mean over the area it covers.
    """
    rows, columns, channels = shape
    height, width = pixels.shape[:2]
    factor = min(height / rows, width / columns)
    high, wide = factor * rows, factor * columns
    top, left = (height - high) / 2, (width - wide) / 2
    picture = Image.fromarray(pixels.astype(np.uint8)).resize(
        (columns, rows), Image.Resampling.BOX, box=(left, top, left + wide, top + high)
    )
    small = np.asarray(picture, np.float64)
    if channels != 3:
        small = np.repeat(picture_channels(small, 1), channels, axis=2)
    return np.asarray(small / 255, np.float32)


def place_of_most_contrast(grey: Array, size: int) -> tuple[int, int]:
    """Return the square of a picture with the highest variance of grey levels.

    Parameters
    ----------
    grey : ndarray, shape (height, width)
    size : int
        Side of the square; limited to the size of the picture.

    Returns
    -------
    (int, int)
        Row and column of the square's upper left pixel; the first if several are equal.

    Notes
    -----
    Variances from running sums: a few operations per pixel, whatever the size.
    """
    rows, columns = min(size, grey.shape[0]), min(size, grey.shape[1])
    sums, squares = (_square_sums(values, rows, columns) for values in (grey, grey * grey))
    variance = squares - sums * sums / (rows * columns)
    row, column = np.unravel_index(variance.argmax(), variance.shape)
    return int(row), int(column)


def _square_sums(values: Array, rows: int, columns: int) -> Array:
    total = np.pad(values.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    return np.asarray(
        total[rows:, columns:]
        - total[:-rows, columns:]
        - total[rows:, :-columns]
        + total[:-rows, :-columns]
    )


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Return the upper eight of the bits that a picture of 16 bits uses.

    Cameras and scanners often fill only 10 or 12 of the 16.
    """
    values = np.asarray(picture, np.uint32)
    n_bits = max(8, int(values.max()).bit_length())
    return Image.fromarray((values >> (n_bits - 8)).astype(np.uint8))


def _open(data: bytes) -> Image.Image:
    if len(data) > MAX_MB * MEGABYTE:
        raise PictureError(
            f"A picture may have at most {MAX_MB} MB. Received: {len(data) / MEGABYTE:.1f} MB"
        )
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(
            f"A picture may have at most {MAX_PIXELS / 1e6:.0f} million pixels."
        ) from error
    except _BROKEN as error:
        raise PictureError("This is not a picture: it must be a PNG, JPEG or WebP file.") from error
