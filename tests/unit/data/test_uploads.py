"""Uploaded pictures: their colours, and files that are none."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from cnn_lab.data.teaching_images import sample_photo
from cnn_lab.data.uploads import (
    MAX_MB,
    MAX_SIDE,
    MEGABYTE,
    PictureError,
    lightness,
    picture_channels,
    picture_pixels,
    place_of_most_contrast,
)
from cnn_lab.digits.photograph import ink_from_picture
from tests.unit.pictures import Pixels, digit, encoded, photograph


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = b""
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        chunks += struct.pack(">I", len(data)) + kind + data + checksum
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("read_in", [ink_from_picture, picture_pixels])
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "This is not a picture"),
        (b"seven", "This is not a picture"),
        (b"%PDF-1.7 and so on", "This is not a picture"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "This is not a picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "This is not a picture"),
        (bytes(MAX_MB * MEGABYTE + 1), r"at most 4 MB\. Received: 4\.0 MB"),
        (png_header(5000, 5000), r"at most 16 million pixels\. Received: 5000 x 5000"),
        (png_header(10_000, 10_000), "at most 16 million pixels"),
        (png_header(60_000, 60_000), "at most 16 million pixels"),
        (png_header(300, 300), "damaged"),
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
    ],
)
def test_bad_files_get_a_sentence(
    data: bytes, sentence: str, read_in: Callable[[bytes], Pixels]
) -> None:
    with pytest.raises(PictureError, match=sentence):
        read_in(data)


def test_files_cut_off_anywhere_get_a_sentence() -> None:
    for kind in ("PNG", "JPEG", "WEBP"):
        whole = encoded(photograph(digit()), kind)
        for share in (0.01, 0.3, 0.9):
            for read_in in (ink_from_picture, picture_pixels):
                with pytest.raises(PictureError, match=r"not a picture|damaged"):
                    read_in(whole[: int(share * len(whole))])


def photo(size: tuple[int, int] = (6, 4)) -> Image.Image:
    """A picture in which no two pixels are alike; size is (columns, rows)."""
    columns, rows = size
    row, column = np.mgrid[:rows, :columns]
    colours = np.stack([row * 40, column * 40, (row + column) * 20], axis=-1)
    return Image.fromarray(colours.astype(np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_colours_come_as_they_are(kind: str) -> None:
    pixels = picture_pixels(encoded(photo(), kind, lossless=True))
    assert pixels.dtype == np.float64
    np.testing.assert_array_equal(pixels, np.asarray(photo()))


def test_a_jpeg_comes_near_to_what_it_was() -> None:
    smooth = Image.linear_gradient("L").convert("RGB")
    pixels = picture_pixels(encoded(smooth, "JPEG", quality=95))
    np.testing.assert_allclose(pixels, np.asarray(smooth), atol=4)


def grey_with_opacity() -> Image.Image:
    grey = Image.new("LA", (3, 2), (100, 255))
    grey.putpixel((0, 0), (0, 0))
    return grey


@pytest.mark.parametrize(
    ("picture", "kind", "expected"),
    [
        (Image.new("L", (1, 1), 7), "PNG", [7, 7, 7]),
        (Image.new("1", (5, 5), 1), "PNG", [255, 255, 255]),
        (Image.new("RGBA", (3, 3), (10, 20, 30, 0)), "PNG", [255, 255, 255]),
        (Image.new("RGBA", (3, 3), (0, 0, 0, 51)), "WEBP", [204, 204, 204]),
        (Image.new("RGB", (3, 3), (10, 20, 30)).quantize(4), "PNG", [10, 20, 30]),
        (Image.fromarray(np.full((2, 2), 0x80FF, np.uint16)), "PNG", [128, 128, 128]),
        (grey_with_opacity(), "PNG", [255, 255, 255]),
    ],
    ids=["one pixel", "one bit", "nothing", "faint black", "palette", "16 bits", "grey with holes"],
)
def test_unusual_pictures_show_what_a_white_page_would(
    picture: Image.Image, kind: str, expected: list[int]
) -> None:
    assert picture_pixels(encoded(picture, kind, lossless=True))[0, 0].tolist() == expected


def test_cmyk_and_turned_photographs_are_upright_and_in_colour() -> None:
    red_above_white = Image.new("CMYK", (64, 96), (0, 255, 255, 0))
    red_above_white.paste((0, 0, 0, 0), (0, 48, 64, 96))
    exif = Image.Exif()
    exif[0x0112] = 3  # to be turned by 180 degrees
    pixels = picture_pixels(encoded(red_above_white, "JPEG", exif=exif, quality=95))
    assert pixels.shape == (96, 64, 3)
    np.testing.assert_allclose(pixels[10, 30], [255, 255, 255], atol=8)
    assert pixels[80, 30, 0] > 200 > 60 > pixels[80, 30, 2]


def test_of_an_animation_the_first_picture_counts() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert picture_pixels(data)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((512, 300), (300, 512, 3)),
        ((513, 10), (10, 512, 3)),
        ((1000, 2000), (512, 256, 3)),
        ((4000, 1), (1, 512, 3)),
        ((1, 5000), (512, 1, 3)),
    ],
)
def test_large_pictures_are_scaled_to_512_pixels(
    size: tuple[int, int], expected: tuple[int, int, int]
) -> None:
    for kind in ("PNG", "JPEG"):
        assert picture_pixels(encoded(Image.new("RGB", size, "teal"), kind)).shape == expected


def test_scaling_takes_the_mean_of_the_pixels() -> None:
    stripes = np.zeros((2, 2 * MAX_SIDE), np.uint8)
    stripes[:, ::2] = 200
    assert np.unique(picture_pixels(encoded(Image.fromarray(stripes)))).tolist() == [100]


def test_lightness_is_the_standards_and_whole() -> None:
    colours = np.array([[[255.0, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9], [255, 255, 255]]])
    assert lightness(colours).tolist() == [[76, 150, 29, 9, 255]]
    four = picture_channels(colours, 4)
    np.testing.assert_array_equal(four[..., :3], colours)
    np.testing.assert_array_equal(four[..., 3:], picture_channels(colours, 1))


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))),
    st.integers(1, 10),
)
def test_most_contrast_is_the_square_of_largest_variance(pixels: Pixels, size: int) -> None:
    grey = pixels.astype(np.float64)
    row, column = place_of_most_contrast(grey, size)
    rows, columns = min(size, grey.shape[0]), min(size, grey.shape[1])
    squares = np.lib.stride_tricks.sliding_window_view(grey, (rows, columns))
    variances = squares.var(axis=(2, 3))
    assert variances[row, column] == pytest.approx(variances.max(), abs=1e-6)


def test_the_drawn_picture_is_a_picture_like_any_other() -> None:
    pixels = sample_photo()
    as_file = encoded(Image.fromarray(pixels.astype(np.uint8)))
    np.testing.assert_array_equal(picture_pixels(as_file), pixels)
    assert np.ptp(lightness(pixels)) > 200
