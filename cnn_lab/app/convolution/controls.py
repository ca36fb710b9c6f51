"""Controls of the Convolution page, returned as one convolution."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import streamlit as st

from cnn_lab.app.convolution.picture import Crop, picture_controls
from cnn_lab.app.widgets.cell_edits import Editable
from cnn_lab.app.widgets.image_input import (
    CHANNEL_NAMES,
    SOURCES,
    editable_image,
    image_source,
    sourced_image,
)
from cnn_lab.app.widgets.inputs import (
    apart_toggle,
    choice,
    controls_fold,
    pad_mode_control,
    padding_control,
    pair_number,
    radio,
    real_number,
    switch,
    whole_number,
)
from cnn_lab.app.widgets.kernel_menu import kernel_menu, kernel_size
from cnn_lab.app.widgets.matrix import MatrixEditor
from cnn_lab.app.widgets.predict import Prompt, in_turn
from cnn_lab.concepts.checks import LayerCheck
from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.content import prose
from cnn_lab.data.kernels import KERNELS
from cnn_lab.ops.activations import Activation
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import Array, Pair
from cnn_lab.trace import Trace
from cnn_lab.trace.convolution import ConvolutionNumbers

CORRELATION, CONVOLUTION, BOTH = "Cross-correlation", "True convolution", "Both in step"
CHANNELS = {1: "grey", 3: "colour", 4: "four"}
NO_ACTIVATION = "none"
THEN: tuple[Activation, ...] = ("relu", "sigmoid")
MAX_FILTERS = 4
MAX_GROUP_FILTERS = 2
# Initial kernel of each filter, so that several filters differ.
FIRST_KERNELS = ("sobel_columns", "sobel_rows", "laplacian", "binomial")


@dataclass(frozen=True, eq=False)
class Convolution:
    """Convolution that the controls describe.

    Attributes
    ----------
    image : ndarray, shape (height, width, channels)
    channel_names : tuple of str
    kernel : ndarray, shape (kernel_height, kernel_width, channels / groups, filters)
    presets : list of str
        The named kernels chosen: one for each filter, or for each filter of a group.
    bias : ndarray, shape (filters,)
    bias_keys : tuple of str
        Of the control of each filter's bias.
    settings : tuple of ConvolutionSettings
        One, or two that differ in whether the kernel is flipped.
    activation : {"relu", "sigmoid", "tanh"} or None
    crop : Crop or None
        Set if the image is part of a picture.
    """

    image: Array
    channel_names: tuple[str, ...]
    kernel: Array
    presets: list[str]
    bias: Array
    bias_keys: tuple[str, ...]
    settings: tuple[ConvolutionSettings, ...]
    activation: Activation | None
    crop: Crop | None

    @cached_property
    def convolved(self) -> tuple[ConvolutionNumbers, ...]:
        """The numbers of the convolution with each of the settings.

        Raises
        ------
        ShapeError
            If the kernel does not fit.
        """
        bias = self.bias if self.bias.any() else None
        return tuple(
            ConvolutionNumbers(self.image, self.kernel, bias, each, self.activation)
            for each in self.settings
        )

    @property
    def results(self) -> list[Array]:
        """The output with each of the settings, shape (out_height, out_width, filters).

        Raises
        ------
        ShapeError
            If the kernel does not fit, or the padding needs more pixels than the image has.
        """
        return [each.result for each in self.convolved]

    def traces(self) -> list[Trace]:
        """Return the traces with each of the settings.

        Raises
        ------
        TraceTooLarge
            If the browser could not play it well.
        """
        names = self.channel_names if len(self.channel_names) > 1 else None
        return [each.trace(channel_names=names) for each in self.convolved]

    def prompts(self, traces: Sequence[Trace]) -> list[Prompt]:
        """Return questions about the cells of the first filter, as the stage shows them."""
        numbers, settings = self.convolved[0], self.settings[0]
        kernel = numbers.kernel.values[..., :1]
        given = {
            "input": numbers.image.values[..., : kernel.shape[2]],
            "kernel": kernel,
            "bias": float(self.bias[0]),
            "strides": settings.strides,
            "padding": settings.padding,
            "dilation_rate": settings.dilation_rate,
            "flip_kernel": settings.flip_kernel,
            "pad_mode": settings.pad_mode,
        }
        result = np.abs(numbers.result[..., 0])
        about = ["Filter 1"] * (numbers.filters > 1)
        about += [f"Before {self.activation}"] * (self.activation is not None)
        outputs = [trace.grid("output-1") for trace in traces]
        return [
            Prompt(
                "conv-cell",
                {**given, "row": row, "column": column},
                tuple((number, grid.cell(row, column)) for number, grid in enumerate(outputs)),
                about=", ".join(about),
            )
            for row, column in in_turn(result)
        ]

    @property
    def editable(self) -> dict[str, Editable]:
        """What can be edited on the stage, by the keys of its grids."""
        grids = editable_image("conv", self.image)
        depth, filters = self.kernel.shape[2:]
        for f in range(filters):
            group, choice = divmod(f, len(self.presets))
            for c in range(depth):
                channel = self.channel_names[group * depth + c]
                key = _weights_key(choice, len(self.presets), channel, self.channel_names)
                grids[f"kernel-{f + 1}-{c + 1}"] = Editable("kernel", key, self.kernel[..., c, f])
            grids[f"bias-{f + 1}"] = Editable(
                "bias", self.bias_keys[f], self.bias[f].reshape(1, 1), is_number=True
            )
        return grids

    @property
    def check(self) -> LayerCheck:
        """The convolution with the first settings, for code and for the check against Keras."""
        numbers = self.convolved[0]
        call = LayerCall(
            "convolution",
            self.settings[0],
            numbers.image.values[np.newaxis],
            numbers.kernel.values,
            numbers.bias.values if numbers.has_bias else None,
            activation=self.activation,
        )
        return LayerCheck(call, {"result": numbers.activated[np.newaxis]})

    @property
    def file_name(self) -> str:
        """File name without extension, such as "convolution-k3x3-s1x1-valid"."""
        rows, columns = self.kernel.shape[:2]
        down, right = self.settings[0].strides
        padding = self.settings[0].padding
        ending = padding if isinstance(padding, str) else "own"
        return f"convolution-k{rows}x{columns}-s{down}x{right}-{ending}"

    @property
    def heading(self) -> str:
        """The convolution and its settings in words, as the full screen shows them."""
        names = ", ".join(dict.fromkeys(self.kernel_names))
        first = self.settings[0]
        rotated = "kernel as it is and rotated" if len(self.settings) > 1 else ""
        return ", ".join(filter(None, [f"Convolution: {names}", first.words, rotated]))

    @property
    def kernel_names(self) -> tuple[str, ...]:
        """Name of each filter: the title of its preset until its weights are edited."""
        rows, columns, _, filters = self.kernel.shape
        names = []
        for f in range(filters):
            preset = KERNELS[self.presets[f % len(self.presets)]]
            values = preset.values(rows, columns)[..., np.newaxis]
            unedited = bool((self.kernel[..., f] == values).all())
            names.append(preset.title if unedited else "your own weights")
        return tuple(names)


def convolution_controls() -> Convolution:
    """Show the controls of the page and return the convolution they describe."""
    top = st.container()
    with controls_fold("Image", "conv_image_fold"):
        channels = choice(
            "Channels",
            list(CHANNELS),
            "conv_channels",
            format_func=CHANNELS.__getitem__,
            help="Grey: one channel. Colour: red, green and blue. Four: these and grey.",
        )
        names = CHANNEL_NAMES[:channels] if channels > 1 else ("grey",)
        source, crop = image_source("conv", (*SOURCES, "picture")), None
        if source == "picture":
            crop = picture_controls()
            image = crop.channels(channels)
        else:
            image = sourced_image(source, "conv", channels=channels)
    with controls_fold("Kernel size, filters, bias", "conv_kernel_fold"):
        size = kernel_size("conv")
        groups = _groups(channels)
        n_chosen = _filters(groups)
        bias, bias_keys = _bias(groups * n_chosen)
    with controls_fold("Flip, dilation, border", "conv_flip_fold"):
        flip = radio(
            "Operation",
            [CORRELATION, CONVOLUTION, BOTH],
            "conv_flip",
            captions=["kernel as it is", "kernel rotated by 180 degrees", "both side by side"],
        )
        apart = apart_toggle("conv")
        dilation = pair_number(
            "Dilation", "conv_dilation", value=1, minimum=1, maximum=3, apart=apart
        )
        pad_mode = pad_mode_control("conv")
    with top:
        presets = [
            kernel_menu(
                "Kernel" if n_chosen == 1 else f"Kernel {n}", _key("conv_kernel", n), size, first
            )
            for n, first in enumerate(FIRST_KERNELS[:n_chosen], start=1)
        ]
        kernel = _kernel_bank(presets, size, names, groups)
        settings = ConvolutionSettings(
            strides=pair_number(
                "Stride", "conv_stride", value=1, minimum=1, maximum=5, apart=apart
            ),
            padding=padding_control("conv"),
            dilation_rate=dilation,
            groups=groups,
            flip_kernel=flip == CONVOLUTION,
            pad_mode=pad_mode,
        )
        activation = _activation()
    both = (settings, replace(settings, flip_kernel=True))
    return Convolution(
        image,
        names,
        kernel,
        presets,
        bias,
        bias_keys,
        both if flip == BOTH else both[:1],
        activation,
        crop,
    )


def _activation() -> Activation | None:
    chosen = choice(
        "Then",
        (NO_ACTIVATION, *THEN),
        "conv_activation",
        help="The activation, which each sum goes through. ReLU turns negative numbers into 0.",
    )
    return next((name for name in THEN if name == chosen), None)


def _groups(channels: int) -> int:
    if channels == 1:
        return 1
    grouping = choice(
        "Channel mixing",
        ("all", "in groups", "never"),
        "conv_groups",
        help="All: standard convolution. Never: depthwise convolution, each channel on its own.",
    )
    if grouping == "in groups" and channels == 3:
        st.caption(prose("convolution", "three_groups"))
    return {"all": 1, "in groups": 2 if channels == 4 else channels, "never": channels}[grouping]


def _filters(groups: int) -> int:
    """Show the number of filters and return the number per group."""
    if groups == 1:
        return whole_number("Filters", "conv_filters", value=1, minimum=1, maximum=MAX_FILTERS)
    return whole_number(
        "Filters per group", "conv_group_filters", value=1, minimum=1, maximum=MAX_GROUP_FILTERS
    )


def _bias(n_filters: int) -> tuple[Array, tuple[str, ...]]:
    """Show the bias of all filters, or of each, and return the numbers and the controls' keys."""
    each = n_filters > 1 and switch("Separate bias for each filter", "conv_biases")
    if not each:
        bias = real_number("Bias", "conv_bias", value=0.0, step=0.5)
        return np.full(n_filters, bias), ("conv_bias",) * n_filters
    places = st.columns(2) * -(-n_filters // 2)
    keys = tuple(_key("conv_bias", number) for number in range(1, n_filters + 1))
    biases = []
    for number, (place, key) in enumerate(zip(places, keys, strict=False), start=1):
        with place:
            biases.append(real_number(f"Bias {number}", key, value=0.0, step=0.5))
    return np.array(biases), keys


def _kernel_bank(
    chosen: list[str], size: Pair, channel_names: tuple[str, ...], groups: int
) -> Array:
    """Show the editor of all kernels and return the bank.

    Shape (rows, columns, channels / groups, groups * chosen filters); always of the requested
    rows and columns, whatever was typed.
    """
    depth = len(channel_names) // groups
    bank = np.empty((*size, depth, groups * len(chosen)))
    with MatrixEditor("Edit the weights", "conv_edit_kernel") as editor:
        for f in range(bank.shape[3]):
            group, choice = divmod(f, len(chosen))
            preset = KERNELS[chosen[choice]].values(*size)
            for c in range(depth):
                channel = channel_names[group * depth + c] if len(channel_names) > 1 else ""
                bank[..., c, f] = editor.fixed_matrix(
                    _weights_key(
                        choice, len(chosen), channel_names[group * depth + c], channel_names
                    ),
                    preset,
                    label=_joined(
                        ", ", "Kernel" if bank.shape[3] == 1 else f"Filter {f + 1}", channel
                    ),
                    preset=chosen[choice],
                )
    return bank


def _weights_key(choice: int, n_chosen: int, channel: str, channel_names: tuple[str, ...]) -> str:
    """Return the key of a channel of a chosen kernel, counted from 0."""
    number = str(choice + 1) if n_chosen > 1 else ""
    return _joined("_", "conv_weights", number, channel if len(channel_names) > 1 else "")


def _joined(between: str, *words: str) -> str:
    return between.join(word for word in words if word)


def _key(key: str, number: int) -> str:
    """Return the key of one of several widgets; the first has no number."""
    return key if number == 1 else f"{key}_{number}"
