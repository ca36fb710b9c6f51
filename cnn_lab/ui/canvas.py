"""The drawing canvas, and the only module that imports its component.

What is on the canvas lives in the session, not in the widget: it survives a change of page,
and a sample or an uploaded picture gets there the same way as a stroke of the pen.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

SIDE_PX = 280
BRUSHES_PX = (8, 32)
MAX_PNG_BYTES = 1_000_000
_PNG = "data:image/png;base64,"

Objects = Sequence[dict[str, Any]]


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


def canvas(name: str, *, brush_px: int) -> NDArray[np.uint8] | None:
    """Show a black canvas that takes white ink by mouse, pen and finger.

    Parameters
    ----------
    name : str
        Prefix of the keys in the session; a canvas keeps its drawing under `<name>_drawing`.
    brush_px : int
        Width of the next strokes.

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
    st_canvas(
        stroke_width=brush_px,
        stroke_color="#ffffff",
        background_color="#000000",
        initial_drawing=st.session_state.get(f"{name}_start"),
        return_image_data=True,
        width=SIDE_PX,
        height=SIDE_PX,
        key=f"{name}_canvas",
        on_change=lambda: _keep(name),
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


def clear(name: str) -> None:
    """Empty a canvas; for a widget's callback, like the two below."""
    _restart(name, Drawing())


def undo(name: str) -> None:
    """Take the latest stroke off a canvas."""
    now = drawing(name)
    left = now.objects[:-1]
    # Only the browser can draw strokes: until it has, the picture is the one before.
    _restart(name, Drawing(left, now.png, now.note) if left else Drawing())


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
    picture = {
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
    _restart(name, Drawing([picture], png, note))


def _restart(name: str, now: Drawing) -> None:
    """Have the component load a drawing; the revision makes it do so even if it had it before."""
    before = st.session_state.get(f"{name}_start") or {"revision": 0}
    st.session_state[f"{name}_drawing"] = now
    st.session_state[f"{name}_start"] = {
        "objects": list(now.objects),
        "revision": before["revision"] + 1,
    }


def _keep(name: str) -> None:
    """Take over what the browser has sent. It may be anything: a stranger's browser sends it."""
    sent = st.session_state[f"{name}_canvas"].get("drawing") or {}
    raw, data = sent.get("raw"), sent.get("data")
    objects = raw.get("objects") if isinstance(raw, dict) else None
    if not isinstance(objects, list) or not isinstance(data, str) or not data.startswith(_PNG):
        return
    if not objects:
        st.session_state[f"{name}_drawing"] = Drawing()
    elif len(data) <= MAX_PNG_BYTES:
        now = Drawing(objects, data.removeprefix(_PNG), drawing(name).note)
        st.session_state[f"{name}_drawing"] = now


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
