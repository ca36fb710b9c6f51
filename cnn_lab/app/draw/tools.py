"""What goes with the canvas: pen or eraser, its width, and the way back."""

import streamlit as st

from cnn_lab.app.widgets import canvas
from cnn_lab.app.widgets.drawing import NAME

TOOLS: dict[canvas.Tool, str] = {
    "pen": ":material/edit: Pen",
    "eraser": ":material/ink_eraser: Eraser",
}
USUAL_PX = 20


def show_tools() -> tuple[canvas.Tool, int]:
    """Show the tools of the canvas; return which is in hand, and its width in pixels."""
    drawn = bool(canvas.drawing(NAME).objects)
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
    width_px = st.slider(
        "Width",
        *(thinnest, widest, USUAL_PX),
        step=2,
        format="%d pixels",
        key="draw_brush",
        bind="query-params",
    )
    return tool, min(max(width_px, thinnest), widest)
