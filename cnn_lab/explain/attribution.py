"""Attribution of an answer to pixels: saliency, Grad-CAM and occlusion."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnn_lab.explain.receptive_field import nearest_place
from cnn_lab.network import Network
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array, Pair, check_at_least, check_class

Heat = NDArray[np.float32]

MIN_PROBABILITY = 1e-30


def saliency(network: Network, image: Array, digit: int) -> Heat:
    """Return the sensitivity of a class's score to each pixel.

    Parameters
    ----------
    network : Network
    image : ndarray of float32 in [0, 1], shape (height, width, channels)
    digit : int
        The class, from 0.

    Returns
    -------
    ndarray of float32, at least 0, shape (height, width)
        Magnitude of the gradient of the score (`Slopes.score`); the maximum over channels.

    Raises
    ------
    ShapeError
        If the image is not of the network's input shape.
    ValueError
        If the class does not exist.

    Notes
    -----
    A gradient describes only very small changes, and where the score has saturated it is small
    however much the pixel matters.

    References
    ----------
    .. [1] Simonyan, Vedaldi and Zisserman (2013), arXiv:1312.6034, section 3.
    """
    slopes = network.slopes(network.one_image(image), digit)
    return np.asarray(np.abs(slopes.of_image).max(axis=-1), np.float32)


def grad_cam(network: Network, image: Array, digit: int, layer: str) -> Heat:
    """Return where a layer's maps support a class.

    Each map is weighted by the mean gradient of the score with respect to it; the positive part
    of the sum is returned.

    Parameters
    ----------
    network : Network
    image : ndarray of float32 in [0, 1], shape (height, width, channels)
    digit : int
        The class, from 0.
    layer : str
        A layer that outputs maps, other than a final softmax.

    Returns
    -------
    ndarray of float32, at least 0, shape (rows, columns) of the maps

    Raises
    ------
    ShapeError
        If the image is not of the network's input shape, or the layer does not output maps.
    ValueError
        If the class or layer does not exist, or the layer comes after the score.

    Notes
    -----
    Finer in early layers and closer to the answer in late ones; usually the last maps are used.

    References
    ----------
    .. [1] Selvaraju et al. (2017), arXiv:1610.02391, equations 1 and 2.
    """
    network.spec.find_maps(layer)
    slopes = network.slopes(network.one_image(image), digit)
    if layer not in slopes.values:
        raise ValueError(
            f"`layer` must come before the softmax that ends the network. Received: layer={layer!r}"
        )
    counts = slopes.of_values[layer].mean(axis=(0, 1))
    return np.asarray(np.maximum(slopes.values[layer] @ counts, 0), np.float32)


def cam_layers(spec: NetworkSpec) -> list[str]:
    """Return the layers that `grad_cam` can use, by name: those with maps, without dropout."""
    scoring = {layer.name for layer in spec.scoring_layers}
    return [
        row.name
        for layer, row in zip(spec.layers, spec.summary(), strict=True)
        if layer.name in scoring and len(row.output_shape) == 3 and not layer.drops
    ]


def last_convolution(spec: NetworkSpec) -> str:
    """Return the layer with the last convolution's maps, after normalization and activation.

    One that leaves a single number of each map is passed over: it no longer says where. Without
    any convolution, the last layer with maps.

    Raises
    ------
    ValueError
        If no layer outputs maps.
    """
    usable = cam_layers(spec)
    if not usable:
        raise ValueError(f"No layer outputs maps. Received: spec.name={spec.name!r}")
    found, reached = usable[-1], False
    for layer, row in zip(spec.layers, spec.summary(), strict=True):
        if layer.name not in usable:
            continue
        wide = row.output_shape[0] * row.output_shape[1] > 1
        if layer.convolves and wide:
            found, reached = layer.name, True
        elif reached and layer.keeps_shape:
            found = layer.name
        else:
            reached = False
    return found


@dataclass(frozen=True)
class Occlusion:
    """Probabilities of a class while a square covers part of the image.

    Attributes
    ----------
    probabilities : ndarray of float32, shape (rows, columns)
        Probability of the class with the square's middle at pixel (row x step, column x step).
    size, step : int
        Side and step of the square in pixels.
    before : float
        Probability with nothing covered.
    """

    probabilities: Heat
    size: int
    step: int
    before: float

    def lost_at_pixels(self, size: Pair) -> Heat:
        """Return the drop in probability with the square's middle at or near each pixel.

        Parameters
        ----------
        size : (int, int)
            Rows and columns of the image.

        Returns
        -------
        ndarray, shape (rows, columns)
            Above 0 where covering lowers the probability.
        """
        down, right = (
            nearest_place(np.arange(length), 0, (n - 1) * self.step, n)
            for length, n in zip(size, self.probabilities.shape, strict=True)
        )
        return self.lost[np.ix_(down, right)]

    @property
    def lost(self) -> Heat:
        """Drop in probability at each place; below 0 where covering raises it."""
        return np.asarray(self.before - self.probabilities, np.float32)

    @property
    def times_as_probable(self) -> NDArray[np.float64]:
        """Factor by which covering each place multiplies the probability; 1 for no change.

        A class that the network rules out has a probability near 0 whatever is covered; the
        factor still shows where the reasons are.
        """
        after = np.maximum(self.probabilities, MIN_PROBABILITY).astype(float)
        return np.asarray(after / max(self.before, MIN_PROBABILITY))


def occlusion(
    network: Network,
    image: Array,
    digit: int,
    *,
    size: int = 5,
    step: int = 2,
    fill: float = 0.0,
) -> Occlusion:
    """Cover an image with a square, place by place, and return the probabilities of a class.

    Parameters
    ----------
    network : Network
    image : ndarray of float32 in [0, 1], shape (height, width, channels)
    digit : int
        The class, from 0.
    size : int
        Side of the square in pixels, at least 1. If it is even, the pixel after the middle counts
        as the middle.
    step : int
        Pixels from one place to the next, at least 1. The first middle is the first pixel, so
        the square may extend beyond the border.
    fill : float
        Value of the square, from 0 to 1.

    Raises
    ------
    ShapeError
        If the image is not of the network's input shape.
    ValueError
        If the class does not exist, or a number is out of range.

    Notes
    -----
    One prediction per place where the square changes anything: about 100 of 196 for a digit,
    5 x 5 in steps of 2, which take the paper's network about a tenth of a second.

    References
    ----------
    .. [1] Zeiler and Fergus (2014), arXiv:1311.2901, section 4.2.
    """
    check_at_least(1, size=size, step=step)
    if not 0 <= fill <= 1:
        raise ValueError(f"`fill` must be from 0 to 1. Received: fill={fill}")
    check_class(network.spec.n_classes, digit=digit)
    image = network.one_image(image)
    middles = [range(0, length, step) for length in image.shape[:2]]
    covered = np.tile(image, (len(middles[0]), len(middles[1]), 1, 1, 1))
    for row, down in enumerate(middles[0]):
        for column, right in enumerate(middles[1]):
            top, left = max(down - size // 2, 0), max(right - size // 2, 0)
            bottom, end = down - size // 2 + size, right - size // 2 + size
            covered[row, column, top:bottom, left:end] = fill
    before = float(network.predict(image[np.newaxis]).reshape(-1)[digit])
    probabilities = np.full(covered.shape[:2], before, np.float32)
    differs = (covered != image).any(axis=(2, 3, 4))
    answers = network.predict(covered[differs])
    probabilities[differs] = answers.reshape(len(answers), -1)[:, digit]
    return Occlusion(probabilities, size, step, before)
