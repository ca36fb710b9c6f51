"""Effects of changing the image on the answer and on a layer's maps."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cnn_lab.data.pixels import sampled
from cnn_lab.explain.receptive_field import seen_by
from cnn_lab.network import Network
from cnn_lab.ops.types import Array, Images, as_finite_images

Change = Literal["shift", "turn_deg", "scale", "light", "blur_px"]

CHANGES: tuple[Change, ...] = get_args(Change)
MAX_SCALE = 8
MAX_BLUR_PX = 20
FAR = 30  # standard deviations beyond which a Gaussian is zero in single precision


def changed(
    images: Array,
    *,
    shift: tuple[float, float] = (0, 0),
    turn_deg: float = 0,
    scale: float = 1,
    light: float = 1,
    blur_px: float = 0,
) -> Images:
    """Return images scaled, rotated and shifted, then blurred, then dimmed or brightened.

    Parameters
    ----------
    images : ndarray of float, shape (n, height, width, channels)
        Any numbers, a layer's maps too; only `light` needs them in [0, 1].
    shift : (float, float)
        Pixels (down, right). Pixels that leave are lost; zeros enter.
    turn_deg : float
        Degrees anticlockwise, about the middle of the image.
    scale : float
        Scale factor about the middle, from 1/8 to 8.
    light : float
        Factor of each value, at least 0; unless it is 1, values are clipped to [0, 1].
    blur_px : float
        Standard deviation of a Gaussian blur, from 0 to 20.

    Returns
    -------
    ndarray of float32, shape (n, height, width, channels)
        Interpolated bilinearly. Whole shifts, and quarter turns of a square, are exact; without
        any change the images are returned exactly.

    Raises
    ------
    ShapeError
        If the images do not have four axes.
    ValueError
        If a number is not finite or out of range.

    Notes
    -----
    A picture that is made much smaller is sampled at few places; blur it first if that shows.
    """
    images = as_finite_images(images)
    if len(shift) != 2 or not all(map(math.isfinite, (*shift, turn_deg))):
        raise ValueError(
            "`shift` must be two numbers and `turn_deg` one, all finite. "
            f"Received: shift={shift}, turn_deg={turn_deg}"
        )
    for name, value, least, most in (
        ("scale", scale, 1 / MAX_SCALE, MAX_SCALE),
        ("light", light, 0, math.inf),
        ("blur_px", blur_px, 0, MAX_BLUR_PX),
    ):
        if not (least <= value <= most and math.isfinite(value)):
            raise ValueError(f"`{name}` must be from {least} to {most}. Received: {name}={value}")
    result = np.array(images, np.float32)
    if any(shift) or turn_deg or scale != 1:
        result = sampled(result, *_places(result.shape, shift, turn_deg, scale))
    if blur_px:
        down, right = (_bells(length, blur_px) for length in result.shape[1:3])
        along = np.moveaxis(result, 3, 1)  # (n, channels, height, width)
        result = np.ascontiguousarray(np.moveaxis(down @ along @ right, 1, 3))
    if light != 1:
        result = np.clip(result * np.float32(light), 0, 1)
    return result


def answer_curve(
    network: Network, image: Array, change: Change, values: Iterable[Any]
) -> NDArray[np.float32]:
    """Return the probabilities of a network for a range of one change of an image.

    Parameters
    ----------
    network : Network
    image : ndarray of float32 in [0, 1], shape (height, width, channels)
    change : {"shift", "turn_deg", "scale", "light", "blur_px"}
        A parameter of `changed`.
    values : iterable of float, or of (float, float) for "shift"

    Returns
    -------
    ndarray of float32, shape (number of values, classes)

    Raises
    ------
    ShapeError
        If the image is not of the network's input shape.
    ValueError
        If the change does not exist, or a value is out of range.
    """
    if change not in CHANGES:
        raise ValueError(f"`change` must be one of {', '.join(CHANGES)}. Received: {change!r}")
    images = network.one_image(image)[np.newaxis]
    made = [changed(images, **{change: value}) for value in values]
    answers = network.predict(np.concatenate(made)) if made else network.predict(images[:0])
    return np.asarray(answers.reshape(len(made), network.spec.n_classes), np.float32)


def equivariance(network: Network, image: Array, layer: str, shift: tuple[float, float]) -> float:
    """Return how far a layer's maps are from being equivariant to a shift of the image.

    Parameters
    ----------
    network : Network
    image : ndarray of float32 in [0, 1], shape (height, width, channels)
    layer : str
        A layer that outputs maps.
    shift : (float, float)
        Pixels of the image (down, right). If the layer's units are several pixels apart, its maps
        are shifted by correspondingly fewer units, with interpolation between units.

    Returns
    -------
    float
        Norm of the difference between the maps of the shifted image and the shifted maps of the
        image, divided by the larger of their norms: 0 if they are the same. Only units whose
        source is inside the maps are counted; without any, 0.

    Raises
    ------
    ShapeError
        If the image is not of the network's input shape, or the layer does not output maps.
    ValueError
        If the layer does not exist, or `shift` is not two finite numbers.

    Notes
    -----
    A convolution with stride 1 reaches 0 except at its borders, because of zero padding. With a
    larger stride, or pooling, only shifts that are multiples of the stride are exact.

    References
    ----------
    .. [1] Zhang (2019), "Making convolutional networks shift-invariant again",
       arXiv:1904.11486, section 3.1.
    """
    row = network.spec.find_maps(layer)
    image = network.one_image(image)
    size = row.output_shape[:2]
    before, of_moved = (made[layer] for made in _before_and_after(network, image, shift))
    steps = _steps(network, layer, size)
    units = shift[0] / steps[0], shift[1] / steps[1]
    expected = changed(before, shift=units)
    down, right = (
        (np.arange(length) - by >= 0) & (np.arange(length) - by <= length - 1)
        for length, by in zip(size, units, strict=True)
    )
    ours, wanted = (maps[0][np.ix_(down, right)] for maps in (of_moved, expected))
    return _apart(ours, wanted)


@dataclass(frozen=True)
class Following:
    """Response of a layer to a shift of the image.

    Attributes
    ----------
    layer : str
    astray : float or None
        Relative difference from the shifted original maps, without what leaves the image; 0 is
        equivariant. None without maps.
    change : float
        Relative difference from the original numbers, place by place; 0 is invariant.
    """

    layer: str
    astray: float | None
    change: float


def staying(image: Array, shift: tuple[float, float]) -> Images:
    """Return an image without the pixels that a shift moves out of it.

    Parameters
    ----------
    image : ndarray, shape (height, width, channels)
    shift : (float, float)
        Pixels (down, right).

    Returns
    -------
    ndarray of float32, shape (height, width, channels)
        Zero where a pixel would leave. For whole shifts, shifting it gives the same as shifting
        the image.

    Examples
    --------
    >>> staying(np.arange(1.0, 5).reshape(2, 2, 1), (0, 1))[..., 0]
    array([[1., 0.],
           [3., 0.]], dtype=float32)
    """
    [image] = as_finite_images([image])
    down, right = (
        (np.arange(length) + by >= 0) & (np.arange(length) + by <= length - 1)
        for length, by in zip(image.shape[:2], shift, strict=True)
    )
    inside = (down[:, np.newaxis] & right)[..., np.newaxis]
    return np.where(inside, image, 0).astype(np.float32)


def following(network: Network, image: Array, shift: tuple[float, float]) -> list[Following]:
    """Return the response of each layer to a shift.

    What leaves the image is taken out of it before its maps are compared with the shifted ones:
    no layer could follow it, whatever its strides.

    Parameters
    ----------
    network : Network
    image : ndarray of float32 in [0, 1], shape (height, width, channels)
    shift : (float, float)
        Pixels (down, right).

    Returns
    -------
    list of Following
        Without layers that only pass numbers on.

    Notes
    -----
    Two images through the network for each layer with maps: 40 ms for the paper's.
    """
    image = network.one_image(image)
    first, moved = _before_and_after(network, image, shift)
    kept = staying(image, shift)
    rows = []
    for layer in network.spec.layers:
        if layer.passes_through:
            continue
        before, after = first[layer.name][0], moved[layer.name][0]
        astray = equivariance(network, kept, layer.name, shift) if before.ndim == 3 else None
        rows.append(Following(layer.name, astray, _apart(before, after)))
    return rows


def _before_and_after(
    network: Network, image: Array, shift: tuple[float, float]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the activations of an image and of the shifted one, each by a pass of its own.

    In one batch, equal images can differ in the last bit: on some processors a product of
    matrices rounds the rows at its end otherwise.
    """
    images = image[np.newaxis]
    return network.activations(images), network.activations(changed(images, shift=shift))


