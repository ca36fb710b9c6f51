"""Pictures from strangers: photographs, scans, and files that are none; digits in them."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.teaching_images import landscape
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
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.photograph import find_digit, ink_from_picture, sharp_on_canvas
from cnn_lab.network import Network

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


def several(*indices: int, gap: int = 40) -> Image.Image:
    """Test digits beside each other on a page, 200 pixels each, and dirt in a corner."""
    side = 200
    page = np.full((400, 100 + (side + gap) * len(indices)), 235, np.uint8)
    for place, index in enumerate(indices):
        ink = np.asarray(Image.fromarray(digit(index)).resize((side, side)))
        left = 50 + (side + gap) * place
        page[90 : 90 + side, left : left + side] -= np.minimum(ink, 200)
    page[380:384, 20:24] = 40
    return Image.fromarray(page)


@pytest.mark.parametrize(("indices", "taken"), [((0,), 0), ((1, 0, 2), 0), ((0, 1, 2), 1)])
def test_of_several_digits_the_most_central_is_taken(indices: tuple[int, ...], taken: int) -> None:
    found = find_digit(several(*indices))
    assert found.n_shapes == len(indices)
    assert read(several(*indices)) == load_mnist().test.labels[taken]


def test_digit_in_two_strokes_is_one() -> None:
    pixels = digit().copy()
    pixels[14:16] = 0  # the pen was lifted in the middle of the seven
    assert find_digit(photograph(pixels)).n_shapes == 1


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


@pytest.mark.parametrize(
    "data",
    [
        encoded(Image.new("L", (1, 1))),
        encoded(Image.new("RGB", (300, 200), "white"), "JPEG"),
        encoded(Image.new("RGBA", (300, 200))),
        encoded(Image.effect_noise((300, 300), 9.0), "JPEG"),
    ],
    ids=["one pixel", "white page", "nothing at all", "noise"],
)
def test_pictures_without_a_digit_get_a_sentence(data: bytes) -> None:
    with pytest.raises(PictureError, match="No digit stands out"):
        ink_from_picture(data)
    assert picture_pixels(data).shape[2] == 3  # as a photograph it is as good as any


def test_files_cut_off_anywhere_get_a_sentence() -> None:
    for kind in ("PNG", "JPEG", "WEBP"):
        whole = encoded(photograph(digit()), kind)
        for share in (0.01, 0.3, 0.9):
            for read_in in (ink_from_picture, picture_pixels):
                with pytest.raises(PictureError, match=r"not a picture|damaged"):
                    read_in(whole[: int(share * len(whole))])


def test_sample_on_the_canvas_is_prepared_back_to_itself() -> None:
    rgba = sharp_on_canvas(digit())
    assert rgba.shape == (280, 280, 4)
    image = prepare_digit(rgba)
    assert image is not None
    np.testing.assert_allclose(image, digit() / 255, atol=0.005)


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
    pixels = landscape()
    as_file = encoded(Image.fromarray(pixels.astype(np.uint8)))
    np.testing.assert_array_equal(picture_pixels(as_file), pixels)
    assert np.ptp(lightness(pixels)) > 200
