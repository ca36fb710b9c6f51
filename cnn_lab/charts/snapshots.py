"""What a network sees while it is trained, and what its first layer becomes, as pictures."""

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnn_lab.charts.maps import BLACK, PAPER, Picture, Tone, tile_maps, tile_pictures
from cnn_lab.data.augmentation import augmented
from cnn_lab.network.spec import Augmentation
from cnn_lab.ops.types import Array, Images

MAX_COLUMNS = 8
DARKEST = 0.92  # of a cell of the confusion matrix, where 1 is all ink
ACCURACY_TICKS = (0.5, 0.9, 0.99, 0.999)
LEAST_ACCURACY = 0.05

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
        Images beside each other; the last row may stay short.
    seed : int
        The same seed shows the same variants, further apart where the bounds are wider.
    digit : int, optional
        What the image shows, if that is a digit: the strokes of other hands need to know.

    Returns
    -------
    ndarray of uint8, shape (rows of pixels, columns of pixels, 3)
        With a pixel of dark grey between images.

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


def n_columns(n_tiles: int) -> int:
    """Return how many of these tiles stand beside each other: rows are full where possible."""
    return next(
        (n for n in range(MAX_COLUMNS, 3, -1) if n_tiles % n == 0), min(n_tiles, MAX_COLUMNS)
    )


def largest(arrays: Iterable[NDArray[np.floating]]) -> float:
    """Return the largest magnitude in any of the arrays: one scale for all of them."""
    return max((float(np.abs(array).max(initial=0)) for array in arrays), default=0.0)


def filters_picture(kernels: Array, *, limit: float, tone: Tone) -> Picture:
    """Return a layer's kernels side by side, zero in the colour of the page.

    Parameters
    ----------
    kernels : ndarray, shape (kernel_height, kernel_width, channels, filters)
        Of three channels, each kernel is one picture in colours, grey where it is zero; of any
        other number, each channel is a tile of its own.
    limit : float
        The weight that has the full colour.
    tone : {"light", "dark"}
    """
    height, width, channels, filters = kernels.shape
    if channels == 3:
        shares = np.clip(kernels / max(limit, 1e-12), -1, 1)
        colours = np.round(127.5 * (1 + shares)).astype(np.uint8).transpose(3, 0, 1, 2)
        return tile_pictures(colours, columns=n_columns(filters), between=PAPER[tone])
    tiles = kernels.transpose(0, 1, 3, 2).reshape(height, width, filters * channels)
    return maps_picture(tiles, limit=limit, tone=tone)


def maps_picture(maps: Array, *, limit: float, tone: Tone) -> Picture:
    """Return a layer's maps of one image side by side, zero in the colour of the page.

    Parameters
    ----------
    maps : ndarray, shape (height, width, filters)
    limit : float
        The number that has the full colour.
    tone : {"light", "dark"}
    """
    columns = n_columns(maps.shape[2])
    return tile_maps(maps, columns=columns, signed=True, limit=limit, tone=tone)


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
class Filmstrip:
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


def filters_film(snapshots: Sequence[Moment], *, tone: Tone) -> Filmstrip | None:
    """Return the first layer's kernels at each moment; None where a network has none."""
    kernels = [snapshot.kernels for snapshot in snapshots]
    limit = largest(kernels)
    if not kernels or not kernels[0].size:
        return None
    return _filmstrip([filters_picture(one, limit=limit, tone=tone) for one in kernels], limit)


def maps_film(snapshots: Sequence[Moment], image: int, *, tone: Tone) -> Filmstrip | None:
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
    return _filmstrip([maps_picture(one, limit=limit, tone=tone) for one in maps], limit)


def _filmstrip(pictures: Sequence[Picture], limit: float) -> Filmstrip:
    """Lay pictures of one size into one that is about as wide as it is high."""
    height, width, _ = pictures[0].shape
    columns = max(1, math.ceil(math.sqrt(len(pictures) * height / width)))
    laid = tile_pictures(np.stack(pictures), columns=columns, gap=0, between=BLACK)
    buffer = io.BytesIO()
    Image.fromarray(laid).save(buffer, "WEBP", lossless=True, method=0, quality=50)
    return Filmstrip(buffer.getvalue(), width, height, columns, limit)


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


def _height(accuracy: float, least_missing: float) -> float:
    """Return where an accuracy stands on the axis, in [0, 1]."""
    missing = np.clip(1 - accuracy, least_missing, 1 - LEAST_ACCURACY)
    low, high = math.log(1 - LEAST_ACCURACY), math.log(least_missing)
    return (math.log(missing) - low) / (high - low)


def shades(snapshots: Sequence[Moment]) -> list[float]:
    """Return how dark a cell with 0, 1, 2 ... images is, in [0, 1]: the same at every moment.

    By the square root, so that single errors are seen.
    """
    most = max(int(snapshot.confusion.max(initial=0)) for snapshot in snapshots)
    counts = np.arange(most + 1)
    return [round(float(one), 3) for one in DARKEST * np.sqrt(counts / max(most, 1))]
