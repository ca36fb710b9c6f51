"""Images that a class or a filter of a network responds to most, by gradient ascent."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from cnn_lab.explain.changes import changed
from cnn_lab.network import Network
from cnn_lab.network.passes import forward
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array, ShapeError, check_at_least

Outcome = Literal["going", "done", "flat"]

N_STEPS = 60
STEP = 0.5  # L2 norm of a step
JITTER_PX = 1
BLURS_PX = (1.5, 0.6)  # of the gradient, at the first step and at the last
KEPT = 0.99  # of each pixel's brightness, after a step
NOISE = 0.3  # brightest pixel of the noise that a dream begins with


@dataclass(frozen=True)
class Aim:
    """What is to respond.

    Attributes
    ----------
    layer : str
        One of `dream_layers`.
    channel : int
        Its map or unit, from 0; a class, if the layer is the last one before the softmax.
    """

    layer: str
    channel: int


@dataclass(frozen=True, eq=False)
class Frame:
    """A dream after some steps.

    Attributes
    ----------
    image : ndarray of float32 in [0, 1], shape (height, width, channels)
    response : float
        See `Dream`.
    numbers : ndarray of float32, shape (rows, columns), or ()
        What the response is taken from: the map, or the unit's number.
    probabilities : ndarray of float32, shape (classes,)
        What the network answers.
    """

    image: Array
    response: float
    numbers: Array
    probabilities: Array


def dream_layers(spec: NetworkSpec) -> dict[str, int]:
    """Return the layers that a dream can aim at, and how many maps or units each has.

    Dropout, which does nothing after training, is left out, and so is a layer that is only the
    final softmax: all classes share it, so a class is seen by its score.
    """
    scoring = {layer.name for layer in spec.scoring_layers}
    return {
        row.name: row.output_shape[-1]
        for layer, row in zip(spec.layers, spec.summary(), strict=True)
        if layer.name in scoring and not layer.drops
    }


def noise(shape: tuple[int, ...], seed: int) -> Array:
    """Return faint noise to begin a dream with, float32 from 0 to 0.3."""
    numbers = np.random.default_rng(seed)
    return (NOISE * numbers.uniform(size=shape)).astype(np.float32)


class Dream:
    """An image that changes, step by step, so that a class or a filter responds more to it.

    The response of a unit is its number, and that of a map the mean of its numbers, those below
    zero counted as 0. Both are taken before the layer's activation, which for ReLU makes no
    difference to a map; the softmax would let a class gain by lowering the others.

    Each step goes the same length along the gradient of the response. Three things keep the image
    from turning into fine grain that responds as well but shows nothing: the gradient is blurred,
    less and less; it is taken of the image shifted by up to a pixel at random; and the image fades
    by a hundredth. Pixels stay within [0, 1].

    Parameters
    ----------
    network : Network
    aim : Aim
    start : ndarray of float32 in [0, 1], shape (height, width, channels)
    seed : int
        Of the shifts, at least 0.

    Attributes
    ----------
    frames : list of Frame
        The dream so far; the first is the start.
    layers : tuple of layers
        Those of the network up to the response.
    outcome : {"going", "done", "flat"}
        "done" after `N_STEPS` steps; "flat" where the response does not change with any pixel,
        so there is no way up. A map after a ReLU is flat where it is 0 everywhere.

    Raises
    ------
    ShapeError
        If the image is not of the network's input shape.
    ValueError
        If there is no such layer, map or unit.

    References
    ----------
    .. [1] Erhan, Bengio, Courville and Vincent (2009), "Visualizing higher-layer features of a
       deep network", University of Montreal, technical report 1341.
    .. [2] Olah, Mordvintsev and Schubert (2017), "Feature visualization", Distill,
       doi:10.23915/distill.00007: the same means of keeping the grain away.
    """

    def __init__(self, network: Network, aim: Aim, start: Array, *, seed: int = 0) -> None:
        offered = dream_layers(network.spec)
        if aim.layer not in offered:
            raise ValueError(
                f"`layer` must be one of: {', '.join(offered)}. Received: layer={aim.layer!r}"
            )
        if not 0 <= aim.channel < offered[aim.layer]:
            raise ShapeError(
                f"`channel` must be from 0 to {offered[aim.layer] - 1}. "
                f"Received: channel={aim.channel}"
            )
        check_at_least(0, seed=seed)
        self._network, self.aim = network, aim
        self.layers = layers_before(network.spec, aim.layer)
        self._shifts = np.random.default_rng(seed).integers(-JITTER_PX, JITTER_PX + 1, (N_STEPS, 2))
        self.frames = [self._frame(network.one_image(start))]
        self.outcome: Outcome = "going"

    def advance(self, n_steps: int) -> None:
        """Go some steps further, or as many as are left.

        Notes
        -----
        One gradient and one answer for each step: 5 to 20 ms with the networks of the lab.
        """
        for _ in range(n_steps):
            if self.outcome != "going":
                return
            self._step()

    def _step(self) -> None:
        done = len(self.frames) - 1
        image, shift = self.frames[-1].image, self._shifts[done]
        _, slope = self._network.image_gradient(
            np.roll(image, shift, (0, 1)),
            partial(response_slope, channel=self.aim.channel),
            layers=self.layers,
        )
        first, last = BLURS_PX
        blur_px = first + (last - first) * done / (N_STEPS - 1)
        slope = changed(np.roll(slope, -shift, (0, 1))[np.newaxis], blur_px=blur_px)[0]
        steepness = float(np.linalg.norm(slope))
        if steepness == 0:
            self.outcome = "flat"
            return
        after = np.clip(np.float32(KEPT) * (image + np.float32(STEP / steepness) * slope), 0, 1)
        self.frames.append(self._frame(after))
        if len(self.frames) > N_STEPS:
            self.outcome = "done"

    def _frame(self, image: Array) -> Frame:
        values = image
        for step in forward(self.layers, image[np.newaxis], self._network.weights):
            values = step.values[0]
        answer = self._network.predict(image[np.newaxis])[0].reshape(-1)
        numbers = values[..., self.aim.channel]
        return Frame(image, response(values, self.aim.channel), numbers, answer)


def layers_before(spec: NetworkSpec, layer: str) -> tuple[Any, ...]:
    """Return a network's layers up to one of `dream_layers`, without that one's activation."""
    place, _ = spec.find(layer)
    *before, last = spec.layers[: place + 1]
    if last.nonlinearity == "linear":
        return (*before, last)
    if "activation" in type(last).model_fields:
        return (*before, last.model_copy(update={"activation": "linear"}))
    return tuple(before)  # the layer is nothing but an activation


def response(values: Array, channel: int) -> float:
    """Return the response of a map or unit in a layer's output; see `Dream`."""
    numbers = values[..., channel]
    return float(np.maximum(numbers, 0).mean() if values.ndim == 3 else numbers)


def response_slope(values: Array, channel: int) -> Array:
    """Return the gradient of a response with respect to the layer's output.

    Where a map is nowhere above 0, it is the gradient of its plain mean instead, which leads to
    images that the map responds to.
    """
    grad = np.zeros_like(values)
    numbers = values[..., channel]
    above = numbers > 0
    counted = above if values.ndim == 3 and above.any() else np.ones_like(above)
    grad[..., channel] = counted / numbers.size
    return grad
