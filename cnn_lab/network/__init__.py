"""A network in NumPy: the same weights as Keras, the same answers, no TensorFlow."""

from cnn_lab.network.model import MAX_FILE_BYTES, MODELS, ModelFileError, Network
from cnn_lab.network.slopes import Slopes

__all__ = ["MAX_FILE_BYTES", "MODELS", "ModelFileError", "Network", "Slopes"]
