"""Downloads of an animation: an interactive page, a GIF, a picture and tables."""

import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import Literal

import streamlit as st

from cnn_lab.app.allowance import over_limit
from cnn_lab.app.widgets.inputs import choice
from cnn_lab.app.widgets.pictures import tone
from cnn_lab.content.words import data_size, listed
from cnn_lab.stage.export import export_csv, export_html, export_png
from cnn_lab.stage.making import GifMaking
from cnn_lab.stage.render import THEMES, ThemeName
from cnn_lab.trace import Trace

Kind = Literal["html", "gif", "png", "csv"]

MAX_KEPT_BYTES = 32_000_000
LOOK_EVERY_S = 0.3
SPEEDS = {0.2: "fast", 0.4: "brisk", 0.8: "calm", 1.6: "slow", 3.2: "very slow"}
USUAL_SPEED = 0.8
MIME: dict[Kind, str] = {
    "html": "text/html",
    "gif": "image/gif",
    "png": "image/png",
    "csv": "text/csv",
}
# One at a time, because each needs a picture's memory.
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

    A GIF takes seconds: another process makes it, and the menu shows how far it is.

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
        _gif(key, f"{name}.gif", gif)
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


def _button(
    key: str, label: str, file_name: str, order: Order, content: bytes | None = None
) -> None:
    st.download_button(
        label,
        data=content if content is not None else partial(make, order),
        file_name=file_name,
        mime=MIME[order.kind],
        key=f"{key}_{order.kind}",
        on_click="ignore",
        width="stretch",
    )


class KeptFiles:
    """The latest files by their order, up to a number of bytes, for all sessions."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._files: OrderedDict[Order, bytes] = OrderedDict()

    def get(self, order: Order) -> bytes | None:
        """Return a file, if it is still kept."""
        with self._lock:
            return self._files.get(order)

    def put(self, order: Order, content: bytes) -> None:
        """Keep a file, and drop the oldest ones that no longer fit."""
        with self._lock:
            self._files[replace(order, traces=())] = content
            while sum(map(len, self._files.values())) > self._max_bytes:
                self._files.popitem(last=False)


_kept = KeptFiles(MAX_KEPT_BYTES)


def make(order: Order) -> bytes:
    """Return a file other than a GIF; the latest files are kept.

    Notes
    -----
    Runs in its own thread when the user clicks, so it must not call Streamlit.
    """
    make_kind: dict[Kind, Callable[[Order], bytes]] = {"html": _html, "png": _png, "csv": _csv}
    content = _kept.get(order)
    if content is None:
        with _drawing:
            content = make_kind[order.kind](order)
        _kept.put(order, content)
    return content


class GifDesk:
    """The GIF that a session has in the making: at most one."""

    def __init__(self) -> None:
        self._order: Order | None = None
        self._making: GifMaking | None = None

    def begin(self, order: Order) -> None:
        """Begin a GIF, and give up the one before."""
        self.give_up()
        self._order = order
        self._making = GifMaking(
            order.traces, theme=order.theme, seconds_per_step=order.seconds_per_step
        )

    def making(self, order: Order) -> GifMaking | None:
        """Return the making of this very GIF, if it is the one."""
        return self._making if order == self._order else None

    def give_up(self) -> None:
        """End what is in the making."""
        if self._making is not None:
            self._making.give_up()
        self._order = self._making = None


@st.cache_resource(scope="session", show_spinner=False, on_release=GifDesk.give_up)
def gif_desk() -> GifDesk:
    """Return this session's desk; a GIF in the making is given up when the session ends."""
    return GifDesk()


def _gif(key: str, file_name: str, order: Order) -> None:
    """Show a button that has the GIF made, then its progress, then the download."""
    making = gif_desk().making(order)
    if making is not None and making.result is not None:
        _kept.put(order, making.result)
        gif_desk().give_up()
    content = _kept.get(order)
    if content is not None:
        _button(key, f"Animated GIF ({data_size(len(content))})", file_name, order, content)
    elif making is not None and not making.ended.is_set():
        st.fragment(_progress, run_every=LOOK_EVERY_S)(making)
        st.button("Cancel", key=f"{key}_cancel", on_click=gif_desk().give_up, width="stretch")
    else:
        st.button(
            "Make animated GIF",
            key=f"{key}_make",
            icon=":material/animated_images:",
            on_click=_begin,
            args=(key, order),
            width="stretch",
        )
        if sentence := st.session_state.pop(f"{key}_refused", ""):
            st.warning(sentence)
        if making is not None:
            st.warning("The GIF could not be made. Please try again.")


def _begin(key: str, order: Order) -> None:
    if sentence := over_limit("export"):
        st.session_state[f"{key}_refused"] = sentence
    else:
        gif_desk().begin(order)


def _progress(making: GifMaking) -> None:
    if making.ended.is_set():
        st.rerun()  # the whole page, because there is nothing left to poll
    st.progress(making.share, f"Drawing the GIF: {making.share:.0%}" if making.share else "Waiting")


def _html(order: Order) -> bytes:
    return export_html(order.traces, title=order.title).encode()


def _png(order: Order) -> bytes:
    return export_png(order.traces, order.step, theme=order.theme)


def _csv(order: Order) -> bytes:
    return export_csv(order.traces).encode("utf-8-sig")


def _digest(traces: Sequence[Trace], title: str) -> str:
    wires = json.dumps([title, *(trace.to_wire() for trace in traces)])
    return sha256(wires.encode()).hexdigest()
