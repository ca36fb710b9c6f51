"""From ink to an answer: drawings, photographs and calibration."""

from cnn_lab.digits.drawing import prepare_digit

__all__ = ["prepare_digit"]
