"""Costs of the network, of one layer, and of alternatives to a convolution."""

import math

import streamlit as st

from cnn_lab.app.network.controls import OWN_NAME, NetworkEditor, change
from cnn_lab.app.widgets.inputs import fold, whole_number
from cnn_lab.app.widgets.tables import show_figures, show_table
from cnn_lab.charts.network import MULTIPLY_ADDS, PARAMETERS, costs_spec, costs_table
from cnn_lab.concepts.convolution import cost_table, layer_costs
from cnn_lab.concepts.formulas import output_length_latex
from cnn_lab.content import prose
from cnn_lab.content.words import data_size, shape_words
from cnn_lab.network.costs import memory
from cnn_lab.network.editing import separated
from cnn_lab.network.layers.base import Connections
from cnn_lab.network.spec import Fit, Layer, LayerSummary

MAX_IN_BATCH = 1024
_CHARTS = {
    PARAMETERS: "Three bars: parameters of a convolution, a depthwise one and a dense layer",
    MULTIPLY_ADDS: "Three bars: multiply-adds of a convolution, a depthwise one and a dense layer",
}


def show_totals(editor: NetworkEditor, found: Fit) -> None:
    """Show the network's totals, each with its name, as far as its layers fit."""
    taken = memory(editor.draft.layers, found.rows, batch_size=1)
    totals = {
        "Layers": f"{len(found.rows)}",
        "Parameters": f"{sum(row.parameters for row in found.rows):,}",
        "Multiply-adds for one image": f"{sum(row.multiply_adds for row in found.rows):,}",
        "Memory of the weights": data_size(taken.weights),
        "Memory to run one image": data_size(taken.image),
    }
    show_figures(totals)
    if found.reason:
        st.caption(prose("network", "so_far"))


def show_memory(editor: NetworkEditor, found: Fit) -> None:
    """Show, once it is open, the memory that training needs, for a chosen batch size."""
    part = fold("Memory for training", "network_memory", icon=":material/memory:")
    if part.open:
        with part:
            _show_memory(editor, found)


def _show_memory(editor: NetworkEditor, found: Fit) -> None:
    st.markdown(prose("network", "memory"))
    batch_size = whole_number(
        "Batch size", "network_batch", value=128, minimum=1, maximum=MAX_IN_BATCH
    )
    taken = memory(editor.draft.layers, found.rows, batch_size=batch_size)
    show_table(
        {
            "": ["Weights", "Running one image", "Training with Adam"],
            "Memory": [data_size(count) for count in (taken.weights, taken.image, taken.training)],
        },
        label="Memory that the network needs",
    )


def show_layer_formulas(editor: NetworkEditor, found: Fit) -> None:
    """Show the output size, parameters and multiply-adds of the edited layer as equations."""
    index = editor.index
    if not 0 <= index < len(found.rows):
        st.markdown(prose("network", "no_formula"))
        return
    layer, row = editor.draft.layers[index], found.rows[index]
    st.markdown(prose("network", "formulas", name=layer.name, made=shape_words(row.output_shape)))
    for line in _lengths(layer, row):
        st.latex(line)
    for what, latex in (
        ("parameters", layer.parameters_latex(row.input_shape)),
        ("multiply_adds", layer.multiply_adds_latex(row.input_shape)),
    ):
        st.markdown(prose("network", what if latex else f"no_{what}"))
        if latex:
            st.latex(latex)
    st.markdown(prose("network", f"about_{layer.type}"))
    if layer.nonlinearity == "softmax":
        st.page_link(
            "pages/backpropagation.py",
            label="Softmax and cross-entropy, step by step",
            icon="",
            query_params={"back_part": "Softmax and loss"},
        )


def _lengths(layer: Layer, row: LayerSummary) -> list[str]:
    """Return the size formula of a layer with a window; only one if both axes agree."""
    window = layer.window(row.input_shape) if layer.window_field else None
    if window is None:
        return []
    axes = list(zip(row.input_shape[:2], *window, strict=True))
    names = ("H'", "W'") if axes[0] != axes[1] else ("H' = W'",)
    return [output_length_latex(name, *axis) for name, axis in zip(names, axes, strict=False)]


def show_meter(editor: NetworkEditor, found: Fit) -> None:
    """Show, once it is open, what a convolution saves."""
    part = fold("What a convolution saves", "network_meter", icon=":material/balance:")
    if part.open:
        with part:
            _show_meter(editor, found)


def _show_meter(editor: NetworkEditor, found: Fit) -> None:
    """Compare a convolution with a depthwise and a dense layer between the same shapes."""
    convolutions = _convolutions(editor, found)
    if not convolutions:
        st.markdown(prose("network", "no_convolution"))
        return
    index = editor.index if editor.index in convolutions else next(iter(convolutions))
    made = convolutions[index]
    layer, row = editor.draft.layers[index], found.rows[index]
    kernel = layer.weight_shapes(row.input_shape)["kernel"]
    st.markdown(
        prose(
            "network",
            "sparse",
            name=layer.name,
            sparse=f"{made.sparse:,}",
            dense=f"{made.dense:,}",
            ratio=f"{made.dense / made.sparse:,.0f}",
            reach=f"{made.reach:,}",
            pixels=f"{math.prod(row.input_shape):,}",
            shared=f"{made.shared:,}",
            uses=f"{made.uses:,.0f}",
        )
    )
    rows_in, columns_in, channels = row.input_shape
    rows_out, columns_out, filters = row.output_shape
    costs = layer_costs(
        (rows_in, columns_in, channels),
        (kernel[0], kernel[1]),
        (rows_out, columns_out, filters),
        bias=dict(layer)["use_bias"],
    )
    table = costs_table(costs)
    for place, (field, alt) in zip(st.columns(2, gap="large"), _CHARTS.items(), strict=True):
        with place:
            spec = costs_spec(field, costs)
            st.vega_lite_chart(table, spec, key=f"network_cost_{field}", alt=alt)
    show_table(cost_table(costs), label=f"The costs of {layer.name} and of two alternatives")
    st.markdown(prose("network", "meter"))
    possible = layer.separated(OWN_NAME) is not None
    st.button(
        f"Replace {layer.name} with depthwise + 1 × 1",
        icon=":material/call_split:",
        key="network_separate",
        on_click=change,
        args=(lambda draft: separated(draft, index),),
        disabled=not possible,
    )
    if not possible:
        st.caption(prose("network", "inseparable"))


def _convolutions(editor: NetworkEditor, found: Fit) -> dict[int, Connections]:
    """Return the connections of each standard convolution that fits, by its place."""
    made = {
        index: layer.connections(row.input_shape)
        for index, (layer, row) in enumerate(zip(editor.draft.layers, found.rows, strict=False))
    }
    return {index: one for index, one in made.items() if one}
