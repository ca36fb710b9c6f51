"""Fully connected layer: every output is a weighted sum of all inputs."""

from typing import NamedTuple

from cnn_lab.ops.types import Array, ShapeError, as_bias, as_float, as_gradient


class DenseGradients(NamedTuple):
    """Gradients of a dense layer with respect to its arguments.

    Attributes
    ----------
    inputs : ndarray, shape (n, features)
    kernel : ndarray, shape (features, units)
    bias : ndarray, shape (units,)
    """

    inputs: Array
    kernel: Array
    bias: Array


def dense(inputs: Array, kernel: Array, bias: Array | None = None) -> Array:
    """Return each unit's weighted sum of the inputs, plus its bias.

    Parameters
    ----------
    inputs : ndarray of float, shape (n, features)
    kernel : ndarray of float, shape (features, units)
    bias : ndarray of float, shape (units,), optional

    Returns
    -------
    ndarray, shape (n, units)

    Raises
    ------
    ShapeError
        If the shapes do not match; names them.

    Notes
    -----
    n * features * units multiply-adds, one matrix product.

    Examples
    --------
    >>> import numpy as np
    >>> dense(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5]))
    array([[11.5]])
    """
    inputs, kernel = _prepare(inputs, kernel)
    bias = as_bias(bias, kernel.shape[1], "unit")
    result = inputs @ kernel
    return result if bias is None else result + bias


def dense_gradients(inputs: Array, kernel: Array, grad_output: Array) -> DenseGradients:
    """Return how a loss changes with the inputs, the kernel and the bias of `dense`.

    Parameters
    ----------
    inputs, kernel
        As given to `dense`.
    grad_output : ndarray of float, shape (n, units)
        Gradient of the loss with respect to the output of `dense`.

    Returns
    -------
    DenseGradients
        ``inputs``, ``kernel`` and ``bias``, each with the shape of its argument.

    Raises
    ------
    ShapeError
        If the shapes do not match; names them.

    Notes
    -----
    2 * n * features * units multiply-adds, two matrix products.

    Examples
    --------
    >>> import numpy as np
    >>> inputs, kernel = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])
    >>> gradients = dense_gradients(inputs, kernel, np.array([[1.0]]))
    >>> gradients.inputs, gradients.kernel.T, gradients.bias
    (array([[3., 4.]]), array([[1., 2.]]), array([1.]))
    """
    inputs, kernel = _prepare(inputs, kernel)
    grad_output = as_gradient("grad_output", grad_output, (len(inputs), kernel.shape[1]))
    return DenseGradients(grad_output @ kernel.T, inputs.T @ grad_output, grad_output.sum(axis=0))


def _prepare(inputs: Array, kernel: Array) -> tuple[Array, Array]:
    inputs = as_float("inputs", inputs, ndim=2, axes="(n, features)")
    kernel = as_float("kernel", kernel, ndim=2, axes="(features, units)")
    if inputs.shape[1] != kernel.shape[0]:
        raise ShapeError(
            "`kernel` must have one row per feature. "
            f"Received: inputs.shape={inputs.shape}, kernel.shape={kernel.shape}"
        )
    return inputs, kernel
