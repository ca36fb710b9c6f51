"""A run while it goes on: its controls, its curves, and what its first layer makes of a digit."""

import time
from collections.abc import Sequence

import streamlit as st

from cnn_lab.app.run_queue import be_here, may_steer, run_queue
from cnn_lab.app.training.controls import APPLIED
from cnn_lab.app.training.curves import run_view, show_view
from cnn_lab.app.training.doctor import show_findings
from cnn_lab.app.training.run_controls import show_controls
from cnn_lab.app.widgets.pictures import show_png, tone
from cnn_lab.charts.maps import Picture, Tone, png
from cnn_lab.charts.snapshots import filters_picture, largest, maps_picture
from cnn_lab.content import prose
from cnn_lab.data.sets import INFO
from cnn_lab.runs.job import Status
from cnn_lab.runs.snapshot import Snapshot, watched_classes

LIVE_EVERY_S = 0.5
PICTURES_EVERY_S = 1.0
MAX_WAITED_S = 0.4  # for what somebody is waiting for; other clicks have to wait as long
WATCHED, _SHOWN = "training_watched", "training_shown_snapshots"
_WHOLE_PAGE = "training_whole_page"
FILTERS_PX, MAPS_PX = 250, 400  # about as wide as the pictures become


def show_run(status: Status) -> None:
    """Draw a run of the queue, again and again for as long as it goes on."""
    live = st.fragment(_follow, run_every=LIVE_EVERY_S if status.active else None)
    st.session_state[_WHOLE_PAGE] = True
    live(status.run_id, was_active=status.active)


def _follow(run_id: str, *, was_active: bool) -> None:
    whole_page = st.session_state.pop(_WHOLE_PAGE, False)
    be_here()
    status, events = run_queue().status(run_id), run_queue().events(run_id)
    if was_active and not status.active:
        st.rerun()  # the whole page: other buttons, and what to do with the result
    if st.session_state.pop(APPLIED, False):
        st.rerun()  # the whole page: the controls have been set from in here
    if status.active and may_steer(status):
        show_controls(status, events)
    show_view(run_view(status, events))
    show_findings(status)
    if status.active:
        _show_first_layer(status)
        if not whole_page and _soon_another(status):
            st.rerun(scope="fragment")


def _soon_another(status: Status) -> bool:
    """Return whether what somebody waits for, the first point or the end, has come just now."""
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


def _show_first_layer(status: Status) -> None:
    """Show the first filters and what they make of a digit, as of the newest snapshot."""
    snapshots = _steady(status.run_id, run_queue().snapshots(status.run_id))
    if not snapshots or not snapshots[-1].kernels.size:
        return
    names = watched_classes(INFO[status.spec.training.data_set].class_names)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.markdown("**Filters of the first layer**")
        place = st.container()
        st.caption(prose("training", "scale"))
    with right, st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Feature maps of**", width="content")
        shown = st.segmented_control(
            "Maps of",
            names,
            default=names[0],
            required=True,
            key=WATCHED,
            bind="query-params",
            label_visibility="collapsed",
        )
    filters, maps = _pictures(
        status.run_id, len(snapshots), names.index(shown), tone(), _of=snapshots
    )
    with place:
        show_png(filters[0], alt="The filters of the first layer now", width_px=filters[1])
    with right:
        show_png(maps[0], alt=f"The feature maps of {shown} now", width_px=maps[1])


def _steady(run_id: str, snapshots: Sequence[Snapshot]) -> Sequence[Snapshot]:
    """Return the snapshots to be shown: for a second, those that were shown before."""
    shown_id, n, since = st.session_state.get(_SHOWN, ("", 0, 0.0))
    now = time.monotonic()
    if shown_id == run_id and 0 < n < len(snapshots) and now - since < PICTURES_EVERY_S:
        return snapshots[:n]
    if (shown_id, n) != (run_id, len(snapshots)):
        st.session_state[_SHOWN] = (run_id, len(snapshots), now)
    return snapshots


@st.cache_data(max_entries=64, show_spinner=False)
def _pictures(
    run_id: str, n_snapshots: int, image: int, tone: Tone, *, _of: Sequence[Snapshot]
) -> tuple[tuple[bytes, int], tuple[bytes, int]]:
    """Return the filters and the maps of the newest snapshot as PNGs, with their widths.

    Both on the scale of the run so far, so that what grows is seen to grow.
    """
    filters = filters_picture(_of[-1].kernels, limit=largest(one.kernels for one in _of), tone=tone)
    maps = maps_picture(
        _of[-1].maps[image], limit=largest(one.maps[image] for one in _of), tone=tone
    )
    return _sharp(filters, FILTERS_PX), _sharp(maps, MAPS_PX)


def _sharp(picture: Picture, about_px: int) -> tuple[bytes, int]:
    factor = max(1, round(about_px / picture.shape[1]))
    return png(picture, factor=2 * factor), factor * picture.shape[1]
