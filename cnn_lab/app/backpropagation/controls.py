"""Controls of the Backpropagation page, returned as one small layer with a loss."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from cnn_lab.app.widgets.cell_edits import Editable
from cnn_lab.app.widgets.image_input import editable_image, image_controls
from cnn_lab.app.widgets.inputs import (
    apart_toggle,
    choice,
    menu,
    padding_control,
    pair_number,
    real_number,
    two_numbers,
)
from cnn_lab.app.widgets.kernel_menu import kernel_menu, kernel_size
from cnn_lab.app.widgets.matrix import MatrixEditor
from cnn_lab.concepts.backpropagation.layer import (
    ACTIVATIONS,
    Backward,
    NamedActivation,
    Objective,
    Parameters,
    SmallLayer,
    SquaredError,
    WeightedSum,
)
from cnn_lab.concepts.checks import LayerCheck
from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.data.kernels import KERNELS
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import Array

STEP, LESSON, GRADIENTS = "step", "lesson", "gradients"
NUDGE, SOFTMAX = "nudge", "softmax"
PARTS = {
    STEP: "One step",
    LESSON: "Learn a kernel",
    GRADIENTS: "Gradients",
    NUDGE: "Check by nudging",
    SOFTMAX: "Softmax and loss",
}
PART, TAB = "back_part", "back_tab"
