"""Digits found in photographs, scans and pictures of unusual kinds."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmarks.b21_pictures import read_rightly
from benchmarks.digit_pages import KINDS
from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.uploads import PictureError, picture_pixels
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.photograph import (
    find_digit,
    find_digits,
    ink_from_picture,
    picture_for,
    sharp_on_canvas,
)
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


def test_a_refusal_says_why() -> None:
    """D7: a page of one colour and one of grain, each with its own reason."""
    reasons = set()
    for picture in (Image.new("L", (90, 90), 7), Image.effect_noise((300, 300), 9.0)):
        with pytest.raises(PictureError) as refused:
            ink_from_picture(picture)
        reasons.add(str(refused.value))
    assert len(reasons) == 2
    assert not any("look the same" in reason for reason in reasons)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2), (3, 300), (300, 3)])
def test_pictures_of_few_pixels_are_read_or_refused(shape: tuple[int, int]) -> None:
    pixels = np.zeros(shape, np.uint8)
    pixels[::2, ::2] = 255
    with suppress(PictureError):
        found = find_digits(Image.fromarray(pixels))
        assert found.digits[found.central].rgba.shape == (280, 280, 4)


@pytest.mark.parametrize("row", range(0, 28, 7))
def test_one_other_grey_level_does_not_hide_a_two_level_digit(row: int) -> None:
    """D3: a one of two strokes in 28x28 pixels, with a single pixel of 254 anywhere."""
    one = np.full((28, 28), 255, np.uint8)
    one[7:16, 8] = 0
    one[16:22, 9] = 0
    for column in range(2, 28, 3):
        picture = one.copy()
        if picture[row, column]:
            picture[row, column] = 254
        assert read(encoded(Image.fromarray(picture))) == 1


@pytest.mark.parametrize("margin", [0.0, 0.02])
@pytest.mark.parametrize("light_ink", [False, True])
def test_digits_cropped_to_their_ink_are_read(margin: float, *, light_ink: bool) -> None:
    """D4: the ink touches the borders of the picture on all sides."""
    test = load_mnist().test
    errors = []
    for index in range(8):
        page = photograph(test.pixels[index], light_ink=light_ink)
        large = np.zeros((480, 640), np.uint8)
        large[150:370, 120:340] = Image.fromarray(test.pixels[index]).resize((220, 220))
        rows, columns = (np.flatnonzero((large > 128).any(axis=axis)) for axis in (1, 0))
        room = round(margin * 160)
        box = columns[0] - room, rows[0] - room, columns[-1] + 1 + room, rows[-1] + 1 + room
        if read(page.crop(box)) != test.labels[index]:
            errors.append(index)
    assert not errors


def test_bold_digits_cropped_to_the_last_pixel_are_read() -> None:
    """D4: two grey levels and no margin, so that ink may cover more of the picture than paper."""
    test = load_mnist().test
    chosen = [*range(8), 2006, 2015, 2050, 2056, 2058, 2060, 2065, 2101, 2105]
    errors = []
    for index in chosen:
        pixels = Image.fromarray(test.pixels[index])
        tight = pixels.crop(pixels.getbbox())
        large = tight.resize((10 * tight.width, 10 * tight.height), Image.Resampling.BICUBIC)
        if read(large.point(lambda level: 255 if level > 100 else 0)) != test.labels[index]:
            errors.append(index)
    assert len(errors) <= 1, errors


def on_paper(index: int, side: int = 300, size: int = 400, paper: int = 255) -> Image.Image:
    """A test digit in the middle of a page, black on white."""
    ink = Image.fromarray(digit(index)).resize((side, side), Image.Resampling.BICUBIC)
    page = Image.new("L", (size, size), paper)
    page.paste(0, ((size - side) // 2,) * 2, ink)
    return page


def test_a_frame_around_a_digit_is_not_the_digit() -> None:
    """D5: a rectangle of one to five pixels, from close to the border to close to the digit."""
    test = load_mnist().test
    for index in range(3):
        for edge, width in ((10, 1), (10, 5), (25, 3), (50, 2)):
            page = on_paper(index)
            outline = [edge, edge, 399 - edge, 399 - edge]
            ImageDraw.Draw(page).rectangle(outline, outline=0, width=width)
            assert read(page) == test.labels[index], (index, edge, width)
            assert find_digit(page).n_shapes == 1


def test_a_dark_table_around_a_sheet_is_not_the_digit() -> None:
    """D5: the sheet lies straight or turned, and the table is dark or lighter than the ink."""
    test = load_mnist().test
    for index in range(2):
        for turn, table in ((0, 30), (6, 30), (-8, 120)):
            sheet = on_paper(index, side=220, paper=235)
            picture = Image.new("L", (640, 560), table)
            mask = Image.new("L", sheet.size, 255).rotate(turn, expand=True)
            picture.paste(sheet.rotate(turn, expand=True), (90, 60), mask)
            assert read(picture) == test.labels[index], (index, turn, table)


def test_a_window_on_a_screen_is_not_the_digit() -> None:
    """D5: a grey window with a title bar and a white canvas in it."""
    screen = Image.new("RGB", (800, 600), (40, 90, 140))
    screen.paste((230, 230, 230), (100, 60, 700, 560))
    screen.paste((60, 60, 60), (100, 60, 700, 84))
    screen.paste(on_paper(SEVEN, side=260).convert("RGB"), (180, 120))
    assert read(screen) == 7


def test_a_rectangle_alone_is_not_a_frame() -> None:
    """D5: a zero, however angular, encloses nothing, so it is the digit itself."""
    page = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(page).rectangle([120, 60, 280, 340], outline=0, width=30)
    assert read(page) == 0


@pytest.mark.parametrize("top", [255, 1023, 4095, 65535])
def test_sixteen_bits_of_which_few_are_used_are_read(top: int) -> None:
    """D6: the values go up to 255, 1,023, 4,095 or 65,535."""
    grey = np.asarray(photograph(digit()), np.float64)
    assert read(encoded(Image.fromarray((grey / 255 * top).astype(np.uint16)))) == 7


def test_all_digits_of_a_sheet_are_found_in_reading_order() -> None:
    """D7: three digits in a row are three digits, each with its place and ink."""
    found = find_digits(several(1, 0, 2))
    assert [one.n_shapes for one in found.digits] == [3, 3, 3]
    assert found.central == 1
    lefts = [one.frame[0] for one in found.digits]
    assert lefts == sorted(lefts)
    images = [prepare_digit(one.rgba) for one in found.digits]
    seen = np.stack([image for image in images if image is not None])[..., np.newaxis]
    answers = Network.load("fast").predict(seen).argmax(axis=1)
    assert answers.tolist() == load_mnist().test.labels[[1, 0, 2]].tolist()
    for one in found.digits:
        left, upper, right, lower = one.frame
        assert found.view[upper:lower, left:right].min() < 100 < found.view[0, 0].min()


def test_digits_in_two_lines_are_found_in_reading_order() -> None:
    """D7: line by line, from the left."""
    page = Image.new("L", (600, 600), 235)
    for place, (left, top) in enumerate(((40, 50), (340, 20), (30, 350), (330, 330))):
        ink = Image.fromarray(digit(place)).resize((220, 220))
        page.paste(20, (left, top), ink)
    found = find_digits(page)
    images = [prepare_digit(one.rgba) for one in found.digits]
    seen = np.stack([image for image in images if image is not None])[..., np.newaxis]
    answers = Network.load("fast").predict(seen).argmax(axis=1)
    assert answers.tolist() == load_mnist().test.labels[:4].tolist()


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ((255, 40, 40), (40, 140, 60)),
        ((40, 140, 60), (255, 40, 40)),
        ((60, 110, 240), (150, 110, 40)),
    ],
)
def test_ink_as_light_as_the_paper_is_read(
    ink: tuple[int, int, int], paper: tuple[int, int, int]
) -> None:
    """D8: ink and paper differ in colour alone."""
    page = Image.new("RGB", (400, 400), paper)
    page.paste(ink, (80, 80), Image.fromarray(digit()).resize((240, 240)))
    assert read(encoded(page)) == 7
    assert read(encoded(page, "JPEG", quality=75)) == 7


@pytest.mark.parametrize("gap", [4, 12, 24])
def test_the_bar_of_a_five_belongs_to_it(gap: int) -> None:
    """D9: a five of 160 pixels, its bar apart to the right and above."""
    page = Image.new("L", (400, 400), 255)
    pen = ImageDraw.Draw(page)
    pen.line([(160, 130), (155, 195)], fill=0, width=16)
    pen.line(
        [(155, 195), (200, 185), (235, 215), (230, 260), (190, 285), (150, 275)], 0, 16, "curve"
    )
    pen.line([(165, 122 - gap), (245, 118 - gap)], fill=0, width=16)
    found = find_digits(page)
    assert len(found.digits) == 1
    assert read(page) == 5


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "12 million pixels"])
def test_pages_of_every_kind_are_read(kind: str) -> None:
    """D3, D4, D5, D6, D8, D9: of five pages made at random, at most one is misread."""
    assert read_rightly(kind, range(5)).sum() >= 4


@pytest.mark.parametrize(
    "kind", ["window light", "hard shadow", "sheet on a table", "specks and a thumb"]
)
def test_what_lies_around_the_ink_is_told_from_it(kind: str) -> None:
    """D5: edges aslant, a dark table, a thumb: of thirty pages, at most one is misread."""
    assert read_rightly(kind, range(100, 130)).sum() >= 29


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
