"""Pictures of training: augmented images, and the first layer over time."""

import io
import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnn_lab.charts.maps import BLACK, PAPER, Picture, Tone, tile_maps, tile_pictures
from cnn_lab.data.augmentation import augmented
from cnn_lab.data.pens import pen_digits
from cnn_lab.network.spec import Augmentation
from cnn_lab.ops.types import Array, Images

MAX_COLUMNS = 8
DARKEST = 0.92  # shade of a confusion matrix cell, where 1 is black
ACCURACY_TICKS = (0.5, 0.9, 0.99, 0.999)
MIN_ACCURACY = 0.05

Counts = NDArray[np.int64]


def augmented_sheet(
    image: Array,
    settings: Augmentation,
    *,
    n: int = 11,
    columns: int = 6,
    seed: int = 0,
    digit: int | None = None,
) -> Picture:
    """Return an image and `n` variants of it as one picture, the image itself first.

    Parameters
    ----------
    image : ndarray of float in [0, 1], shape (height, width, 1) or (height, width, 3)
    settings : Augmentation
    n : int
        Variants.
    columns : int
        Images per row; the last row may be shorter.
    seed : int
        The same seed shows the same variants, further apart where the bounds are wider.
    digit : int, optional
        The digit in the image, if any, which regional strokes depend on.

    Returns
    -------
    ndarray of uint8, shape (rows of pixels, columns of pixels, 3)
        With one dark grey pixel between images.

    Notes
    -----
    2 ms for a dozen digits.
    """
    first: Images = np.asarray(image[np.newaxis], np.float32)
    digits = None if digit is None else np.full(n, digit)
    numbers = np.random.default_rng(seed)
    variants = augmented(np.repeat(first, n, axis=0), settings, numbers, digits=digits)
    pictures = np.round(255 * np.concatenate([first, variants])).astype(np.uint8)
    return tile_pictures(np.broadcast_to(pictures, (*pictures.shape[:3], 3)), columns=columns)


def pens_sheet(*, n: int = 12, columns: int = 6, seed: int = 0) -> Picture:
    """Return `n` digits of the parametric pen as one picture, the same for the same seed.

    Returns
    -------
    ndarray of uint8, shape (rows of pixels, columns of pixels, 3)
        With one dark grey pixel between images.
    """
    pixels, _, _ = pen_digits(n, seed=seed)
    return tile_pictures(np.broadcast_to(pixels, (*pixels.shape[:3], 3)), columns=columns)


def n_columns(n_tiles: int) -> int:
    """Return the number of tiles per row, with full rows where possible."""
    return next(
        (n for n in range(MAX_COLUMNS, 3, -1) if n_tiles % n == 0), min(n_tiles, MAX_COLUMNS)
    )


def largest(arrays: Iterable[NDArray[np.floating]]) -> float:
    """Return the largest magnitude in any of the arrays, for a common scale."""
    return max((float(np.abs(array).max(initial=0)) for array in arrays), default=0.0)


class Scales:
    """Largest numbers in a run's snapshots so far, of which each is looked at once."""

    def __init__(self) -> None:
        self._looking = threading.Lock()
        self._after: list[tuple[float, list[float]]] = []  # each snapshot

    def of(self, snapshots: Sequence["Moment"]) -> tuple[float, list[float]]:
        """Return the largest magnitude in the kernels, and in the maps of each image.

        Parameters
        ----------
        snapshots : sequence of Moment
            Of the same run each time, from its first one on; at least one.
        """
        with self._looking:
            for number in range(len(self._after), len(snapshots)):
                moment = snapshots[number]
                kernels = largest([moment.kernels])
                maps = [largest([of_image]) for of_image in moment.maps]
                if self._after:
                    before_kernels, before_maps = self._after[-1]
                    kernels = max(kernels, before_kernels)
                    maps = [max(both) for both in zip(maps, before_maps, strict=True)]
                self._after.append((kernels, maps))
            return self._after[len(snapshots) - 1]


def filters_picture(
    kernels: Array, *, limit: float, tone: Tone, columns: int | None = None
) -> Picture:
    """Return a layer's kernels side by side, zero in the colour of the page.

    Parameters
    ----------
    kernels : ndarray, shape (kernel_height, kernel_width, channels, filters)
        With three channels, each kernel is one colour picture, grey where it is zero; with any
        other number, each channel is a tile of its own.
    limit : float
        The weight shown in full colour.
    tone : {"light", "dark"}
    columns : int, optional
        Kernels in a row; by default chosen by `n_columns`.
    """
    height, width, channels, filters = kernels.shape
    if channels == 3:
        shares = np.clip(kernels / max(limit, 1e-12), -1, 1)
        colours = np.round(127.5 * (1 + shares)).astype(np.uint8).transpose(3, 0, 1, 2)
        columns = columns or n_columns(filters)
        return tile_pictures(colours, columns=columns, between=PAPER[tone])
    tiles = kernels.transpose(0, 1, 3, 2).reshape(height, width, filters * channels)
    columns = columns or n_columns(tiles.shape[2])
    return tile_maps(tiles, columns=columns, signed=True, limit=limit, tone=tone)