def _places(
    shape: tuple[int, ...], shift: tuple[float, float], turn_deg: float, scale: float
) -> tuple[Array, Array]:
    """Return the source of each pixel of the result: rows and columns, each (n, height, width)."""
    n, height, width, _ = shape
    middle = (height - 1) / 2, (width - 1) / 2
    down = (np.arange(height) - middle[0] - shift[0])[:, np.newaxis]
    right = np.arange(width) - middle[1] - shift[1]
    quarter, rest = divmod(turn_deg, 90)
    cos, sin = math.cos(math.radians(rest)), math.sin(math.radians(rest))
    for _ in range(int(quarter) % 4):  # so that a quarter turn is exact
        cos, sin = -sin, cos
    rows = (cos * down + sin * right) / scale + middle[0]
    columns = (cos * right - sin * down) / scale + middle[1]
    full = n, height, width
    return (
        np.broadcast_to(rows.astype(np.float32), full),
        np.broadcast_to(columns.astype(np.float32), full),
    )


def _bells(length: int, blur_px: float) -> Images:
    """Return the blur of a row as a symmetric matrix, shape (length, length)."""
    far = max(length, math.ceil(6 * blur_px))
    away = np.abs(np.arange(length)[:, np.newaxis] - np.arange(length))
    bell = np.exp(-(np.minimum(np.arange(far + 1) / blur_px, FAR) ** 2) / 2)
    return np.asarray(bell[away] / (2 * bell.sum() - bell[0]), np.float32)


def _steps(network: Network, layer: str, size: tuple[int, ...]) -> tuple[int, int]:
    """Return the distance between units in pixels of the image, down and right."""
    first = seen_by(network.spec, layer, 0, 0)
    last = seen_by(network.spec, layer, size[0] - 1, size[1] - 1)
    return (
        (last.first_row - first.first_row) // max(size[0] - 1, 1) or 1,
        (last.first_column - first.first_column) // max(size[1] - 1, 1) or 1,
    )


def _apart(before: Array, after: Array) -> float:
    """Return the norm of a difference divided by the larger norm."""
    longer = max(float(np.linalg.norm(before)), float(np.linalg.norm(after)))
    return float(np.linalg.norm(before - after)) / longer if longer else 0.0
