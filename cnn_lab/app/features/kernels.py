"""The weights behind a map, as pictures on one scale."""

import numpy as np
import streamlit as st

from cnn_lab.app.features.view import View, look_into
from cnn_lab.app.widgets.map_picker import Place, map_picker
from cnn_lab.app.widgets.pictures import tone
from cnn_lab.charts.maps import map_sheet
from cnn_lab.concepts.convolution.equations import number
from cnn_lab.content import prose
from cnn_lab.ops.types import Array

MAX_PX = 300


def show_kernels(view: View) -> None:
    """Show what the layer has learned: all kernels of a first layer, else those of one map."""
    channel = view.place[0]
    weights = view.spec.own_weights(view.network.weights)
    kernels = view.spec.kernels(weights)
    if view.spec.dense:
        units = weights["kernel"]
        st.markdown(prose("features", "dense_kernel", unit=channel, n=f"{len(units):,}"))
        _show(_as_before(units[:, channel], view), view)
    elif kernels is None:
        st.markdown(prose("features", "no_kernels", layer=view.layer))
    elif kernels.shape[2] == 1:
        st.markdown(prose("features", "all_kernels", n=kernels.shape[3], layer=view.layer))
        _show(kernels[:, :, 0], view, chosen=channel)
    else:
        st.markdown(prose("features", "one_kernel", map=channel, n=kernels.shape[2]))
        _show(kernels[..., channel], view)


def _as_before(weights: Array, view: View) -> Array:
    """Return a unit's weights in the shape of the maps that they weigh, where these were maps."""
    shapes = [
        row.input_shape
        for layer, row in zip(view.network.spec.layers, view.network.spec.summary(), strict=True)
        if layer.hands_on and row.output_shape == weights.shape
    ]
    flattened = [shape for shape in shapes if len(shape) == 3]
    return weights.reshape(flattened[-1] if flattened else (1, 1, -1))


def _show(kernels: Array, view: View, *, chosen: int | None = None) -> None:
    """Show kernels, shape (rows, columns, n), on one scale; a click chooses a map."""
    limit = float(np.abs(kernels).max())
    sheet = map_sheet(kernels, np.full(kernels.shape[2], limit), tone=tone(), signed=True)
    map_picker(
        sheet,
        key="features_kernels",
        chosen=None if chosen is None else (chosen, 0, 0),
        label=prose("features", "kernels_alt", layer=view.layer, n=kernels.shape[2]),
        noun="Kernel" if chosen is not None else "From map",
        ends=(number(-limit), number(limit)),
        caption="one scale for all",
        on_choose=None if chosen is None else lambda place: _take(place, view),
        most_px=MAX_PX,
    )


def _take(place: Place, view: View) -> None:
    look_into((place[0], *view.place[1:]))
