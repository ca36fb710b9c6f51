"""A network in NumPy: the same weights as Keras, the same answers, no TensorFlow."""

from cnn_lab.network.model import MAX_FILE_BYTES, MODELS, ModelFileError, Network, Slopes
from cnn_lab.network.visitor import digit_problem, network_from_visitor

__all__ = [
    "MAX_FILE_BYTES",
    "MODELS",
    "ModelFileError",
    "Network",
    "Slopes",
    "digit_problem",
    "network_from_visitor",
]
