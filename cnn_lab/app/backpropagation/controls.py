"""Controls of the Backpropagation page, returned as one small layer with a loss."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnn_lab.app.widgets.inputs import (
    apart_toggle,
    image_controls,
    padding_control,
    pair_number,
    real_number,
    whole_number,
)
from cnn_lab.app.widgets.matrix import editable_matrix, editing, of_shape
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
from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.data.kernels import KERNELS, MAX_SIZE
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import Array

SOURCES = {
    "loss": "from a loss",
    "ones": "ones",
    "cell": "one cell",
    "own": "own numbers",
}
MAX_OUT_SIDE = 46  # 28 pixels, with full padding and a kernel that spans 19


@dataclass(frozen=True, eq=False)
class Study:
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
    def size(self) -> tuple[int, int]:
        """Rows and columns of the image."""
        return self.layer.image.shape[0], self.layer.image.shape[1]

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns of the kernel."""
        return self.at.kernel.shape[0], self.at.kernel.shape[1]

    @property
    def call(self) -> LayerCall:
        """The gradients as an operation with its numbers."""
        return LayerCall(
            "convolution_gradients",
            self.layer.settings,
            self.layer.image[np.newaxis, ..., np.newaxis],
            kernel=self.at.kernel[..., np.newaxis, np.newaxis],
            grad_output=self.back.delta[np.newaxis, ..., np.newaxis],
        )

    @property
    def computed(self) -> dict[str, Array]:
        """The gradients of this operation, as shown."""
        return {
            "kernel_gradient": self.back.parameters.kernel[..., np.newaxis, np.newaxis],
            "input_gradient": self.back.image[np.newaxis, ..., np.newaxis],
            "bias_gradient": np.array([self.back.parameters.bias]),
        }


def layer_controls() -> Study:
    """Show the controls of the layer and its loss, most of them in expanders.

    Raises
    ------
    ValueError
        If the window does not fit; raised after all controls are shown.
    """
    menu = st.container()
    with st.expander("Image"):
        image = image_controls("back")[..., 0]
    with st.expander("Kernel and bias"):
        kernel = _kernel()
        bias = real_number("Bias", "back_bias", value=0.0, step=0.5)
    with st.expander("Stride, padding, activation"):
        settings = _settings()
        activation = ACTIVATIONS[
            st.selectbox(
                "Activation",
                list(ACTIVATIONS),
                format_func=lambda name: ACTIVATIONS[name].title,
                key="back_activation",
                bind="query-params",
            )
        ]
    at = Parameters(kernel, bias)
    out_size = settings.geometry(image.shape, kernel.shape).positions
    with menu:
        objective, target = _objective(image, at, settings, activation, out_size)
    layer = SmallLayer(image, objective, settings, activation)
    return Study(layer, at, layer.backward(at), target)


def _kernel() -> Array:
    left, right = st.columns(2)
    with left:
        rows = whole_number("Kernel rows", "back_kernel_rows", value=3, minimum=1, maximum=MAX_SIZE)
    with right:
        columns = whole_number(
            "Kernel columns", "back_kernel_columns", value=3, minimum=1, maximum=MAX_SIZE
        )
    name = _kernel_choice("Kernel", "back_kernel", (rows, columns), first="sobel_columns")
    preset = KERNELS[name].values(rows, columns)
    typed = editable_matrix(
        "back_weights",
        preset,
        editing("Edit the weights", "back_edit_kernel"),
        label="Kernel",
        max_rows=rows,
        max_columns=columns,
    )
    return of_shape(typed, preset, "The kernel")


def _kernel_choice(label: str, key: str, window: tuple[int, int], *, first: str) -> str:
    names = [name for name, kernel in KERNELS.items() if kernel.fits(*window)]
    return st.selectbox(
        label,
        names,
        index=names.index(first) if first in names else names.index("ones"),
        format_func=lambda name: KERNELS[name].title,
        key=key,
        bind="query-params",
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
    source = st.selectbox(
        "Output gradient",
        list(SOURCES),
        format_func=SOURCES.__getitem__,
        key="back_source",
        bind="query-params",
        help="How the loss changes with each output: from a squared error, or of your choice.",
    )
    if source == "loss":
        window = (at.kernel.shape[0], at.kernel.shape[1])
        name = _kernel_choice(
            "Target: output of this kernel", "back_target", window, first="sobel_rows"
        )
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
        typed = editable_matrix(
            "back_delta",
            weights,
            editing("Edit the output gradient", "back_edit_delta"),
            label="Output gradient",
            max_rows=MAX_OUT_SIDE,
            max_columns=MAX_OUT_SIDE,
        )
        weights = of_shape(typed, weights, "The output gradient")
    return WeightedSum(weights), ""


def cell_choice(label: str, key: str, size: tuple[int, int]) -> tuple[int, int]:
    """Show two fields for a cell, keys `<key>_row` and `<key>_column`; return (row, column)."""
    left, right = st.columns(2)
    with left:
        row = whole_number(f"{label}, row", f"{key}_row", value=0, minimum=0, maximum=size[0] - 1)
    with right:
        column = whole_number(
            f"{label}, column", f"{key}_column", value=0, minimum=0, maximum=size[1] - 1
        )
    return row, column
