"""Activations by name, with their slopes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnn_lab import ops
from cnn_lab.ops.types import Array


@dataclass(frozen=True)
class NamedActivation:
    """An activation function of a layer.

    Attributes
    ----------
    title : str
        Name for users.
    formula, slope_formula : str
        LaTeX of f and f', after the equals sign.
    apply : callable
        Values of any shape -> f of each.
    gradient : callable
        (values, gradient with respect to f of them) -> gradient with respect to the values.
    kink : bool
        Whether the slope jumps at zero.
    """

    title: str
    formula: str
    slope_formula: str
    apply: Callable[[Array], Array]
    gradient: Callable[[Array, Array], Array]
    kink: bool = False

    def slope(self, values: Array) -> Array:
        """Return f' at each value.

        Examples
        --------
        >>> ACTIVATIONS["relu"].slope(np.array([-1.0, 2.0]))
        array([0., 1.])
        """
        return self.gradient(values, np.ones_like(values))


def _same(values: Array) -> Array:
    return values


def _pass_on(_values: Array, grad_output: Array) -> Array:
    return grad_output


ACTIVATIONS: dict[str, NamedActivation] = {
    "linear": NamedActivation("none", "z", "1", _same, _pass_on),
    "relu": NamedActivation(
        "ReLU",
        r"\max(0, z)",
        r"\begin{cases} 1 & z > 0 \\ 0 & z \le 0 \end{cases}",
        ops.relu,
        ops.relu_gradient,
        kink=True,
    ),
    "leaky_relu": NamedActivation(
        "leaky ReLU",
        r"\max(0.2\,z,\ z)",
        r"\begin{cases} 1 & z > 0 \\ 0.2 & z \le 0 \end{cases}",
        ops.leaky_relu,
        ops.leaky_relu_gradient,
        kink=True,
    ),
    "sigmoid": NamedActivation(
        "sigmoid",
        r"\dfrac{1}{1 + e^{-z}}",
        r"f(z)\,(1 - f(z))",
        ops.sigmoid,
        ops.sigmoid_gradient,
    ),
    "tanh": NamedActivation(
        "tanh",
        r"\tanh z",
        r"1 - \tanh^2 z",
        ops.tanh,
        ops.tanh_gradient,
    ),
}
