"""What stands below the stage of the page on padding and strides."""

from collections.abc import Iterator

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.arithmetic import effective_kernel_size
from cnn_lab.content import prose
from cnn_lab.conventions import KERAS, PYTORCH, Ruler, disagreement, ruler
from cnn_lab.coverage import Counts, counts_sentence, floor_sentences, read_counts
from cnn_lab.formulas import output_length_latex
from cnn_lab.layer_call import ConvolutionSettings
from cnn_lab.ops.padding import Pair
from cnn_lab.samples import Array
from cnn_lab.strides import StridedMap, strided_maps
from cnn_lab.transposition import round_trip, transposed_length_latex
from cnn_lab.ui.caches import test_digits
from cnn_lab.ui.cells import Cell, show_cells
from cnn_lab.ui.inputs import whole_number
from cnn_lab.ui.padding import Setup, kernel_menu
from cnn_lab.ui.pictures import show_image

NAMES = ("H'", "W'")
MOST_COUNTED = 14
MOST_COMPARED = 10
MOST_WINDOWS = 7
LAST_WINDOWS = 2


def show_sizes(setup: Setup) -> None:
    """Show for each padding the size formula and what its floor drops."""
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
    """Show for each padding how often each pixel is read."""
    st.markdown(prose("padding", "counts"))
    if any(settings.pad_mode != "zeros" for settings in setup.layers.values()):
        st.markdown(prose("padding", "counts_repeated"))
    for place, (name, settings) in _beside(setup):
        with place:
            st.markdown(f"**{name}**")
            counts = read_counts(setup.size, setup.kernel_size, settings)
            _show_counts(name, counts)
            st.markdown(counts_sentence(counts))


def _beside(setup: Setup) -> Iterator[tuple[DeltaGenerator, tuple[str, ConvolutionSettings]]]:
    """Return a column for each layer, of half the page at most."""
    places = st.columns(max(2, len(setup.layers)), gap="large")
    return zip(places, setup.layers.items(), strict=False)


def _show_spans(setup: Setup) -> None:
    dilation = next(iter(setup.layers.values())).steps[1]
    axes = list(zip(setup.kernel_size, dilation, ("rows", "columns"), strict=True))
    if axes[0][:2] == axes[1][:2]:
        axes = [(*axes[0][:2], "rows and columns")]
    for cells, rate, lines in axes:
        if rate > 1:
            span = effective_kernel_size(cells, rate)
            numbers = {"dilation": rate, "cells": cells, "span": span, "lines": lines}
            st.markdown(prose("padding", "span", **numbers))


def _formulas(setup: Setup, settings: ConvolutionSettings) -> list[str]:
    strides, dilation = settings.steps
    borders = settings.borders(setup.size, setup.kernel_size)
    spans = map(effective_kernel_size, setup.kernel_size, dilation)
    rows, columns = zip(setup.size, spans, strides, borders, strict=True)
    if rows == columns:
        return [output_length_latex("L'", *rows)]
    return [
        output_length_latex(name, *axis) for name, axis in zip(NAMES, (rows, columns), strict=True)
    ]


def _show_counts(name: str, counts: Counts) -> None:
    most = max(1, int(counts.max()))
    label = f"{name}: how often each pixel is read. {counts_sentence(counts)}"
    if max(counts.shape) > MOST_COUNTED:
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


def show_rulers(setup: Setup, results: dict[str, Array]) -> None:
    """Show where the windows of Keras and PyTorch lie, and which of their results differ."""
    left, right = st.columns(2, gap="large")
    with left:
        spans = [
            effective_kernel_size(*axis) // 2
            for axis in zip(setup.kernel_size, setup.layers[KERAS].steps[1], strict=True)
        ]
        written = str(spans[0]) if spans[0] == spans[1] else str(tuple(spans))
        st.markdown(prose("padding", "ruler", written=written))
        rows, columns = (
            {
                name: ruler(axis, setup.size, setup.kernel_size, settings)
                for name, settings in setup.layers.items()
            }
            for axis in (0, 1)
        )
        if rows == columns:
            _show_ruler("Rows and columns alike", rows)
        else:
            _show_ruler("Rows", rows)
            _show_ruler("Columns", columns)
    with right:
        _show_disagreement(setup, results[KERAS], results[PYTORCH])
        st.markdown(prose("padding", "pytorch_same"))
        st.caption(prose("padding", "pytorch_source"))


def _show_ruler(title: str, rulers: dict[str, Ruler]) -> None:
    first = min(-one.before for one in rulers.values())
    last = max(one.length + one.after for one in rulers.values())
    lines, heads, words = [], [], []
    for name, one in rulers.items():
        heads.append(name)
        lines.append([_tick(pixel, one) for pixel in range(first, last)])
        for number, window in _some(one.windows):
            heads.append(f"window {number}" if window else "…")
            lines.append([_mark(pixel, one, window) for pixel in range(first, last)])
        starts = ", ".join(str(window[0]) for _, window in _some(one.windows) if window)
        words.append(
            f"{name} pads {one.before} before and {one.after} after; {len(one.windows)} windows, "
            f"beginning at {starts}"
        )
    st.caption(title)
    show_cells(lines, heads=heads, label=f"{title}: {'. '.join(words)}.".replace("-", "−"))


