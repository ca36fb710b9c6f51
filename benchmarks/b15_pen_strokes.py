"""B15: digits that other writers drew with a pen, through the pipeline of the Draw page.

The data is not part of the project: UCI's Pen-Based Recognition of Handwritten Digits (Alpaydin
and Alimoglu, CC BY 4.0) as one .npz with `points` (x, y; y grows downwards), `stroke_lengths`,
`strokes_per_drawing` and `labels`, all flattened in order. Give its path:

    python -m benchmarks.b15_pen_strokes pen_strokes.npz [--models champion paper] [--every 5]

Each drawing is scaled to 200 pixels, laid in the middle of the canvas and drawn with round brushes.
The first network named also reads MNIST's own digits, changed and prepared again.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import perturbed
from benchmarks.report import Row, median, report, spread
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.strokes import SIDE_PX, Stroke, ink
from cnn_lab.network import Network

LONGER_PX = 200
BRUSHES_PX = (8, 14, 20, 28)
GOAL, GOAL_WORST, GOAL_DIGIT = 99.0, 98.8, 96.0

Strokes = list[NDArray[np.float64]]


def drawings(path: Path) -> Iterator[tuple[Strokes, int]]:
    """Yield each drawing as its strokes, arrays of (x, y), with its label."""
    with np.load(path, allow_pickle=False) as data:
        points, lengths = data["points"].astype(float), data["stroke_lengths"].astype(int)
        counts, labels = data["strokes_per_drawing"].astype(int), data["labels"]
    strokes = np.split(points, np.cumsum(lengths)[:-1])
    ends = np.cumsum(counts)
    for end, count, label in zip(ends, counts, labels, strict=True):
        yield strokes[end - count : end], int(label)


def render(strokes: Strokes, brush_px: int) -> NDArray[np.uint8]:
    """Draw strokes as the canvas does, shape (280, 280, 4)."""
    every = np.concatenate(strokes)
    low, high = every.min(axis=0), every.max(axis=0)
    scale = LONGER_PX / max(float((high - low).max()), 1.0)
    lines = [(stroke - (low + high) / 2) * scale + SIDE_PX / 2 for stroke in strokes]
    grey = ink([Stroke("pen", brush_px, tuple((x, y) for x, y in line.tolist())) for line in lines])
    return np.dstack([grey, grey, grey, np.full_like(grey, 255)])


def prepared(
    every: Sequence[tuple[Strokes, int]], brush_px: int
) -> tuple[NDArray[np.float32], float]:
    """Return all images as the network gets them, and the median milliseconds for one."""
    images, times = [], []
    for strokes, _ in every:
        rgba = render(strokes, brush_px)
        started = time.perf_counter()
        image = prepare_digit(rgba)
        times.append(1000 * (time.perf_counter() - started))
        assert image is not None
        images.append(image)
    return np.stack(images)[..., np.newaxis], median(times)


def measure(data: Path, *, models: Sequence[str], step: int) -> Sequence[Row]:
    every = list(drawings(data))[::step]
    labels = np.array([label for _, label in every])
    networks = {name: Network.load(name) for name in models}
    accuracies: dict[str, list[float]] = {name: [] for name in networks}
    by_digit: dict[str, list[list[float]]] = {name: [] for name in networks}
    for brush_px in BRUSHES_PX:
        images, prepare_ms = prepared(every, brush_px)
        print(
            f"B15  {len(every):,} drawings, brush {brush_px}: prepared in {prepare_ms:.1f} ms each"
        )
        for name, network in networks.items():
            right = network.predict(images).argmax(axis=1) == labels
            accuracies[name].append(100 * float(right.mean()))
            of_digit = [100 * float(right[labels == digit].mean()) for digit in range(10)]
            by_digit[name].append(of_digit)
            print(
                f"B15  {name}: {accuracies[name][-1]:.2f} %, {int((~right).sum()):,} errors; "
                f"digits 0 to 9: {' '.join(f'{share:.1f}' for share in of_digit)}",
                flush=True,
            )
    rows, first = [], models[0]
    worst_digit = float(np.mean(by_digit[first], axis=0).min())
    for name, values in accuracies.items():
        mean, worst = float(np.mean(values)), min(values)
        # The goals are the reader's; the others show what it is worth.
        goals = (GOAL, GOAL_WORST) if name == first else (None, None)
        rows += [
            Row(
                f"pen strokes of other writers, {name}, mean of brushes", mean, "%", goals[0], True
            ),
            Row(f"pen strokes of other writers, {name}, worst brush", worst, "%", goals[1], True),
            Row(
                f"pen strokes of other writers, {name}, spread over brushes",
                spread(values),
                "points",
            ),
            Row(
                f"pen strokes of other writers, {name}, errors of {len(every):,}, mean of brushes",
                len(every) * (1 - mean / 100),
                "",
            ),
        ]
    rows.append(
        Row(f"pen strokes, {first}: the digit read worst", worst_digit, "%", GOAL_DIGIT, True)
    )
    return [*rows, *perturbed.rows(networks[first], first)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="?", help="the pen strokes, .npz")
    parser.add_argument("--models", nargs="+", default=["champion", "record", "paper", "fast"])
    parser.add_argument("--every", type=int, default=1, help="take one drawing in so many")
    arguments, others = parser.parse_known_args()
    if arguments.data is None:
        print("B15  not measured: the data is not part of the project, so give its path")
        return
    sys.argv[1:] = others  # what is left is for the report
    report("B15", lambda: measure(arguments.data, models=arguments.models, step=arguments.every))


if __name__ == "__main__":
    main()
