"""Sections of the Convolution page: the flipped kernel, equations, sizes and costs."""

import streamlit as st

from cnn_lab.app.convolution.controls import Convolution
from cnn_lab.app.widgets.pictures import instead_of_steps, show_image
from cnn_lab.app.widgets.sizes import show_output_size
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.concepts.convolution import (
    convolution_costs,
    cost_table,
    flip_lab,
    layer_costs,
    symbols,
)
from cnn_lab.content import prose
from cnn_lab.data.kernels import KERNELS
from cnn_lab.trace import Trace, arithmetic_latex

TERMS_PER_LINE = 4  # as many as a phone is wide


def show_pictures(layer: Convolution) -> None:
    """Show the image and the outputs as pictures, instead of too many steps."""
    with instead_of_steps():
        show_image(layer.image.mean(axis=2), alt="The image")
        for maps in layer.results:
            for f in range(maps.shape[2]):
                show_image(maps[..., f], signed=True, alt=f"Output of filter {f + 1}")


def show_flip(layer: Convolution) -> None:
    """Say what flipping the kernel changed."""
    section, numbers = flip_lab(layer.kernel, *layer.results)
    st.markdown(prose("convolution", section, **numbers))


def show_first_step(trace: Trace) -> None:
    """Show the arithmetic of the first step."""
    st.markdown(prose("convolution", "worked"))
    st.latex(arithmetic_latex(trace, 0, TERMS_PER_LINE))


def show_equations(layer: Convolution) -> None:
    """Show the equations with their symbols, and where the kernels come from."""
    settings = layer.settings[0]
    st.markdown(prose("convolution", "formula"))
    ways = ["convolution" if each.flip_kernel else "correlation" for each in layer.settings]
    for way in ways:
        st.markdown(prose("convolution", way))
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


def show_sizes(layer: Convolution) -> None:
    """Show the size of the output, and what this and other layers cost."""
    geometry, out_shape = layer.convolved[0].geometry, layer.results[0].shape
    show_output_size(geometry, layer.settings[0].pad_mode)
    costs = convolution_costs(layer.kernel.shape, geometry.positions)
    st.markdown(prose("convolution", "counts", **costs))
    st.markdown(prose("convolution", "costs"))
    compared = layer_costs(
        layer.image.shape, geometry.window, out_shape, groups=layer.settings[0].groups
    )
    show_table(cost_table(compared), label="Costs of layers between the same shapes")
