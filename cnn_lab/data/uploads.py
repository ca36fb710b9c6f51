"""A stranger's picture file: checked at the door, and its colours as numbers."""

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

# All that Pillow raises on files that are broken, cut off or made to harm.
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
    """A picture that cannot be read, in a sentence for whoever sent it."""


def open_rgba(source: bytes | Image.Image, *, longest_side: int, grey: bool = False) -> Image.Image:
    """Return a stranger's picture upright, with its opacity, near the size that is needed.

    Parameters
    ----------
    source : bytes or PIL.Image.Image
        A PNG, JPEG or WebP file of at most 4 MB and 16 million pixels; of an animated one,
        the first picture.
    longest_side : int
        What the caller will scale it down to. A JPEG may come at a half, a quarter or an
        eighth of its size, but no smaller than that.
    grey : bool
        Whether the lightness is all that matters; a JPEG is then decoded without its colours.

    Returns
    -------
    PIL.Image.Image of mode RGBA

    Raises
    ------
    PictureError
        If the file is too large, no picture of these kinds, or broken.

    Notes
    -----
    Size and number of pixels are checked before anything is decoded.
    """
    picture = _open(source) if isinstance(source, bytes) else source
    if picture.width * picture.height > MAX_PIXELS:
        raise PictureError(
            f"A picture may have at most {MAX_PIXELS / 1e6:.0f} million pixels. "
            f"Received: {picture.width} x {picture.height}"
        )
    try:
        # A JPEG can be decoded at a fraction of its size, a photograph then in no time.
        picture.draft("L" if grey else "RGB", (longest_side, longest_side))
        upright = ImageOps.exif_transpose(picture)
        if upright.mode.startswith("I"):  # 16 bits, of which the upper eight are enough
            upright = Image.fromarray((np.asarray(upright, np.uint32) >> 8).astype(np.uint8))
        return upright.convert("RGBA")
    except _BROKEN as error:
        raise PictureError("The picture is damaged and cannot be read completely.") from error


def picture_pixels(source: bytes | Image.Image) -> Array:
    """Return a picture's colours as whole numbers from 0 to 255.

    Parameters
    ----------
    source : bytes or PIL.Image.Image
        As for `open_rgba`.

    Returns
    -------
    ndarray of float64, shape (height, width, 3)
        Red, green and blue, three times the same for a grey picture; at most 512 pixels on
        the longer side, smaller pictures in their own size. What is transparent shows white.

    Raises
    ------
    PictureError
        If the file is too large, no picture of these kinds, or broken.

    Notes
    -----
    Scaled by the mean over the area of each new pixel.
    """
    picture = open_rgba(source, longest_side=MAX_SIDE)
    factor = min(1.0, MAX_SIDE / max(picture.size))
    width, height = (max(1, round(length * factor)) for length in picture.size)
    small = picture.resize((width, height), Image.Resampling.BOX)
    ground = Image.new("RGBA", small.size, "white")
    return np.asarray(Image.alpha_composite(ground, small).convert("RGB"), np.float64)


def lightness(pixels: Array) -> Array:
    """Return a colour picture's grey levels as whole numbers, shape (height, width).

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
    """Return a picture as an operation takes it: grey, in colours, or both.

    Parameters
    ----------
    pixels : ndarray, shape (height, width, 3)
    channels : {1, 3, 4}
        Lightness alone; red, green and blue; or the lightness after these three.

    Returns
    -------
    ndarray of float64, shape (height, width, channels)
    """
    if channels == 3:
        return pixels
    grey = lightness(pixels)[..., np.newaxis]
    return grey if channels == 1 else np.concatenate([pixels, grey], axis=2)


def place_of_most_contrast(grey: Array, size: int) -> tuple[int, int]:
    """Return where in a picture the grey levels of a square differ most.

    Parameters
    ----------
    grey : ndarray, shape (height, width)
    size : int
        Side of the square; cut to the picture where that is smaller.

    Returns
    -------
    (int, int)
        Row and column of the square's upper left pixel, the first of equals.

    Notes
    -----
    The variance of every square from running sums: some operations a pixel, whatever the size.
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
