"""Controls of the Backpropagation page, returned as one small layer with a loss."""

from contextlib import nullcontext, suppress
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from cnn_lab.app.widgets.cell_edits import Editable
from cnn_lab.app.widgets.image_input import editable_image, image_controls
from cnn_lab.app.widgets.inputs import (
    apart_toggle,
    choice,
    controls_fold,
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

OWN = "own"
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
SOURCES = {
    "loss": "from a loss",
    "ones": "ones",
    "cell": "one cell",
    OWN: "own numbers",
}
_BY_ACTIVATION = "The activation changes the output gradient; choose a linear one to edit it here."


@dataclass(frozen=True, eq=False)
class LayerSetup:
    """Layer that the controls describe, with all its numbers.

    Attributes
    ----------
    layer : SmallLayer
    at : Parameters
        The kernel and the bias.
    back : Backward
    target : str
        Title of the kernel that made the target; "" if the output gradient was chosen.
    """

    layer: SmallLayer
    at: Parameters
    back: Backward
    target: str

    @property
    def wanted(self) -> Array | None:
        """The output that gives a loss of 0; None if the output gradient was chosen."""
        objective = self.layer.objective
        return objective.target if isinstance(objective, SquaredError) else None

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the image."""
        return self.layer.image.shape[0], self.layer.image.shape[1]

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns of the kernel."""
        return self.at.kernel.shape[0], self.at.kernel.shape[1]

    @property
    def editable(self) -> dict[str, Editable]:
        """What can be edited on the stage, by the keys of its grids."""
        delta = self.back.delta
        grids = editable_image("back", self.layer.image[..., np.newaxis])
        grids["kernel"] = Editable("kernel", "back_weights", self.at.kernel)
        grids["grad-output"] = Editable(
            "output gradient",
            "back_delta",
            delta,
            source={"back_source": OWN},
            typed={"back_delta": delta},
            obstacle="" if self.layer.activation is ACTIVATIONS["linear"] else _BY_ACTIVATION,
        )
        return grids

    @property
    def check(self) -> LayerCheck:
        """The gradients as shown, for code and for the check against Keras."""
        call = LayerCall(
            "convolution_gradients",
            self.layer.settings,
            self.layer.image[np.newaxis, ..., np.newaxis],
            kernel=self.at.kernel[..., np.newaxis, np.newaxis],
            grad_output=self.back.delta[np.newaxis, ..., np.newaxis],
        )
        computed = {
            "kernel_gradient": self.back.parameters.kernel[..., np.newaxis, np.newaxis],
            "input_gradient": self.back.image[np.newaxis, ..., np.newaxis],
            "bias_gradient": np.array([self.back.parameters.bias]),
        }
        return LayerCheck(call, computed)


def part_control() -> str:
    """Show the parts of the page in the order of the story, and return the chosen one.

    An address that names settings but no part is one of the gradients: they came first once.
    """
    state, query = st.session_state, st.query_params
    if PART not in state and query.get(PART) not in PARTS.values():
        settings = [key for key in query if key.startswith("back_") and key not in (PART, TAB)]
        state[PART] = GRADIENTS if settings else STEP
        with suppress(StreamlitAPIException):  # a widget that is shown writes it by itself
            query[PART] = PARTS[state[PART]]
    return choice(
        "Part",
        list(PARTS),
        PART,
        format_func=PARTS.__getitem__,
        hidden=True,
        width="content",
        always_named=True,
    )


def layer_controls(*, loss_folded: bool) -> LayerSetup:
    """Show the controls of the layer and its loss, most of them in expanders.

    Parameters
    ----------
    loss_folded : bool
        Whether those of the loss are in an expander too.

    Raises
    ------
    ValueError
        If the window does not fit; raised after all controls are shown.
    """
    top = st.container()
    with controls_fold("Image", "back_image_fold"):
        image = image_controls("back")[..., 0]
    with controls_fold("Kernel and bias", "back_kernel_fold"):
        kernel = _kernel()
        bias = real_number("Bias", "back_bias", value=0.0, step=0.5)
    with controls_fold("Stride, padding, activation", "back_settings_fold"):
        settings = _settings()
        activation = ACTIVATIONS[
            menu(
                "Activation",
                list(ACTIVATIONS),
                "back_activation",
                format_func=lambda name: ACTIVATIONS[name].title,
            )
        ]
    at = Parameters(kernel, bias)
    out_size = settings.geometry(image.shape, kernel.shape).positions
    fold = controls_fold("Loss", "back_loss_fold") if loss_folded else nullcontext()
    with top, fold:
        objective, target = _objective(image, at, settings, activation, out_size)
    layer = SmallLayer(image, objective, settings, activation)
    return LayerSetup(layer, at, layer.backward(at), target)


def _kernel() -> Array:
    size = kernel_size("back")
    name = kernel_menu("Kernel", "back_kernel", size, "sobel_columns")
    with MatrixEditor("Edit the weights", "back_edit_kernel") as editor:
        return editor.fixed_matrix(
            "back_weights", KERNELS[name].values(*size), label="Kernel", preset=name
        )


def _settings() -> ConvolutionSettings:
    apart = apart_toggle("back")
    return ConvolutionSettings(
        strides=pair_number("Stride", "back_stride", value=1, minimum=1, maximum=5, apart=apart),
        padding=padding_control("back"),
        dilation_rate=pair_number(
            "Dilation", "back_dilation", value=1, minimum=1, maximum=3, apart=apart
        ),
    )


def _objective(
    image: Array,
    at: Parameters,
    settings: ConvolutionSettings,
    activation: NamedActivation,
    out_size: tuple[int, int],
) -> tuple[Objective, str]:
    """Show the source of the output gradient; return the loss and the name of its target."""
    source = menu(
        "Output gradient",
        list(SOURCES),
        "back_source",
        format_func=SOURCES.__getitem__,
        help="How the loss changes with each output: from a squared error, or of your choice.",
    )
    if source == "loss":
        window = at.kernel.shape
        name = kernel_menu("Target: output of this kernel", "back_target", window, "sobel_rows")
        bank = KERNELS[name].values(*window)[..., np.newaxis]
        layer = SmallLayer(image, WeightedSum(np.zeros(out_size)), settings)
        target = activation.apply(layer.sums(bank, np.zeros(1)))[..., 0]
        return SquaredError(target), KERNELS[name].title
    weights: Array = np.zeros(out_size)
    if source == "ones":
        weights[:] = 1
    elif source == "cell":
        weights[cell_choice("Cell", "back_cell", out_size)] = 1
    else:
        weights[out_size[0] // 2, out_size[1] // 2] = 1
        with MatrixEditor("Edit the output gradient", "back_edit_delta") as editor:
            weights = editor.fixed_matrix("back_delta", weights, label="Output gradient")
    return WeightedSum(weights), ""


def cell_choice(label: str, key: str, size: tuple[int, int]) -> tuple[int, int]:
    """Show two fields for a cell, keys `<key>_row` and `<key>_column`; return (row, column)."""
    return two_numbers(
        (f"{label}, row", f"{label}, column"),
        (f"{key}_row", f"{key}_column"),
        maximum=(size[0] - 1, size[1] - 1),
    )
