"""Diagram and table of a network, in which a layer can be selected."""

import math
from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st

from cnn_lab.app.caches import network, test_digits
from cnn_lab.app.network.controls import NetworkEditor, choose
from cnn_lab.app.widgets.component import component
from cnn_lab.app.widgets.inputs import digit_number, fold
from cnn_lab.app.widgets.model_choice import SHIPPED
from cnn_lab.app.widgets.pictures import tone
from cnn_lab.charts.maps import Tone
from cnn_lab.charts.network import (
    INPUT,
    INPUT_KEY,
    Look,
    block_pictures,
    diagram_svg,
    network_diagram,
)
from cnn_lab.content import prose
from cnn_lab.content.words import NOTHING, data_size, plain_message, shape_words
from cnn_lab.network.costs import FLOAT_BYTES, Fields, fields
from cnn_lab.network.spec import Draft, Fit, Layer, LayerSummary

_ON_PAGE = Look(ink="currentColor", paper="none", now="var(--now)")
_HEADS = ("Layer", "Output", "Parameters", "Multiply-adds", "Memory", "Receptive field")
_layers = component("layers", "layers")


@st.cache_data(max_entries=64, show_spinner=False)
def _pictures(model: str, index: int, tone: Tone) -> dict[str, str]:
    """Return the picture of each block: a test digit's maps in a shipped network."""
    image = test_digits().image(index)
    made = network(model).activations(image[np.newaxis])
    return block_pictures(image, {name: values[0] for name, values in made.items()}, tone=tone)


def show_diagram(editor: NetworkEditor, found: Fit) -> None:
    """Show a draft as a row of blocks; a click selects a layer.

    A trained network's blocks have on them what it makes of a test digit.
    """
    diagram = network_diagram(editor.draft, found)
    place = st.container()
    pictures = None
    if editor.is_preset and editor.base in SHIPPED:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            index = digit_number("network_digit", width=160)
            st.caption(prose("network", "maps", name=editor.base), width=620)
        pictures = _pictures(editor.base, index, tone())
    else:
        st.caption(prose("network", "no_maps"))
    drawn = diagram_svg(diagram, _ON_PAGE, selected=editor.layer, pictures=pictures)
    with place:
        _show(drawn, "network_diagram", editor.layer, label="The network as a row of blocks")


def show_layer_table(editor: NetworkEditor, found: Fit) -> None:
    """Show, once it is open, the output and the costs of each layer; its name selects it."""
    part = fold("All layers with their costs", "network_costs", icon=":material/table:")
    if part.open:
        drawn = layer_table(editor.draft, found, selected=editor.layer)
        with part:
            label = "The layers with their shapes and costs"
            _show(drawn, "network_table", editor.layer, label=label)


def _show(html: str, key: str, selected: str, *, label: str) -> None:
    data = {"html": html, "selected": selected, "label": label}
    _layers(key=key, data=data, on_chosen_change=lambda: _on_chosen(key))


def _on_chosen(key: str) -> None:
    chosen = st.session_state[key].get("chosen")
    if isinstance(chosen, str):
        choose(chosen)


def layer_table(draft: Draft, found: Fit, *, selected: str) -> str:
    """Return the table as HTML; all text in it is escaped here.

    Parameters
    ----------
    draft : Draft
    found : Fit
        Of this draft.
    selected : str
        The layer being edited, or `INPUT_KEY`.
    """
    seen = fields(draft.layers, found.rows)
    head = "".join(f'<th scope="col">{name}</th>' for name in _HEADS)
    size = draft.input_shape[:2]
    lines = [_line(INPUT, INPUT_KEY, "", [shape_words(draft.input_shape), *[""] * 4], selected)]
    for number, layer in enumerate(draft.layers):
        if number < len(found.rows):
            cells = _cells(found.rows[number], seen[number], size)
            lines.append(_line(layer.name, layer.name, layer.words, cells, selected))
        elif number == len(found.rows):
            lines.append(_misfit(layer, found.reason, selected))
        else:
            cells = ["?", *[""] * 4]
            lines.append(_line(layer.name, layer.name, layer.words, cells, selected))
    body = "".join([*lines, _sums(found.rows)])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(row: LayerSummary, seen: Fields, size: tuple[int, int]) -> list[str]:
    return [
        shape_words(row.output_shape),
        f"{row.parameters:,}" if row.parameters else NOTHING,
        f"{row.multiply_adds:,}" if row.multiply_adds else NOTHING,
        data_size(FLOAT_BYTES * math.prod(row.output_shape)),
        field_words(seen, size),
    ]


def field_words(seen: Fields, size: tuple[int, int]) -> str:
    """Return how far a unit sees, in pixels of an image of `size`.

    Examples
    --------
    >>> from cnn_lab.ops.sizes import ReceptiveField
    >>> field_words((ReceptiveField(3), ReceptiveField(5)), (28, 28))
    '3 × 5'
    """
    lengths = [min(field.size, length) for field, length in zip(seen, size, strict=True)]
    if tuple(lengths) == size:
        return "whole image"
    return shape_words(tuple(lengths))


def _line(name: str, key: str, words: str, cells: Sequence[str], selected: str) -> str:
    texts = "".join(f"<td>{escape(text)}</td>" for text in cells)
    return f"{_head(name, key, words, selected)}{texts}</tr>"


def _head(name: str, key: str, words: str, selected: str, kind: str = "") -> str:
    here = key == selected
    classes = " ".join(part for part in ("now" if here else "", kind) if part)
    return (
        f'<tr data-layer="{escape(key)}" class="{classes}"><th scope="row">'
        f'<button aria-pressed="{str(here).lower()}">{escape(name)}</button>'
        f"<small>{escape(words)}</small></th>"
    )


def _misfit(layer: Layer, reason: str, selected: str) -> str:
    head = _head(layer.name, layer.name, layer.words, selected, "misfit")
    why = f"<strong>Does not fit.</strong> {escape(plain_message(reason))}"
    return f'{head}<td colspan="5">{why}</td></tr>'


def _sums(rows: Sequence[LayerSummary]) -> str:
    parameters = sum(row.parameters for row in rows)
    multiply_adds = sum(row.multiply_adds for row in rows)
    return (
        '<tr><th scope="row">Total</th><td></td>'
        f"<th>{parameters:,}</th><th>{multiply_adds:,}</th><td></td><td></td></tr>"
    )
