"""Training on a reader's own hand: ten drawings, a short run, and what it has changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnn_lab.app.caches import RUN_PREFIX
from cnn_lab.app.caches import network as network_named
from cnn_lab.app.messages import explained
from cnn_lab.app.run_queue import RUN, be_here, run_queue, start
from cnn_lab.app.training.downloads import link_to_draw
from cnn_lab.app.widgets import canvas
from cnn_lab.content import prose
from cnn_lab.content.words import counted, listed, percent
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.own_hand import START, TRAINING, Doubts, borrowed_hand, doubts, split_of
from cnn_lab.digits.photograph import sharp_on_canvas
from cnn_lab.network import ModelFileError, Network
from cnn_lab.network.spec import N_DIGITS
from cnn_lab.ops.types import Images
from cnn_lab.runs.job import RunSpec, Status, UnknownRunError, progress
from cnn_lab.runs.reading import card_figures

CELL_PX = 150  # two side by side on a phone
BRUSH_PX = 24  # of the canvas's 280, which are shown as 150
READING_PX = 48  # two lines; fixed, so that nothing moves while one draws
LOOK_EVERY_S = 0.5
HAND_RUN, DOUBTED, PROBLEM, BORROWED = "hand_run", "hand_doubted", "hand_problem", "hand_borrowed"
_BEGUN = "hand_begun"


@dataclass(frozen=True)
class Reading:
    """What a network reads in a drawing: the likeliest digit, and how likely it is."""

    digit: int
    probability: float


@st.fragment
def show_hand(began: Callable[[], None]) -> None:
    """Show ten cells to draw digits into, a run that learns them, and how they are read.

    Parameters
    ----------
    began : callable
        Called when a run has been asked for.
    """
    st.markdown(prose("hand", "intro"))
    if st.session_state.pop(_BEGUN, False):
        st.rerun()  # the whole page: its curves are those of this run now
    status = _hand_run()
    after = None if status is None or status.active else _network_of(status)
    digits, images = _drawn()
    readings = [
        {} if network is None else _read(network, digits, images)
        for network in (network_named(START), after)
    ]
    with st.container(horizontal=True, gap="small"):
        for digit in range(N_DIGITS):
            _show_cell(digit, *readings, trained=after is not None)
    for name in map(_name, range(N_DIGITS)):
        if problem := canvas.problem(name):
            st.warning(problem)
    if status is not None and not status.active:
        _show_change(status, *readings)
    _show_buttons(digits, status, began)
    if status is not None and status.active:
        _follow(status.run_id)


def _name(digit: int) -> str:
    return f"hand_{digit}"


def _drawn() -> tuple[list[int], Images]:
    """Return the digits that are drawn, and the drawings as a network gets them."""
    digits, images = [], []
    for digit in range(N_DIGITS):
        rgba = canvas.pixels(_name(digit))
        image = None if rgba is None else prepare_digit(rgba)
        if image is not None:
            digits.append(digit)
            images.append(image[..., np.newaxis])
    return digits, np.array(images, np.float32).reshape(-1, 28, 28, 1)


def _read(network: Network, digits: list[int], images: Images) -> dict[int, Reading]:
    """Return what a network reads in each drawing, by what it was drawn as."""
    if not digits:
        return {}
    probabilities = network.predict(images)
    return {
        digit: Reading(int(each.argmax()), float(each.max()))
        for digit, each in zip(digits, probabilities, strict=True)
    }


def _show_cell(
    digit: int, before: Mapping[int, Reading], after: Mapping[int, Reading], *, trained: bool
) -> None:
    name = _name(digit)
    with st.container(width=CELL_PX, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{digit}**", width="content")
            st.button(
                f"Clear {digit}",
                key=f"hand_clear_{digit}",
                type="tertiary",
                on_click=canvas.clear,
                args=(name,),
                disabled=not canvas.drawing(name).items,
            )
        label = prose("hand", "canvas_label", digit=digit)
        canvas.canvas(name, brush_px=BRUSH_PX, label=label)
        with st.container(height=READING_PX, border=False):
            if digit in before:
                lines = [_reading_words("Before" if trained else "Read as", digit, before[digit])]
                if trained:
                    lines.append(_reading_words("Now", digit, after[digit]))
                st.markdown("  \n".join(f":small[{line}]" for line in lines))


def _reading_words(when: str, digit: int, reading: Reading) -> str:
    mark = "✓" if reading.digit == digit else "✗"
    return f"{when} **{reading.digit}** {mark} {percent(reading.probability)}"


def _show_change(
    status: Status, before: Mapping[int, Reading], after: Mapping[int, Reading]
) -> None:
    """Show what the run has changed, or why it has changed nothing."""
    if not after:
        ended = status.sentence and not status.result
        if ended:
            st.warning(prose("hand", "failed", why=explained(status.sentence)))
        return
    right = [
        sum(one.digit == digit for digit, one in reading.items()) for reading in (before, after)
    ]
    st.markdown(prose("hand", "change", n=len(after), before=right[0], now=right[1]))
    tested = card_figures(network_named(START).card.get("result", ""))
    if tested is not None and "test_accuracy" in status.result:
        figures = {"before": tested[0], "now": status.result["test_accuracy"]}
        st.markdown(
            prose("hand", "price", **{name: f"{share:.2%}" for name, share in figures.items()})
        )
    st.markdown(prose("hand", "again"))


def _show_buttons(digits: list[int], status: Status | None, began: Callable[[], None]) -> None:
    """Show what can be done now: train, undo, borrow a hand; or decide about doubts."""
    if problem := st.session_state.pop(PROBLEM, ""):
        st.warning(problem, title="Not now")
    active = status is not None and status.active
    if (doubted := _doubts_about(_drawings())) is not None:
        _show_doubts(doubted, began)
        return
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Train it on my hand",
            icon=":material/play_arrow:",
            type="primary",
            key="hand_train",
            on_click=_train,
            args=(began,),
            disabled=active or not digits,
        )
        if status is not None and not active:
            st.button(
                "Undo the training",
                icon=":material/undo:",
                key="hand_undo",
                on_click=_undo_training,
            )
            link_to_draw(status)
        st.button(
            "Borrow a hand",
            icon=":material/back_hand:",
            key="hand_borrow",
            on_click=_borrow,
            help=prose("hand", "borrow"),
            disabled=active,
        )
    if not digits:
        st.caption(prose("hand", "empty"))


def _drawings() -> list[canvas.Drawing]:
    return [canvas.drawing(_name(digit)) for digit in range(N_DIGITS)]


def _doubts_about(drawings: list[canvas.Drawing]) -> Doubts | None:
    """Return the doubts that the reader has been asked about, unless a drawing is another now."""
    doubted, of = st.session_state.get(DOUBTED, (None, []))
    return doubted if of == drawings else None


def _show_doubts(doubted: Doubts, began: Callable[[], None]) -> None:
    """Say what speaks against the drawings; the reader decides."""
    parts = []
    if doubted.shapeless:
        parts.append(prose("hand", "shapeless", n=len(doubted.shapeless), of=doubted.n))
    if doubted.misnamed:
        examples = listed([f"{drawn} as {read}" for drawn, read in doubted.misnamed])
        n = len(doubted.misnamed)
        parts.append(prose("hand", "misnamed", n=n, of=doubted.n, examples=examples))
    parts.append(prose("hand", "doubted", n=counted(len(doubted.digits), "drawing")))
    st.warning(" ".join(parts), title="Are these digits?")
    with st.container(horizontal=True, gap="small"):
        st.button("Train anyway", key="hand_anyway", on_click=_train, args=(began, True))
        st.button(
            "Draw again", key="hand_again", type="primary", on_click=_draw_again, args=(doubted,)
        )


@st.fragment(run_every=LOOK_EVERY_S)
def _follow(run_id: str) -> None:
    """Show how far the run has come; when it has ended, show the whole page again."""
    be_here()
    status = run_queue().status(run_id)
    if not status.active:
        st.rerun()
    share = progress(status.spec, run_queue().events(run_id)).share
    st.progress(share, prose("hand", "training"))


def _train(began: Callable[[], None], anyway: bool = False) -> None:
    """Start the run, unless most drawings are in doubt."""
    state = st.session_state
    for name in map(_name, range(N_DIGITS)):
        canvas.take(name)  # a stroke may have come with the click
    digits, images = _drawn()
    if not digits:
        return
    network, own = network_named(START), split_of(images, digits)
    state.pop(DOUBTED, None)
    if not anyway and (found := doubts(network, own)).serious:
        state[DOUBTED] = found, _drawings()
        return
    spec = RunSpec(network=network.spec, training=TRAINING)
    if refused := start(spec, (START, network), own):
        state[PROBLEM] = refused
        return
    state[HAND_RUN], state[_BEGUN] = st.query_params[RUN], True
    began()


def _draw_again(doubted: Doubts) -> None:
    st.session_state.pop(DOUBTED, None)
    for digit in doubted.digits:
        canvas.clear(_name(digit))


def _undo_training() -> None:
    st.session_state.pop(HAND_RUN, None)


def _borrow() -> None:
    """Put a drawing of each digit by the parametric pen into the cells, another each time."""
    state = st.session_state
    state.pop(DOUBTED, None)
    seed = state[BORROWED] = state.get(BORROWED, 0) + 1
    hand = borrowed_hand(seed)
    for pixels, digit in zip(hand.pixels, hand.labels.tolist(), strict=True):
        note = prose("hand", "borrowed")
        canvas.put_picture(_name(digit), sharp_on_canvas(pixels), note=note)


def _hand_run() -> Status | None:
    """Return the latest run of this session on its drawings, unless it was undone."""
    run_id = st.session_state.get(HAND_RUN)
    if run_id is None:
        return None
    try:
        return run_queue().status(run_id)
    except UnknownRunError:  # newer ones have pushed it out
        st.session_state.pop(HAND_RUN)
        return None


def _network_of(status: Status) -> Network | None:
    if not status.result:
        return None
    try:
        return network_named(f"{RUN_PREFIX}{status.run_id}")
    except ModelFileError:
        return None
