"""A run's snapshots as what a browser needs to move through them without asking again."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnn_lab.charts.maps import Picture, Tone
from cnn_lab.charts.snapshots import filters_picture, largest, maps_picture

Counts = NDArray[np.int64]

DARKEST = 0.92  # of a cell of the confusion matrix, where 1 is all ink
ACCURACY_TICKS = (0.5, 0.9, 0.99, 0.999)
LEAST_ACCURACY = 0.05


class Moment(Protocol):
    """What is shown of a `cnn_lab.runs.snapshot.Snapshot`."""

    @property
    def n_images(self) -> int:
        """Images trained on until then."""

    @property
    def kernels(self) -> NDArray[np.float32]:
        """Of the first convolution, shape (height, width, channels, filters)."""

    @property
    def maps(self) -> NDArray[np.float32]:
        """What they make of the watched images, shape (images, height, width, filters)."""

    @property
    def confusion(self) -> Counts:
        """What was read as what, rows are the truth."""

    @property
    def n_judged(self) -> int:
        """Images counted there."""


@dataclass(frozen=True)
class Sheet:
    """Pictures of one size, all in one file, row by row.

    Attributes
    ----------
    webp : bytes
        Without loss: half the bytes that a PNG would take.
    width, height : int
        Of one picture.
    columns : int
        Pictures beside each other.
    limit : float
        The number that has the full colour, in all of them.
    """

    webp: bytes
    width: int
    height: int
    columns: int
    limit: float


@dataclass(frozen=True)
class Curve:
    """A curve over a run, both coordinates in [0, 1] from the left and from below.

    Attributes
    ----------
    points : list of (float, float)
        One for each snapshot.
    ticks : list of (float, str)
        Heights with their labels.
    """

    points: list[tuple[float, float]]
    ticks: list[tuple[float, str]]


def filters_sheet(snapshots: Sequence[Moment], *, tone: Tone) -> Sheet | None:
    """Return the first layer's kernels at each moment; None where a network has none."""
    kernels = [snapshot.kernels for snapshot in snapshots]
    limit = largest(kernels)
    if not kernels or not kernels[0].size:
        return None
    return _sheet([filters_picture(one, limit=limit, tone=tone) for one in kernels], limit)


def maps_sheet(snapshots: Sequence[Moment], image: int, *, tone: Tone) -> Sheet | None:
    """Return the first layer's maps of one image at each moment; None where there are none.

    Parameters
    ----------
    snapshots : sequence of Moment
    image : int
        Which of the watched images, from 0.
    tone : {"light", "dark"}

    Notes
    -----
    150 moments of 32 maps of 28 x 28 numbers take a second; the file has 0.7 MB.
    """
    maps = [snapshot.maps[image] for snapshot in snapshots]
    limit = largest(maps)
    if not maps or not maps[0].size:
        return None
    return _sheet([maps_picture(one, limit=limit, tone=tone) for one in maps], limit)


def accuracy_curve(snapshots: Sequence[Moment], *, n_images: int) -> Curve:
    """Return how much each snapshot read correctly of the images it judged.

    The axis is stretched towards 100 % as that of the run's own chart: by the logarithm of
    what is missing. It ends where half an image of those judged would be missing.

    Parameters
    ----------
    snapshots : sequence of Moment
    n_images : int
        That the run was to be trained on: the right end of the curve.
    """
    least_missing = 0.5 / max(snapshot.n_judged for snapshot in snapshots)
    points = []
    for snapshot in snapshots:
        accuracy = float(np.trace(snapshot.confusion)) / snapshot.n_judged
        at = min(snapshot.n_images / n_images, 1.0)
        points.append((round(at, 4), round(_height(accuracy, least_missing), 4)))
    ticks = [
        (round(_height(tick, least_missing), 4), f"{tick:.1%}".replace(".0%", "%"))
        for tick in ACCURACY_TICKS
        if 1 - tick > least_missing
    ]
    return Curve(points, ticks)


def shades(snapshots: Sequence[Moment]) -> list[float]:
    """Return how dark a cell with 0, 1, 2 ... images is, in [0, 1]: the same at every moment.

    By the square root, so that single errors are seen.
    """
    most = max(int(snapshot.confusion.max(initial=0)) for snapshot in snapshots)
    counts = np.arange(most + 1)
    return [round(float(one), 3) for one in DARKEST * np.sqrt(counts / max(most, 1))]


def _height(accuracy: float, least_missing: float) -> float:
    """Return where an accuracy stands on the axis, in [0, 1]."""
    missing = np.clip(1 - accuracy, least_missing, 1 - LEAST_ACCURACY)
    low, high = math.log(1 - LEAST_ACCURACY), math.log(least_missing)
    return (math.log(missing) - low) / (high - low)


def _sheet(pictures: Sequence[Picture], limit: float) -> Sheet:
    """Lay pictures of one size into a sheet that is about as wide as it is high."""
    height, width, channels = pictures[0].shape
    columns = max(1, math.ceil(math.sqrt(len(pictures) * height / width)))
    rows = math.ceil(len(pictures) / columns)
    cells: NDArray[np.uint8] = np.zeros((rows * columns, height, width, channels), np.uint8)
    cells[: len(pictures)] = pictures
    grid: NDArray[Any] = cells.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    buffer = io.BytesIO()
    image = Image.fromarray(grid.reshape(rows * height, columns * width, channels))
    image.save(buffer, "WEBP", lossless=True, method=0, quality=50)
    return Sheet(buffer.getvalue(), width, height, columns, limit)
