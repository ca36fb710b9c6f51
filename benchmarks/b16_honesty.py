"""B16: do probabilities mean what they say, and are digits told from other things?

    python -m benchmarks.b16_honesty --fashion t10k-images-idx3-ubyte.gz --fonts FOLDER \
        [--strokes pen_strokes.npz] [--models champion paper fast]
    python -m benchmarks.b16_honesty --strokes pen_strokes.npz --record

The second writes only how far the probabilities of shipped networks can be relied on, for MNIST's
test images and for strokes, to `cnn_lab/digits/reliability.json`: pages and cards show it.

Fashion-MNIST's test images (Xiao, Rasul and Vollgraf 2017; Debian's dataset-fashion-mnist) and
typefaces for the letters are not part of the project. Letters are drawn on the canvas, turned a
little and prepared as any drawing; the 16 that look like digits (B I J L O S Z and b g i j l o
q s z) are counted apart. With the strokes of B15, probabilities and digits are judged on those
too. An eleventh output needs no threshold. The first network named tells digits from other things,
or the champion for it if it has no such output.
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

from benchmarks.b15_pen_strokes import BRUSHES_PX, drawings, render
from benchmarks.report import Row, report
from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.answer import READER
from cnn_lab.digits.calibration import calibration_error
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.reliability import Of, Reliability, record
from cnn_lab.network import Network
from cnn_lab.ops.types import Images

NETWORKS = ("champion", "record", "paper", "fast")
MAX_ERROR, MAX_STROKES_ERROR = 0.5, 2.0  # points
MIN_AUROC, MIN_LETTERS_AUROC = 0.99, 0.94  # of letters, some cannot be told from digits
SMALLEST = 1e-37
N_NOISE = 500
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


def noise() -> Images:
    """Return images in which each pixel is drawn at random."""
    return np.random.default_rng(0).random((N_NOISE, 28, 28, 1), np.float32)


def unlikeness(network: Network, images: Images) -> tuple[NDArray[np.floating], float]:
    """Return how unlike digits images are for a network, and from where they count as no digit.

    A network without an eleventh output leaves that to the champion, as it does in the lab.
    """
    if not network.spec.knows_non_digits:
        network = Network.load(READER)
    outputs = network.outputs(images).astype(np.float64) + SMALLEST
    return np.log(outputs[:, -1] / outputs[:, :-1].sum(axis=1)), 0.0


def pen_strokes(path: Path) -> tuple[Images, NDArray[np.int64]]:
    """Return the drawings of B15 with each of its brushes in turn, and their labels."""
    every = list(drawings(path))
    images = [
        prepare_digit(render(strokes, BRUSHES_PX[at % len(BRUSHES_PX)]))
        for at, (strokes, _) in enumerate(every)
    ]
    shown = np.stack([image for image in images if image is not None])[..., np.newaxis]
    return shown, np.array([label for _, label in every])


def measure(
    models: Sequence[str], fashion_path: Path | None, fonts: Path | None, strokes: Path | None
) -> Sequence[Row]:
    test = load_mnist().test
    networks = {name: Network.load(name) for name in models}
    first = networks[models[0]]
    rows = []
    for name, network in networks.items():
        error = calibration_error(network.predict(test.images), test.labels)
        rows.append(Row(f"calibration error, {name}", 100 * error, "points", MAX_ERROR))
    digits, bound = unlikeness(first, test.images)
    rows.append(Row("test digits called no digit", 100 * float((digits > bound).mean()), "%"))
    if strokes is not None:
        drawn, labels = pen_strokes(strokes)
        error = calibration_error(first.predict(drawn), labels)
        of_pens, _ = unlikeness(first, drawn)
        rows += [
            Row("calibration error on pen strokes", 100 * error, "points", MAX_STROKES_ERROR),
            Row("pen strokes called no digit", 100 * float((of_pens > bound).mean()), "%"),
        ]
        for name in models[1:]:
            error = calibration_error(networks[name].predict(drawn), labels)
            rows.append(Row(f"calibration error on pen strokes, {name}", 100 * error, "points"))
    sets: dict[str, Images] = {"scribbles": scribbles(), "noise": noise()}
    if fashion_path is not None:
        sets["Fashion-MNIST"] = fashion(fashion_path)
    if fonts is not None:
        every, alike = letters(fonts)
        sets |= {"letters": every, "letters unlike digits": every[~alike]}
    for name, images in sets.items():
        found, _ = unlikeness(first, images)
        goal = MIN_LETTERS_AUROC if name == "letters" else MIN_AUROC
        value = auroc(digits, found)
        rows.append(Row(f"digits told from {name} (AUROC)", value, "", goal, True))
        rows.append(Row(f"{name} called no digit", 100 * float((found > bound).mean()), "%"))
    return rows


def reliability(models: Sequence[str], strokes: Path) -> dict[str, dict[Of, Reliability]]:
    """Return how far each network's probabilities can be relied on, in both sets."""
    test = load_mnist().test
    drawn, labels = pen_strokes(strokes)
    networks = {name: Network.load(name) for name in models}
    return {
        name: {
            "MNIST": Reliability.of(network.predict(test.images), test.labels),
            "pen strokes": Reliability.of(network.predict(drawn), labels),
        }
        for name, network in networks.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fashion", type=Path, help="Fashion-MNIST's test images, IDX and gzip")
    parser.add_argument("--fonts", type=Path, help="folder of typefaces, .ttf and .otf")
    parser.add_argument("--strokes", type=Path, help="the pen strokes of B15, .npz")
    parser.add_argument("--models", nargs="+", default=list(NETWORKS))
    parser.add_argument(
        "--record", action="store_true", help="only write reliability.json, which needs --strokes"
    )
    given, others = parser.parse_known_args()
    if given.record:
        if given.strokes is None:
            parser.error("--record needs --strokes")
        record(reliability(given.models, given.strokes))
        return
    sys.argv[1:] = others  # what is left is for the report
    report("B16", lambda: measure(given.models, given.fashion, given.fonts, given.strokes))


if __name__ == "__main__":
    main()
