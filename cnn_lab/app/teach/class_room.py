"""A class room on the projector: how often each answer was given, and what it means."""

from collections import Counter
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

import streamlit as st

from cnn_lab.app.messages import explained
from cnn_lab.app.widgets.inputs import menu, switch, text_field
from cnn_lab.app.widgets.pictures import theme_colour
from cnn_lab.content import prose
from cnn_lab.content.words import counted, literally
from cnn_lab.teaching.questions import QUESTIONS, Case
from cnn_lab.teaching.questions.case import misconception_title
from cnn_lab.teaching.room import Asked, RoomError, class_counts, rooms

ROOM, ASKED, REVEAL = "teach_room", "teach_asked", "teach_reveal"
LIVE_EVERY_S = 2.0
MAX_BARS = 8
_REFUSED = "teach_room_refused"
# Large enough for the back row, and the numbers before the bars, so that all of them line up.
_STYLE = """<style>
ul.answers {{ margin: 0; padding: 0 !important; list-style: none;
  font-size: clamp(1.1rem, 2.2vw, 2rem) }}
.answers li {{ display: grid; grid-template-columns: minmax(4em, auto) 1fr; gap: .1em .8em;
  align-items: center; margin: 0 0 .5em !important; padding: 0 }}
.answers strong {{ font-variant-numeric: tabular-nums; overflow-wrap: anywhere; max-width: 11em }}
.answers span {{ display: flex; align-items: center; gap: .5em; white-space: nowrap }}
.answers i {{ height: 1.2em; border-radius: .2em; background: {bar}; min-width: 3px;
  transition: width .4s }}
.answers .right i {{ background: {right} }}
.answers em {{ grid-column: 2; font-size: .65em; font-style: normal }}
@media (prefers-reduced-motion: reduce) {{ .answers i {{ transition: none }} }}
</style>"""


class Bar(NamedTuple):
    """How often an answer was given.

    Attributes
    ----------
    answer : str
        As it is shown; not yet escaped.
    n : int
        Browsers that gave it.
    meaning : str
        What is said of it when the answers are revealed: that it is right, or the misconception
        that leads to it; empty if nothing is known of it.
    is_right : bool
    """

    answer: str
    n: int
    meaning: str
    is_right: bool


def room_field() -> str:
    """Show the field for a room's code beside the button that opens one; return the code."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        code = text_field(
            "Class room",
            ROOM,
            placeholder=prose("class_room", "placeholder"),
            help=prose("class_room", "help"),
        )
        st.button("Open a class room", icon=":material/meeting_room:", on_click=_open_room)
    if refused := st.session_state.get(_REFUSED):
        st.error(refused)
    return code.strip().upper()


def _open_room() -> None:
    st.session_state.pop(_REFUSED, None)
    try:
        st.session_state[ROOM] = rooms().open()
    except RoomError as error:
        st.session_state[_REFUSED] = explained(error)


def show_class_room() -> None:
    """Show the answers of a class room as they come in, for the projector."""
    st.markdown(prose("class_room", "about"))
    code = room_field()
    if not code:
        return
    try:
        is_open = rooms().is_open(code)
    except RoomError as error:
        st.error(explained(error))
        return
    if is_open:
        _live(code)
    else:
        st.warning(prose("class_room", "closed", code=literally(code)))


@st.fragment(run_every=LIVE_EVERY_S)
def _live(code: str) -> None:
    try:
        counts = class_counts(code)
    except RoomError as error:
        st.warning(explained(error))
        return
    if not counts:
        st.subheader(prose("class_room", "waiting", code=code), anchor=False)
        return
    by_name = {_title(asked): asked for asked in counts}
    asked = by_name[menu("Question", list(by_name), ASKED)]
    try:
        case = asked.case
    except RoomError as error:
        st.warning(explained(error))
        return
    reveal = switch("Reveal the answer", REVEAL)
    bars = list(answer_bars(case, counts[asked]))
    st.markdown(case.ask)
    st.html(
        _STYLE.format(bar=theme_colour(), right="#2f8f4e")
        + _drawn(bars, counts[asked].total(), reveal=reveal)
    )
    if reveal:
        st.markdown(prose("class_room", "solution", way=case.way))


def _title(asked: Asked) -> str:
    return f"{asked.place} · {QUESTIONS[asked.question].title} · seed {asked.seed}"


def answer_bars(case: Case, counts: Counter[str]) -> Iterator[Bar]:
    """Yield the most frequent answers to a case, the most frequent first.

    Parameters
    ----------
    case : Case
    counts : Counter
        Answer -> how many browsers gave it.
    """
    for answer, n in sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MAX_BARS]:
        verdict = case.check(answer)
        meaning = "right" if verdict.right else ""
        if verdict.misconception is not None:
            meaning = misconception_title(verdict.misconception)
        yield Bar(answer, n, meaning, verdict.right)


def _drawn(bars: list[Bar], n_all: int, *, reveal: bool) -> str:
    rows, most = [], max(bar.n for bar in bars)
    for bar in bars:
        marked = reveal and bar.is_right
        sign = "✓ " if marked else ""
        said = f"<em>{escape(bar.meaning)}</em>" if reveal and bar.meaning else ""
        rows.append(
            f"<li{' class=right' if marked else ''}><strong>{sign}{escape(bar.answer)}</strong>"
            f'<span><i style="width: {70 * bar.n / most:.1f}%"></i>'
            f"{bar.n} of {n_all}</span>{said}</li>"
        )
    label = escape(f"Answers of {counted(n_all, 'browser')}")
    return f'<ul class="answers" aria-label="{label}">{"".join(rows)}</ul>'
