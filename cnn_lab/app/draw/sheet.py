"""Sheet of several digits: the picture, in which one can be chosen, and its digits as read."""

import base64
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import streamlit as st

from cnn_lab.app.widgets.component import component
from cnn_lab.charts.maps import data_url, png
from cnn_lab.content import prose
from cnn_lab.digits.photograph import FoundDigits, find_digits
from cnn_lab.digits.sheet import ReadDigit, ReadSheet, read_sheet
from cnn_lab.network import Network

_sheet = component("sheet", "sheet")
_PNG = data_url(b"")
KEY, READ = "draw_sheet", "draw_sheet_read"  # the latest sheet that was read, and by which network


def picture_of_sheet(found: FoundDigits) -> str:
    """Return the picture of a sheet as the browser shows it, as a data URL."""
    return data_url(png(np.asarray(found.view)))


def read_once(found: FoundDigits, network: Network) -> ReadSheet:
    """Read a sheet, unless the session has just read it with the same network."""
    of, by, read = st.session_state.get(READ, (None, None, None))
    if isinstance(read, ReadSheet) and of is found and by is network:
        return read
    fresh = read_sheet(found, network)
    st.session_state[READ] = (found, network, fresh)
    return fresh


def show_sheet(
    found: FoundDigits,
    read: ReadSheet,
    *,
    picture: str,
    chosen: int,
    note: str,
    on_choose: Callable[[int], None],
) -> None:
    """Show a picture with a button around each of its digits, and the rows as they are read.

    Parameters
    ----------
    found : FoundDigits
    read : ReadSheet
    picture : str
        Data URL of the view, as `picture_of_sheet` returns it.
    chosen : int
        Index of the digit on the canvas.
    note : str
        Source of the drawing, by which a new session knows that it came from this picture.
    on_choose : callable
        Called with the index of a digit before the script reruns.
    """
    height, width = found.view.shape[:2]
    digits = [
        {
            "frame": list(map(int, one.frame)),
            "text": one.text,
            "doubt": one.is_doubtful,
            "name": _name(place, one),
        }
        for place, one in enumerate(read.digits)
    ]
    data = {
        "picture": picture,
        "size": [width, height],
        "label": prose("draw", "found_alt", n=len(digits)),
        "digits": digits,
        "rows": read.rows,
        "chosen": chosen,
        "note": note,
    }
    _sheet(key=KEY, data=data, on_chosen_change=partial(_on_chosen, len(digits), on_choose))


def ask_for_sheet(note: str, on_return: Callable[[FoundDigits, int], None]) -> None:
    """Ask the browser's tab for the sheet that a drawing came from before a reload.

    Parameters
    ----------
    note : str
        Source of the drawing.
    on_return : callable
        Called with the digits found in the picture, and the index of the chosen one, before the
        script reruns.
    """
    data = {"picture": None, "note": note}
    _sheet(key=KEY, data=data, on_chosen_change=partial(_on_returned, on_return))


def _on_returned(on_return: Callable[[FoundDigits, int], None]) -> None:
    """Find the digits in the picture that the browser has sent, which may be anything."""
    sent = st.session_state[KEY].get("chosen")
    if not isinstance(sent, Mapping):
        return
    picture, chosen = sent.get("picture"), sent.get("chosen")
    if not isinstance(picture, str) or not picture.startswith(_PNG) or type(chosen) is not int:
        return
    try:
        found = find_digits(base64.b64decode(picture.removeprefix(_PNG)), whole=True)
    except ValueError:  # no picture, or none with digits
        return
    if 0 <= chosen < len(found.digits):
        on_return(found, chosen)


def _name(place: int, digit: ReadDigit) -> str:
    """Return what a digit's button is called."""
    number, answer = place + 1, digit.answer
    if answer is None or answer.kind == "no_digit":
        return prose("draw", "sheet_no_digit", place=number)
    if answer.kind == "unsure":
        first, second = answer.digit, answer.runner_up
        return prose("draw", "sheet_unsure", place=number, first=first, second=second)
    return prose("draw", "sheet_sure", place=number, digit=answer.digit)


def _on_chosen(n: int, on_choose: Callable[[int], None]) -> None:
    """Pass on the digit that the browser has sent, which may be anything."""
    sent = st.session_state[KEY].get("chosen")
    if type(sent) is int and 0 <= sent < n:
        on_choose(sent)
