"""Steering a run while it goes on: pause, go on, one batch, stop, another learning rate."""

from collections.abc import Sequence

import streamlit as st

from cnn_lab.app.run_queue import run_queue
from cnn_lab.runs.job import Command, CommandRefusedError, Event, Status

WISH, NEW_RATE, RATE_MENU = "training_wish", "training_new_rate", "training_rate_menu"
RATE_REFUSED = "training_rate_refused"
_ON_THE_WAY: dict[Command, str] = {
    "pause": "Pausing …",
    "resume": "Resuming …",
    "step": "One batch …",
}


def show_controls(status: Status, events: Sequence[Event]) -> None:
    """Show the buttons of a run that is going; for its owner alone.

    A click acts at the next batch. Until then its button says so, and cannot be clicked
    twice.

    Parameters
    ----------
    status : Status
        Of a run that is active.
    events : sequence of Event
        All that has happened to it.
    """
    n_pauses = sum(event.kind == "paused" for event in events)
    pending = _pending(status, n_pauses)
    paused, stopping = status.state == "paused", bool(status.sentence)
    free = not stopping and pending is None
    with st.container(horizontal=True, gap="small"):
        if paused:
            _button("Continue", "resume", status, n_pauses, pending, enabled=free)
        else:
            runs = status.state == "training"
            _button("Pause", "pause", status, n_pauses, pending, enabled=free and runs)
        _button("One batch", "step", status, n_pauses, pending, enabled=free and paused)
        st.button(
            "Stop",
            icon=":material/stop:",
            key="training_stop",
            on_click=_tell,
            args=(status.run_id, "stop", n_pauses),
            disabled=stopping or status.state == "testing",
        )
        _rate_menu(status, events)


def highest_rate(status: Status, events: Sequence[Event]) -> float:
    """Return the highest rate of a run's schedule as it was asked for last."""
    asked = [event["rate"] for event in events if event.kind == "rate"]
    return asked[-1] if asked else status.spec.training.learning_rate


def _pending(status: Status, n_pauses: int) -> Command | None:
    """Return what this session has asked of the run and what has not happened yet."""
    run_id, command, n_before = st.session_state.get(WISH, ("", "stop", 0))
    if run_id != status.run_id or command not in _ON_THE_WAY:
        return None
    waits = status.state == "paused" if command == "resume" else n_pauses == n_before
    return command if waits else None


def _button(
    label: str,
    command: Command,
    status: Status,
    n_pauses: int,
    pending: Command | None,
    *,
    enabled: bool,
) -> None:
    icons = {"pause": "pause", "resume": "play_arrow", "step": "skip_next"}
    st.button(
        _ON_THE_WAY[command] if pending == command else label,
        icon=f":material/{icons[command]}:",
        key=f"training_{command}",
        on_click=_tell,
        args=(status.run_id, command, n_pauses),
        disabled=not enabled,
    )


def _rate_menu(status: Status, events: Sequence[Event]) -> None:
    now = highest_rate(status, events)
    menu = st.popover(
        f"Rate {now:g}",
        icon=":material/speed:",
        key=RATE_MENU,
        on_change="rerun",
        disabled=bool(status.sentence) or status.state not in ("training", "paused"),
    )
    if not menu.open:
        return
    with menu:
        st.number_input(
            "New learning rate",
            value=now,
            step=now / 2,
            format="%g",
            key=NEW_RATE,
            help="The highest rate of the schedule, which keeps its shape.",
        )
        st.button(
            "Apply from the next batch on",
            type="primary",
            key="training_rate",
            on_click=_change_rate,
            args=(status.run_id,),
        )
        if refused := st.session_state.get(RATE_REFUSED):
            st.error(refused)


def _tell(run_id: str, command: Command, n_pauses: int) -> None:
    st.session_state[WISH] = (run_id, command, n_pauses)
    run_queue().control(run_id, command)


def _change_rate(run_id: str) -> None:
    try:
        run_queue().control(run_id, "rate", st.session_state[NEW_RATE])
    except CommandRefusedError as error:
        st.session_state[RATE_REFUSED] = str(error)
    else:
        st.session_state.pop(RATE_REFUSED, None)
        st.session_state[RATE_MENU] = False
