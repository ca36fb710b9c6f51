"""The drawing canvas; the only module that imports its component.

The drawing is kept in the session, not in the widget, so it survives a change of page, and a
sample or an uploaded picture is put there in the same way as a pen stroke.
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
MAX_POINTS = 10_000  # about thirty digits; each stroke sends all points again
COLOURS = {"pen": "#ffffff", "eraser": "#000000"}  # erasing draws in the background colour
_PNG = "data:image/png;base64,"

Objects = Sequence[dict[str, Any]]
Tool = Literal["pen", "eraser"]


@dataclass(frozen=True)
class Drawing:
    """Content of a canvas.

    Attributes
    ----------
    objects : sequence of dict
        Strokes and pictures in order, as the component describes them.
    png : str
        The same as a PNG in base64; empty if nothing is drawn.
    note : str
        Source of the picture, if it was not drawn.
    """

    objects: Objects = ()
    png: str = ""
    note: str = ""


def canvas(name: str, *, brush_px: int, tool: Tool = "pen") -> NDArray[np.uint8] | None:
    """Show a black canvas for drawing in white by mouse, pen or finger.

    Parameters
    ----------
    name : str
        Prefix of the keys in the session; a canvas keeps its drawing under `<name>_drawing`.
    brush_px : int
        Width of the next strokes.
    tool : {"pen", "eraser"}
        Tool of the next strokes.

    Returns
    -------
    ndarray of uint8, shape (280, 280, 4), or None
        None if nothing is drawn.
    """
    # The component registers itself with the running server, so it cannot be imported earlier.
    from streamlit_drawable_canvas import st_canvas

    kept = drawing(name)
    if f"{name}_canvas" not in st.session_state and kept.objects:
        _restart(name, kept)  # back from another page, the component has lost its state
    # The component does not check what a browser sends, which may be anything.
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
    """Return the drawing on the canvas with this name."""
    kept = st.session_state.get(f"{name}_drawing")
    return kept if isinstance(kept, Drawing) else Drawing()


def pixels(name: str) -> NDArray[np.uint8] | None:
    """Return the canvas with this name as colours; None if it is empty.

    Returns
    -------
    ndarray of uint8, shape (280, 280, 4), or None
    """
    return _decoded(drawing(name).png)


def problem(name: str) -> str:
    """Return and clear the problem with the last drawing that the browser sent; "" if none."""
    return str(st.session_state.pop(f"{name}_unread", ""))


def clear(name: str) -> None:
    """Clear a canvas; a widget callback, like the three below."""
    _undone(name).clear()
    _restart(name, Drawing())


def undo(name: str) -> None:
    """Remove the last stroke from a canvas."""
    now = drawing(name)
    if now.objects:
        _undone(name).append(now)
        left = now.objects[:-1]
        # Only the browser can draw strokes; until it has, keep the previous picture.
        _restart(name, Drawing(left, now.png, now.note) if left else Drawing())


def redo(name: str) -> None:
    """Restore the stroke that was removed last."""
    if undone := _undone(name):
        _restart(name, undone.pop())


def can_redo(name: str) -> bool:
    """Return whether strokes were removed and none were drawn since."""
    return bool(_undone(name))


def _undone(name: str) -> list[Drawing]:
    """Return the drawings before each undo, latest last."""
    undone: list[Drawing] = st.session_state.setdefault(f"{name}_undone", [])
    return undone


def put_picture(name: str, rgba: NDArray[np.uint8], *, note: str) -> None:
    """Replace the drawing by a picture of 280x280 pixels, which can be drawn on.

    Parameters
    ----------
    name : str
    rgba : ndarray of uint8, shape (280, 280, 4)
    note : str
        Source of the picture, shown while it is on the canvas.
    """
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG")
    png = base64.b64encode(buffer.getvalue()).decode("ascii")
    _undone(name).clear()
    _restart(name, Drawing([_picture(png)], png, note))


def _picture(png: str) -> dict[str, Any]:
    """Return a PNG of the canvas size in the component's description of a picture."""
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
    """Make the component load a drawing; a new revision reloads even the same drawing."""
    before = st.session_state.get(f"{name}_start") or {"revision": 0}
    st.session_state[f"{name}_drawing"] = now
    st.session_state[f"{name}_start"] = {
        "objects": list(now.objects),
        "revision": before["revision"] + 1,
    }


def take(name: str) -> None:
    """Store the drawing that the browser has sent; the callback of the canvas.

    A browser may send anything. Data that is not a drawing of this canvas is ignored, and
    `problem` says so. A drawing of more than `MAX_POINTS` points becomes one picture.
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
        if len(objects) > len(before.objects):  # a stroke, not the result of an undo
            _undone(name).clear()


def _sent(sent: Any) -> tuple[Objects | None, str]:
    """Return the objects of a drawing and its PNG; the objects are None if it is invalid."""
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
