"""A gradient checked without calculus: change one weight a little and look at the loss.

Differences lose digits. The loss is known to some 16 of them; what is left of those after a
subtraction, divided by a small nudge, is the error of the slope.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from cnn_lab.concepts.backpropagation.layer import Parameters, SmallLayer
from cnn_lab.ops.types import Array

ONE_SIDED, CENTRAL = "one side", "both sides"
# What a difference of zero counts as where only logarithms are shown: a float64's last digit.
LEAST_ERROR = 1e-16


class Nudge(NamedTuple):
    """What one weight's nudge does to the loss.

    Attributes
    ----------
    below, here, above : float
        The loss with the weight nudged down, left alone, and nudged up.
    slope : float
        By central differences.
    crossed : int
        Results whose sum changes its sign on the way: where the activation has a kink at
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
        Where to stand.
    cell : (int, int)
        Row and column of the weight.
    epsilon : float
        How far; positive.

    Examples
    --------
    >>> from cnn_lab.concepts.backpropagation.objective import WeightedSum
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
    Two forward passes a weight, all of them as one matrix product; backpropagation takes the
    time of about two, however many weights there are.
    """
    n = at.kernel.size
    directions = epsilon * np.eye(n).reshape(*at.kernel.shape, n)
    kernels = at.kernel[..., np.newaxis] + np.concatenate([-directions, directions], axis=2)
    below, above = layer.losses(kernels, np.full(2 * n, at.bias)).reshape(2, n)
    return np.asarray((above - below) / (2 * epsilon)).reshape(at.kernel.shape)


def error_table(
    layer: SmallLayer, at: Parameters, cell: tuple[int, int], epsilons: Array
) -> pd.DataFrame:
    """Return how wrong differences are, for nudges of all these sizes.

    Parameters
    ----------
    layer, at, cell
        As for `nudge`.
    epsilons : ndarray of float, shape (n,)

    Returns
    -------
    DataFrame
        Two rows a nudge: `nudge`, `how` ("one side" or "both sides") and `error`, the distance
        to the gradient, over its size where that is above 1; at least 1e-16.
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
