"""One small layer, forward and backward: a convolution, an activation and a loss."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from cnn_lab.concepts.backpropagation.activation import ACTIVATIONS, NamedActivation
from cnn_lab.concepts.backpropagation.objective import Objective
from cnn_lab.concepts.layer_call import ConvolutionSettings
from cnn_lab.ops import conv2d, conv2d_gradients
from cnn_lab.ops.types import Array


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
    >>> from cnn_lab.concepts.backpropagation.objective import SquaredError
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
        return np.asarray(conv2d(images, bank, biases, **vars(self.settings))[0])

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
        gradients = conv2d_gradients(
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
