"""Pictures from strangers: photographs, scans, and files that are none."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnn_lab.data import load_mnist
from cnn_lab.digits import prepare_digit
from cnn_lab.ink import ink_from_picture, sharp_on_canvas
from cnn_lab.network import Network
from cnn_lab.pictures import MAX_MB, MEGABYTE, PictureError

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


def read(source: bytes | Image.Image) -> int:
    image = prepare_digit(ink_from_picture(source))
    assert image is not None
    return int(Network.load("fast").predict(image[np.newaxis, ..., np.newaxis]).argmax())


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"light_ink": True},
        {"grain": 14.0},
        {"paper": (90, 230)},
        {"corner": (5, 5)},
        {"size": (230, 224), "corner": (5, 2)},
        {"side": 90, "corner": (300, 400)},
    ],
    ids=str,
)
def test_photographs_are_read(conditions: dict[str, Any]) -> None:
    test = load_mnist().test
    indices = range(6)
    errors = [
        index
        for index in indices
        if read(encoded(photograph(test.pixels[index], **conditions), "JPEG", quality=80))
        != test.labels[index]
    ]
    assert not errors


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_mnist_as_a_file_stays_itself(kind: str) -> None:
    image = prepare_digit(ink_from_picture(encoded(Image.fromarray(digit()), kind, lossless=True)))
    assert image is not None
    np.testing.assert_allclose(image, digit() / 255, atol=0.02)


def test_canvas_is_280_pixels_with_the_digit_in_the_middle() -> None:
    rgba = ink_from_picture(photograph(digit(), corner=(20, 20)))
    assert rgba.shape == (280, 280, 4)
    assert rgba.dtype == np.uint8
    assert (rgba[..., 3] == 255).all()
    rows, columns = (np.flatnonzero(rgba[..., 0].any(axis=axis)) for axis in (1, 0))
    assert len(rows) == 200
    for first, last in ((rows[0], rows[-1]), (columns[0], columns[-1])):
        assert abs((first + last) / 2 - 139.5) <= 1


def transparent(*, light: bool) -> Image.Image:
    pixels = digit().repeat(8, axis=0).repeat(8, axis=1)
    colour = np.full((*pixels.shape, 3), 255 if light else 0, np.uint8)
    return Image.fromarray(np.dstack([colour, pixels]))


def rotated_by_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    turned = photograph(digit()).transpose(Image.Transpose.ROTATE_90)
    return encoded(turned, "JPEG", exif=exif)


def animated() -> bytes:
    frames = [photograph(digit(index)) for index in (SEVEN, 1)]
    return encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])


def with_palette() -> bytes:
    return encoded(photograph(digit()).quantize(16))


def sixteen_bits() -> bytes:
    return encoded(Image.fromarray(np.asarray(photograph(digit()), np.uint16) * 257))


@pytest.mark.parametrize(
    "make",
    [
        lambda: encoded(transparent(light=True)),
        lambda: encoded(transparent(light=False)),
        lambda: encoded(photograph(digit()).convert("CMYK"), "JPEG"),
        lambda: encoded(photograph(digit()).convert("RGB"), "WEBP"),
        lambda: encoded(photograph(digit()).convert("1", dither=Image.Dither.NONE)),
        with_palette,
        sixteen_bits,
        rotated_by_exif,
        animated,
    ],
    ids=[
        "light on nothing",
        "dark on nothing",
        "cmyk",
        "colour",
        "black and white",
        "palette",
        "16 bits",
        "turned by exif",
        "first of two frames",
    ],
)
def test_unusual_files_are_read(make: Callable[[], bytes]) -> None:
    assert read(make()) == 7


def test_crumbs_beside_the_digit_are_left_out() -> None:
    picture = photograph(digit(), corner=(200, 200))
    for row, column in ((30, 40), (60, 500), (440, 60)):
        picture.paste(40, (column, row, column + 8, row + 8))
    assert read(picture) == 7


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = b""
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        chunks += struct.pack(">I", len(data)) + kind + data + checksum
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "This is no picture"),
        (b"seven", "This is no picture"),
        (b"%PDF-1.7 and so on", "This is no picture"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "This is no picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "This is no picture"),
        (bytes(MAX_MB * MEGABYTE + 1), r"at most 4 MB\. Received: 4\.0 MB"),
        (png_header(5000, 5000), r"at most 16 million pixels\. Received: 5000 x 5000"),
        (png_header(10_000, 10_000), "at most 16 million pixels"),
        (png_header(60_000, 60_000), "at most 16 million pixels"),
        (png_header(300, 300), "broken"),
        (encoded(Image.new("L", (1, 1))), "Nothing stands out"),
        (encoded(Image.new("RGB", (300, 200), "white"), "JPEG"), "Nothing stands out"),
        (encoded(Image.new("RGBA", (300, 200))), "Nothing stands out"),
        (encoded(Image.effect_noise((300, 300), 9.0), "JPEG"), "Nothing stands out"),
    ],
    ids=[
        "empty",
        "text",
        "pdf",
        "gif",
        "png without end",
        "too many bytes",
        "too many pixels",
        "far too many pixels",
        "bomb",
        "no pixels",
        "one pixel",
        "white page",
        "nothing at all",
        "noise",
    ],
)
def test_bad_files_get_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(PictureError, match=sentence):
        ink_from_picture(data)


def test_files_cut_off_anywhere_get_a_sentence() -> None:
    for kind in ("PNG", "JPEG", "WEBP"):
        whole = encoded(photograph(digit()), kind)
        for share in (0.01, 0.3, 0.9):
            with pytest.raises(PictureError, match=r"no picture|broken"):
                ink_from_picture(whole[: int(share * len(whole))])


def test_sample_on_the_canvas_is_prepared_back_to_itself() -> None:
    rgba = sharp_on_canvas(digit())
    assert rgba.shape == (280, 280, 4)
    image = prepare_digit(rgba)
    assert image is not None
    np.testing.assert_allclose(image, digit() / 255, atol=0.005)
