"""The loss of a small layer over two of its weights, and the path of gradient descent on it."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cnn_lab.concepts.backpropagation.layer import Parameters, SmallLayer, SquaredError
from cnn_lab.ops import conv2d
from cnn_lab.ops.types import Array, as_finite

Cell = tuple[int, int]

FLAT = 1e-10  # a curvature smaller than this share of the largest is rounding
MAX_GROWTH = 1e6  # of the loss, before a descent is given up


@dataclass(frozen=True, eq=False)
class Descent:
    """The path of gradient descent over two weights.

    Attributes
    ----------
    points : ndarray of float64, shape (steps + 1, 2)
        Both weights, from the start on. All finite: a descent that diverges ends before that.
    losses : ndarray of float64, shape (steps + 1,)
    diverged : bool
        Whether it was ended because the loss had grown a million times.
    """

    points: Array
    losses: Array
    diverged: bool


@dataclass(frozen=True, eq=False)
class LossSurface:
    """Half the mean squared error of a layer without an activation, over two of its weights.

    The layer's target is the output of the goal on the same image. Its other weights stay as they
    are in `kernel`.

    Parameters
    ----------
    image : ndarray of float, shape (height, width)
        At least as large as the kernel.
    goal, kernel : ndarray of float, shape (rows, columns)
    cells : ((int, int), (int, int))
        Row and column of the two weights; they differ.

    Raises
    ------
    ValueError
        If the cells are the same, or numbers are not finite.

    Examples
    --------
    >>> goal = np.array([[3.0, -1.0]])
    >>> surface = LossSurface(np.eye(4), goal, goal, ((0, 0), (0, 1)))
    >>> surface.minimum.round(6), surface.loss(np.array([3.0, -1.0]))
    (array([ 3., -1.]), 0.0)
    """

    image: Array
    goal: Array
    kernel: Array
    cells: tuple[Cell, Cell]

    def __post_init__(self) -> None:
        """Check the arguments."""
        for name in ("image", "goal", "kernel"):
            as_finite(name, getattr(self, name))
        if self.cells[0] == self.cells[1]:
            raise ValueError(f"`cells` must differ. Received: cells={self.cells}")

    @cached_property
    def layer(self) -> SmallLayer:
        """The layer with its target."""
        images, bank = (
            self.image[np.newaxis, ..., np.newaxis],
            self.goal[..., np.newaxis, np.newaxis],
        )
        target = conv2d(images, bank)[0, ..., 0]
        return SmallLayer(self.image, SquaredError(target, mean=True))

    def losses(self, points: Array) -> Array:
        """Return the loss at each pair of weights, shape (n, 2) -> (n,).

        Notes
        -----
        One convolution with n filters: 10 ms for 1,681 points and an image of 14 x 14.
        """
        kernels = np.repeat(self.kernel[..., np.newaxis], len(points), axis=-1)
        for cell, weights in zip(self.cells, points.T, strict=True):
            kernels[cell] = weights
        return self.layer.losses(kernels, np.zeros(len(points)))

    def loss(self, point: Array) -> float:
        """Return the loss at one pair of weights."""
        return float(self.losses(point[np.newaxis])[0])

    def gradient(self, point: Array) -> Array:
        """Return the loss's gradient with respect to the two weights, from the backward pass."""
        kernel = self.kernel.astype(np.float64)
        for cell, weight in zip(self.cells, point, strict=True):
            kernel[cell] = weight
        grad = self.layer.backward(Parameters(kernel, 0.0)).parameters.kernel
        return np.array([grad[cell] for cell in self.cells])

    @cached_property
    def curvature(self) -> Array:
        """Second derivatives of the loss, shape (2, 2), the same everywhere.

        Each is the mean product of the pixels that the two weights multiply.
        """
        bank = np.zeros((*self.kernel.shape, 2))
        for i, cell in enumerate(self.cells):
            bank[(*cell, i)] = 1
        pixels = self.layer.sums(bank, np.zeros(2)).reshape(-1, 2)
        return np.asarray(pixels.T @ pixels / len(pixels))

    @cached_property
    def curvatures(self) -> tuple[float, float]:
        """Curvature across the valley and along it: the largest and the smallest there is."""
        low, high = np.linalg.eigvalsh(self.curvature)
        return float(high), float(low) if low > FLAT * high else 0.0

    @cached_property
    def minimum(self) -> Array:
        """The pair of weights with the lowest loss: where the gradient, a linear map, is zero.

        Where the surface is flat in a direction, the lowest point closest to the goal's weights.
        """
        aim = np.array([float(self.goal[cell]) for cell in self.cells])
        step, *_ = np.linalg.lstsq(self.curvature, -self.gradient(aim), rcond=FLAT)
        return np.asarray(aim + step)

    @property
    def highest_rate(self) -> float:
        """Learning rate above which every step overshoots further; infinite if all is flat."""
        return 2 / self.curvatures[0] if self.curvatures[0] > 0 else math.inf

    def descend(self, start: Array, *, rate: float, steps: int) -> Descent:
        """Go against the gradient from a pair of weights.

        Parameters
        ----------
        start : ndarray of float, shape (2,)
        rate : float
            The learning rate.
        steps : int
            At least 0.

        Notes
        -----
        One forward and backward pass for each step, 0.3 ms for an image of 14 x 14.
        """
        point = np.asarray(start, np.float64)
        points, losses, diverged = [point], [self.loss(point)], False
        for _ in range(steps):
            point = point - rate * self.gradient(point)
            loss = self.loss(point)
            # Written so that NaN counts as diverged too.
            diverged = not loss <= MAX_GROWTH * max(losses[0], 1e-9)
            if diverged:
                break
            points.append(point)
            losses.append(loss)
        return Descent(np.array(points), np.array(losses), diverged)
