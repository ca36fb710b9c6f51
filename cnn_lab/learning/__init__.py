"""How a kernel learns: one small layer, its loss, its gradients, and steps downhill."""

from cnn_lab.learning.activation import ACTIVATIONS, NamedActivation
from cnn_lab.learning.descent import Line, line_of_steps
from cnn_lab.learning.forms import disagreement
from cnn_lab.learning.layer import Backward, Parameters, SmallLayer
from cnn_lab.learning.lesson import Lesson, learn_kernel
from cnn_lab.learning.nudge import Nudge, error_table, nudge, nudged_slopes
from cnn_lab.learning.objective import Objective, SquaredError, WeightedSum
from cnn_lab.learning.surprise import Surprise, surprise
from cnn_lab.learning.writing import (
    bias_gradient_latex,
    input_gradient_latex,
    kernel_gradient_latex,
    matrix_latex,
    number_latex,
)

__all__ = [
    "ACTIVATIONS",
    "Backward",
    "Lesson",
    "Line",
    "NamedActivation",
    "Nudge",
    "Objective",
    "Parameters",
    "SmallLayer",
    "SquaredError",
    "Surprise",
    "WeightedSum",
    "bias_gradient_latex",
    "disagreement",
    "error_table",
    "input_gradient_latex",
    "kernel_gradient_latex",
    "learn_kernel",
    "line_of_steps",
    "matrix_latex",
    "nudge",
    "nudged_slopes",
    "number_latex",
    "surprise",
]
