"""Learning with one small layer: its loss, its gradients, and steps downhill."""

from cnn_lab.concepts.backpropagation.activation import ACTIVATIONS, NamedActivation
from cnn_lab.concepts.backpropagation.descent import Line, line_of_steps
from cnn_lab.concepts.backpropagation.forms import disagreement
from cnn_lab.concepts.backpropagation.latex import (
    bias_gradient_latex,
    input_gradient_latex,
    kernel_gradient_latex,
    matrix_latex,
    number_latex,
)
from cnn_lab.concepts.backpropagation.layer import Backward, Parameters, SmallLayer
from cnn_lab.concepts.backpropagation.lesson import Lesson, learn_kernel
from cnn_lab.concepts.backpropagation.nudge import Nudge, error_table, nudge, nudged_slopes
from cnn_lab.concepts.backpropagation.objective import Objective, SquaredError, WeightedSum
from cnn_lab.concepts.backpropagation.softmax import SoftmaxCrossEntropy, softmax_cross_entropy

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
    "SoftmaxCrossEntropy",
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
    "softmax_cross_entropy",
]
