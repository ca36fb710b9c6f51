"""Sections of the Padding page: sizes, read counts, transposed convolution and strides."""

from collections.abc import Iterator

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.app.caches import StridedPicture, strided_pictures
from cnn_lab.app.padding.controls import Setup, named_kernel
from cnn_lab.app.widgets.cells import Cell, show_cells
from cnn_lab.app.widgets.inputs import digit_number
from cnn_lab.app.widgets.pictures import show_image, show_png, tone
from cnn_lab.concepts.formulas import output_length_latex
from cnn_lab.concepts.padding import (
    counts_sentence,
    floor_sentences,
    round_trip,
    transposed_length_latex,
)
from cnn_lab.content import prose
from cnn_lab.content.words import shape_words
from cnn_lab.ops.reads import Counts, read_counts
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.sizes import effective_kernel_size
from cnn_lab.ops.types import Pair

NAMES = ("H'", "W'")
MAX_COUNTED = 14
STRIDED_PX = 150


def show_sizes(setup: Setup) -> None:
    """Show the size formula of each padding and what its floor drops."""
    st.markdown(prose("padding", "sizes"))
    _show_spans(setup)
    for place, (name, settings) in _beside(setup):
        with place:
            st.markdown(f"**{name}**")
            for formula in _formulas(setup, settings):
                st.latex(formula)
            for sentence in floor_sentences(setup.size, setup.kernel_size, settings):
                st.markdown(sentence)


def show_counts(setup: Setup) -> None:
    """Show how often each pixel is read with each padding."""
    st.markdown(prose("padding", "counts"))
    if any(settings.pad_mode != "zeros" for settings in setup.layers.values()):
        st.markdown(prose("padding", "counts_repeated"))
    for place, (name, settings) in _beside(setup):
        with place:
            st.markdown(f"**{name}**")
            geometry = settings.geometry(setup.size, setup.kernel_size)
            counts = read_counts(geometry, settings.pad_mode)
            _show_counts(name, counts)
            st.markdown(counts_sentence(counts))
    st.page_link(
        "pages/backpropagation.py",
        label="How gradients flow back: Backpropagation",
        icon=":material/arrow_forward:",
    )


def _beside(setup: Setup) -> Iterator[tuple[DeltaGenerator, tuple[str, ConvolutionSettings]]]:
    """Return a column for each layer, at most half the page wide."""
    places = st.columns(max(2, len(setup.layers)), gap="large")
    return zip(places, setup.layers.items(), strict=False)


def _show_spans(setup: Setup) -> None:
    dilation = next(iter(setup.layers.values())).dilation_rate
    axes = list(zip(setup.kernel_size, dilation, ("rows", "columns"), strict=True))
    if axes[0][:2] == axes[1][:2]:
        axes = [(*axes[0][:2], "rows and columns")]
    for cells, rate, lines in axes:
        if rate > 1:
            span = effective_kernel_size(cells, rate)
            numbers = {"dilation": rate, "cells": cells, "span": span, "lines": lines}
            st.markdown(prose("padding", "span", **numbers))


def _formulas(setup: Setup, settings: ConvolutionSettings) -> list[str]:
    borders = settings.borders(setup.size, setup.kernel_size)
    spans = map(effective_kernel_size, setup.kernel_size, settings.dilation_rate)
    rows, columns = zip(setup.size, spans, settings.strides, borders, strict=True)
    if rows == columns:
        return [output_length_latex("L'", *rows)]
    return [
        output_length_latex(name, *axis) for name, axis in zip(NAMES, (rows, columns), strict=True)
    ]


def _show_counts(name: str, counts: Counts) -> None:
    most = max(1, int(counts.max()))
    label = f"{name}: how often each pixel is read. {counts_sentence(counts)}"
    if max(counts.shape) > MAX_COUNTED:
        show_image(counts.astype(float), alt=label)
        return
    rows = [
        [
            Cell(str(count), count / most) if count else Cell("0", kind="unread")
            for count in map(int, line)
        ]
        for line in counts
    ]
    show_cells(rows, label=label)


def show_transposed(setup: Setup) -> None:
    """Show the size formula of a transposed convolution and what it does not reverse."""
    (settings,) = setup.layers.values()
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(prose("padding", "transposed"))
        formulas = transposed_length_latex(NAMES, setup.size, setup.kernel_size, settings)
        for formula in formulas:
            st.latex(formula)
        if settings.padding in ("valid", "same") and any(
            k < s for k, s in zip(setup.kernel_size, settings.strides, strict=True)
        ):
            st.markdown(prose("padding", "transposed_gap"))
    with right:
        trip = round_trip(setup.image, setup.kernel, settings)
        large, back = map(shape_words, (trip.large, trip.back))
        st.markdown(prose("padding", "transposed_back", large=large, back=back))
        if not trip.changes.differs.any():
            st.markdown(prose("padding", "transposed_values_kept"))
        else:
            row, column = trip.changes.cell
            numbers = {"row": row, "column": column}
            values = {"before": f"{trip.changes.first:g}", "after": f"{trip.changes.second:g}"}
            st.markdown(prose("padding", "transposed_values", **numbers, **values))


def show_strides(kernel_size: Pair) -> None:
    """Show the map of a whole digit at strides 1 to 5, and what each stride loses."""
    st.markdown(prose("padding", "strides"))
    with st.container(horizontal=True, width=480):
        index = digit_number("pad_map_digit")
        kernel = named_kernel("Kernel", "pad_map_kernel", kernel_size, "sobel_columns")
    pictures = strided_pictures(index, kernel[..., 0, 0], STRIDED_PX, tone())
    for place, picture in zip(st.columns(len(pictures)), pictures, strict=True):
        with place:
            _show_strided(picture)
    maps = [picture.map for picture in pictures]
    last = maps[-2]
    numbers = {
        "last": last.stride,
        "results": f"{last.values.size / maps[0].values.size:.0%}",
        "error": f"{last.error:.0%}",
    }
    st.markdown(prose("padding", "stride_measure", **numbers))


def _show_strided(picture: StridedPicture) -> None:
    one, size = picture.map, shape_words(picture.map.values.shape)
    n = f"{one.values.size:,}"
    st.markdown(prose("padding", "stride_figure", stride=one.stride, size=size, n=n))
    show_png(picture.png, alt=f"Map at stride {one.stride}, {size}", width_px=picture.width_px)
    unread, error = f"{one.unread_ink:.0%}", f"{one.error:.0%}"
    st.caption(prose("padding", "stride_numbers", unread=unread, error=error))
