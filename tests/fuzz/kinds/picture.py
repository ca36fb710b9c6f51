"""Damaged and odd pictures: refused with a message, or a digit with ten probabilities."""

import io

import numpy as np
from PIL import Image

from cnn_lab.data import load_mnist
from cnn_lab.data.uploads import PictureError, picture_pixels
from cnn_lab.digits import prepare_digit
from cnn_lab.digits.answer import answer_for
from cnn_lab.digits.photograph import ink_from_picture
from cnn_lab.network import Network
from tests.fuzz.damage import damaged, must_be_a_message

IN_TESTS = 40
MAX_SIDE = 200
FORMATS = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
}
_fast = Network.load("fast")


def kind(random: np.random.Generator) -> None:
    """Read a picture as the pages do."""
    content = _file(random)
    if random.random() < 0.5:
        content = damaged(random, content)
    try:
        pixels = picture_pixels(content)
        assert pixels.ndim == 3
        assert ((pixels >= 0) & (pixels <= 255)).all()
        prepared = prepare_digit(ink_from_picture(content))
    except PictureError as error:
        must_be_a_message(str(error))
        return
    if prepared is not None:
        assert prepared.shape == (28, 28)
        _, probabilities = answer_for(_fast, prepared)
        assert abs(probabilities.sum() - 1) < 1e-4


def _file(random: np.random.Generator) -> bytes:
    """Return a picture of noise, of one colour, or with digits on it, in any format and mode."""
    height, width = random.integers(1, MAX_SIDE, 2)
    grey = np.full((height, width), random.integers(256), np.int64)
    if random.random() < 0.3:
        grey = random.integers(0, 256, (height, width))
    picture = Image.fromarray(grey.astype(np.uint8))
    for _ in range(random.integers(4)):
        digit = Image.fromarray(load_mnist().test.pixels[random.integers(10_000)])
        side = int(random.integers(1, MAX_SIDE))
        place = tuple(int(start) for start in random.integers(-side, MAX_SIDE, 2))
        picture.paste(int(random.integers(256)), place, digit.resize((side, side)))
    kind_of_file = str(random.choice(list(FORMATS)))
    mode = str(random.choice(FORMATS[kind_of_file]))
    if mode == "I;16":
        picture = Image.fromarray(
            np.asarray(picture, np.uint16) * np.uint16(random.integers(1, 257))
        )
    else:
        picture = picture.convert(mode)
    written = io.BytesIO()
    picture.save(written, kind_of_file)
    return written.getvalue()
