"""CNN Lab: a convolutional network laid open, in NumPy, checked against Keras."""

__version__ = "0.1.0"
