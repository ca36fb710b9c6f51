"""B16: do probabilities mean what they say, and are digits told from other things?

    python -m benchmarks.b16_honesty --fashion t10k-images-idx3-ubyte.gz --fonts FOLDER

Fashion-MNIST's test images (Xiao, Rasul and Vollgraf 2017; Debian's dataset-fashion-mnist) and
typefaces for the letters are not part of the project. Letters are drawn on the canvas, turned a
little and prepared as any drawing; the 16 that look like digits (B I J L O S Z and b g i j l o
q s z) are counted apart. Every threshold comes from validation images.
"""

import argparse
import gzip
import string
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.report import Row, report
from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.calibration import calibration_error
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.novelty import novelty_detector
from cnn_lab.network import Network
from cnn_lab.ops.types import Images

NETWORKS = ("champion", "paper", "fast")
MAX_ERROR, MIN_AUROC = 0.5, 0.98
N_FASHION = 5000
LIKE_DIGITS = frozenset("BIJLOSZbgijloqsz")
SIDE_PX, LETTER_PX, MAX_TURN_DEG = 280, 180, 8.0
N_SCRIBBLES = 500
IDX_HEADER = 16


def fashion(path: Path) -> Images:
    """Return Fashion-MNIST images from an IDX file, packed with gzip."""
    content = gzip.decompress(path.read_bytes())[IDX_HEADER:]
    pixels = np.frombuffer(content, np.uint8).reshape(-1, 28, 28, 1)[:N_FASHION]
    return np.asarray(pixels / np.float32(255), np.float32)


def letters(folder: Path) -> tuple[Images, NDArray[np.bool_]]:
    """Return all letters in every typeface of a folder, and which of them look like digits."""
    numbers = np.random.default_rng(0)
    images: list[Images] = []
    alike: list[bool] = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".ttf", ".otf")):
        font = ImageFont.truetype(path, LETTER_PX)
        for letter in string.ascii_letters:
            canvas = Image.new("L", (SIDE_PX, SIDE_PX))
            middle = (SIDE_PX / 2, SIDE_PX / 2)
            ImageDraw.Draw(canvas).text(middle, letter, fill=255, font=font, anchor="mm")
            angle = float(numbers.uniform(-MAX_TURN_DEG, MAX_TURN_DEG))
            image = _prepared(canvas.rotate(angle, Image.Resampling.BILINEAR))
            if image is not None:
                images.append(image)
                alike.append(letter in LIKE_DIGITS)
    return np.stack(images), np.array(alike)


def scribbles() -> Images:
    """Return pen strokes that wander at random."""
    numbers = np.random.default_rng(0)
    images: list[Images] = []
    while len(images) < N_SCRIBBLES:
        canvas = Image.new("L", (SIDE_PX, SIDE_PX))
        pen, width = ImageDraw.Draw(canvas), int(numbers.integers(8, 28))
        for _ in range(int(numbers.integers(1, 4))):
            corners = numbers.uniform(40, 240, (int(numbers.integers(3, 12)), 2))
            pen.line([(float(a), float(b)) for a, b in corners], 255, width, "curve")
        image = _prepared(canvas)
        if image is not None:
            images.append(image)
    return np.stack(images)


def _prepared(canvas: Image.Image) -> Images | None:
    grey = np.asarray(canvas)
    image = prepare_digit(np.dstack([grey, grey, grey, np.full_like(grey, 255)]))
    return None if image is None else image[..., np.newaxis]


def auroc(digits: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    """Return how often one of the others looks less like a digit than a digit; ties are half."""
    ordered = np.sort(digits)
    below = np.searchsorted(ordered, others, "left")
    up_to = np.searchsorted(ordered, others, "right")
    return float((below + up_to).mean() / 2 / len(digits))


def measure(fashion_path: Path | None, fonts: Path | None) -> Sequence[Row]:
    test, detector = load_mnist().test, novelty_detector()
    rows = []
    for name in NETWORKS:
        error = calibration_error(Network.load(name).predict(test.images), test.labels)
        rows.append(Row(f"calibration error, {name}", 100 * error, "points", MAX_ERROR))
    digits = detector.novelty(test.images)
    rows.append(Row("test digits called no digit", 100 * float((digits > 1).mean()), "%"))
    sets: dict[str, Images] = {"scribbles": scribbles()}
    if fashion_path is not None:
        sets["Fashion-MNIST"] = fashion(fashion_path)
    if fonts is not None:
        drawn, alike = letters(fonts)
        sets |= {"letters": drawn, "letters unlike digits": drawn[~alike]}
    for name, images in sets.items():
        found = detector.novelty(images)
        value = auroc(digits, found)
        rows.append(Row(f"digits told from {name} (AUROC)", value, "", MIN_AUROC, True))
        rows.append(Row(f"{name} called no digit", 100 * float((found > 1).mean()), "%"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fashion", type=Path, help="Fashion-MNIST's test images, IDX and gzip")
    parser.add_argument("--fonts", type=Path, help="folder of typefaces, .ttf and .otf")
    arguments, others = parser.parse_known_args()
    sys.argv[1:] = others  # what is left is for the report
    report("B16", lambda: measure(arguments.fashion, arguments.fonts))


if __name__ == "__main__":
    main()
