"""One gradient step, and the loss for every other learning rate."""

from dataclasses import dataclass

import numpy as np

from cnn_lab.concepts.backpropagation.activation import ACTIVATIONS
from cnn_lab.concepts.backpropagation.layer import Parameters, SmallLayer
from cnn_lab.concepts.backpropagation.objective import SquaredError
from cnn_lab.ops.types import Array


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