def _some(windows: tuple[tuple[int, ...], ...]) -> list[tuple[int, tuple[int, ...]]]:
    """Return the windows by number; of many, the first and the last with a gap between."""
    numbered = list(enumerate(windows))
    if len(numbered) <= MOST_WINDOWS:
        return numbered
    head = numbered[: MOST_WINDOWS - LAST_WINDOWS - 1]
    return [*head, (-1, ()), *numbered[-LAST_WINDOWS:]]


def _tick(pixel: int, one: Ruler) -> Cell:
    if 0 <= pixel < one.length:
        return Cell(str(pixel), 0.3)
    outside = pixel < -one.before or pixel >= one.length + one.after
    return Cell(kind="blank") if outside else Cell("0", kind="padding")


def _mark(pixel: int, one: Ruler, window: tuple[int, ...]) -> Cell:
    if pixel not in window:
        return Cell(kind="blank")
    inside = 0 <= pixel < one.length
    return Cell("" if inside else "0", 1.0, kind="plain" if inside else "padding")


def _show_disagreement(setup: Setup, keras: Array, pytorch: Array) -> None:
    found = disagreement(keras, pytorch)
    n, differing = found.differs.size, int(found.differs.sum())
    borders = [each.borders(setup.size, setup.kernel_size) for each in setup.layers.values()]
    if borders[0] == borders[1]:
        st.markdown(prose("padding", "agree", n=n))
        return
    if keras.shape != pytorch.shape:
        sizes = {"keras": _size(keras), "pytorch": _size(pytorch)}
        st.markdown(prose("padding", "sizes_differ", **sizes))
    if not differing:
        st.markdown(prose("padding", "numbers_agree", n=n))
        return
    places = {"row": found.row, "column": found.column, "n": n, "differing": differing}
    pair = {"first": f"{found.first:g}", "second": f"{found.second:g}"}
    st.markdown(prose("padding", "numbers_differ", **places, **pair))
    if max(keras.shape + pytorch.shape) <= MOST_COMPARED:
        for place, name, values in zip(
            st.columns(2), (KERAS, PYTORCH), (keras, pytorch), strict=True
        ):
            with place:
                st.caption(f"{name}, {_size(values)}")
                show_cells(
                    _compared(values, found.differs),
                    label=f"Results of {name}, those that differ with a ring",
                )


def _compared(values: Array, differs: np.ndarray) -> list[list[Cell]]:
    limit = max(1e-12, float(np.abs(values).max()))
    rings = np.zeros(values.shape, bool)
    rings[: differs.shape[0], : differs.shape[1]] = differs
    return [
        [
            Cell(f"{value:.4g}", abs(value) / limit, ringed=bool(ring))
            for value, ring in zip(line, line_rings, strict=True)
        ]
        for line, line_rings in zip(values, rings, strict=True)
    ]


def show_transposed(setup: Setup) -> None:
    """Show the size formula of a transposed convolution and what it does not undo."""
    (settings,) = setup.layers.values()
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(prose("padding", "transposed"))
        formulas = transposed_length_latex(NAMES, setup.size, setup.kernel_size, settings)
        for formula in formulas:
            st.latex(formula)
        if settings.padding in ("valid", "same") and any(
            k < s for k, s in zip(setup.kernel_size, settings.steps[0], strict=True)
        ):
            st.markdown(prose("padding", "transposed_gap", lines="rows or columns"))
    with right:
        trip = round_trip(setup.image, setup.kernel, settings)
        large, back = (f"{rows} × {columns}" for rows, columns in (trip.large, trip.back))
        st.markdown(prose("padding", "transposed_back", large=large, back=back))
        if trip.keeps_values:
            st.markdown(prose("padding", "transposed_values_kept"))
        else:
            numbers = {"row": trip.row, "column": trip.column}
            values = {"before": f"{trip.before:g}", "after": f"{trip.after:g}"}
            st.markdown(prose("padding", "transposed_values", **numbers, **values))


def show_strides(kernel_size: Pair) -> None:
    """Show a whole digit's map at strides 1 to 5, and what each of them loses."""
    digits = test_digits()
    st.markdown(prose("padding", "strides"))
    with st.container(horizontal=True, width=480):
        index = whole_number(
            "Test image", "pad_map_digit", value=0, minimum=0, maximum=len(digits) - 1
        )
        kernel = kernel_menu("Kernel", "pad_map_kernel", kernel_size, "sobel_columns")
    maps = strided_maps(digits.pixels[index].astype(float), kernel[..., 0, 0])
    limit = float(np.abs(maps[0].values).max())
    for place, one in zip(st.columns(len(maps)), maps, strict=True):
        with place:
            _show_strided(one, limit)
    last = maps[-2]
    numbers = {
        "last": last.stride,
        "results": f"{last.values.size / maps[0].values.size:.0%}",
        "error": f"{last.error:.0%}",
    }
    st.markdown(prose("padding", "stride_measure", **numbers))


def _show_strided(one: StridedMap, limit: float) -> None:
    size = _size(one.values)
    n = f"{one.values.size:,}"
    st.markdown(prose("padding", "stride_figure", stride=one.stride, size=size, n=n))
    alt = f"Map at stride {one.stride}, {size}"
    show_image(one.values, signed=True, alt=alt, width_px=150, limit=limit)
    unread, error = f"{one.unread_ink:.0%}", f"{one.error:.0%}"
    st.caption(prose("padding", "stride_numbers", unread=unread, error=error))


def _size(values: Array) -> str:
    return f"{values.shape[0]} × {values.shape[1]}"
