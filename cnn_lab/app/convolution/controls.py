"""Controls of the Convolution page, returned as one convolution."""

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from cnn_lab.app.widgets.inputs import (
    CHANNEL_NAMES,
    SOURCES,
    apart_toggle,
    choice,
    image_source,
    pad_mode_control,
    padding_control,
    pair_number,
    real_number,
    sourced_image,
    whole_number,
)
from cnn_lab.app.widgets.kernel_menu import kernel_bank, kernel_choice, kernel_size
from cnn_lab.app.widgets.upload import Crop, picture_controls
from cnn_lab.content import prose
from cnn_lab.data.kernels import KERNELS
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import Array

CORRELATION, CONVOLUTION, BOTH = "Cross-correlation", "True convolution", "Both in step"
CHANNELS = {1: "grey", 3: "colour", 4: "four"}
MAX_FILTERS = 4
MAX_GROUP_FILTERS = 2


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
    settings : tuple of ConvolutionSettings
        One, or two that differ in whether the kernel is flipped.
    crop : Crop or None
        Set if the image is part of a picture.
    """

    image: Array
    channel_names: tuple[str, ...]
    kernel: Array
    presets: list[str]
    bias: Array
    settings: tuple[ConvolutionSettings, ...]
    crop: Crop | None

    @property
    def file_name(self) -> str:
        """File name without extension, such as "convolution-k3x3-s1x1-valid"."""
        rows, columns = self.kernel.shape[:2]
        down, right = self.settings[0].strides
        padding = self.settings[0].padding
        ending = padding if isinstance(padding, str) else "own"
        return f"convolution-k{rows}x{columns}-s{down}x{right}-{ending}"

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
    menu, steps = st.container(), st.container()
    with st.expander("Image"):
        channels = st.segmented_control(
            "Channels",
            list(CHANNELS),
            default=1,
            required=True,
            format_func=CHANNELS.__getitem__,
            key="conv_channels",
            bind="query-params",
            help="Grey: one channel. Colour: red, green and blue. Four: these and grey.",
            width="stretch",
        )
        names = CHANNEL_NAMES[:channels] if channels > 1 else ("grey",)
        source, crop = image_source("conv", (*SOURCES, "picture")), None
        if source == "picture":
            crop = picture_controls("conv")
            image = crop.channels(channels)
        else:
            image = sourced_image(source, "conv", channels=channels)
    with st.expander("Kernel size, filters, bias"):
        rows, columns = kernel_size()
        groups = _groups(channels)
        n_chosen = _filters(groups)
        bias = _bias(groups * n_chosen)
    with st.expander("Flip, dilation, border"):
        flip = st.radio(
            "Operation",
            [CORRELATION, CONVOLUTION, BOTH],
            captions=["kernel as it is", "kernel rotated by 180 degrees", "both side by side"],
            key="conv_flip",
            bind="query-params",
        )
        apart = apart_toggle("conv")
        dilation = pair_number(
            "Dilation", "conv_dilation", value=1, minimum=1, maximum=3, apart=apart
        )
        pad_mode = pad_mode_control("conv")
    with menu:
        presets = kernel_choice(n_chosen, rows, columns)
        kernel = kernel_bank(presets, rows, columns, names, groups)
    with steps:
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
    both = (settings, replace(settings, flip_kernel=True))
    return Convolution(
        image, names, kernel, presets, bias, both if flip == BOTH else both[:1], crop
    )


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


def _bias(n_filters: int) -> Array:
    each = n_filters > 1 and st.toggle(
        "Separate bias for each filter", key="conv_biases", bind="query-params"
    )
    if not each:
        return np.full(n_filters, real_number("Bias", "conv_bias", value=0.0, step=0.5))
    places = st.columns(2) * -(-n_filters // 2)
    biases = []
    for number, place in zip(range(1, n_filters + 1), places, strict=False):
        with place:
            key = "conv_bias" if number == 1 else f"conv_bias_{number}"
            biases.append(real_number(f"Bias {number}", key, value=0.0, step=0.5))
    return np.array(biases)
