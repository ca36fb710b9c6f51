"""From ink to an answer: drawings, photographs, calibration and novelty."""

from cnn_lab.digits.drawing import prepare_digit

__all__ = ["prepare_digit"]
