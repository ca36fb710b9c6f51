"""Downloads of an animation: an interactive page, a GIF, a picture and tables."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from hashlib import sha256
from threading import Lock
from typing import Literal

import streamlit as st

from cnn_lab.app.widgets.inputs import choice
from cnn_lab.app.widgets.pictures import tone
from cnn_lab.content.words import listed
from cnn_lab.stage.export import export_csv, export_gif, export_html, export_png
from cnn_lab.stage.render import THEMES, ThemeName
from cnn_lab.trace import Trace

Kind = Literal["html", "gif", "png", "csv"]

KEPT = 16
SPEEDS = {0.2: "fast", 0.4: "brisk", 0.8: "calm", 1.6: "slow", 3.2: "very slow"}
USUAL_SPEED = 0.8
MIME: dict[Kind, str] = {
    "html": "text/html",
    "gif": "image/gif",
    "png": "image/png",
    "csv": "text/csv",
}
# A GIF keeps a core busy for seconds, so only one is made at a time.
_drawing = Lock()


@dataclass(frozen=True, kw_only=True)
class Order:
    """A requested file; equal orders give the same file."""

    kind: Kind
    digest: str
    title: str
    step: int = 0
    theme: ThemeName = "light"
    seconds_per_step: float = USUAL_SPEED
    traces: tuple[Trace, ...] = field(compare=False)


def export_menu(key: str, traces: Sequence[Trace], *, name: str, title: str = "") -> None:
    """Show a download menu; files are made only on request.

    Parameters
    ----------
    key : str
        Prefix of the menu's keys.
    traces : sequence of Trace
        The traces on the stage; if empty, no menu is shown.
    name : str
        File name without extension, such as "convolution-k3-s2-same".
    title : str
        Heading of the HTML page; by default the names of the traces.
    """
    if traces:
        heading = title or listed(list(dict.fromkeys(trace.name for trace in traces)))
        _menu(key, tuple(traces), name, heading)


@st.fragment
def _menu(key: str, traces: tuple[Trace, ...], name: str, title: str) -> None:
    menu = st.popover("Download", key=key, icon=":material/download:", on_change="rerun")
    if not menu.open:
        return
    n_steps = max(map(len, traces))
    order = partial(Order, digest=_digest(traces, title), title=title, traces=traces)
    with menu:
        theme = choice("Colours", list(THEMES), f"{key}_theme", default=tone(), in_address=False)
        speed = st.select_slider(
            "GIF speed",
            list(SPEEDS),
            value=USUAL_SPEED,
            format_func=lambda seconds: f"{SPEEDS[seconds]}, {seconds:g} s per step",
            key=f"{key}_speed",
        )
        gif = order(kind="gif", theme=theme, seconds_per_step=speed)
        _button(key, "Animated GIF", f"{name}.gif", gif)
        shown = st.number_input(
            f"Step to export, 1 to {n_steps}",
            min_value=1,
            max_value=n_steps,
            value=n_steps,
            key=f"{key}_step_of_{n_steps}",  # a field cannot keep a value outside its limits
        )
        step = min(max(int(shown), 1), n_steps)
        png = order(kind="png", theme=theme, step=step - 1)
        _button(key, f"Picture of step {step} (PNG)", f"{name}-step-{step}.png", png)
        _button(key, "Interactive page (HTML)", f"{name}.html", order(kind="html"))
        _button(key, "Numbers as tables (CSV)", f"{name}.csv", order(kind="csv"))


def _button(key: str, label: str, file_name: str, order: Order) -> None:
    st.download_button(
        label,
        data=partial(make, order),
        file_name=file_name,
        mime=MIME[order.kind],
        key=f"{key}_{order.kind}",
        on_click="ignore",
        width="stretch",
    )


@lru_cache(maxsize=KEPT)
def make(order: Order) -> bytes:
    """Return the file; the last 16 are cached.

    Notes
    -----
    Runs in its own thread when the user clicks, so it must not call Streamlit.
    """
    make_kind: dict[Kind, Callable[[Order], bytes]] = {
        "html": _html,
        "gif": _gif,
        "png": _png,
        "csv": _csv,
    }
    with _drawing:
        return make_kind[order.kind](order)


def _html(order: Order) -> bytes:
    return export_html(order.traces, title=order.title).encode()


def _gif(order: Order) -> bytes:
    return export_gif(order.traces, theme=order.theme, seconds_per_step=order.seconds_per_step)


def _png(order: Order) -> bytes:
    return export_png(order.traces, order.step, theme=order.theme)


def _csv(order: Order) -> bytes:
    return export_csv(order.traces).encode("utf-8-sig")


def _digest(traces: Sequence[Trace], title: str) -> str:
    wires = json.dumps([title, *(trace.to_wire() for trace in traces)])
    return sha256(wires.encode()).hexdigest()
