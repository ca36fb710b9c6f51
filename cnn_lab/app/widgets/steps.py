"""Steps of something computed already: a slider, and a button that plays them."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.app.widgets.inputs import slider

TICK_S = 0.35
ROW_PX = 80  # of sliders, which are lower until the browser has loaded them


def played_steps(page: str, last: int, show: Callable[[int], None]) -> None:
    """Show the row to play or scrub steps and, below it, what `show` shows of one.

    Only this reruns while steps play, or when the slider is moved.

    Parameters
    ----------
    page : str
        Prefix of the keys: `<page>_step` is the slider, which is in the address too.
    last : int
        The last step; the first is 0.
    show : callable
        Takes the step.
    """
    playing = bool(st.session_state.get(f"{page}_playing")) and last > 0
    live = st.fragment(_show_one, run_every=TICK_S if playing else None)
    live(page, last, show, was_playing=playing)


def _show_one(page: str, last: int, show: Callable[[int], None], *, was_playing: bool) -> None:
    step = _advance(page, last) if was_playing else _scrub(page, last)
    if bool(st.session_state.get(f"{page}_playing")) != was_playing and last > 0:
        st.rerun()  # rerun the whole page, as the timer starts or stops
    show(step)


def _advance(page: str, last: int) -> int:
    """Show the next step's place on the slider, and return the step."""
    state = st.session_state
    step = min(int(state.get(f"{page}_frame", -1)) + 1, last)
    state[f"{page}_frame"] = state[f"{page}_frame_shown"] = step
    if step == last:
        _stop(page)
    with _row():
        st.button(
            "Pause", key=f"{page}_pause", icon=":material/pause:", on_click=_stop, args=(page,)
        )
        st.slider("Step", 0, last, key=f"{page}_frame_shown", disabled=True)
    return step


def _scrub(page: str, last: int) -> int:
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
        return slider("Step", key, value=last, minimum=0, maximum=last)


def _row() -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="bottom", height=ROW_PX, border=False)


def _start(page: str, last: int) -> None:
    state = st.session_state
    here = state.get(f"{page}_step", last)
    state[f"{page}_playing"] = True
    state[f"{page}_frame"] = -1 if here >= last else here


def _stop(page: str) -> None:
    state = st.session_state
    state[f"{page}_playing"] = False
    state[f"{page}_step"] = state[f"{page}_frame"]
