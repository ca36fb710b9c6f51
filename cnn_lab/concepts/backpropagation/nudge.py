"""Gradient check by finite differences: change one weight slightly and measure the loss.

Differences lose digits. The loss has about 16 digits; the rounding error of the difference, divided
by a small nudge, is the error of the slope.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from cnn_lab.concepts.backpropagation.layer import Parameters, SmallLayer
from cnn_lab.ops.types import Array

ONE_SIDED, CENTRAL = "one side", "both sides"
# Replaces a difference of zero on logarithmic axes: the last digit of a float64.
LEAST_ERROR = 1e-16


class Nudge(NamedTuple):
    """Effect of nudging one weight on the loss.

    Attributes
    ----------
    below, here, above : float
        The loss with the weight nudged down, unchanged, and nudged up.
    slope : float
        By central differences.
    crossed : int
        Number of sums that change sign within the nudge: if the activation has a kink at
        zero, the slope found is a mixture of both sides.
    """

    below: float
    here: float
    above: float
    slope: float
    crossed: int


def nudge(layer: SmallLayer, at: Parameters, cell: tuple[int, int], epsilon: float) -> Nudge:
    """Nudge one weight both ways.

    Parameters
    ----------
    layer : SmallLayer
    at : Parameters
        Point at which to measure.
    cell : (int, int)
        Row and column of the weight.
    epsilon : float
        Size of the nudge; positive.

    Examples
    --------
    >>> from cnn_lab.concepts.backpropagation.layer import WeightedSum
    >>> layer = SmallLayer(np.array([[1.0, 2.0]]), WeightedSum(np.array([[3.0]])))
    >>> nudge(layer, Parameters(np.array([[1.0, 1.0]]), 0.0), (0, 1), 0.5)
    Nudge(below=6.0, here=9.0, above=12.0, slope=6.0, crossed=0)
    """
    kernels = np.repeat(at.kernel[..., np.newaxis], 3, axis=2)
    kernels[cell] += np.array([-epsilon, 0, epsilon])
    sums = layer.sums(kernels, np.full(3, at.bias))
    below, here, above = map(float, layer.objective.loss(layer.activation.apply(sums)))
    crossed = int(np.count_nonzero((sums[..., 0] > 0) != (sums[..., 2] > 0)))
    return Nudge(below, here, above, (above - below) / (2 * epsilon), crossed)


def nudged_slopes(layer: SmallLayer, at: Parameters, epsilon: float) -> Array:
    """Return the slope of the loss along each weight by central differences.

    Returns
    -------
    ndarray of float64, of the kernel's shape

    Notes
    -----
    Two forward passes per weight, all in one matrix product. Backpropagation takes the time of
    about two, however many weights there are.
    """
    n = at.kernel.size
    directions = epsilon * np.eye(n).reshape(*at.kernel.shape, n)
    kernels = at.kernel[..., np.newaxis] + np.concatenate([-directions, directions], axis=2)
    below, above = layer.losses(kernels, np.full(2 * n, at.bias)).reshape(2, n)
    return np.asarray((above - below) / (2 * epsilon)).reshape(at.kernel.shape)


def error_table(
    layer: SmallLayer, at: Parameters, cell: tuple[int, int], epsilons: Array
) -> pd.DataFrame:
    """Return the errors of finite differences for nudges of these sizes.

    Parameters
    ----------
    layer, at, cell
        As for `nudge`.
    epsilons : ndarray of float, shape (n,)

    Returns
    -------
    DataFrame
        Two rows per nudge: `nudge`, `how` ("one side" or "both sides") and `error`, the distance
        to the gradient, relative if the gradient is above 1; at least 1e-16.
    """
    n = len(epsilons)
    kernels = np.repeat(at.kernel[..., np.newaxis], 2 * n + 1, axis=2)
    kernels[cell] += np.concatenate([-epsilons, [0.0], epsilons])
    losses = layer.losses(kernels, np.full(2 * n + 1, at.bias))
    below, here, above = losses[:n], losses[n], losses[n + 1 :]
    gradient = float(layer.backward(at).parameters.kernel[cell])
    slopes = {
        ONE_SIDED: (above - here) / epsilons,
        CENTRAL: (above - below) / (2 * epsilons),
    }
    size = max(1.0, abs(gradient))
    return pd.DataFrame(
        [
            {"nudge": epsilon, "how": how, "error": max(LEAST_ERROR, abs(slope - gradient) / size)}
            for how, each in slopes.items()
            for epsilon, slope in zip(epsilons.tolist(), each.tolist(), strict=True)
        ]
    )
