"""All maps of a layer in one picture, in which a single value can be chosen."""

from collections.abc import Callable

import streamlit as st

from cnn_lab.app.widgets.component import component
from cnn_lab.charts.maps import (
    BETWEEN_GREYS,
    Colour,
    MapSheet,
    data_url,
)

_picker = component("map_picker", "maps")

Place = tuple[int, int, int]


def map_picker(
    sheet: MapSheet,
    *,
    key: str,
    chosen: Place | None,
    label: str,
    ends: tuple[str, str],
    caption: str,
    on_choose: Callable[[Place], None] | None,
    noun: str = "Map",
    most_px: int = 400,
) -> None:
    """Show a sheet of maps; a click, a tap or the arrow keys choose a value.

    Parameters
    ----------
    sheet : MapSheet
        Its maps are laid out by the browser, as large as whole pixels allow in its width.
    key : str
    chosen : (int, int, int) or None
        Map, row and column of the marked value; None if values cannot be chosen.
    label : str
        Text description for screen readers.
    ends : (str, str)
        Labels of the two ends of the scale.
    caption : str
        Text that says what the scale applies to.
    on_choose : callable or None
        Called with the chosen place before the script reruns.
    noun : str
        Name of one picture of the sheet.
    most_px : int
        Maximum height of the picture.
    """
    data = {
        "picture": data_url(sheet.png),
        "count": sheet.n_maps,
        "rows": sheet.rows,
        "columns": sheet.width,
        "across": sheet.columns,
        "chosen": None if chosen is None else list(chosen),
        "label": label,
        "noun": noun,
        "ends": list(ends),
        "colours": [_css(colour) for colour in sheet.colours],
        "between": "transparent" if sheet.low < 0 else _css(BETWEEN_GREYS),
        "caption": caption,
        "mostHeight": most_px,
    }
    _picker(key=key, data=data, on_chosen_change=lambda: _on_chosen(key, sheet, on_choose))


def _css(colour: Colour) -> str:
    red, green, blue = colour
    return f"rgb({red} {green} {blue})"


def _on_chosen(key: str, sheet: MapSheet, on_choose: Callable[[Place], None] | None) -> None:
    """Store the place that the browser has sent, which may be anything."""
    sent = st.session_state[key].get("chosen")
    bounds = (sheet.n_maps, sheet.rows, sheet.width)
    if on_choose and isinstance(sent, list) and len(sent) == len(bounds):
        inside = [
            type(at) is int and 0 <= at < bound for at, bound in zip(sent, bounds, strict=True)
        ]
        if all(inside):
            on_choose((sent[0], sent[1], sent[2]))
