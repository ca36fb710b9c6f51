"""Controls of the Padding and strides page, returned as the layers to compare."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import streamlit as st

from cnn_lab.app.widgets.cell_edits import SPREAD, Editable
from cnn_lab.app.widgets.image_input import editable_image, image_controls
from cnn_lab.app.widgets.inputs import (
    PADDING_NAMES,
    apart_toggle,
    choice,
    controls_fold,
    pad_mode_control,
    padding_control,
    pair_number,
)
from cnn_lab.app.widgets.kernel_menu import kernel_menu
from cnn_lab.app.widgets.matrix import MatrixEditor
from cnn_lab.app.widgets.predict import Prompt
from cnn_lab.concepts.checks import LayerCheck
from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.concepts.padding import conventions
from cnn_lab.data.kernels import KERNELS, MAX_SIZE
from cnn_lab.ops import conv2d_transpose
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import Array, Pair
from cnn_lab.trace import Form, Trace, transposed_convolution_trace
from cnn_lab.trace.convolution import ConvolutionNumbers

Comparison = Literal["all three", "one padding", "Keras and PyTorch", "transposed"]

LIBRARIES: Comparison = "Keras and PyTorch"
COMPARISONS: tuple[Comparison, ...] = ("one padding", "all three", LIBRARIES, "transposed")
COMPARED, STRIDE = "pad_compare", "pad_stride"
# At stride 1, an odd kernel has the same padding in both libraries.
STRIDES_AT_FIRST = {LIBRARIES: 2}
FORMS: tuple[Form, ...] = ("scatter", "gather")
MAX_STRIDE = 5
MAX_DILATION = 3


@dataclass(frozen=True, eq=False)
class Setup:
    """Layers that the controls describe.

    Attributes
    ----------
    comparison : str
    image : ndarray, shape (height, width, 1)
    kernel : ndarray, shape (kernel_height, kernel_width, 1, 1)
    layers : dict of str to ConvolutionSettings
        Layers to compare, by name.
    form : {"scatter", "gather"}
        Form in which a transposed convolution is shown.
    """

    comparison: Comparison
    image: Array
    kernel: Array
    layers: dict[str, ConvolutionSettings]
    form: Form = "scatter"
    _computed: dict[str, ConvolutionNumbers] = field(default_factory=dict)

    @property
    def size(self) -> Pair:
        """Rows and columns of the image."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def kernel_size(self) -> Pair:
        """Rows and columns of the kernel."""
        return self.kernel.shape[0], self.kernel.shape[1]

    @property
    def first(self) -> ConvolutionSettings:
        """The first layer, or one without padding if none fits."""
        return next(iter(self.layers.values()), ConvolutionSettings())

    @property
    def is_transposed(self) -> bool:
        """Whether the layer is a transposed convolution."""
        return self.comparison == "transposed"

    @property
    def heading(self) -> str:
        """The layers and their settings in words, as the full screen shows them."""
        rows, columns = self.kernel_size
        size = f"kernel {rows} × {columns}"
        if len(self.layers) == 1:
            ((name, settings),) = self.layers.items()
            return f"{name}: {size}, {settings.words}"
        stride = next(iter(self.layers.values())).words.split(", ")[0]
        return f"{', '.join(self.layers)}: {size}, {stride}"

    @property
    def file_name(self) -> str:
        """File name without extension, such as "all-three-k3-s2"."""
        strides = next(iter(self.layers.values())).strides
        numbers = ("x".join(map(str, dict.fromkeys(pair))) for pair in (self.kernel_size, strides))
        return "{}-k{}-s{}".format(self.comparison.lower().replace(" ", "-"), *numbers)

    @property
    def editable(self) -> dict[str, Editable]:
        """What can be edited on the stage, by the keys of its grids."""
        grids = editable_image("pad", self.image)
        strides = next(iter(self.layers.values())).strides
        if self.is_transposed and self.form == "gather" and max(strides) > 1:
            grids["input"] = replace(grids["input"], obstacle=SPREAD)
        kernel = Editable("kernel", "pad_weights", self.kernel[..., 0, 0])
        return {**grids, "kernel": kernel, "kernel-1-1": kernel}

    def result(self, name: str) -> Array:
        """Return the output of a layer, shape (rows, columns).

        Raises
        ------
        ShapeError
            If the window does not fit, or the padding needs too many pixels.
        """
        if not self.is_transposed:
            return np.asarray(self._numbers(name).result[..., 0])
        settings, images = self.layers[name], self.image[np.newaxis]
        maps = conv2d_transpose(
            images, self.kernel, strides=settings.strides, padding=settings.padding
        )
        return np.asarray(maps[0, ..., 0])

    def trace(self, name: str) -> Trace:
        """Return the trace of a layer, which carries its name.

        Raises
        ------
        TraceTooLarge
            If the browser could not play it well.
        """
        if not self.is_transposed:
            return self._numbers(name).trace(name=name)
        settings = self.layers[name]
        return transposed_convolution_trace(
            self.image,
            self.kernel[..., 0, 0],
            strides=settings.strides,
            padding=settings.padding,
            form=self.form,
        )

    def prompts(self) -> list[Prompt]:
        """Return a question about the size of each layer's output; none if it is transposed."""
        if self.is_transposed:
            return []
        return [
            Prompt(
                "conv-output-size",
                {
                    "input_size": self.size,
                    "kernel_size": self.kernel_size,
                    "strides": settings.strides,
                    "padding": settings.padding,
                    "dilation_rate": settings.dilation_rate,
                },
                whole=(number,),
                about=name if len(self.layers) > 1 else "",
            )
            for number, (name, settings) in enumerate(self.layers.items())
        ]

    def check(self, name: str) -> LayerCheck:
        """Return a layer for code and for the check against Keras."""
        image, kernel = self.image, self.kernel
        if not self.is_transposed:
            numbers = self._numbers(name)
            image, kernel = numbers.image.values, numbers.kernel.values
        call = LayerCall(
            "transposed_convolution" if self.is_transposed else "convolution",
            self.layers[name],
            image[np.newaxis],
            kernel,
        )
        return LayerCheck(call, {"result": self.result(name)[np.newaxis, ..., np.newaxis]})

    def _numbers(self, name: str) -> ConvolutionNumbers:
        if name not in self._computed:
            settings = self.layers[name]
            self._computed[name] = ConvolutionNumbers(self.image, self.kernel, settings=settings)
        return self._computed[name]

    def without(self, names: Iterable[str]) -> "Setup":
        """Return the setup without the named layers."""
        left_out = set(names)
        kept = {name: each for name, each in self.layers.items() if name not in left_out}
        return replace(self, layers=kept)


