"""The settings of one layer as fields: each shows what the draft says, and writes into it."""

from typing import Any, get_args

import streamlit as st

from cnn_lab.app.network.controls import Bench, change
from cnn_lab.app.widgets.inputs import apart_toggle
from cnn_lab.charts.network_diagram import INPUT_KEY
from cnn_lab.data.sets import INFO
from cnn_lab.network.editing import changed, with_input
from cnn_lab.network.spec import ActivationName, Draft, Layer, Shape
from cnn_lab.network.spec.draft import LARGEST, MAX_CHANNELS, MAX_SIDE
from cnn_lab.ops.types import Pair, shape_words

LABELS = {
    "filters": "Filters",
    "units": "Units",
    "depth_multiplier": "Kernels per channel",
    "kernel_size": "Kernel size",
    "pool_size": "Window",
    "strides": "Stride",
    "padding": "Padding",
    "activation": "Activation",
    "rate": "Dropout rate",
    "negative_slope": "Slope for negative numbers",
    "momentum": "Momentum of the running averages",
    "epsilon": "Epsilon",
    "use_bias": "Bias",
}
_SHARES = {"rate": (0.0, 0.99, 0.05), "negative_slope": (0.0, 1.0, 0.05)}
_SHARES |= {"momentum": (0.0, 0.999, 0.05), "epsilon": (1e-6, 1.0, 0.001)}
OTHER = "other"
AXES = ("rows", "columns")


def layer_fields(bench: Bench) -> None:
    """Show the settings of the layer that is being edited, or of the image."""
    if bench.layer == INPUT_KEY:
        _input_fields(bench.draft)
        return
    layer = bench.draft.layers[bench.index]
    _text(layer)
    for field in LABELS:
        if field in type(layer).model_fields:
            _field(layer, field)
    if layer.window_field:
        apart_toggle("network")


def _field(layer: Layer, field: str) -> None:
    value = dict(layer)[field]
    label, key = LABELS[field], f"network_{layer.name}_{field}"
    if field == "strides" and layer.pooling:
        _pool_strides(layer, value, key)
    elif field == "strides" and layer.equal_strides:
        _whole(layer, field, label, key, value[0], both=True)
    elif isinstance(value, tuple):
        _pair(layer, field, label, key, value)
    elif field == "use_bias":
        _follow(key, value)
        st.toggle(label, key=key, on_change=_write, args=(layer.name, field, key))
    elif field == "padding":
        _follow(key, value)
        st.segmented_control(
            label,
            ("valid", "same"),
            required=True,
            key=key,
            on_change=_write,
            args=(layer.name, field, key),
            width="stretch",
        )
    elif field == "activation":
        _follow(key, value)
        st.selectbox(
            label,
            get_args(ActivationName),
            key=key,
            on_change=_write,
            args=(layer.name, field, key),
        )
    elif field in _SHARES:
        low, high, step = _SHARES[field]
        _follow(key, value)
        st.number_input(
            label,
            min_value=min(low, value),
            max_value=max(high, value),
            step=step,
            format="%g",
            key=key,
            on_change=_write,
            args=(layer.name, field, key),
        )
    else:
        _whole(layer, field, label, key, value)


def _text(layer: Layer) -> None:
    key = f"network_{layer.name}_name"
    _follow(key, layer.name)
    st.text_input(
        "Name",
        max_chars=32,
        key=key,
        on_change=_write,
        args=(layer.name, "name", key),
        help="A lowercase letter, then lowercase letters, digits and underscores.",
    )


def _pair(layer: Layer, field: str, label: str, key: str, value: Pair) -> None:
    """Show a field for both axes, or one for each where they differ or are to."""
    if value[0] == value[1] and not st.session_state.get("network_apart"):
        _whole(layer, field, label, key, value[0], both=True)
        return
    for axis, place in enumerate(st.columns(2, vertical_alignment="bottom")):
        with place:
            name = f"{key}_{AXES[axis]}"
            _whole(layer, field, f"{label}, {AXES[axis]}", name, value[axis], axis=axis)


def _pool_strides(layer: Layer, value: Pair | None, key: str) -> None:
    as_window = f"{key}_as_window"
    _follow(as_window, value is None)
    st.toggle(
        "Stride equal to the window",
        key=as_window,
        on_change=_write_pool_strides,
        args=(layer.name, as_window),
    )
    if value is not None:
        _pair(layer, "strides", LABELS["strides"], key, value)


def _whole(
    layer: Layer,
    field: str,
    label: str,
    key: str,
    value: int,
    *,
    both: bool = False,
    axis: int | None = None,
) -> None:
    _follow(key, value)
    st.number_input(
        label,
        min_value=1,
        max_value=LARGEST,
        step=1,
        key=key,
        on_change=_write,
        args=(layer.name, field, key, both, axis),
    )


def _follow(key: str, value: Any) -> None:
    """Have a widget show what the draft says; one that does already is left alone."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def _write(name: str, field: str, key: str, both: bool = False, axis: int | None = None) -> None:
    """Write what a widget says into the draft."""
    entered = st.session_state[key]

    def make(draft: Draft) -> Draft:
        index, layer = _named(draft, name)
        value = (entered, entered) if both else entered
        if axis is not None:
            pair = list(dict(layer)[field])
            pair[axis] = entered
            value = tuple(pair)
        return changed(draft, index, **{field: value})

    change(make, entered if field == "name" else "")


def _write_pool_strides(name: str, key: str) -> None:
    as_window = st.session_state[key]

    def make(draft: Draft) -> Draft:
        index, layer = _named(draft, name)
        strides = None if as_window else dict(layer)[layer.window_field]
        return changed(draft, index, strides=strides)

    change(make)


def _named(draft: Draft, name: str) -> tuple[int, Layer]:
    return next((n, layer) for n, layer in enumerate(draft.layers) if layer.name == name)


def _input_fields(draft: Draft) -> None:
    shapes = _shapes()
    key = "network_images"
    _follow(
        key, next((name for name, shape in shapes.items() if shape == draft.input_shape), OTHER)
    )
    st.selectbox("Input images", [*shapes, OTHER], key=key, on_change=_write_images, args=(key,))
    limits = {"Rows": MAX_SIDE, "Columns": MAX_SIDE, "Channels": MAX_CHANNELS}
    for axis, (place, (label, most)) in enumerate(zip(st.columns(3), limits.items(), strict=True)):
        with place:
            length = f"network_input_{label.lower()}"
            _follow(length, draft.input_shape[axis])
            st.number_input(
                label,
                min_value=1,
                max_value=most,
                step=1,
                key=length,
                on_change=_write_length,
                args=(axis, length),
            )


def _shapes() -> dict[str, Shape]:
    """Return the shapes that the data sets have, each by the sets that have it."""
    sets: dict[Shape, list[str]] = {}
    for info in INFO.values():
        sets.setdefault(info.shape, []).append(info.title)
    return {f"{', '.join(titles)} ({shape_words(shape)})": shape for shape, titles in sets.items()}


def _write_images(key: str) -> None:
    shape = _shapes().get(st.session_state[key])
    if shape is not None:
        change(lambda draft: with_input(draft, shape), INPUT_KEY)


def _write_length(axis: int, key: str) -> None:
    length = st.session_state[key]

    def make(draft: Draft) -> Draft:
        shape = list(draft.input_shape)
        shape[axis] = length
        return with_input(draft, tuple(shape))

    change(make, INPUT_KEY)
