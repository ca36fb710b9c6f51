"""The drawing canvas, and the drawing that is kept in the session.

The browser owns a stroke until the session has it, and sends it again with everything else until
then. The session owns the drawing: undo, pictures and clearing happen here. Each stroke has a
number, and the browser shows those above `seen` on top of what the session sends, so neither side
can overwrite what the other has done meanwhile. While the pen moves, the browser tells the session
of the stroke so far, and again only once the session has answered.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, get_args

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from cnn_lab.app.widgets.component import component
from cnn_lab.content import prose
from cnn_lab.digits.drawing import Ink
from cnn_lab.digits.strokes import Item, Picture, Stroke, Tool, ink, picture_of

BRUSHES_PX = (8, 32)
MAX_PNG_BYTES = 1_000_000
MAX_POINTS = 10_000  # about thirty digits; a stroke more, and the drawing becomes one picture
MAX_POINTS_SENT = 100_000
MAX_AWAY_PX = 20_000  # of a point from the canvas
MAX_NOTE = 200  # characters
# What data can cause that is not from the canvas's own script.
_NOT_OURS = (
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
    *(OSError, SyntaxError, Image.DecompressionBombError),  # Pillow's
)
_PNG = "data:image/png;base64,"

_canvas = component("canvas", "board")


@dataclass(frozen=True)
class Drawing:
    """Content of a canvas.

    Attributes
    ----------
    items : tuple of Stroke or Picture
        In the order in which they were put on the canvas.
    """

    items: tuple[Item, ...] = ()

    @property
    def note(self) -> str:
        """Where the picture on the canvas comes from, as plain text; "" without one."""
        notes = [item.note for item in self.items if isinstance(item, Picture)]
        return notes[-1] if notes else ""

    @property
    def n_points(self) -> int:
        """Number of points of all strokes."""
        return sum(len(item.points) for item in self.items if isinstance(item, Stroke))

    @cached_property
    def ink(self) -> Ink:
        """The drawing in greys, shape (280, 280)."""
        return ink(self.items)


@dataclass
class _Board:
    """What a session knows of a canvas, apart from the drawing.

    Attributes
    ----------
    session : str
        Tells the browser when a new session, which does not know the drawing, has taken over.
    revision : int
        How often anything but the pen has changed the drawing.
    seen : int
        Number of the last stroke that reached the session.
    undone : list of Stroke or Picture
        Removed by undo and not restored, latest last.
    moving : Stroke or None
        So far, while the pen is on the canvas; not yet part of the drawing.
    heard : int
        Number of the browser's latest message about such a stroke.
    problem : str
        With what the browser sent last.
    """

    session: str = field(default_factory=lambda: secrets.token_hex(8))
    revision: int = 0
    seen: int = 0
    undone: list[Item] = field(default_factory=list)
    moving: Stroke | None = None
    heard: int = 0
    problem: str = ""


def canvas(
    name: str, *, brush_px: int, tool: Tool = "pen", label: str | None = None
) -> NDArray[np.uint8] | None:
    """Show a black canvas for drawing in white by mouse, pen or finger, as wide as its container.

    Parameters
    ----------
    name : str
        Prefix of the keys in the session; a canvas keeps its drawing under `<name>_drawing`.
    brush_px : int
        Width of the next strokes, in pixels of the canvas's 280.
    tool : {"pen", "eraser"}
        Tool of the next strokes.
    label : str, optional
        Name of the canvas for screen readers; by default that of the one on *Draw*.

    Returns
    -------
    ndarray of uint8, shape (280, 280, 4), or None
        None if nothing is drawn.
    """
    data = board_data(name, brush_px=brush_px, tool=tool, label=label)
    _canvas(key=f"{name}_canvas", data=data, on_kept_change=lambda: take(name))
    return pixels(name)


def board_data(
    name: str, *, brush_px: int, tool: Tool = "pen", label: str | None = None
) -> dict[str, Any]:
    """Return what a canvas in the browser is told; see `canvas` for the parameters.

    A component with a canvas of its own has the key `<name>_canvas` and calls `take` as well.
    """
    board = _board(name)
    return {
        "name": name,
        "label": prose("draw", "canvas_label") if label is None else label,
        "tool": tool,
        "width": brush_px,
        "session": board.session,
        "revision": board.revision,
        "seen": board.seen,
        "heard": board.heard,
        "items": [_to_wire(item) for item in drawing(name).items],
    }


def is_drawing(name: str) -> bool:
    """Return whether the pen was on the canvas when the browser sent its last message."""
    return _board(name).moving is not None


def drawing(name: str) -> Drawing:
    """Return the drawing on the canvas with this name."""
    kept = st.session_state.get(f"{name}_drawing")
    return kept if isinstance(kept, Drawing) else Drawing()


def pixels(name: str) -> NDArray[np.uint8] | None:
    """Return the canvas with this name as colours, with the stroke under the pen; None if empty.

    Returns
    -------
    ndarray of uint8, shape (280, 280, 4), or None
    """
    now, moving = drawing(name), _board(name).moving
    if moving is not None:
        now = Drawing((*now.items, moving))
    if not now.items:
        return None
    return np.dstack([now.ink] * 3 + [np.full_like(now.ink, 255)])


def problem(name: str) -> str:
    """Return and clear the problem with the last drawing that the browser sent; "" if none."""
    board = _board(name)
    found, board.problem = board.problem, ""
    return found


def clear(name: str) -> None:
    """Clear a canvas; a widget callback, like the three below."""
    take(name)
    _board(name).undone.clear()
    _change(name, ())


def undo(name: str) -> None:
    """Remove the last stroke from a canvas."""
    take(name)  # the stroke may have come with the click
    if items := drawing(name).items:
        _board(name).undone.append(items[-1])
        _change(name, items[:-1])


def redo(name: str) -> None:
    """Restore the stroke that was removed last."""
    take(name)
    if undone := _board(name).undone:
        _change(name, (*drawing(name).items, undone.pop()))


def can_redo(name: str) -> bool:
    """Return whether strokes were removed and none were drawn since."""
    return bool(_board(name).undone)


def put_picture(name: str, rgba: NDArray[np.uint8], *, note: str) -> None:
    """Replace the drawing by a picture of 280x280 pixels, which can be drawn on.

    Parameters
    ----------
    name : str
    rgba : ndarray of uint8, shape (280, 280, 4)
        Opaque, in greys.
    note : str
        Source of the picture, shown while it is on the canvas.
    """
    take(name)
    _board(name).undone.clear()
    _change(name, (picture_of(rgba[..., 0], note=note),))


def take(name: str) -> None:
    """Add the strokes that the browser has sent; the callback of the canvas.

    A browser may send anything. Data that is not from this canvas is ignored, and `problem` says
    so. A drawing of more than `MAX_POINTS` points becomes one picture.
    """
    kept = st.session_state.get(f"{name}_canvas")
    sent = kept.get("kept") if isinstance(kept, Mapping) else kept
    board, now = _board(name), drawing(name)
    if sent is None or (isinstance(sent, Mapping) and sent.get("session") != board.session):
        return  # strokes for another session: the browser will send this one the whole drawing
    try:
        before, strokes = _from_wire(sent)
        heard = _whole(sent.get("told", 0))
        moving = _stroke(sent["moving"]) if "moving" in sent else None
    except _NOT_OURS:
        board.problem = prose("draw", "unread")
        board.revision += 1  # the browser shows what is kept
        return
    board.heard, board.moving = heard, moving
    if before is not None and not board.revision and not now.items:
        now = Drawing(before)
        board.revision += 1
    new = [stroke for number, stroke in strokes if number > board.seen]
    if new:
        now = Drawing((*now.items, *new))
        board.seen = max(number for number, _ in strokes)
        board.undone.clear()
    if now.n_points > MAX_POINTS:
        now = Drawing((picture_of(now.ink, note=prose("draw", "many_points")),))
        board.revision += 1
    st.session_state[f"{name}_drawing"] = now


def _board(name: str) -> _Board:
    board: _Board = st.session_state.setdefault(f"{name}_board", _Board())
    return board


def _change(name: str, items: tuple[Item, ...]) -> None:
    st.session_state[f"{name}_drawing"] = Drawing(items)
    board = _board(name)
    board.revision += 1
    board.moving = None


def _to_wire(item: Item) -> dict[str, Any]:
    if isinstance(item, Picture):
        return {
            "picture": _PNG + base64.b64encode(item.png).decode("ascii"),
            "note": item.note,
        }
    return {"tool": item.tool, "width": item.width_px, "points": item.points}


def _from_wire(sent: Any) -> tuple[tuple[Item, ...] | None, list[tuple[int, Stroke]]]:
    """Return a drawing from before this session, if there is one, and strokes with their numbers.

    Raises one of `_NOT_OURS` if this is not what the canvas's script sends.
    """
    if not isinstance(sent, Mapping):
        raise TypeError(f"Not from the canvas: {type(sent)}")
    strokes = [(_whole(one["number"]), _stroke(one)) for one in sent["strokes"]]
    items: list[Item] = [
        _picture(one) if place == 0 and "picture" in one else _stroke(one)
        for place, one in enumerate(sent.get("items") or [])
    ]
    everything = Drawing((*items, *(stroke for _, stroke in strokes)))
    if everything.n_points > MAX_POINTS_SENT:
        raise ValueError(f"Too many points: {everything.n_points}")
    ink(items[:1])  # a picture shows only now whether it is one
    return tuple(items) if "items" in sent else None, strokes


def _whole(number: Any) -> int:
    if type(number) is not int:
        raise TypeError(f"Not a number of a stroke: {type(number)}")
    return number


def _stroke(one: Any) -> Stroke:
    points = np.asarray(one["points"], np.float64)
    width_px = float(one["width"])
    thinnest, widest = BRUSHES_PX
    if one["tool"] not in get_args(Tool) or not thinnest <= width_px <= widest:
        raise ValueError("Not a brush of the canvas")
    if points.ndim != 2 or points.shape[1] != 2 or not (np.abs(points) <= MAX_AWAY_PX).all():
        raise ValueError(f"Not points on the canvas: shape {points.shape}")
    if not 0 < len(points) <= MAX_POINTS_SENT:
        raise ValueError(f"Not a stroke: {len(points)} points")
    return Stroke(one["tool"], width_px, tuple((x, y) for x, y in points.tolist()))


def _picture(one: Any) -> Picture:
    source, note = one["picture"], one["note"]
    if len(source) > MAX_PNG_BYTES or not source.startswith(_PNG) or len(note) > MAX_NOTE:
        raise ValueError("Not a picture from the canvas")
    return Picture(base64.b64decode(source.removeprefix(_PNG)), str(note))
