"""How one number of a map was computed, and what it sees of the image."""

import streamlit as st

from cnn_lab.app.features.view import View
from cnn_lab.app.widgets.pictures import show_png, tone
from cnn_lab.app.widgets.stage import stage
from cnn_lab.charts.maps import (
    Box,
    framed,
    image_picture,
    png,
)
from cnn_lab.content import prose
from cnn_lab.explain.receptive_field import Patch, growing_fields
from cnn_lab.explain.unit import Inspection, inspect_unit
from cnn_lab.ops.types import shape_words

SMALL_PX = 84


def box_of(patch: Patch) -> Box:
    """Return what a unit sees as a frame."""
    return patch.first_row, patch.first_column, patch.rows, patch.columns


def show_unit(view: View) -> None:
    """Show the sum, the maximum or the formula behind the chosen number, with all its numbers."""
    found = inspect_unit(view.network, view.subject.image, view.activations, view.layer, view.place)
    st.markdown(_sentence(view, found))
    if found.trace is not None:
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
    _show_sight(view)


def _sentence(view: View, found: Inspection) -> str:
    channel, row, column = found.place
    place = {"layer": view.layer, "words": view.spec.words, "value": found.written}
    if view.activations[view.layer].ndim == 3:
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


def _show_sight(view: View) -> None:
    """Show how much of the image units see, layer by layer up to the chosen one."""
    channel, row, column = view.place
    at = (row, column) if view.activations[view.layer].ndim == 3 else (0, channel)
    growth = growing_fields(view.network.spec, view.layer, *at)
    image = image_picture(view.subject.image)
    factor = max(1, round(SMALL_PX / image.shape[1]))
    colour = str(st.get_option(f"theme.{tone()}.primaryColor"))
    st.markdown(prose("features", "sight"))
    with st.container(horizontal=True, gap="medium"):
        for name, patch in growth:
            size = shape_words(patch.size)
            with st.container(width=max(SMALL_PX, factor * image.shape[1]) + 8, gap="xsmall"):
                show_png(
                    png(framed(image, [box_of(patch)], colour, factor=2 * factor)),
                    alt=f"What a number of {name} sees: {size} pixels",
                    width_px=factor * image.shape[1],
                )
                st.caption(f"{name}: {size}")
