"""A stranger's picture file: checked at the door, and its colours as numbers."""

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Array = NDArray[np.floating[Any]]

FORMATS = ("PNG", "JPEG", "WEBP")
MEGABYTE = 2**20
MAX_MB = 4
MAX_PIXELS = 16_000_000
LONGEST_SIDE = 512

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
        raise PictureError("The picture is broken and cannot be read to its end.") from error


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
    picture = open_rgba(source, longest_side=LONGEST_SIDE)
    factor = min(1.0, LONGEST_SIDE / max(picture.size))
    width, height = (max(1, round(length * factor)) for length in picture.size)
    small = picture.resize((width, height), Image.Resampling.BOX)
    ground = Image.new("RGBA", small.size, "white")
    return np.asarray(Image.alpha_composite(ground, small).convert("RGB"), np.float64)


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
        raise PictureError("This is no picture: it must be a PNG, JPEG or WebP file.") from error
