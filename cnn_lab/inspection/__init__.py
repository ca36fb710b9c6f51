"""One number of a network, looked into: what it is given, and how it comes about."""

from cnn_lab.inspection.subject import DIGIT_SHAPE, middle_of, picture_for

__all__ = ["DIGIT_SHAPE", "middle_of", "picture_for"]
