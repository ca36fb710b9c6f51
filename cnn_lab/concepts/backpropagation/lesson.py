"""A kernel that learns: gradient descent from noise towards a named kernel."""

import math
from dataclasses import dataclass

import numpy as np

from cnn_lab.ops.types import Array
from cnn_lab.ops.windows import window_view

NOISE = 0.5
# A loss that has grown so much will not come back.
HOPELESS = 1e6
# Directions in which the loss bends this much less than in others are flat but for rounding.
FLAT = 1e-10


@dataclass(frozen=True, eq=False)
class Lesson:
    """All kernels on the way, from the first noise on.

    Attributes
    ----------
    kernels : ndarray of float64, shape (steps + 1, rows, columns)
        All finite: a lesson that diverges ends before its numbers do.
    losses : ndarray of float64, shape (steps + 1,)
        Half the mean squared error.
    goal : ndarray of float64, shape (rows, columns)
    diverged : bool
        Whether it was given up.
    highest_rate : float
        Above it every step overshoots further; infinite where the image holds nothing.
    unseen : int
        How many independent changes of the kernel make no difference on this image.
    """

    kernels: Array
    losses: Array
    goal: Array
    diverged: bool
    highest_rate: float
    unseen: int

    @property
    def differences(self) -> Array:
        """The largest difference to the goal after each step, shape (steps + 1,)."""
        return np.asarray(np.abs(self.kernels - self.goal).max(axis=(1, 2)))


def learn_kernel(image: Array, goal: Array, *, rate: float, steps: int, seed: int = 0) -> Lesson:
    """Learn a kernel from what it makes of one image.

    The kernel starts as noise. Its results are compared with those of the goal, and it goes
    against the gradient of half the mean squared error, step by step.

    Parameters
    ----------
    image : ndarray of float, shape (height, width)
        At least as large as the goal.
    goal : ndarray of float, shape (rows, columns)
        The kernel that made the target; the learner sees its results only.
    rate : float
        The learning rate.
    steps : int
        At least 0.
    seed : int
        Of the noise, whose standard deviation is 0.5.

    Returns
    -------
    Lesson
        Shorter than `steps` where the loss has grown a million times.

    Notes
    -----
    What the windows read is written into a matrix once; then a step is two products with it,
    `goal.size` multiply-adds for each window, as in the convolution and its gradient. Which
    rates are possible follows from the eigenvalues of the loss's second derivative, that
    matrix times itself.

    Examples
    --------
    >>> lesson = learn_kernel(np.eye(8), np.array([[1.0, -1.0]]), rate=0.2, steps=300)
    >>> lesson.kernels[-1].round(3)
    array([[ 1., -1.]])
    """
    kernel = np.random.default_rng(seed).normal(scale=NOISE, size=goal.shape)
    windows = window_view(image[np.newaxis, ..., np.newaxis], _pair(goal), (1, 1))
    pixels = windows.reshape(-1, goal.size)
    error = pixels @ (kernel - goal).ravel()
    kernels, losses = [kernel], [_loss(error)]
    diverged = False
    for _ in range(steps):
        kernel = kernel - rate * (error @ pixels).reshape(goal.shape) / len(error)
        error = pixels @ (kernel - goal).ravel()
        # Written so that what is no number is hopeless, too.
        diverged = not _loss(error) <= HOPELESS * max(losses[0], 1e-9)
        if diverged:
            break
        kernels.append(kernel)
        losses.append(_loss(error))
    bends = np.linalg.eigvalsh(pixels.T @ pixels / len(pixels))
    seen = bends[bends > FLAT * bends[-1]] if bends[-1] > 0 else bends[:0]
    return Lesson(
        np.array(kernels),
        np.array(losses),
        goal,
        diverged,
        highest_rate=2 / float(seen[-1]) if len(seen) else math.inf,
        unseen=int(goal.size - len(seen)),
    )


def _loss(error: Array) -> float:
    with np.errstate(over="ignore"):  # infinity is as hopeless as a large number
        return float(error @ error) / (2 * len(error))


def _pair(kernel: Array) -> tuple[int, int]:
    return kernel.shape[0], kernel.shape[1]
