"""Player of images that change step by step, with a network's answer to each."""

import base64
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnn_lab.app.widgets.component import component
from cnn_lab.app.widgets.pictures import tone
from cnn_lab.charts.maps import BLACK, NEGATIVE, PAPER, POSITIVE, WHITE
from cnn_lab.content.words import percent
from cnn_lab.ops.types import Array

MAX_WORK_S = 0.15  # in one rerun, so that no visitor waits for another's
FRAME_MS = 120
_MIDDLE = 127.5

# The browser plays on its own; while there is more to compute, it asks for it.
_frames = component("frames", "frames")


@dataclass(frozen=True, eq=False)
class Film:
    """One of the pictures that change side by side.

    Attributes
    ----------
    title : str
    alt : str
        Text description for screen readers.
    images : ndarray, shape (frames, height, width), or (1, height, width) if it stays the same
    limit : float
        Value shown as white; with `signed`, the magnitude shown in full colour.
    signed : bool
        Blue to orange around zero instead of black to white.
    ends : (str, str), optional
        Labels of the two ends of the scale, shown below.
    """

    title: str
    alt: str
    images: Array
    limit: float = 1.0
    signed: bool = False
    ends: tuple[str, str] | None = None


@dataclass(frozen=True)
class Line:
    """A curve over all frames.

    Attributes
    ----------
    title, alt : str
    values : sequence of float
    form : callable
        A value -> its text, for the two ends of the scale.
    """

    title: str
    alt: str
    values: Sequence[float]
    form: Callable[[float], str]


@dataclass(frozen=True, eq=False)
class Show:
    """What the player shows.

    Attributes
    ----------
    name : str
        Tells one sequence from another; with another name the player begins again.
    label : str
        Of the whole, for screen readers.
    noun : str
        What a frame is; the label of the slider.
    films : sequence of Film
    words : sequence of str
        A line for each frame.
    answers : ndarray, shape (frames, classes)
        The network's probabilities for each.
    bars : str
        Title of the bars.
    total : int
        The number of frames there will be at most.
    more : bool
        Whether more are to be computed.
    verdict, stopped : str
        What is said of the whole; and if the visitor has stopped it.
    roll : (str, str), optional
        Title and description of a picture of all answers.
    line : Line, optional
    wanted : int, optional
        A class that is marked among the bars.
    """

    name: str
    label: str
    noun: str
    films: Sequence[Film]
    words: Sequence[str]
    answers: Array
    bars: str
    total: int
    more: bool = False
    verdict: str = ""
    stopped: str = ""
    roll: tuple[str, str] | None = None
    line: Line | None = None
    wanted: int | None = None


def named(*parts: object) -> str:
    """Return a short name for what these parts define; arrays count by their numbers."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return digest.hexdigest()


def work_on(advance: Callable[[int], None]) -> None:
    """Call a function with 1, again and again, for a small part of a second."""
    until = time.perf_counter() + MAX_WORK_S
    while time.perf_counter() < until:
        advance(1)


def play_frames(show: Show, *, key: str, advance: Callable[[int], None] | None = None) -> None:
    """Show a player of frames.

    Parameters
    ----------
    show : Show
    key : str
    advance : callable, optional
        Computes so many frames more; called in small portions whenever the browser has shown what
        there is.
    """
    data: dict[str, Any] = {
        "run": show.name,
        "label": show.label,
        "noun": show.noun,
        "pictures": [_picture(film) for film in show.films],
        "words": list(show.words),
        "names": [str(digit) for digit in range(show.answers.shape[1])],
        "shares": np.round(show.answers.astype(float), 4).tolist(),
        "texts": [[percent(share) for share in answer] for answer in show.answers],
        "barsTitle": show.bars,
        "wanted": show.wanted,
        "total": show.total,
        "more": show.more,
        "verdict": show.verdict,
        "stopped": show.stopped,
        "roll": None if show.roll is None else dict(zip(("title", "alt"), show.roll, strict=True)),
        "curve": None if show.line is None else _curve(show.line),
        "frameMs": FRAME_MS,
    }
    _frames(key=key, data=data, on_chosen_change=lambda: _go_on(key, show, advance))


def _go_on(key: str, show: Show, advance: Callable[[int], None] | None) -> None:
    kept = st.session_state.get(key)  # None if the page was left meanwhile
    if advance and kept is not None and asks_for_more(kept.get("chosen"), show):
        work_on(advance)


def asks_for_more(sent: object, show: Show) -> bool:
    """Return whether a browser, which may send anything, has all frames and asks for more."""
    return sent == {"run": show.name, "have": len(show.words)}


def _picture(film: Film) -> dict[str, Any]:
    share = film.images / max(film.limit, 1e-12)
    levels: NDArray[np.floating[Any]] = _MIDDLE * (share + 1) if film.signed else 255 * share
    _, rows, columns = film.images.shape
    return {
        "title": film.title,
        "alt": film.alt,
        "bytes": base64.b64encode(np.round(np.clip(levels, 0, 255)).astype(np.uint8)).decode(),
        "rows": rows,
        "columns": columns,
        "colours": (NEGATIVE, PAPER[tone()], POSITIVE) if film.signed else (BLACK, WHITE),
        "ends": film.ends,
    }


def _curve(line: Line) -> dict[str, Any]:
    low, high = min(0.0, *line.values), max(line.values)
    height = max(high - low, 1e-12)
    return {
        "title": line.title,
        "alt": line.alt,
        "heights": [round((value - low) / height, 4) for value in line.values],
        "ends": [line.form(low), line.form(high)],
    }
