"""Operations of a convolutional network in NumPy, channels last, with their gradients."""

from cnn_lab.ops.activations import (
    leaky_relu,
    leaky_relu_gradient,
    relu,
    relu_gradient,
    sigmoid,
    sigmoid_gradient,
    softmax,
    softmax_gradient,
    tanh,
    tanh_gradient,
)
from cnn_lab.ops.conv import Conv2DGradients, conv2d, conv2d_gradients, conv2d_weight_gradients
from cnn_lab.ops.dense import DenseGradients, dense, dense_gradients
from cnn_lab.ops.depthwise import depthwise_conv2d, depthwise_conv2d_gradients
from cnn_lab.ops.losses import (
    cross_entropy,
    cross_entropy_gradient,
    softmax_cross_entropy,
    softmax_cross_entropy_gradient,
)
from cnn_lab.ops.normalization import (
    BatchNormalizationGradients,
    batch_normalization,
    batch_normalization_gradients,
)
from cnn_lab.ops.pooling import (
    average_pool2d,
    average_pool2d_gradient,
    global_average_pool2d,
    global_average_pool2d_gradient,
    max_pool2d,
    max_pool2d_gradient,
)
from cnn_lab.ops.transposed import conv2d_transpose
from cnn_lab.ops.types import ShapeError

__all__ = [
    "BatchNormalizationGradients",
    "Conv2DGradients",
    "DenseGradients",
    "ShapeError",
    "average_pool2d",
    "average_pool2d_gradient",
    "batch_normalization",
    "batch_normalization_gradients",
    "conv2d",
    "conv2d_gradients",
    "conv2d_transpose",
    "conv2d_weight_gradients",
    "cross_entropy",
    "cross_entropy_gradient",
    "dense",
    "dense_gradients",
    "depthwise_conv2d",
    "depthwise_conv2d_gradients",
    "global_average_pool2d",
    "global_average_pool2d_gradient",
    "leaky_relu",
    "leaky_relu_gradient",
    "max_pool2d",
    "max_pool2d_gradient",
    "relu",
    "relu_gradient",
    "sigmoid",
    "sigmoid_gradient",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_gradient",
    "softmax_gradient",
    "tanh",
    "tanh_gradient",
]
