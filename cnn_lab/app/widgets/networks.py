"""A network on a page: its layers as a table, and Keras code for it."""

import streamlit as st

from cnn_lab.app.widgets.tables import show_table
from cnn_lab.concepts.snippets.network import keras_network_code
from cnn_lab.content.words import shape_words
from cnn_lab.network.spec import NetworkSpec, TrainingSpec


def show_layers(network: NetworkSpec) -> None:
    """Show a network's layers with their outputs and parameters, and the total."""
    rows = network.summary()
    show_table(
        {
            "Layer": [*(row.name for row in rows), "Total"],
            "Type": [*(layer.words for layer in network.layers), ""],
            "Output": [*(shape_words(row.output_shape) for row in rows), ""],
            "Parameters": [*(f"{row.parameters:,}" for row in rows), f"{network.n_parameters:,}"],
        },
        label="The layers of the network",
    )


@st.fragment
def show_network_code(
    label: str, key: str, network: NetworkSpec, training: TrainingSpec | None = None
) -> None:
    """Show a fold and in it, once it is open, a network and its training in Keras."""
    folded = st.expander(label, key=key, icon=":material/code:", on_change="rerun")
    if folded.open:
        folded.code(keras_network_code(network, training), language="python")
