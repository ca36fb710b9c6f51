"""Training images changed a little, each time anew, so that a network sees no image twice.

One sampling pass carries all that moves pixels; thickness and light follow.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cnn_lab.data.pixels import grown, sampled
from cnn_lab.data.regional_strokes import with_regional_strokes
from cnn_lab.network.spec import Augmentation
from cnn_lab.ops.types import Array, Images, ShapeError

MESHES = 7  # to a side: 4 pixels each of 28, over which Simard et al. smooth
PART = 32  # images at a time, to stay in the processor's cache
GROWN = 2  # pixels that a window of 3 x 3 adds to a stroke, one on either side


def augmented(
    images: Array,
    settings: Augmentation,
    numbers: np.random.Generator,
    *,
    digits: NDArray[np.integer] | None = None,
) -> Images:
    """Return images of which each was changed in its own way.

    Every change is drawn evenly between its bounds. First digits get the strokes of other hands,
    see `cnn_lab.data.regional_strokes`. Then an image is turned, leant, sized,
    shifted and pulled about, all in one map from each pixel of the result to a place in the
    original, where it is read between pixels; what comes from outside is zero. Then strokes
    are made thicker or thinner, and last the light is changed.

    Parameters
    ----------
    images : ndarray of float in [0, 1], shape (n, height, width, channels)
        Channels are moved together.
    settings : Augmentation
        With all bounds at zero the images themselves are returned.
    numbers : numpy.random.Generator
        What to draw from; the same numbers give the same changes.
    digits : ndarray of int, shape (n,), optional
        Which digits the images show; without them no strokes are added.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (n, height, width, channels)

    Raises
    ------
    ShapeError
        If the images do not have four axes.

    Notes
    -----
    128 MNIST images take 8 ms with everything on and 3.5 ms when they are only turned, on one
    core of a busy machine; CIFAR-10's, of four times as many numbers, 16 ms.

    The displacement is Simard's, a random field smoothed over a seventh of the image, with
    `elastic` as its root mean square everywhere, the borders included; their best setting for
    MNIST is about 1.4 pixels here.

    References
    ----------
    .. [1] Simard, Steinkraus and Platt (2003), "Best Practices for Convolutional Neural
       Networks Applied to Visual Document Analysis", ICDAR.
    """
    if images.ndim != 4:
        raise ShapeError(
            "`images` must have shape (n, height, width, channels). "
            f"Received: images.shape={images.shape}"
        )
    images = np.asarray(images, np.float32)
    if not settings.active or not len(images):
        return images
    if settings.hands and digits is not None:
        images = with_regional_strokes(images, digits, settings.hands, numbers)
    starts = range(0, len(images), PART)
    return np.concatenate([_changed(images[i : i + PART], settings, numbers) for i in starts])


def _changed(images: Images, settings: Augmentation, numbers: np.random.Generator) -> Images:
    if any((settings.shift, settings.rotate, settings.scale, settings.shear, settings.elastic)):
        images = sampled(images, *_places(images, settings, numbers))
    if settings.stroke:
        images = thickened(images, _within(settings.stroke, len(images), numbers))
    if settings.light:
        images = _lit(images, settings.light, numbers)
    return images


def thickened(images: Images, pixels: Array) -> Images:
    """Return images with their strokes thicker, or thinner where `pixels` is below zero.

    Parameters
    ----------
    images : ndarray of float32, shape (n, height, width, channels)
    pixels : ndarray of float32, shape (n,)
        By how much across the stroke, from -2 to 2.

    Notes
    -----
    The image is blended with the largest, or smallest, of each 3 x 3 neighbours, which would
    add or take away a pixel on either side.
    """
    sign = _each(np.where(pixels < 0, np.float32(-1), np.float32(1)))
    share = _each(np.abs(pixels) / np.float32(GROWN))
    # The smallest neighbour is the largest of the negatives.
    around = grown(grown(images * sign, 1), 2)
    around *= sign
    around -= images
    around *= share
    around += images
    return np.asarray(around, np.float32)


def _places(
    images: Images, settings: Augmentation, numbers: np.random.Generator
) -> tuple[Array, Array]:
    """Return the source of each pixel of the result: rows and columns, each (n, height, width)."""
    n, height, width, _ = images.shape
    angle = _within(math.radians(settings.rotate), n, numbers)
    lean = np.tan(_within(math.radians(settings.shear), n, numbers))
    size = 1 + _within(settings.scale, n, numbers)
    drawn = numbers.integers(-settings.shift, settings.shift, (2, n), endpoint=True)
    shift = drawn.astype(np.float32)
    # A result's pixel is shifted back, turned back, sized back and set upright again.
    middle = np.float32((height - 1) / 2), np.float32((width - 1) / 2)
    row = np.arange(height, dtype=np.float32) - middle[0] - shift[0][:, np.newaxis]
    column = np.arange(width, dtype=np.float32) - middle[1] - shift[1][:, np.newaxis]
    row, column = row[:, :, np.newaxis], column[:, np.newaxis, :]
    cos, sin, lean = (
        part[:, np.newaxis, np.newaxis]
        for part in (np.cos(angle) / size, np.sin(angle) / size, lean)
    )
    rows = cos * row + sin * column
    columns = cos * column - sin * row + lean * rows
    if settings.elastic:
        pulls = _pulls(n, height, width, numbers)
        rows += settings.elastic * pulls[0]
        columns += settings.elastic * pulls[1]
    return rows + middle[0], columns + middle[1]


def _within(bound: float, n: int, numbers: np.random.Generator) -> Array:
    """Return `n` numbers of float32, drawn evenly between -bound and bound."""
    return (2 * numbers.random(n, np.float32) - 1) * np.float32(bound)


def _pulls(n: int, height: int, width: int, numbers: np.random.Generator) -> Array:
    """Return random fields, shape (2, n, height, width), of variance 1 at every place.

    A random number at each knot of a coarse net, spread by a bell as wide as a mesh.
    """
    downwards, sideways = _bells(height), _bells(width)
    shape = 2, n, downwards.shape[1], sideways.shape[1]
    knots = (2 * numbers.random(shape, np.float32) - 1) * np.float32(math.sqrt(3))
    return np.asarray(downwards @ knots @ sideways.T, np.float32)


@lru_cache(maxsize=16)
def _bells(length: int) -> Array:
    """Return what each knot counts for at each place of a row; squares add up to 1."""
    knots = np.arange(-1, MESHES + 2) * (length / MESHES)
    away = (np.arange(length)[:, np.newaxis] + 0.5 - knots) / (length / MESHES)
    bell = np.exp(-(away**2) / 2)
    return np.asarray(bell / np.linalg.norm(bell, axis=1, keepdims=True), np.float32)


def _lit(images: Images, bound: float, numbers: np.random.Generator) -> Images:
    """Return images of other contrast and brightness, each in its own way."""
    contrast = 1 + _within(bound, len(images), numbers)
    brighter = _within(bound / 2, len(images), numbers) + (1 - contrast) / 2
    lit = images * _each(contrast)
    lit += _each(brighter)
    return np.asarray(np.clip(lit, 0, 1, out=lit), np.float32)


def _each(values: Array) -> Array:
    """Return one number for each image in the shape that applies it to all its pixels."""
    return values[:, np.newaxis, np.newaxis, np.newaxis]
