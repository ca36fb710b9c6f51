"""Sections of the Convolution page: the flipped kernel, and what fills its tabs."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from cnn_lab.app.convolution.controls import Convolution
from cnn_lab.app.widgets.inputs import fold
from cnn_lab.app.widgets.keras_check import code_in_tabs, show_proof
from cnn_lab.app.widgets.pictures import instead_of_steps, show_image
from cnn_lab.app.widgets.sizes import show_output_size
from cnn_lab.app.widgets.story import Experiment
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.concepts.convolution import (
    convolution_costs,
    cost_table,
    flip_lab,
    layer_costs,
    receptive_fields,
    symbols,
)
from cnn_lab.content import prose
from cnn_lab.content.words import shape_words
from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.teaching_images import format_matrix
from cnn_lab.trace import Trace, arithmetic_latex

TERMS_PER_LINE = 4  # as many as a phone is wide
_EDGE, _PIXEL = np.zeros((6, 6)), np.zeros((6, 6))
_EDGE[:, 3:] = _PIXEL[2, 2] = 9
EXPERIMENTS = (
    Experiment("edge", {"conv_values": format_matrix(_EDGE)}),
    Experiment("blur", {"conv_values": format_matrix(_PIXEL), "conv_kernel": KERNELS["box"].title}),
    Experiment("relu", {"conv_activation": "relu"}),
    Experiment("digit", {"conv_input": "digit", "conv_digit": "2", "conv_crop": "28"}),
)


def show_pictures(layer: Convolution) -> None:
    """Show the image and the outputs as pictures, instead of too many steps."""
    with instead_of_steps():
        show_image(layer.image.mean(axis=2), alt="The image")
        for numbers in layer.convolved:
            for f in range(numbers.filters):
                maps = numbers.activated[..., f]
                show_image(maps, signed=True, alt=f"Output of filter {f + 1}")


def show_flip(layer: Convolution) -> None:
    """Say what flipping the kernel changed."""
    section, numbers = flip_lab(layer.kernel, *layer.results)
    st.markdown(prose("convolution", section, **numbers))


def show_explained(layer: Convolution, traces: Sequence[Trace]) -> None:
    """Show what a step does, what the terms and colours mean, and, on request, the equations."""
    numbers = layer.convolved[0]
    near, far = map(shape_words, receptive_fields(numbers.geometry))
    activation = prose("convolution", "activation")
    if layer.activation == "relu":
        counts = {"negative": int((numbers.result < 0).sum()), "n": numbers.result.size}
        activation += " " + prose("convolution", "rectified", **counts)
    left, right = st.columns(2, gap="large")
    left.markdown(_paragraphs("step", "names", "colours"))
    right.markdown(
        "\n\n".join(
            [
                prose("convolution", "who", kernels=_kernels_say(layer)),
                activation,
                prose("convolution", "layers", near=near, far=far),
                prose("convolution", "ending"),
            ]
        )
    )
    equations = fold("Equations", "conv_equations", icon=":material/function:")
    if equations.open:
        with equations:
            left, right = st.columns(2, gap="large")
            with left:
                _show_equations(layer)
            with right:
                if traces:
                    st.markdown(prose("convolution", "worked"))
                    st.latex(arithmetic_latex(traces[0], 0, TERMS_PER_LINE))
                show_output_size(numbers.geometry, layer.settings[0].pad_mode)
                st.markdown(prose("convolution", "prose"))


def _kernels_say(layer: Convolution) -> str:
    """Return what each named kernel does, in a sentence or two."""
    named = (KERNELS[name] for name in dict.fromkeys(layer.presets))
    shown = [each for each in named if each.title in layer.kernel_names]
    return " ".join(f"*{each.title}*: {each.does}" for each in shown) or prose(
        "convolution", "who_you"
    )


def _paragraphs(*sections: str) -> str:
    return "\n\n".join(prose("convolution", section) for section in sections)


def _show_equations(layer: Convolution) -> None:
    """Show the equations with their symbols, and where the kernels come from."""
    settings = layer.settings[0]
    ways = ["convolution" if each.flip_kernel else "correlation" for each in layer.settings]
    st.markdown(_paragraphs("formula", *ways))
    weight = prose("convolution", f"weight_{ways[0]}")
    st.markdown(prose("convolution", "depth", weight=weight))
    letters = symbols(
        layer.convolved[0], kernel_names=layer.kernel_names, channel_names=layer.channel_names
    )
    equation = 2 if settings.flip_kernel else 3
    st.markdown(prose("convolution", "symbols", equation=equation, **letters))
    if settings.groups > 1:
        depth, channels = layer.kernel.shape[2], layer.image.shape[2]
        groups = {"groups": settings.groups, "depth": depth, "channels": channels}
        st.markdown(prose("convolution", "groups", **groups))
    if layer.kernel.shape[:2] == (1, 1):
        st.markdown(prose("convolution", "pointwise"))
    for name in dict.fromkeys(layer.presets):
        preset = KERNELS[name]
        if preset.title in layer.kernel_names:
            st.markdown(f"**{preset.title}**, ${preset.formula}$. {preset.does}")
            st.caption(f"Source: {preset.source}")


def show_cost(layer: Convolution) -> None:
    """Show what this layer costs, and what others would."""
    geometry, out_shape = layer.convolved[0].geometry, layer.results[0].shape
    costs = convolution_costs(layer.kernel.shape, geometry.positions)
    st.markdown(prose("convolution", "counts", **costs))
    st.markdown(prose("convolution", "costs"))
    compared = layer_costs(
        layer.image.shape, geometry.window, out_shape, groups=layer.settings[0].groups
    )
    show_table(cost_table(compared), label="Costs of layers between the same shapes")


def show_code(layer: Convolution, traces: Sequence[Trace]) -> None:
    """Show code for these settings, the check against Keras, and the downloads."""
    with st.container(horizontal=True):
        show_proof("conv", layer.check, traces, name=layer.file_name)
    code_in_tabs(layer.check.call)
