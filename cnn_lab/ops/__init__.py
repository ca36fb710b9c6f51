"""The operations of a convolutional network in NumPy, channels last."""

from cnn_lab.arithmetic import ShapeError
from cnn_lab.ops.activations import relu, softmax
from cnn_lab.ops.conv import conv2d
from cnn_lab.ops.dense import dense
from cnn_lab.ops.normalization import batch_normalization
from cnn_lab.ops.pooling import average_pool2d, max_pool2d

__all__ = [
    "ShapeError",
    "average_pool2d",
    "batch_normalization",
    "conv2d",
    "dense",
    "max_pool2d",
    "relu",
    "softmax",
]
