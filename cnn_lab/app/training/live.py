"""Live view of a run: its buttons, its curves and its first layer."""

import time
from collections.abc import Mapping, Sequence

import streamlit as st

from cnn_lab.app.messages import explained
from cnn_lab.app.run_queue import be_here, may_steer, owner, run_queue, shares, start
from cnn_lab.app.training.controls import APPLIED, FOLD, TrainingSettings
from cnn_lab.app.training.curves import Filters, run_view, show_view
from cnn_lab.app.training.doctor import show_findings
from cnn_lab.app.training.expected import expected_losses
from cnn_lab.app.training.fields import live_fields, live_key
from cnn_lab.app.training.initial import Initial, weights_of
from cnn_lab.app.widgets.inputs import choice
from cnn_lab.app.widgets.pictures import show_png, tone
from cnn_lab.charts.maps import Tone, sharp_png
from cnn_lab.charts.snapshots import Scales, maps_picture
from cnn_lab.content import prose
from cnn_lab.content.words import counted
from cnn_lab.data.sets import INFO
from cnn_lab.runs.job import Command, CommandRefusedError, Event, RunSpec, Status, settings_now
from cnn_lab.runs.snapshots import Snapshot, watched_classes

LIVE_EVERY_S = 0.7  # longer than the time between two reports, so each look finds something new
PICTURES_EVERY_S = 1.0
MAX_WAITED_S = 0.4  # for an expected event; other clicks have to wait as long
WATCHED, _SHOWN = "training_watched", "training_shown_snapshots"
_WHOLE_PAGE = "training_whole_page"
REFUSED = "training_refused"
WISH = "training_wish"
SETTINGS_MENU, SETTINGS_REFUSED = "training_settings_menu", "training_settings_refused"
_ON_THE_WAY: dict[Command, str] = {
    "pause": "Pausing …",
    "resume": "Resuming …",
    "step": "One batch …",
}
MAPS_PX = 250  # about as wide as the picture becomes


def show_run(status: Status) -> None:
    """Show a run of the queue, updated as long as it is active."""
    live = st.fragment(_follow, run_every=LIVE_EVERY_S if status.active else None)
    st.session_state[_WHOLE_PAGE] = True
    live(status.run_id, was_active=status.active)


def show_start(settings: TrainingSettings, initial: Initial | None, status: Status | None) -> None:
    """Show the buttons that start a run, unless this browser's run is under way.

    Parameters
    ----------
    settings : TrainingSettings
    initial : (str, Network) or None
        From `choose_initial`.
    status : Status or None
        Of the run that the page shows.
    """
    if status is not None and status.active and (may_steer(status) or shares(status)):
        return
    st.button(
        "Start training",
        icon=":material/play_arrow:",
        type="primary",
        key="training_start",
        on_click=_start,
        args=(settings.spec, initial),
        disabled=settings.spec is None,
    )
    further = None if status is None else weights_of(status, settings)
    if further is not None:
        st.button(
            "Train further",
            icon=":material/resume:",
            key="training_further",
            on_click=_start,
            args=(settings.spec, further),
            help=prose("training", "further"),
        )


def _start(spec: RunSpec, initial: Initial | None) -> None:
    """Start a run, and close the settings, which would keep it below the window."""
    if refused := start(spec, initial):
        st.session_state[REFUSED] = refused
    else:
        st.session_state[FOLD] = False


def _follow(run_id: str, *, was_active: bool) -> None:
    whole_page = st.session_state.pop(_WHOLE_PAGE, False)
    be_here()
    status, events = run_queue().status(run_id), run_queue().events(run_id)
    if was_active and not status.active:
        st.rerun()  # the whole page: the buttons and the results change
    if st.session_state.pop(APPLIED, False):
        st.rerun()  # the whole page: this fragment has set the controls
    if status.active and may_steer(status):
        _show_buttons(status, events)
    elif status.active and shares(status):
        _show_shared(status)
    if status.unsaved:
        why = prose("training", "unsaved", why=status.unsaved)
        st.warning(why, title="This run cannot be saved")
    view = run_view(status, events, expected_losses())
    snapshots = _steady(run_id, run_queue().snapshots(run_id))
    show_view(view, _filters(status, snapshots), lambda: _show_maps(status, snapshots))
    show_findings(status)
    if status.active and not whole_page and _soon_another(status):
        st.rerun(scope="fragment")


def _soon_another(status: Status) -> bool:
    """Return whether the expected event, the first point or the end, has just happened."""
    if not status.sentence and status.state != "starting":
        return False
    try:
        run_queue().wait(
            status.run_id,
            lambda now: not now.active if status.sentence else now.state != status.state,
            MAX_WAITED_S,
        )
    except TimeoutError:
        return False
    return True


def _show_buttons(status: Status, events: Sequence[Event]) -> None:
    """Show the buttons of an active run, to its owner only.

    A click takes effect at the next batch. Until then its button says so and is disabled.
    """
    n_pauses = sum(event.kind == "paused" for event in events)
    pending = _pending(status, n_pauses)
    paused, stopping = status.state == "paused", bool(status.sentence)
    free = not stopping and pending is None
    first: tuple[Command, str, str, bool] = (
        ("resume", "Continue", "play_arrow", free)
        if paused
        else ("pause", "Pause", "pause", free and status.state == "training")
    )
    buttons: list[tuple[Command, str, str, bool]] = [
        first,
        ("step", "One batch", "skip_next", free and paused),
        ("stop", "Stop", "stop", not stopping and status.state != "testing"),
    ]
    with st.container(horizontal=True, gap="small"):
        for command, label, icon, enabled in buttons:
            st.button(
                _ON_THE_WAY[command] if command == pending else label,
                icon=f":material/{icon}:",
                key=f"training_{command}",
                on_click=_tell,
                args=(status.run_id, command, n_pauses),
                disabled=not enabled,
            )
        _settings_menu(status, events)


