"""Gradient descent: one step at every learning rate, many steps, a kernel learned from noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnn_lab.concepts.backpropagation.layer import (
    ACTIVATIONS,
    Backward,
    Parameters,
    SmallLayer,
    SquaredError,
)
from cnn_lab.ops.types import Array, Pair
from cnn_lab.ops.windows import window_view


@dataclass(frozen=True, eq=False)
class Line:
    """The loss along a line from given parameters against the gradient.

    Attributes
    ----------
    before, after : float
        The loss at the start and at the chosen rate.
    parameters : Parameters
        Parameters at the chosen rate.
    rates, losses : ndarray of float64, shape (n,)
        The line from 0 to beyond the chosen rate.
    best_rate : float or None
        Where the loss is lowest. None if it only falls, or does not change.
    is_exact : bool
        Whether the best rate comes from the formula and not from `rates`.
    """

    before: float
    after: float
    parameters: Parameters
    rates: Array
    losses: Array
    best_rate: float | None
    is_exact: bool


def line_of_steps(layer: SmallLayer, at: Parameters, rate: float, *, n: int = 121) -> Line:
    """Take one step against the gradient, and evaluate steps of other lengths.

    Parameters
    ----------
    layer : SmallLayer
    at : Parameters
    rate : float
        The learning rate; at least 0.
    n : int
        Points of the line.

    Notes
    -----
    Without an activation, the squared error is a parabola along the line:
    ``L - rate * |g|**2 + rate**2 * c / 2`` with the curvature c, the squared length of the
    layer's output for its own gradient. Its minimum is at ``|g|**2 / c``.

    Examples
    --------
    >>> layer = SmallLayer(np.array([[2.0]]), SquaredError(np.array([[6.0]])))
    >>> line = line_of_steps(layer, Parameters(np.array([[0.0]]), 0.0), 0.25)
    >>> line.before, line.after, line.best_rate
    (18.0, 1.125, 0.2)
    """
    back = layer.backward(at)
    direction = back.parameters
    exact = _exact_best(layer, direction)
    reach = max(1.25 * rate, 2.5 * (exact or 0.0)) or 1.0
    rates = np.union1d(np.linspace(0.0, reach, n), [rate])
    kernels = at.kernel[..., np.newaxis] - rates * direction.kernel[..., np.newaxis]
    losses = layer.losses(kernels, at.bias - rates * direction.bias)
    best = exact
    lowest = int(losses.argmin())
    if exact is None and 0 < lowest < len(rates) - 1:
        best = float(rates[lowest])
    return Line(
        before=back.loss,
        after=float(losses[np.searchsorted(rates, rate)]),
        parameters=at.moved(direction, -rate),
        rates=rates,
        losses=losses,
        best_rate=best,
        is_exact=exact is not None,
    )


def _exact_best(layer: SmallLayer, direction: Parameters) -> float | None:
    """Return the rate at the bottom of the parabola, if the loss is one."""
    if layer.activation is not ACTIVATIONS["linear"]:
        return None
    if not isinstance(layer.objective, SquaredError):
        return None
    moves = layer.sums(direction.kernel[..., np.newaxis], np.array([direction.bias]))
    curvature = float(np.square(moves).sum()) / layer.objective.divisor
    return direction.squared_length() / curvature if curvature > 0 else None


# A loss that has grown this much does not recover.
HOPELESS = 1e6


@dataclass(frozen=True, eq=False)
class Descent:
    """Parameters before the first step and after each, with every number of their passes.

    Attributes
    ----------
    parameters : list of Parameters, length n + 1
    passes : list of Backward, length n + 1
    diverged : bool
        Whether it ended early because the loss exploded.
    """

    parameters: list[Parameters]
    passes: list[Backward]
    diverged: bool

    @property
    def losses(self) -> Array:
        """The loss before the first step and after each, shape (n + 1,)."""
        return np.array([each.loss for each in self.passes])


def descend(layer: SmallLayer, at: Parameters, rate: float, *, steps: int) -> Descent:
    """Take several steps against the gradient, each from where the last one ended.

    Parameters
    ----------
    layer : SmallLayer
    at : Parameters
    rate : float
        The learning rate.
    steps : int
        At least 0.

    Returns
    -------
    Descent
        Shorter than `steps` if the loss has grown a million times.

    Notes
    -----
    One forward and backward pass of the layer for each step; 0.2 ms for one of 6 by 6 pixels.

    Examples
    --------
    >>> layer = SmallLayer(np.array([[2.0]]), SquaredError(np.array([[6.0]])))
    >>> descend(layer, Parameters(np.array([[0.0]]), 0.0), 0.1, steps=2).losses
    array([18.  ,  4.5 ,  1.125])
    """
    parameters, passes = [at], [layer.backward(at)]
    limit = HOPELESS * max(abs(passes[0].loss), 1e-9)
    for _ in range(steps):
        at = at.moved(passes[-1].parameters, -rate)
        back = layer.backward(at)
        if not abs(back.loss) <= limit:  # written so that NaN counts as diverged too
            return Descent(parameters, passes, diverged=True)
        parameters.append(at)
        passes.append(back)
    return Descent(parameters, passes, diverged=False)


NOISE = 0.5
# A rate nearer to the limit than this converges too, but swings from side to side for long.
MAX_SHARE_OF_LIMIT = 0.9
# Directions whose curvature is this much smaller than the largest are flat up to rounding.
FLAT = 1e-10


@dataclass(frozen=True, eq=False)
class Lesson:
    """All kernels of a training, from the initial noise on.

    Attributes
    ----------
    kernels : ndarray of float64, shape (steps + 1, rows, columns)
        All finite: a lesson that diverges ends before its numbers overflow.
    losses : ndarray of float64, shape (steps + 1,)
        Half the mean squared error.
    goal : ndarray of float64, shape (rows, columns)
    diverged : bool
        Whether training was stopped because the loss exploded.
    highest_rate : float
        Every step overshoots further above this rate; infinite for an empty image.
    unseen : int
        Number of independent kernel changes that make no difference on this image.
    """

    kernels: Array
    losses: Array
    goal: Array
    diverged: bool
    highest_rate: float
    unseen: int

    @property
    def differences(self) -> Array:
        """Largest difference to the goal after each step, shape (steps + 1,)."""
        return np.asarray(np.abs(self.kernels - self.goal).max(axis=(1, 2)))


def learn_kernel(image: Array, goal: Array, *, rate: float, steps: int, seed: int = 0) -> Lesson:
    """Learn a kernel from its output on one image.

    The kernel starts as noise. Its output is compared with that of the goal, and each step goes
    against the gradient of half the mean squared error.

    Parameters
    ----------
    image : ndarray of float, shape (height, width)
        At least as large as the goal.
    goal : ndarray of float, shape (rows, columns)
        The kernel that makes the target; only its output is used.
    rate : float
        The learning rate.
    steps : int
        At least 0.
    seed : int
        Seed of the noise, whose standard deviation is 0.5.

    Returns
    -------
    Lesson
        Shorter than `steps` if the loss has grown a million times.

    Notes
    -----
    The windows are written into a matrix once. A step is then two products with it,
    `goal.size` multiply-adds for each window, as in the convolution and its gradient. The
    highest rate follows from the eigenvalues of the second derivative of the loss, that
    matrix times itself.

    Examples
    --------
    >>> lesson = learn_kernel(np.eye(8), np.array([[1.0, -1.0]]), rate=0.2, steps=300)
    >>> lesson.kernels[-1].round(3)
    array([[ 1., -1.]])
    """
    kernel = np.random.default_rng(seed).normal(scale=NOISE, size=goal.shape)
    pixels = _pixels(image, (goal.shape[0], goal.shape[1]))
    error = pixels @ (kernel - goal).ravel()
    kernels, losses = [kernel], [_loss(error)]
    diverged = False
    for _ in range(steps):
        kernel = kernel - rate * (error @ pixels).reshape(goal.shape) / len(error)
        error = pixels @ (kernel - goal).ravel()
        # Written so that NaN counts as diverged too.
        diverged = not _loss(error) <= HOPELESS * max(losses[0], 1e-9)
        if diverged:
            break
        kernels.append(kernel)
        losses.append(_loss(error))
    bends = _curvatures(pixels)
    return Lesson(
        np.array(kernels),
        np.array(losses),
        goal,
        diverged,
        highest_rate=_limit(bends),
        unseen=int(goal.size - np.count_nonzero(bends)),
    )


def stable_rate(image: Array, window: Pair, rates: Sequence[float], *, most: float) -> float:
    """Return the largest of some learning rates with which `learn_kernel` surely converges.

    Parameters
    ----------
    image : ndarray of float, shape (height, width)
    window : (int, int)
        Rows and columns of the kernel.
    rates : sequence of float
        In ascending order. The first is returned if none is small enough.
    most : float
        The result is at most this.

    Notes
    -----
    Gradient descent on a parabola converges below 2 over the largest curvature, here the largest
    eigenvalue of the second derivative of the loss. A tenth of that is kept as a margin.

    Examples
    --------
    >>> stable_rate(np.full((6, 6), 0.5), (3, 3), (0.1, 0.5, 1.0), most=1)
    0.5
    """
    limit = min(MAX_SHARE_OF_LIMIT * _limit(_curvatures(_pixels(image, window))), most)
    return max((rate for rate in rates if rate <= limit), default=rates[0])


def _pixels(image: Array, window: Pair) -> Array:
    """Return the pixels of every window, shape (windows, pixels of a window)."""
    windows = window_view(image[np.newaxis, ..., np.newaxis], window, (1, 1))
    return windows.reshape(-1, window[0] * window[1])


def _curvatures(pixels: Array) -> Array:
    """Return the eigenvalues of the second derivative of the loss, 0 where it is flat."""
    bends = np.linalg.eigvalsh(pixels.T @ pixels / len(pixels))
    return np.where(bends > FLAT * max(bends[-1], 0), bends, 0.0)


def _limit(bends: Array) -> float:
    return 2 / float(bends[-1]) if bends[-1] > 0 else math.inf


def _loss(error: Array) -> float:
    with np.errstate(over="ignore"):  # infinity counts as a large number
        return float(error @ error) / (2 * len(error))
