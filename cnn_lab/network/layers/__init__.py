"""Layer types: one class for each, with everything about it.

A class holds the layer's settings with their bounds, its shapes, weights and costs, its forward
and backward pass in NumPy, its counterpart in Keras, its arithmetic as LaTeX, and the traits
that others ask for instead of its type; see `base.BaseLayer`. Each has a paragraph for readers
in `content/en/network.md`, under "about_" and its type.
"""

from typing import Annotated, get_args

from pydantic import Field

from cnn_lab.network.layers.activation import Activation, LeakyReLU, ReLU, Softmax
from cnn_lab.network.layers.base import BaseLayer
from cnn_lab.network.layers.convolution import Conv2D, DepthwiseConv2D, SeparableConv2D
from cnn_lab.network.layers.dense import Dense, Flatten
from cnn_lab.network.layers.dropout import Dropout, SpatialDropout2D
from cnn_lab.network.layers.normalization import BatchNormalization
from cnn_lab.network.layers.pooling import AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D

Layer = Annotated[
    Conv2D
    | MaxPooling2D
    | BatchNormalization
    | Dropout
    | Flatten
    | Dense
    | Softmax
    | DepthwiseConv2D
    | SeparableConv2D
    | AveragePooling2D
    | GlobalAveragePooling2D
    | ReLU
    | LeakyReLU
    | Activation
    | SpatialDropout2D,
    Field(discriminator="type"),
]

LAYER_TYPES: dict[str, type[BaseLayer]] = {
    one.__name__: one for one in get_args(get_args(Layer)[0])
}
"""Every type by its name, in the order in which they are offered."""
