"""The operations of a convolutional network in NumPy, channels last, and their gradients."""

from cnn_lab.arithmetic import ShapeError
from cnn_lab.ops.activations import relu, softmax
from cnn_lab.ops.conv import Conv2DGradients, conv2d, conv2d_gradients
from cnn_lab.ops.dense import dense
from cnn_lab.ops.normalization import batch_normalization
from cnn_lab.ops.pooling import (
    average_pool2d,
    average_pool2d_gradient,
    max_pool2d,
    max_pool2d_gradient,
)
from cnn_lab.ops.transposed import conv2d_transpose

__all__ = [
    "Conv2DGradients",
    "ShapeError",
    "average_pool2d",
    "average_pool2d_gradient",
    "batch_normalization",
    "conv2d",
    "conv2d_gradients",
    "conv2d_transpose",
    "dense",
    "max_pool2d",
    "max_pool2d_gradient",
    "relu",
    "softmax",
]
