"""The fully connected layer: every output weighs every input."""

import numpy as np

from cnn_lab.arithmetic import ShapeError
from cnn_lab.ops.padding import Array, as_float


def dense(inputs: Array, kernel: Array, bias: Array | None = None) -> Array:
    """Weigh all inputs for each unit and add the unit's bias.

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
        If the shapes do not chain; names them.

    Notes
    -----
    n * features * units multiply-adds, one matrix product.

    Examples
    --------
    >>> dense(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5]))
    array([[11.5]])
    """
    inputs = as_float("inputs", inputs, ndim=2, axes="(n, features)")
    kernel = as_float("kernel", kernel, ndim=2, axes="(features, units)")
    if inputs.shape[1] != kernel.shape[0] or (
        bias is not None and np.shape(bias) != kernel.shape[1:]
    ):
        raise ShapeError(
            "`kernel` must have one row per feature and `bias` one number per unit. "
            f"Received: inputs.shape={inputs.shape}, kernel.shape={kernel.shape}, "
            f"bias.shape={None if bias is None else np.shape(bias)}"
        )
    result = inputs @ kernel
    return result if bias is None else result + bias
