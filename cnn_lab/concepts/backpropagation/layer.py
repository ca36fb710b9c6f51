"""One small layer: convolution, activation and loss, forward and backward."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from cnn_lab import ops
from cnn_lab.ops.settings import ConvolutionSettings
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


class Objective(Protocol):
    """A loss of the layer's outputs, shape (rows, columns, candidates)."""

    def loss(self, results: Array) -> Array:
        """Return the loss of each candidate, shape (candidates,)."""
        ...

    def gradient(self, results: Array) -> Array:
        """Return the gradient of the loss with respect to each output."""
        ...


@dataclass(frozen=True, eq=False)
class WeightedSum:
    """Weighted sum of all outputs; its gradient is the weights, whatever the outputs.

    Parameters
    ----------
    weights : ndarray of float, shape (rows, columns)

    Examples
    --------
    >>> WeightedSum(np.array([[1.0, -1.0]])).loss(np.array([[[3.0], [5.0]]]))
    array([-2.])
    """

    weights: Array

    def loss(self, results: Array) -> Array:
        """Return the sum of each candidate, shape (candidates,)."""
        return np.asarray(np.tensordot(self.weights, results, axes=2))

    def gradient(self, results: Array) -> Array:
        """Return the weights in the shape of the outputs."""
        return np.broadcast_to(self.weights[..., np.newaxis], results.shape)


@dataclass(frozen=True, eq=False)
class SquaredError:
    """Half the squared difference to a target, summed or averaged.

    Parameters
    ----------
    target : ndarray of float, shape (rows, columns)
    mean : bool
        Divide by the number of outputs, so that the loss does not grow with the image.

    Examples
    --------
    >>> error = SquaredError(np.array([[1.0, 2.0]]))
    >>> error.loss(np.array([[[4.0], [2.0]]])), error.gradient(np.array([[[4.0], [2.0]]]))[..., 0]
    (array([4.5]), array([[3., 0.]]))
    """

    target: Array
    mean: bool = False

    @property
    def divisor(self) -> int:
        """Divisor of the sum of half the squares."""
        return self.target.size if self.mean else 1

    def loss(self, results: Array) -> Array:
        """Return the loss of each candidate, shape (candidates,)."""
        squares = np.square(results - self.target[..., np.newaxis])
        return np.asarray(squares.sum(axis=(0, 1)) / (2 * self.divisor))

    def gradient(self, results: Array) -> Array:
        """Return the difference of each output to its target, over the divisor."""
        return np.asarray((results - self.target[..., np.newaxis]) / self.divisor)


class Parameters(NamedTuple):
    """Parameters of a layer, or the gradient of a loss with respect to them.

    Attributes
    ----------
    kernel : ndarray of float64, shape (rows, columns)
    bias : float
    """

    kernel: Array
    bias: float

    def moved(self, direction: "Parameters", amount: float) -> "Parameters":
        """Return these parameters after a step of `amount` along `direction`."""
        return Parameters(
            self.kernel + amount * direction.kernel, self.bias + amount * direction.bias
        )

    def squared_length(self) -> float:
        """Return the sum of squares."""
        return float(np.square(self.kernel).sum() + self.bias**2)


class Backward(NamedTuple):
    """Every number of a forward and backward pass.

    Attributes
    ----------
    sums : ndarray, shape (out_rows, out_columns)
        Output of the convolution, z.
    results : ndarray, of that shape
        Activation of the sums, a = f(z).
    loss : float
    grad_results : ndarray, of that shape
        Gradient of the loss with respect to each result, dL/da.
    slopes : ndarray, of that shape
        Slope of the activation at each sum, f'(z).
    delta : ndarray, of that shape
        Gradient of the loss with respect to each sum: the product of both.
    parameters : Parameters
        Gradient of the loss with respect to the kernel and the bias.
    image : ndarray, shape (rows, columns)
        Gradient of the loss with respect to each pixel.
    """

    sums: Array
    results: Array
    loss: float
    grad_results: Array
    slopes: Array
    delta: Array
    parameters: Parameters
    image: Array


@dataclass(frozen=True, eq=False)
class SmallLayer:
    """A convolution of one channel and one filter, an activation, and a loss.

    Parameters
    ----------
    image : ndarray of float, shape (rows, columns)
    objective : Objective
        Loss of results of the size that the settings give.
    settings : ConvolutionSettings
    activation : NamedActivation

    Examples
    --------
    >>> layer = SmallLayer(np.array([[1.0, 2.0, 3.0]]), SquaredError(np.zeros((1, 2))))
    >>> back = layer.backward(Parameters(np.array([[1.0, 1.0]]), 0.0))
    >>> back.loss, back.delta, back.parameters.kernel
    (17.0, array([[3., 5.]]), array([[13., 21.]]))
    """

    image: Array
    objective: Objective
    settings: ConvolutionSettings = field(default_factory=ConvolutionSettings)
    activation: NamedActivation = ACTIVATIONS["linear"]

    def sums(self, kernels: Array, biases: Array) -> Array:
        """Return the outputs of several candidate kernels before the activation.

        Parameters
        ----------
        kernels : ndarray of float, shape (kernel_rows, kernel_columns, candidates)
        biases : ndarray of float, shape (candidates,)

        Returns
        -------
        ndarray of float64, shape (out_rows, out_columns, candidates)

        Notes
        -----
        One matrix product for all of them, as for a layer with that many filters.
        """
        images = np.asarray(self.image, np.float64)[np.newaxis, ..., np.newaxis]
        bank = kernels[:, :, np.newaxis]
        return np.asarray(ops.conv2d(images, bank, biases, **vars(self.settings))[0])

    def losses(self, kernels: Array, biases: Array) -> Array:
        """Return the loss of each candidate, shape (candidates,)."""
        return self.objective.loss(self.activation.apply(self.sums(kernels, biases)))

    def loss(self, parameters: Parameters) -> float:
        """Return the loss of one kernel and bias."""
        kernels, biases = parameters.kernel[..., np.newaxis], np.array([parameters.bias])
        return float(self.losses(kernels, biases)[0])

    def backward(self, parameters: Parameters) -> Backward:
        """Return every number of the forward and backward pass."""
        sums = self.sums(parameters.kernel[..., np.newaxis], np.array([parameters.bias]))
        results = self.activation.apply(sums)
        grad_results = self.objective.gradient(results)
        delta = self.activation.gradient(sums, grad_results)
        gradients = ops.conv2d_gradients(
            np.asarray(self.image, np.float64)[np.newaxis, ..., np.newaxis],
            parameters.kernel[..., np.newaxis, np.newaxis],
            delta[np.newaxis],
            **vars(self.settings),
        )
        return Backward(
            sums[..., 0],
            results[..., 0],
            float(self.objective.loss(results)[0]),
            grad_results[..., 0],
            self.activation.slope(sums)[..., 0],
            delta[..., 0],
            Parameters(gradients.kernel[..., 0, 0], float(gradients.bias[0])),
            gradients.images[0, ..., 0],
        )
