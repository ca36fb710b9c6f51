"""B21: pictures of digits by kind of page: how many the champion reads, and how long it takes.

Each page shows a test digit of MNIST that the champion reads rightly when it is given the image
itself; a sheet shows twelve, of which it counts those read rightly in their places, and on how many
sheets all twelve are found, in three rows of four. Paper, ink, light, lines and camera are made by
`benchmarks.digit_pages`:

    python -m benchmarks.b21_pictures [--pages 100] [--kinds "printed box" "soft shadow"]
"""

import argparse
import sys
import time
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.digit_pages import KINDS, draw_page, draw_sheet
from benchmarks.report import Row, median, report
from cnn_lab.data.mnist import Split, load_mnist
from cnn_lab.data.uploads import PictureError
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.photograph import find_digits, ink_from_picture
from cnn_lab.digits.sheet import read_sheet
from cnn_lab.network import Network

GOAL = 98.0
LARGE, MAX_LARGE = "12 million pixels", 20
SHEET, N_ON_SHEET = "sheet of twelve", 12
READER = "champion"
N_CANDIDATES = 1_000


@lru_cache(maxsize=1)
def readable() -> Split:
    """Return the first test digits, without those that the champion misreads as they are."""
    split = load_mnist().test.at(slice(N_CANDIDATES))
    return split.at(np.flatnonzero(_answers(split.images) == split.labels))


def page(kind: str, number: int) -> bytes:
    """Return the file of a page; kind and number determine it."""
    rng = np.random.default_rng([number, zlib.crc32(kind.encode())])
    return draw_page(kind, readable().pixels[number], rng)


def read_rightly(kind: str, numbers: Iterable[int]) -> NDArray[np.bool_]:
    """Return for each page of a kind whether the champion reads it rightly."""
    numbers = list(numbers)
    images = np.zeros((len(numbers), 28, 28, 1), np.float32)
    refused = np.zeros(len(numbers), bool)
    for at, number in enumerate(numbers):
        try:
            image = prepare_digit(ink_from_picture(page(kind, number)))
        except PictureError:
            image = None
        if image is None:
            refused[at] = True
        else:
            images[at, ..., 0] = image
    right: NDArray[np.bool_] = _answers(images) == readable().labels[numbers]
    return right & ~refused


def sheets_read(numbers: Iterable[int]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return for each sheet whether all digits are found in their rows, and how many read rightly.

    Of a sheet on which not all are found, none counts as read.
    """
    found, n_right = [], []
    for number in numbers:
        rng = np.random.default_rng([number, zlib.crc32(SHEET.encode())])
        some = readable().at(rng.choice(len(readable()), N_ON_SHEET, replace=False))
        try:
            digits = find_digits(draw_sheet(some.pixels, rng), whole=True)
        except PictureError:
            found.append(False)
            n_right.append(0)
            continue
        found.append([sum(map(len, row)) for row in digits.rows] == [4, 4, 4])
        answers = [one.answer for one in read_sheet(digits, Network.load(READER)).digits]
        right = [
            answer is not None and answer.digit == label
            for answer, label in zip(answers, some.labels, strict=False)
        ]
        n_right.append(sum(right) if found[-1] else 0)
    return np.array(found), np.array(n_right)


def _answers(images: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.asarray(Network.load(READER).predict(images).argmax(axis=1), np.int64)


def measure(kinds: Sequence[str], n_pages: int) -> Sequence[Row]:
    rows: list[Row] = []
    n_right = n_all = 0
    for kind in kinds:
        if kind == SHEET:
            found, read = sheets_read(range(n_pages))
            missed = np.flatnonzero(~found).tolist()
            print(f"B21  {kind}: {found.sum()} of {n_pages} found; not: {missed}", flush=True)
            shares = {"all found": found.mean(), "digits read": read.mean() / N_ON_SHEET}
            rows += [
                Row(f"{kind}, {what}", 100 * float(share), "%", GOAL, True)
                for what, share in shares.items()
            ]
            continue
        n = min(n_pages, MAX_LARGE) if kind == LARGE else n_pages
        right = read_rightly(kind, range(n))
        wrong = np.flatnonzero(~right).tolist()
        print(f"B21  {kind}: {right.sum()} of {n}; not read: {wrong}", flush=True)
        rows.append(Row(kind, 100 * float(right.mean()), "%", GOAL, True))
        n_right, n_all = n_right + int(right.sum()), n_all + n
    if n_all:
        rows.append(Row(f"all {n_all:,} pages", 100 * n_right / n_all, "%", GOAL, True))
    large = page(LARGE, 0)
    rows.append(
        Row("a photograph of 12 million pixels to a drawing", _milliseconds(large), "ms", 1000)
    )
    return rows


def _milliseconds(data: bytes) -> float:
    times = []
    for _ in range(5):
        started = time.perf_counter()
        ink_from_picture(data)
        times.append(1000 * (time.perf_counter() - started))
    return median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pages", type=int, default=100, help="pages of each kind")
    every = [*KINDS, SHEET]
    parser.add_argument("--kinds", nargs="+", default=every, choices=every)
    arguments, others = parser.parse_known_args()
    sys.argv[1:] = others  # what is left is for the report
    report("B21", lambda: measure(arguments.kinds, arguments.pages))


if __name__ == "__main__":
    main()
