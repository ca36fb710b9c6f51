"""The drawing canvas, and the only module that imports its component.

What is on the canvas lives in the session, not in the widget: it survives a change of page,
and a sample or an uploaded picture gets there the same way as a stroke of the pen.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from cnn_lab.content import prose

SIDE_PX = 280
BRUSHES_PX = (8, 32)
MAX_PNG_BYTES = 1_000_000
MAX_POINTS = 10_000  # thirty digits' worth; each stroke sends all of them anew
COLOURS = {"pen": "#ffffff", "eraser": "#000000"}  # to erase is to draw the ground
_PNG = "data:image/png;base64,"

Objects = Sequence[dict[str, Any]]
Tool = Literal["pen", "eraser"]


@dataclass(frozen=True)
class Drawing:
    """What is on a canvas.

    Attributes
    ----------
    objects : sequence of dict
        Strokes and pictures in the order they came, as the component describes them.
    png : str
        The same as a picture, base64; empty when there is nothing.
    note : str
        Where it came from, when it was not drawn.
    """

    objects: Objects = ()
    png: str = ""
    note: str = ""


def canvas(name: str, *, brush_px: int, tool: Tool = "pen") -> NDArray[np.uint8] | None:
    """Show a black canvas that takes white ink by mouse, pen and finger.

    Parameters
    ----------
    name : str
        Prefix of the keys in the session; a canvas keeps its drawing under `<name>_drawing`.
    brush_px : int
        Width of the next strokes.
    tool : {"pen", "eraser"}
        What the next strokes do.

    Returns
    -------
    ndarray of uint8, shape (280, 280, 4), or None
        None when nothing is drawn.
    """
    # The component registers itself with the running server, so it cannot be imported before.
    from streamlit_drawable_canvas import st_canvas

    kept = drawing(name)
    if f"{name}_canvas" not in st.session_state and kept.objects:
        _restart(name, kept)  # back from another page: the component has forgotten
    # The component trusts what it gets back, and a stranger's browser may send anything.
    with suppress(AttributeError, KeyError, TypeError):
        st_canvas(
            stroke_width=brush_px,
            stroke_color=COLOURS[tool],
            background_color="#000000",
            initial_drawing=st.session_state.get(f"{name}_start"),
            return_image_data=True,
            width=SIDE_PX,
            height=SIDE_PX,
            key=f"{name}_canvas",
            on_change=lambda: take(name),
        )
    return pixels(name)


def drawing(name: str) -> Drawing:
    """Return what is on the canvas of this name."""
    kept = st.session_state.get(f"{name}_drawing")
    return kept if isinstance(kept, Drawing) else Drawing()


def pixels(name: str) -> NDArray[np.uint8] | None:
    """Return what is on the canvas of this name as colours, None when there is nothing.

    Returns
    -------
    ndarray of uint8, shape (280, 280, 4), or None
    """
    return _decoded(drawing(name).png)


def problem(name: str) -> str:
    """Return once what was wrong with what the browser sent last, or nothing."""
    return str(st.session_state.pop(f"{name}_unread", ""))


def clear(name: str) -> None:
    """Empty a canvas; for a widget's callback, like the three below."""
    _undone(name).clear()
    _restart(name, Drawing())


def undo(name: str) -> None:
    """Take the latest stroke off a canvas."""
    now = drawing(name)
    if now.objects:
        _undone(name).append(now)
        left = now.objects[:-1]
        # Only the browser can draw strokes: until it has, the picture is the one before.
        _restart(name, Drawing(left, now.png, now.note) if left else Drawing())


def redo(name: str) -> None:
    """Put the stroke that was taken off last back on."""
    if undone := _undone(name):
        _restart(name, undone.pop())


def can_redo(name: str) -> bool:
    """Return whether strokes were taken off and none were drawn since."""
    return bool(_undone(name))


def _undone(name: str) -> list[Drawing]:
    """Return the drawings as they were before each undo, the latest last."""
    undone: list[Drawing] = st.session_state.setdefault(f"{name}_undone", [])
    return undone


def put_picture(name: str, rgba: NDArray[np.uint8], *, note: str) -> None:
    """Replace what is on a canvas by a picture of 280x280 pixels; strokes can go on top.

    Parameters
    ----------
    name : str
    rgba : ndarray of uint8, shape (280, 280, 4)
    note : str
        Says where the picture came from, for as long as it is there.
    """
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG")
    png = base64.b64encode(buffer.getvalue()).decode("ascii")
    _undone(name).clear()
    _restart(name, Drawing([_picture(png)], png, note))


def _picture(png: str) -> dict[str, Any]:
    """Return a PNG of the canvas' size as the component describes a picture."""
    return {
        "type": "Image",
        "src": _PNG + png,
        "left": 0,
        "top": 0,
        "originX": "left",
        "originY": "top",
        "width": SIDE_PX,
        "height": SIDE_PX,
        "selectable": False,
    }


def _restart(name: str, now: Drawing) -> None:
    """Have the component load a drawing; the revision makes it do so even if it had it before."""
    before = st.session_state.get(f"{name}_start") or {"revision": 0}
    st.session_state[f"{name}_drawing"] = now
    st.session_state[f"{name}_start"] = {
        "objects": list(now.objects),
        "revision": before["revision"] + 1,
    }


def take(name: str) -> None:
    """Take over what the browser has sent; the canvas' own callback.

    It may be anything, for a stranger's browser sends it. What is no drawing of this canvas is
    left, and `problem` says so. A drawing of more than `MAX_POINTS` points becomes one picture.
    """
    sent = st.session_state[f"{name}_canvas"]
    sent = sent.get("drawing") if isinstance(sent, Mapping) else sent
    if sent is None:
        return
    before = drawing(name)
    objects, png = _sent(sent)
    if objects == []:
        st.session_state[f"{name}_drawing"] = Drawing()
    elif objects is None or len(png) > MAX_PNG_BYTES or _decoded(png) is None:
        st.session_state[f"{name}_unread"] = prose("draw", "unread")
    elif _n_points(objects) > MAX_POINTS:
        _restart(name, Drawing([_picture(png)], png, prose("draw", "many_points")))
    else:
        st.session_state[f"{name}_drawing"] = Drawing(objects, png, before.note)
        if len(objects) > len(before.objects):  # a stroke, not what an undo has left
            _undone(name).clear()


def _sent(sent: Any) -> tuple[Objects | None, str]:
    """Return the objects of a drawing and its PNG; None for the objects if it is no drawing."""
    raw, data = (sent.get("raw"), sent.get("data")) if isinstance(sent, Mapping) else (None, None)
    objects = raw.get("objects") if isinstance(raw, Mapping) else None
    if not isinstance(objects, list) or not all(isinstance(one, dict) for one in objects):
        return None, ""
    png = data.removeprefix(_PNG) if isinstance(data, str) and data.startswith(_PNG) else ""
    return objects, png


def _n_points(objects: Objects) -> int:
    return sum(len(path) for one in objects if isinstance(path := one.get("path"), list))


def _decoded(png: str) -> NDArray[np.uint8] | None:
    if not png:
        return None
    try:
        with Image.open(io.BytesIO(base64.b64decode(png)), formats=("PNG",)) as picture:
            if picture.size != (SIDE_PX, SIDE_PX):
                return None
            return np.asarray(picture.convert("RGBA"))
    except (OSError, ValueError, SyntaxError):
        return None
