"""How a kernel learns: one small layer, its loss, its gradients, and steps downhill."""

from cnn_lab.learning.activation import ACTIVATIONS, NamedActivation
from cnn_lab.learning.descent import Line, line_of_steps
from cnn_lab.learning.forms import disagreement
from cnn_lab.learning.layer import Backward, Parameters, SmallLayer
from cnn_lab.learning.lesson import Lesson, learn_kernel
from cnn_lab.learning.nudge import Nudge, error_table, nudge, nudged_slopes
from cnn_lab.learning.objective import Objective, SquaredError, WeightedSum
from cnn_lab.learning.surprise import Surprise, surprise

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
    "disagreement",
    "error_table",
    "learn_kernel",
    "line_of_steps",
    "nudge",
    "nudged_slopes",
    "surprise",
]
