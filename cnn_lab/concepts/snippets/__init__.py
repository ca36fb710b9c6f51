"""The layer on a page as short code for Keras, PyTorch or NumPy.

Each snippet ends with a variable `result`, or with those of `kernel_gradient`, `input_gradient`
and `bias_gradient` that the operation has. A whole network ends with a variable `model`.
"""

from cnn_lab.concepts.snippets.in_keras import keras_code
from cnn_lab.concepts.snippets.in_numpy import numpy_code
from cnn_lab.concepts.snippets.in_pytorch import pytorch_code
from cnn_lab.concepts.snippets.network import keras_network_code

__all__ = ["keras_code", "keras_network_code", "numpy_code", "pytorch_code"]
