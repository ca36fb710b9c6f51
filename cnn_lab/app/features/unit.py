"""Computation and receptive field of one number in a map."""

import numpy as np
import streamlit as st

from cnn_lab.app.features.controls import View
from cnn_lab.app.widgets.pictures import show_png, theme_colour
from cnn_lab.app.widgets.predict import Prompt, predict_first, predict_switch
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
from cnn_lab.trace import Trace, arithmetic_line
from cnn_lab.trace.model import HIDDEN

SMALL_PX, CARD_PX = 84, 104


def show_field(image: Array, patch: Patch, *, alt: str, width_px: int) -> None:
    """Show an image, about `width_px` wide, with a frame around a receptive field."""
    factor = max(1, round(width_px / image.shape[1]))
    box = patch.first_row, patch.first_column, patch.rows, patch.columns
    picture = framed(image_picture(image), [box], theme_colour(), factor=2 * factor)
    show_png(png(picture), alt=alt, width_px=factor * image.shape[1])


def show_number(view: View) -> bool:
    """Show the sum, the maximum or the formula behind the selected number.

    Returns whether it is hidden, because a question asks for it.
    """
    found = inspect_unit(view.network, view.subject.image, view.activations, view.layer, view.place)
    prediction = None
    if predict_switch("features"):
        prompt = None if found.trace is None else _prompt(view, found, found.trace)
        traces = [] if found.trace is None else [found.trace]
        prediction = predict_first("features", traces, [] if prompt is None else [prompt])
    is_asked = prediction is not None and prediction.asked is not None
    said = _sentence(view, found, is_asked=is_asked)
    if found.trace is not None:
        sum_line = HIDDEN if is_asked else arithmetic_line(found.trace, found.step)
        st.markdown(f"{said}\n\n{sum_line}")
        where = "_".join(map(str, (view.layer, *view.place)))
        stage(
            found.trace,
            key=f"features_stage_{where}",
            start_step=found.step,
            label=f"How number {where} was computed",
            prediction=prediction,
            predicts="features",
        )
    else:
        st.markdown(said)
    if found.latex and not is_asked:
        if found.trace is not None:
            st.markdown(prose("features", "then"))
        st.latex(found.latex)
    return is_asked


def _prompt(view: View, found: Inspection, trace: Trace) -> Prompt | None:
    """Return the question about the selected number, before the activation."""
    step, spec = found.step, view.spec
    places = ((0, int(trace.writes[step])),)
    if trace.partials.size:
        parts = trace.partials[step].tolist()
        rest = int(trace.biases[step])
        return Prompt(
            "channel-sum",
            {"sums": np.array([trace.value(each) for each in parts]), "bias": trace.value(rest)},
            places,
            whole=(0,),
            about=prose("predict", "rest") if found.n_others else "",
            shows=tuple((0, part) for part in parts),
        )
    channel, row, column = found.place
    before = _before(view)
    window = spec.window(before.shape)
    if window is None:
        return None
    at = {"strides": window.strides, "padding": window.borders, "row": row, "column": column}
    kernels = spec.kernels(spec.own_weights(view.network.weights)) if spec.convolves else None
    if kernels is not None:
        at["input"] = before[..., spec.sources(channel)].astype(np.float64)
        at["kernel"] = kernels[..., [channel]].astype(np.float64)
        at["bias"] = trace.value(int(trace.biases[step])) if trace.biases.size else 0.0
        return Prompt("conv-cell", at, places, whole=(0,))
    at |= {"input": before[..., channel].astype(np.float64), "pool_size": window.size}
    kind = "max" if trace.term == "maximum" else "average"
    return Prompt(f"{kind}-pool-cell", at, places, whole=(0,))


def _before(view: View) -> Array:
    """Return what the selected layer reads."""
    index, _ = view.network.spec.find(view.layer)
    if not index:
        return view.subject.image
    return view.activations[view.network.spec.layers[index - 1].name]


def _sentence(view: View, found: Inspection, *, is_asked: bool) -> str:
    channel, row, column = found.place
    value = HIDDEN if is_asked else found.written
    place = {"layer": view.layer, "words": view.spec.words, "value": value}
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
