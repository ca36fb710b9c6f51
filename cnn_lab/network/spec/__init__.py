"""Networks and their training as validated data that can be written as JSON.

Only the layers named here exist, and sizes are bounded, so a spec from an untrusted source is
safe to run.
"""

from cnn_lab.network.checked import plain_error
from cnn_lab.network.layers import Layer
from cnn_lab.network.layers.activation import Activation, LeakyReLU, ReLU, Softmax
from cnn_lab.network.layers.base import ActivationName, LayerName
from cnn_lab.network.layers.convolution import Conv2D, DepthwiseConv2D, SeparableConv2D
from cnn_lab.network.layers.dense import Dense, Flatten
from cnn_lab.network.layers.dropout import Dropout, SpatialDropout2D
from cnn_lab.network.layers.normalization import BatchNormalization
from cnn_lab.network.layers.pooling import AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D
from cnn_lab.network.spec.draft import Draft, Fit, fit
from cnn_lab.network.spec.network import (
    DIGIT_SHAPE,
    MAX_LAYERS,
    MAX_MULTIPLY_ADDS,
    MAX_PARAMETERS,
    MAX_UNITS_PER_LAYER,
    N_DIGITS,
    LayerSummary,
    NetworkSpec,
)
from cnn_lab.network.spec.training import (
    Augmentation,
    DataSetName,
    OptimizerName,
    ScheduleName,
    TrainingSpec,
)
from cnn_lab.ops.types import Shape

__all__ = [
    "Activation",
    "ActivationName",
    "Augmentation",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv2D",
    "DIGIT_SHAPE",
    "DataSetName",
    "Dense",
    "DepthwiseConv2D",
    "Draft",
    "Dropout",
    "Fit",
    "Flatten",
    "GlobalAveragePooling2D",
    "Layer",
    "LayerName",
    "LayerSummary",
    "LeakyReLU",
    "MAX_LAYERS",
    "MAX_MULTIPLY_ADDS",
    "MAX_PARAMETERS",
    "MAX_UNITS_PER_LAYER",
    "MaxPooling2D",
    "N_DIGITS",
    "NetworkSpec",
    "OptimizerName",
    "ReLU",
    "ScheduleName",
    "SeparableConv2D",
    "Shape",
    "Softmax",
    "SpatialDropout2D",
    "TrainingSpec",
    "fit",
    "plain_error",
]
