"""Steps of something computed already: a slider, and a button that plays them."""

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.app.widgets.inputs import slider

TICK_S = 0.35
ROW_PX = 80  # of sliders, which are lower until the browser has loaded them


def played_steps(
    page: str,
    last: int,
    show: Callable[[int], None],
    *,
    first: int = 0,
    frames: Sequence[int] | None = None,
    tick_s: float = TICK_S,
) -> None:
    """Show the row to play or scrub steps and, below it, what `show` shows of one.

    Only this reruns while steps play, or when the slider is moved.

    Parameters
    ----------
    page : str
        Prefix of the keys: `<page>_step` is the slider, which is in the address too.
    last : int
        The last step; there are also those from 0 on.
    show : callable
        Takes the step.
    first : int
        The step that is shown at first.
    frames : sequence of int, optional
        The steps that are shown during play, in ascending order up to the last; by default all.
    tick_s : float
        How long each of them is shown, in seconds.
    """
    playing = bool(st.session_state.get(f"{page}_playing")) and last > 0
    shown = range(last + 1) if frames is None else frames
    live = st.fragment(_show_one, run_every=tick_s if playing else None)
    live(page, last, show, first, shown, was_playing=playing)


def _show_one(
    page: str,
    last: int,
    show: Callable[[int], None],
    first: int,
    frames: Sequence[int],
    *,
    was_playing: bool,
) -> None:
    step = _advance(page, last, frames) if was_playing else _scrub(page, last, first)
    if bool(st.session_state.get(f"{page}_playing")) != was_playing and last > 0:
        st.rerun()  # rerun the whole page, as the timer starts or stops
    show(step)


def _advance(page: str, last: int, frames: Sequence[int]) -> int:
    """Show the next step's place on the slider, and return the step."""
    state = st.session_state
    here = int(state.get(f"{page}_frame", -1))
    step = next((int(frame) for frame in frames if frame > here), last)
    state[f"{page}_frame"] = state[f"{page}_frame_shown"] = step
    if step == last:
        _stop(page)
    with _row():
        st.button(
            "Pause", key=f"{page}_pause", icon=":material/pause:", on_click=_stop, args=(page,)
        )
        st.slider("Step", 0, last, key=f"{page}_frame_shown", disabled=True)
    return step


def _scrub(page: str, last: int, first: int) -> int:
    """Show the slider, and return the chosen step."""
    if last == 0:
        return 0
    state, key = st.session_state, f"{page}_step"
    if state.get(key, 0) > last:
        state[key] = last
    with _row():
        st.button(
            "Play",
            key=f"{page}_play",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(page, last),
        )
        return slider("Step", key, value=first, minimum=0, maximum=last)


def _row() -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="bottom", height=ROW_PX, border=False)


def _start(page: str, last: int) -> None:
    state = st.session_state
    here = state.get(f"{page}_step", 0)
    state[f"{page}_playing"] = True
    state[f"{page}_frame"] = -1 if here >= last else here


def _stop(page: str) -> None:
    state = st.session_state
    state[f"{page}_playing"] = False
    state[f"{page}_step"] = state[f"{page}_frame"]