def comparison_control() -> Comparison:
    """Show the choice of what to compare and return it."""
    return choice(
        "What to compare",
        COMPARISONS,
        COMPARED,
        hidden=True,
        width="content",
        on_change=_leave_stride_one,
    )


def _leave_stride_one() -> None:
    """Let a comparison of the libraries open at a stride at which they differ."""
    state = st.session_state
    for key in (STRIDE, f"{STRIDE}_columns"):
        if state[COMPARED] == LIBRARIES and state.get(key) == 1:
            state[key] = STRIDES_AT_FIRST[LIBRARIES]


def padding_controls(comparison: Comparison) -> Setup:
    """Show the controls of the page and return the layers they describe."""
    top = st.container()
    with controls_fold("Image", "pad_image_fold"):
        image = image_controls("pad")
    with controls_fold("Kernel, dilation", "pad_kernel_fold"):
        sizes = st.container()
        apart = apart_toggle("pad")
        with sizes:
            kernel_size = pair_number(
                "Kernel size", "pad_kernel_size", value=3, minimum=1, maximum=MAX_SIZE, apart=apart
            )
            kernel = _kernel(kernel_size)
            if comparison != "transposed":
                dilation = pair_number(
                    "Dilation",
                    "pad_dilation",
                    value=1,
                    minimum=1,
                    maximum=MAX_DILATION,
                    apart=apart,
                )
    with top:
        if comparison == "one padding":
            padding = padding_control("pad", default="same")
            pad_mode = pad_mode_control("pad")
        elif comparison == "transposed":
            padding = padding_control("pad_transposed", names=("valid", "same"))
            form = _form_control()
        strides = pair_number(
            "Stride",
            STRIDE,
            value=STRIDES_AT_FIRST.get(comparison, 1),
            minimum=1,
            maximum=MAX_STRIDE,
            apart=apart,
        )
    if comparison == "transposed":
        layers = {"Transposed": ConvolutionSettings(strides, padding)}
        return Setup(comparison, image, kernel, layers, form)
    if comparison == "one padding":
        settings = ConvolutionSettings(strides, padding, dilation, pad_mode=pad_mode)
        name = padding.capitalize() if isinstance(padding, str) else "Own padding"
        return Setup(comparison, image, kernel, {name: settings})
    if comparison == LIBRARIES:
        plain = ConvolutionSettings(strides, dilation_rate=dilation)
        return Setup(comparison, image, kernel, conventions(kernel_size, plain))
    layers = {
        name.capitalize(): ConvolutionSettings(strides, name, dilation) for name in PADDING_NAMES
    }
    return Setup(comparison, image, kernel, layers)


def _kernel(size: Pair) -> Array:
    """Show the menu of named kernels and the editor; return the kernel with axes for channels."""
    name = kernel_menu("Kernel", "pad_kernel", size, "ones")
    with MatrixEditor("Edit the weights", "pad_edit_kernel") as editor:
        weights = editor.fixed_matrix(
            "pad_weights", KERNELS[name].values(*size), label="Kernel", preset=name
        )
    return weights[..., np.newaxis, np.newaxis]


def named_kernel(label: str, key: str, kernel_size: Pair, first: str) -> Array:
    """Show a menu of named kernels; return the chosen one, shape (rows, columns, 1, 1)."""
    name = kernel_menu(label, key, kernel_size, first)
    return KERNELS[name].values(*kernel_size)[..., np.newaxis, np.newaxis]


def _form_control() -> Form:
    return choice(
        "Form",
        FORMS,
        "pad_form",
        help="Scatter: each pixel adds its multiple of the kernel. Gather: the pixels are "
        "spread with zeros between them and correlated with the rotated kernel.",
    )
