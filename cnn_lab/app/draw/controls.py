"""Sources of a drawing: pen strokes, a sample, a file, the camera."""

import re

import numpy as np
import streamlit as st

from cnn_lab.app.caches import test_digits
from cnn_lab.app.draw.sheet import ask_for_sheet, picture_of_sheet, read_once, show_sheet
from cnn_lab.app.draw.xray import small
from cnn_lab.app.messages import explained
from cnn_lab.app.widgets import canvas
from cnn_lab.app.widgets.drawing import NAME
from cnn_lab.app.widgets.inputs import slider
from cnn_lab.app.widgets.upload import picture_upload
from cnn_lab.content import prose
from cnn_lab.data.uploads import PictureError
from cnn_lab.digits.answer import hard_digits
from cnn_lab.digits.photograph import FoundDigits, find_digits, sharp_on_canvas
from cnn_lab.digits.strokes import Tool
from cnn_lab.network import Network

TOOLS: dict[Tool, str] = {
    "pen": ":material/edit: Pen",
    "eraser": ":material/ink_eraser: Eraser",
}
USUAL_PX = 20
MENU, FOUND = "draw_picture_menu", "draw_found"
SEARCHED = "draw_searched"  # the test digit after the last one looked at for a misread one
MAX_SEARCHED = 2_000  # at a press: a few seconds with the largest network


def show_tools() -> tuple[Tool, int]:
    """Show the tools of the canvas; return the selected tool and its width in pixels."""
    drawn = bool(canvas.drawing(NAME).items)
    ways_back = {
        "Undo": (":material/undo:", canvas.undo, drawn),
        "Redo": (":material/redo:", canvas.redo, canvas.can_redo(NAME)),
        "Clear": (":material/delete:", canvas.clear, drawn),
    }
    with st.container(horizontal=True, gap="xsmall"):
        for label, (icon, act, possible) in ways_back.items():
            key = f"draw_{label.lower()}"
            st.button(label, icon=icon, key=key, on_click=act, args=(NAME,), disabled=not possible)
    tool = st.segmented_control(
        "Tool",
        list(TOOLS),
        format_func=TOOLS.__getitem__,
        default="pen",
        required=True,
        key="draw_tool",
        width="stretch",
        label_visibility="collapsed",
    )
    thinnest, widest = canvas.BRUSHES_PX
    width_px = slider(
        "Width",
        "draw_brush",
        value=USUAL_PX,
        minimum=thinnest,
        maximum=widest,
        step=2,
        format="%d pixels",
    )
    return tool, width_px


def show_sources(network: Network) -> None:
    """Show buttons for a sample and for a digit misread, and a menu for a file or the camera."""
    # Without icons, all three fit side by side on a phone.
    with st.container(horizontal=True, gap="xsmall", width="content"):
        st.button("Sample", key="draw_sample", on_click=_put_sample)
        st.button(
            "Show one it gets wrong", key="draw_misread", on_click=_put_misread, args=(network,)
        )
        menu = st.popover("Picture", key=MENU, on_change="rerun")
    if not menu.open:
        return
    with menu:
        picture_upload(
            "draw",
            _put_picture,
            file_label=prose("draw", "upload_label"),
            camera_label=prose("draw", "camera_label"),
        )


def _put_sample() -> None:
    _put_test_digit(int(np.random.default_rng().integers(len(test_digits()))))


def _put_misread(network: Network) -> None:
    """Put the next test digit that the network misreads on the canvas, if one is found soon."""
    start: int = st.session_state.get(SEARCHED, 0)
    found = next(hard_digits(network, test_digits(), start=start, most=MAX_SEARCHED), None)
    last = start + MAX_SEARCHED - 1 if found is None else found
    st.session_state[SEARCHED] = (last + 1) % len(test_digits())
    if found is None:
        st.toast(prose("draw", "no_misread", n=f"{MAX_SEARCHED:,}"))
    else:
        _put_test_digit(found)


def _put_test_digit(index: int) -> None:
    digits = test_digits()
    note = prose("draw", "sample", index=f"{index:,}", label=digits.labels[index])
    canvas.put_picture(NAME, sharp_on_canvas(digits.pixels[index]), note=note)


def _put_picture(content: bytes) -> None:
    found = find_digits(content, whole=True)
    _put_digit(found, picture_of_sheet(found), found.central)
    st.session_state[MENU] = False  # the open menu would cover the result


def _put_digit(found: FoundDigits, picture: str, index: int) -> None:
    """Put one of the digits found in a picture on the canvas, and keep all of them."""
    st.session_state[FOUND] = (found, index, picture)
    canvas.put_picture(NAME, found.digits[index].rgba, note=_note(found, index))


def _keep_found(found: FoundDigits, index: int) -> None:
    """Keep the digits of a picture, one of which is on the canvas already."""
    st.session_state[FOUND] = (found, index, picture_of_sheet(found))


def _turn(found: FoundDigits) -> None:
    """Find the digits again in the picture turned by a quarter."""
    try:
        turned = found.turned()
    except PictureError as error:
        st.toast(explained(error))
    else:
        _put_digit(turned, picture_of_sheet(turned), turned.central)


def _note(found: FoundDigits, index: int) -> str:
    n = len(found.digits)
    return prose("draw", "several", n=n, place=index + 1) if n > 1 else prose("draw", "upload")


def show_digits_found(network: Network) -> None:
    """Show the picture that the drawing comes from, if there are other digits in it to choose."""
    found, index, picture = st.session_state.get(FOUND, (None, 0, ""))
    note = canvas.drawing(NAME).note
    if found is None and re.sub(r"\d+", "0", note) == prose("draw", "several", n=0, place=0):
        ask_for_sheet(note, _keep_found)
    if found is None or note != _note(found, index):
        return
    if len(found.digits) < 2:
        return
    read = read_once(found, network)
    st.markdown(small("which"))
    show_sheet(
        found,
        read,
        picture=picture,
        chosen=index,
        note=note,
        on_choose=lambda place: _put_digit(found, picture, place),
    )
    notes = [small("sheet_doubt", n=read.n_doubtful)] if read.n_doubtful else []
    if read.is_better_turned:
        notes.append(small("sheet_turned"))
    if not found.is_complete:
        notes.append(small("sheet_many", n=len(found.digits)))
    if notes:
        st.markdown("\n\n".join(notes))
    st.button(
        "Turn the picture",
        icon=":material/rotate_right:",
        key="draw_turn",
        help=prose("draw", "turn"),
        on_click=_turn,
        args=(found,),
    )
