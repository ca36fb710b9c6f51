"""Digits found in photographs, scans and pictures of unusual kinds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.uploads import PictureError, picture_pixels
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.photograph import find_digit, ink_from_picture, picture_for, sharp_on_canvas
from cnn_lab.network import Network
from tests.unit.pictures import SEVEN, digit, encoded, photograph


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


def test_sample_on_the_canvas_is_prepared_back_to_itself() -> None:
    rgba = sharp_on_canvas(digit())
    assert rgba.shape == (280, 280, 4)
    image = prepare_digit(rgba)
    assert image is not None
    np.testing.assert_allclose(image, digit() / 255, atol=0.005)


def test_a_picture_becomes_what_the_network_takes() -> None:
    picture = Image.new("RGB", (60, 40), (255, 0, 0))
    picture.paste((0, 0, 255), (10, 0, 50, 40))  # the middle square
    colour = picture_for((32, 32, 3), encoded(picture, "PNG"))
    assert colour.shape == (32, 32, 3)
    assert colour.dtype == np.float32
    np.testing.assert_allclose(colour, np.broadcast_to((0, 0, 1), colour.shape))
    assert picture_for((8, 16, 1), encoded(picture, "PNG")).shape == (8, 16, 1)

    one = Image.new("L", (100, 100), 255)
    one.paste(0, (45, 20, 55, 80))
    assert picture_for((28, 28, 1), encoded(one, "PNG")).sum() > 10


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)])
def test_what_is_no_picture_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(PictureError, match="not a picture"):
        picture_for(shape, b"nothing of the kind")