def maps_picture(maps: Array, *, limit: float, tone: Tone) -> Picture:
    """Return a layer's maps of one image side by side, zero in the colour of the page.

    Parameters
    ----------
    maps : ndarray, shape (height, width, filters)
    limit : float
        The number shown in full colour.
    tone : {"light", "dark"}
    """
    columns = n_columns(maps.shape[2])
    return tile_maps(maps, columns=columns, signed=True, limit=limit, tone=tone)


class Moment(Protocol):
    """The parts of a `cnn_lab.runs.snapshots.Snapshot` that are shown."""

    @property
    def n_images(self) -> int:
        """Images trained on so far."""

    @property
    def kernels(self) -> NDArray[np.float32]:
        """Kernels of the first convolution, shape (height, width, channels, filters)."""

    @property
    def maps(self) -> NDArray[np.float32]:
        """Their maps of the watched images, shape (images, height, width, filters)."""

    @property
    def confusion(self) -> Counts:
        """Confusion matrix; rows are the true classes."""

    @property
    def n_judged(self) -> int:
        """Images in the confusion matrix."""


@dataclass(frozen=True)
class Filmstrip:
    """Pictures of one size in one file, row by row.

    Attributes
    ----------
    webp : bytes
        Lossless; half the size of a PNG.
    width, height : int
        Of one picture.
    columns : int
        Pictures per row.
    limit : float
        The number shown in full colour, in all pictures.
    """

    webp: bytes
    width: int
    height: int
    columns: int
    limit: float


@dataclass(frozen=True)
class Curve:
    """A curve over a run, with both coordinates in [0, 1] from the left and from below.

    Attributes
    ----------
    points : list of (float, float)
        One for each snapshot.
    ticks : list of (float, str)
        Heights with their labels.
    """

    points: list[tuple[float, float]]
    ticks: list[tuple[float, str]]


def filters_film(snapshots: Sequence[Moment], *, tone: Tone) -> Filmstrip | None:
    """Return the first layer's kernels at each moment; None without a convolution."""
    kernels = [snapshot.kernels for snapshot in snapshots]
    limit = largest(kernels)
    if not kernels or not kernels[0].size:
        return None
    return _filmstrip([filters_picture(one, limit=limit, tone=tone) for one in kernels], limit)


def maps_film(snapshots: Sequence[Moment], image: int, *, tone: Tone) -> Filmstrip | None:
    """Return the first layer's maps of one image at each moment; None without a convolution.

    Parameters
    ----------
    snapshots : sequence of Moment
    image : int
        Index of the watched image.
    tone : {"light", "dark"}

    Notes
    -----
    150 moments of 32 maps of 28 x 28 numbers take a second; the file has 0.7 MB.
    """
    maps = [snapshot.maps[image] for snapshot in snapshots]
    limit = largest(maps)
    if not maps or not maps[0].size:
        return None
    return _filmstrip([maps_picture(one, limit=limit, tone=tone) for one in maps], limit)


def _filmstrip(pictures: Sequence[Picture], limit: float) -> Filmstrip:
    """Arrange pictures of one size in one that is about as wide as it is high."""
    height, width, _ = pictures[0].shape
    columns = max(1, math.ceil(math.sqrt(len(pictures) * height / width)))
    laid = tile_pictures(np.stack(pictures), columns=columns, gap=0, between=BLACK)
    buffer = io.BytesIO()
    Image.fromarray(laid).save(buffer, "WEBP", lossless=True, method=0, quality=50)
    return Filmstrip(buffer.getvalue(), width, height, columns, limit)


def accuracy_curve(snapshots: Sequence[Moment], *, n_images: int) -> Curve:
    """Return the accuracy of each snapshot on its validation images.

    The axis is stretched towards 100 %, as in the run's own chart, by the logarithm of the error
    rate. It ends at an error of half an image.

    Parameters
    ----------
    snapshots : sequence of Moment
    n_images : int
        Images that the run was to train on: the right end of the curve.
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


def _height(accuracy: float, least_missing: float) -> float:
    """Return the position of an accuracy on the axis, in [0, 1]."""
    missing = np.clip(1 - accuracy, least_missing, 1 - MIN_ACCURACY)
    low, high = math.log(1 - MIN_ACCURACY), math.log(least_missing)
    return (math.log(missing) - low) / (high - low)


def shades(snapshots: Sequence[Moment]) -> list[float]:
    """Return the shade of a cell with 0, 1, 2 ... images, in [0, 1], the same at every moment.

    Follows the square root, so that single errors are visible.
    """
    most = max(int(snapshot.confusion.max(initial=0)) for snapshot in snapshots)
    counts = np.arange(most + 1)
    return [round(float(one), 3) for one in DARKEST * np.sqrt(counts / max(most, 1))]
