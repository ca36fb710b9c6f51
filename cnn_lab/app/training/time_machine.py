"""Replay of a run: its filters, maps and errors at every snapshot."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from cnn_lab.app.run_queue import RUN, run_queue
from cnn_lab.app.widgets.component import component
from cnn_lab.app.widgets.inputs import choice
from cnn_lab.app.widgets.pictures import tone
from cnn_lab.charts.maps import NEGATIVE, PAPER, POSITIVE, Tone, data_url
from cnn_lab.charts.snapshots import Filmstrip, accuracy_curve, filters_film, maps_film, shades
from cnn_lab.content import prose
from cnn_lab.data.sets import INFO
from cnn_lab.runs.job import Status
from cnn_lab.runs.snapshots import Snapshot, watched_classes

DIGIT = "training_machine_digit"
MOMENT = "training_machine_moment"  # of a link to one; counted from 1
FILTERS_PX, MAPS_PX = 235, 310  # about as wide the pictures become
MIN_MOMENTS = 2  # snapshots needed for a replay

# The browser plays on its own: neither playing nor seeking makes a request.
_machine = component("time_machine", "machine")


@st.fragment
def show_time_machine(status: Status) -> None:
    """Show a slider over the snapshots of a finished run, and the network at each of them.

    Parameters
    ----------
    status : Status
        Of a run that is no longer active. If it left too few snapshots, a sentence says so.
    """
    st.subheader("Time machine", anchor=False)
    watched = watched_classes(INFO[status.spec.training.data_set].class_names)
    place = st.container()
    shown = watched[0]
    if any(layer.convolves for layer in status.spec.network.layers):
        with place:
            shown = choice("Maps of", watched, DIGIT, width="content")
    data = _data(status.run_id, watched.index(shown), tone(), _status=status)
    if data is None:
        st.caption(prose("afterwards", "machine_none"))
        return
    st.caption(prose("afterwards", "machine", n=len(data["words"])))
    _machine(key="training_machine", data=data)


@st.cache_data(max_entries=8, show_spinner=False)
def _data(run_id: str, image: int, tone: Tone, *, _status: Status) -> dict[str, Any] | None:
    """Return the data for the browser, at most a megabyte; None for too few snapshots."""
    snapshots = list(run_queue().snapshots(run_id))
    if len(snapshots) < MIN_MOMENTS:
        return None
    spec = _status.spec
    names = INFO[spec.training.data_set].class_names
    curve = accuracy_curve(snapshots, n_images=spec.n_images)
    n_judged = snapshots[-1].n_judged
    sheets = [
        _picture(
            "Filters of the first layer", filters_film(snapshots, tone=tone), FILTERS_PX, tone
        ),
        _picture(
            f"Feature maps of “{names[2 * image]}”",
            maps_film(snapshots, image, tone=tone),
            MAPS_PX,
            tone,
        ),
    ]
    return {
        "address": {RUN: run_id},
        "momentParameter": MOMENT,
        "words": [_words(snapshot, spec.training.epochs) for snapshot in snapshots],
        "curve": prose("afterwards", "machine_curve", n_judged=n_judged),
        "points": curve.points,
        "ticks": curve.ticks,
        "sheets": [sheet for sheet in sheets if sheet is not None],
        "names": names,
        "confusion": [snapshot.confusion.ravel().tolist() for snapshot in snapshots],
        "shades": shades(snapshots),
        "matrix": {
            "title": f"{n_judged} validation images",
            "alt": f"The predicted classes of {n_judged} validation images at this moment",
            "legend": "Rows: true class. Columns: predicted class.",
        },
    }


def _words(snapshot: Snapshot, n_epochs: int) -> str:
    if snapshot.n_images == 0:
        where = "Before the first batch"
    else:
        where = (
            f"Epoch {snapshot.epoch} of {n_epochs}, after batch {snapshot.batch:,}: "
            f"{snapshot.n_images:,} images"
        )
    right = int(snapshot.confusion.trace())
    return f"{where}. {right} of {snapshot.n_judged} classified correctly."


def _picture(
    title: str, sheet: Filmstrip | None, width_px: int, tone: Tone
) -> dict[str, Any] | None:
    if sheet is None:
        return None
    return {
        "title": title,
        "alt": f"{title} at this moment",
        "picture": data_url(sheet.webp, "webp"),
        "width": sheet.width,
        "height": sheet.height,
        "columns": sheet.columns,
        "factor": max(1, round(width_px / sheet.width)),
        "low": f"−{sheet.limit:.2g}",
        "high": f"{sheet.limit:.2g}",
        "colours": _colours((NEGATIVE, PAPER[tone], POSITIVE)),
    }


def _colours(stops: Sequence[tuple[int, int, int]]) -> list[str]:
    return [f"rgb({red} {green} {blue})" for red, green, blue in stops]
