"""Fields for the settings of one layer, linked to the draft."""

from collections.abc import Callable
from typing import Any, get_args

import streamlit as st

from cnn_lab.app.network.controls import NetworkEditor, change, refusal
from cnn_lab.app.widgets.inputs import apart_toggle
from cnn_lab.charts.network import INPUT_KEY
from cnn_lab.content.words import shape_words
from cnn_lab.data.sets import INFO
from cnn_lab.network.editing import changed, with_input
from cnn_lab.network.spec import ActivationName, Draft, Layer, Shape
from cnn_lab.network.spec.draft import MAX_CHANNELS, MAX_SIDE, MAX_WHOLE_NUMBER
from cnn_lab.ops.types import Pair

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
_RENEWED = "network_renewed"  # how often each field was recreated
AXES = ("rows", "columns")

Write = Callable[[Draft, Any], Draft]  # what was entered, written into a draft


def layer_fields(editor: NetworkEditor) -> None:
    """Show the settings of the layer being edited, or of the input."""
    if editor.layer == INPUT_KEY:
        _input_fields(editor.draft)
        return
    layer = editor.draft.layers[editor.index]
    st.text_input(
        "Name",
        layer.name,
        max_chars=32,
        help="A small letter first, then small letters, digits and _.",
        **_linked(f"network_{layer.name}_name", layer.name, _setting(layer, "name")),
    )
    if refused := refusal():  # only a name can be: the other fields have limits
        st.warning(refused, title="This was not accepted")
    for field in LABELS:
        if field in type(layer).model_fields:
            _field(layer, field)
    if layer.window_field:
        apart_toggle("network")


def _field(layer: Layer, field: str) -> None:
    value = dict(layer)[field]
    label, key = LABELS[field], f"network_{layer.name}_{field}"
    if field == "strides" and layer.pooling:
        window = dict(layer)[layer.window_field]
        as_window = _setting(layer, field, lambda _, chosen: None if chosen else window)
        linked = _linked(f"{key}_as_window", value is None, as_window)
        st.toggle("Stride equal to the window", value is None, **linked)
        if value is not None:
            _pair(layer, field, key, value)
    elif field == "strides" and layer.equal_strides:
        _both(layer, field, key, value)
    elif isinstance(value, tuple):
        _pair(layer, field, key, value)
    elif field == "use_bias":
        st.toggle(label, value, **_linked(key, value, _setting(layer, field)))
    elif field == "padding":
        linked = _linked(key, value, _setting(layer, field))
        st.segmented_control(
            label, ("valid", "same"), default=value, required=True, width="stretch", **linked
        )
    elif field == "activation":
        names = get_args(ActivationName)
        linked = _linked(key, value, _setting(layer, field))
        st.selectbox(label, names, names.index(value), **linked)
    elif field in _SHARES:
        low, high, step = _SHARES[field]
        linked = _linked(key, value, _setting(layer, field))
        limits = {"min_value": min(low, value), "max_value": max(high, value)}
        st.number_input(label, value=value, step=step, format="%g", **limits, **linked)
    else:
        _whole(label, key, value, _setting(layer, field))


def _pair(layer: Layer, field: str, key: str, value: Pair) -> None:
    """Show one field for both axes, or two where the axes differ or are edited separately."""
    if value[0] == value[1] and not st.session_state.get("network_apart"):
        _both(layer, field, key, value)
        return
    for axis, place in enumerate(st.columns(2, vertical_alignment="bottom")):

        def one(pair: Pair, entered: int, axis: int = axis) -> Pair:
            return (entered, pair[1]) if axis == 0 else (pair[0], entered)

        with place:
            label = f"{LABELS[field]}, {AXES[axis]}"
            _whole(label, f"{key}_{AXES[axis]}", value[axis], _setting(layer, field, one))


def _both(layer: Layer, field: str, key: str, value: Pair) -> None:
    both = _setting(layer, field, lambda _, entered: (entered, entered))
    _whole(LABELS[field], key, value[0], both)


def _whole(label: str, key: str, value: int, write: Write) -> None:
    linked = _linked(key, value, write)
    st.number_input(label, 1, MAX_WHOLE_NUMBER, value, step=1, **linked)


def _setting(
    layer: Layer, field: str, make: Callable[[Any, Any], Any] = lambda _, entered: entered
) -> Write:
    """Return what writes a field of a layer: `make` of its value so far and what was entered."""

    def write(draft: Draft, entered: Any) -> Draft:
        index = next(n for n, one in enumerate(draft.layers) if one.name == layer.name)
        value = make(dict(draft.layers[index])[field], entered)
        return changed(draft, index, **{field: value})

    return write


def _linked(key: str, value: Any, write: Write, layer: str = "") -> dict[str, Any]:
    """Return the key of the widget that shows a value of the draft, and what has it write there.

    When the value is not what was entered last, a new widget shows it. The next click may come
    before the browser has the new value; it then sends the old one too, and in the same widget
    that would count as an entry. For the same reason the value is the widget's default rather
    than set in the session's state, which an interrupted run does not send to the browser.
    """
    if st.session_state.get(_current(key), value) != value:
        renewed = st.session_state[_RENEWED]
        renewed[key] = renewed.get(key, 0) + 1
    shown = _current(key)
    return {"key": shown, "on_change": _write, "args": (key, shown, write, layer)}


def _current(key: str) -> str:
    """Return the key of the widget that shows a field's value now."""
    renewed = st.session_state.setdefault(_RENEWED, {}).get(key, 0)
    return f"{key}_{renewed}" if renewed else key


def _write(key: str, shown: str, write: Write, layer: str) -> None:
    entered = st.session_state[shown]
    if shown == _current(key):
        change(lambda draft: write(draft, entered), layer)


def _input_fields(draft: Draft) -> None:
    shapes = _shapes()
    named = next((name for name, shape in shapes.items() if shape == draft.input_shape), OTHER)

    def take(draft: Draft, name: str) -> Draft:
        return with_input(draft, shapes.get(name, draft.input_shape))

    linked = _linked("network_images", named, take, INPUT_KEY)
    options = [*shapes, OTHER]
    st.selectbox("Images of", options, options.index(named), **linked)
    limits = {"Rows": MAX_SIDE, "Columns": MAX_SIDE, "Channels": MAX_CHANNELS}
    for axis, (place, (label, most)) in enumerate(zip(st.columns(3), limits.items(), strict=True)):

        def resize(draft: Draft, length: int, axis: int = axis) -> Draft:
            shape = list(draft.input_shape)
            shape[axis] = length
            return with_input(draft, tuple(shape))

        with place:
            key = f"network_input_{label.lower()}"
            length = draft.input_shape[axis]
            linked = _linked(key, length, resize, INPUT_KEY)
            st.number_input(label, 1, most, length, step=1, **linked)


def _shapes() -> dict[str, Shape]:
    """Return the input shapes of the data sets, keyed by the data sets that share each."""
    sets: dict[Shape, list[str]] = {}
    for info in INFO.values():
        sets.setdefault(info.shape, []).append(info.title)
    return {f"{', '.join(titles)} ({shape_words(shape)})": shape for shape, titles in sets.items()}