def _show_shared(status: Status) -> None:
    """Show how many others have asked for the same run, and a button to leave it to them."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "Leave this run",
            icon=":material/logout:",
            key="training_leave",
            on_click=lambda: run_queue().give_up(status.run_id, owner()),
            disabled=bool(status.sentence),
        )
        others = counted(len(status.owners) - 1, "other browser")
        st.caption(prose("training", "shared", others=others))


def _pending(status: Status, n_pauses: int) -> Command | None:
    """Return the command that this session has sent and that has not taken effect yet."""
    run_id, command, n_before = st.session_state.get(WISH, ("", "stop", 0))
    if run_id != status.run_id or command not in _ON_THE_WAY:
        return None
    waits = status.state == "paused" if command == "resume" else n_pauses == n_before
    return command if waits else None


def _settings_menu(status: Status, events: Sequence[Event]) -> None:
    """Show a menu with the settings that can change during a run.

    After each change it is a new one, which is closed. Closing the old one would not last: the
    browser asks for this fragment again and again, and says each time that its menu is open.
    """
    n_changes = sum(event.kind == "settings" for event in events)
    menu = st.popover(
        "Change settings",
        icon=":material/tune:",
        key=f"{SETTINGS_MENU}_{n_changes}",
        on_change="rerun",
        disabled=bool(status.sentence) or status.state not in ("training", "paused"),
    )
    if not menu.open:
        return
    now = settings_now(status.spec, events)
    with menu, st.form("training_settings_form", border=False):
        st.caption(prose("training", "settings"))
        live_fields(now)
        st.form_submit_button(
            "Apply from the next batch on",
            type="primary",
            key="training_change",
            on_click=_change_settings,
            args=(status.run_id, now),
        )
        if refused := st.session_state.get(SETTINGS_REFUSED):
            st.error(refused)


def _tell(run_id: str, command: Command, n_pauses: int) -> None:
    st.session_state[WISH] = (run_id, command, n_pauses)
    run_queue().control(run_id, command)


def _change_settings(run_id: str, now: Mapping[str, float]) -> None:
    entered = {name: st.session_state[live_key(name)] for name in now}
    changed = {name: value for name, value in entered.items() if value != now[name]}
    try:
        if changed:
            run_queue().control(run_id, "settings", changed)
    except CommandRefusedError as error:
        st.session_state[SETTINGS_REFUSED] = explained(error)
    else:
        st.session_state.pop(SETTINGS_REFUSED, None)


def _filters(status: Status, snapshots: Sequence[Snapshot]) -> Filters | None:
    """Return the first layer's filters as they are now, on the scale of the run so far."""
    if not snapshots or not snapshots[-1].kernels.size:
        return None
    return Filters(
        snapshots[-1].kernels,
        _scales(status.run_id).of(snapshots)[0],
        prose("training", "filters now" if status.active else "filters learned"),
    )


def _show_maps(status: Status, snapshots: Sequence[Snapshot]) -> None:
    """Show what the first layer makes of a digit now."""
    if not status.active or not snapshots or not snapshots[-1].kernels.size:
        return
    names = watched_classes(INFO[status.spec.training.data_set].class_names)
    shown = choice("Feature maps of", names, WATCHED, width="content")
    maps = _maps(status.run_id, len(snapshots), names.index(shown), tone(), _of=snapshots)
    show_png(maps[0], alt=f"The feature maps of {shown} now", width_px=maps[1])


@st.cache_resource(max_entries=16, show_spinner=False)
def _scales(run_id: str) -> Scales:
    """Return the scales of a run; the next snapshot need not have the earlier ones unpacked."""
    return Scales()


def _steady(run_id: str, snapshots: Sequence[Snapshot]) -> Sequence[Snapshot]:
    """Return the snapshots to show; for one second, the same as before."""
    shown_id, n, since = st.session_state.get(_SHOWN, ("", 0, 0.0))
    now = time.monotonic()
    if shown_id == run_id and 0 < n < len(snapshots) and now - since < PICTURES_EVERY_S:
        return snapshots[:n]
    if (shown_id, n) != (run_id, len(snapshots)):
        st.session_state[_SHOWN] = (run_id, len(snapshots), now)
    return snapshots


@st.cache_data(max_entries=64, show_spinner=False)
def _maps(
    run_id: str, n_snapshots: int, image: int, tone: Tone, *, _of: Sequence[Snapshot]
) -> tuple[bytes, int]:
    """Return the maps of the newest snapshot as a PNG, and its width.

    They use the scale of the run so far, so that growth is visible.
    """
    maps, limit = _of[-1].maps[image], _scales(run_id).of(_of)[1][image]
    return sharp_png(maps_picture(maps, limit=limit, tone=tone), MAPS_PX)
