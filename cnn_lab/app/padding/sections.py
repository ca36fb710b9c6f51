"""Tabs of the Padding page: reasons, sizes, read counts, transposed convolution and strides."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.app.caches import StridedPicture, strided_pictures
from cnn_lab.app.padding.controls import LIBRARIES, Setup, named_kernel
from cnn_lab.app.padding.rulers import show_rulers
from cnn_lab.app.widgets.cells import Cell, show_cells
from cnn_lab.app.widgets.inputs import choice, digit_number, fold
from cnn_lab.app.widgets.keras_check import code_in_tabs, show_proof
from cnn_lab.app.widgets.pictures import show_image, show_png, tone
from cnn_lab.app.widgets.story import Experiment
from cnn_lab.concepts.formulas import output_length_latex
from cnn_lab.concepts.padding import (
    counts_sentence,
    floor_sentences,
    round_trip,
    size_after,
    transposed_length_latex,
)
from cnn_lab.content import prose
from cnn_lab.content.words import shape_words
from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.teaching_images import format_matrix
from cnn_lab.ops.reads import Counts, read_counts
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.sizes import effective_kernel_size
from cnn_lab.ops.types import Array, Pair, ShapeError
from cnn_lab.trace import Trace

NAMES = ("H'", "W'")
MAX_COUNTED = 14
STRIDED_PX = 150
EXPERIMENTS = (
    Experiment("three", {"pad_compare": "all three"}),
    Experiment(
        "frame",
        {
            "pad_values": format_matrix(np.full((6, 6), 9.0)),
            "pad_kernel": KERNELS["laplacian"].title,
        },
    ),
    Experiment("jump", {"pad_padding": "valid", "pad_kernel_size": "2", "pad_stride": "3"}),
    Experiment("libraries", {"pad_compare": LIBRARIES, "pad_stride": "2"}),
)


def show_explained(setup: Setup, results: Mapping[str, Array]) -> None:
    """Show the reasons for padding and strides or, for a comparison, where its layers differ.

    The equations are shown on request.
    """
    if setup.is_transposed:
        if results:
            show_transposed(setup)
        return
    if setup.comparison == LIBRARIES and len(results) == 2:
        show_rulers(setup, dict(results))
    else:
        _show_reasons(setup)
    if not results:
        return
    equations = fold("Equations", "pad_equations", icon=":material/function:")
    if equations.open:
        with equations:
            show_sizes(setup)
            with st.container(width=720):
                st.markdown(prose("padding", "prose"))


def _show_reasons(setup: Setup) -> None:
    """Show why there is padding, and how often each pixel is read with it."""
    paragraphs = [_why(setup), *(prose("padding", name) for name in ("names", "contents", "jump"))]
    left, right = st.columns(2, gap="large")
    if len(setup.layers) == 1:
        left.markdown("\n\n".join(paragraphs))
        with right:
            show_counts(setup)
    else:
        left.markdown("\n\n".join(paragraphs[:2]))
        right.markdown("\n\n".join(paragraphs[2:]))
        if setup.layers:
            show_counts(setup)


def _why(setup: Setup) -> str:
    size = shape_words(setup.size)
    plain = replace(setup.first, padding="valid")
    try:
        after_two = size_after(2, setup.size, setup.kernel_size, plain)
    except ShapeError:
        return prose("padding", "why_gone", size=size)
    most = int(read_counts(plain.geometry(setup.size, setup.kernel_size)).max())
    return prose("padding", "why", most=most, size=size, after_two=shape_words(after_two))


def show_cost(setup: Setup, results: Mapping[str, Array]) -> None:
    """Show how many multiplications each layer takes, and what a stride saves and loses."""
    weights = prod(setup.kernel_size)
    for name, result in {} if setup.is_transposed else results.items():
        numbers = {"size": shape_words(result.shape), "count": f"{result.size * weights:,}"}
        st.markdown(prose("padding", "multiply_adds", name=name, weights=weights, **numbers))
    show_strides(setup.kernel_size)


def show_code(setup: Setup, traces: Sequence[Trace]) -> None:
    """Show code for one of the layers, its check against Keras, and the downloads."""
    if not setup.layers:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = next(iter(setup.layers))
        if len(setup.layers) > 1:
            chosen = choice(
                "Code and check for", list(setup.layers), "pad_checked", width="content"
            )
        check = setup.check(chosen)
        show_proof("pad", check, traces, name=setup.file_name)
    code_in_tabs(check.call)


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
    words = prose("padding", "counts")
    if any(settings.pad_mode != "zeros" for settings in setup.layers.values()):
        words += " " + prose("padding", "counts_repeated")
    st.markdown(words)
    for place, (name, settings) in _beside(setup):
        with place:
            geometry = settings.geometry(setup.size, setup.kernel_size)
            counts = read_counts(geometry, settings.pad_mode)
            _show_counts(name, counts)
            st.markdown(f"**{name}**: {counts_sentence(counts)}")


def _beside(setup: Setup) -> Iterator[tuple[DeltaGenerator, tuple[str, ConvolutionSettings]]]:
    """Return a column for each layer."""
    places = st.columns(len(setup.layers), gap="large")
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
