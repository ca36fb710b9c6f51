"""Computation and receptive field of one number in a map."""

import streamlit as st

from cnn_lab.app.features.controls import View
from cnn_lab.app.widgets.pictures import show_png, theme_colour
from cnn_lab.app.widgets.stage import stage
from cnn_lab.charts.maps import (
    framed,
    image_picture,
    png,
)
from cnn_lab.content import prose
from cnn_lab.content.words import shape_words
from cnn_lab.explain.receptive_field import Patch
from cnn_lab.explain.unit import Inspection, inspect_unit
from cnn_lab.ops.types import Array
from cnn_lab.trace import arithmetic_line

SMALL_PX, CARD_PX = 84, 104


def show_field(image: Array, patch: Patch, *, alt: str, width_px: int) -> None:
    """Show an image, about `width_px` wide, with a frame around a receptive field."""
    factor = max(1, round(width_px / image.shape[1]))
    box = patch.first_row, patch.first_column, patch.rows, patch.columns
    picture = framed(image_picture(image), [box], theme_colour(), factor=2 * factor)
    show_png(png(picture), alt=alt, width_px=factor * image.shape[1])


def show_number(view: View) -> None:
    """Show the sum, the maximum or the formula behind the selected number."""
    found = inspect_unit(view.network, view.subject.image, view.activations, view.layer, view.place)
    st.markdown(_sentence(view, found))
    if found.trace is not None:
        st.markdown(arithmetic_line(found.trace, found.step))
        where = "_".join(map(str, (view.layer, *view.place)))
        stage(
            found.trace,
            key=f"features_stage_{where}",
            start_step=found.step,
            label=f"How number {where} was computed",
        )
    if found.latex:
        if found.trace is not None:
            st.markdown(prose("features", "then"))
        st.latex(found.latex)


def _sentence(view: View, found: Inspection) -> str:
    channel, row, column = found.place
    place = {"layer": view.layer, "words": view.spec.words, "value": found.written}
    if view.has_maps:
        place["where"] = f"map {channel}, row {row}, column {column}"
    else:
        place["where"] = f"unit {channel}"
    said = prose("features", "number", **place)
    if found.origin is not None:
        source, at_row, at_column = found.origin
        said += " " + prose("features", "handed_on", map=source, row=at_row, column=at_column)
    elif found.n_others:
        said += " " + prose("features", "strongest", n_others=found.n_others)
    return said


def show_sight(view: View) -> None:
    """Show the receptive fields, layer by layer up to the selected one."""
    image = view.subject.image
    st.markdown(prose("features", "sight"))
    with st.container(horizontal=True, gap="medium"):
        for name, patch in view.receptive_fields:
            size = shape_words(patch.size)
            with st.container(width=CARD_PX, gap="xsmall"):
                alt = f"The receptive field of a number in {name}: {size} pixels"
                show_field(image, patch, alt=alt, width_px=SMALL_PX)
                st.caption(f"{name}: {size}")
