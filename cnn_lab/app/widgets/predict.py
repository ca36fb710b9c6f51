"""Predict first: a stage asks for a cell before its value reaches the browser."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from cnn_lab.app.widgets.bound import only_read
from cnn_lab.app.widgets.inputs import switch
from cnn_lab.app.widgets.question import ask_question, plain
from cnn_lab.content import prose
from cnn_lab.ops.types import Array, Pair
from cnn_lab.teaching import QUESTIONS
from cnn_lab.teaching.questions import Case, Verdict
from cnn_lab.teaching.questions.case import answer_text
from cnn_lab.trace import Trace
from cnn_lab.trace.grid import IntArray

_ORDER = 7  # seed of the order in which cells are asked for
MAX_SAID = 12  # characters of an answer in a cell


class Prompt(NamedTuple):
    """A question about what a stage shows.

    Attributes
    ----------
    question : str
        In `QUESTIONS`.
    settings : dict of str to object
        Of the question.
    places : tuple of (int, int)
        Trace and cell of each value that the answer makes known; the first is the one asked for.
    whole : tuple of int
        The traces of which it makes all known.
    about : str
        What the question leaves out, such as "Filter 1".
    shows : tuple of (int, int)
        Trace and cell of each value of the result that the question itself gives.
    """

    question: str
    settings: dict[str, Any]
    places: tuple[tuple[int, int], ...] = ()
    whole: tuple[int, ...] = ()
    about: str = ""
    shows: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a stage hides and marks while a reader predicts.

    Attributes
    ----------
    masks : tuple of ndarray of int
        For each trace, the cells whose values are not sent.
    step : int
        Where the stage goes when another cell is asked for.
    wire : dict of str to object
        "asked": trace, cell and step that the question is about, or None once it is answered;
        "answers": the same for each answer, with the step from which it is played, what was said,
        what is true, and whether the answer was right. Where a whole trace was asked about, the
        cell is None.
    asked : int or None
        The trace that the question is about, None once it is answered.
    explanation : str
        Markdown for below the stage, once it is answered.
    """

    masks: tuple[IntArray, ...]
    step: int = 0
    wire: dict[str, Any] = field(default_factory=lambda: {"asked": None, "answers": []})
    asked: int | None = None
    explanation: str = ""

    @property
    def hides(self) -> bool:
        """Whether anything is hidden."""
        return any(mask.size for mask in self.masks)

    def of_sizes(self, traces: Sequence[Trace]) -> "tuple[list[Trace], Prediction]":
        """Return the traces for a question about a size, and what is hidden of them.

        Of the trace that is asked about only the first step is left, and no other trace that
        the reader has not answered yet.
        """
        shown: list[Trace] = []
        masks: list[IntArray] = []
        numbers: dict[int, int] = {}
        for number, (trace, mask) in enumerate(zip(traces, self.masks, strict=True)):
            if mask.size and number != self.asked:
                continue
            numbers[number] = len(shown)
            shown.append(trace.opening() if mask.size else trace)
            masks.append(shown[-1].result_cells if mask.size else mask)
        answers = [{**answer, "trace": numbers[answer["trace"]]} for answer in self.wire["answers"]]
        return shown, replace(self, masks=tuple(masks), wire={**self.wire, "answers": answers})


def predict_switch(name: str) -> bool:
    """Return whether a reader wants to predict on a page, key `<name>_predict`.

    The switch is shown once it was used, by the button on the stage or by a link.
    """
    with only_read(when=True):
        return switch("Predict first", _key(name))


def start_predicting(name: str) -> None:
    """Turn the switch on; for a widget's callback."""
    st.session_state[_key(name)] = True


def question_key(name: str) -> str:
    """Return the key of the container with the question."""
    return f"{name}_question"


def _key(name: str) -> str:
    return f"{name}_predict"


def predict_first(
    name: str, traces: Sequence[Trace], prompts: Sequence[Prompt]
) -> Prediction | None:
    """Ask for one cell of a stage after the other; return what the stage hides meanwhile.

    Parameters
    ----------
    name : str
        Prefix of the keys.
    traces : sequence of Trace
        As the stage shows them.
    prompts : sequence of Prompt
        In the order in which they are asked. Without any, a sentence says that there is no
        question about these settings.

    Returns
    -------
    Prediction or None
        None if there is no question.
    """
    if not prompts:
        st.caption(prose("predict", "nothing"))
        return None
    said = _said(name, prompts)
    turn = min(st.session_state.get(_turn_key(name), 0), len(prompts) - 1)
    prompt = prompts[turn]
    is_last = len(said.keys() | {turn}) == len(prompts)
    with st.container(border=True, key=question_key(name), gap="small"):
        if prompt.about:
            st.caption(prompt.about)
        case = QUESTIONS[prompt.question].about(prompt.settings)
        case = replace(case, tolerance=case.tolerance + _error(traces, prompt))
        verdict = ask_question(
            case,
            key=f"{name}_asked",
            on_answer=partial(_take, name, turn, case),
            another=None if is_last else partial(_move_on, name, turn, len(prompts)),
            another_label="Another cell" if prompt.places else "Another question",
            settings=False,
            once=True,
            explained=False,
        )
    answered = {n: prompts[n] for n in _said(name, prompts)}
    masks = []
    for number, trace in enumerate(traces):
        known = [
            trace.cells_behind(cell)
            for one in answered.values()
            for index, cell in one.places
            if index == number
        ]
        known += [np.array([cell]) for index, cell in prompt.shows if index == number]
        known += [trace.result_cells for one in answered.values() if number in one.whole]
        cells = np.concatenate(known) if known else np.empty(0, np.int64)
        masks.append(np.setdiff1d(trace.result_cells, cells))
    asked = None if turn in answered else _place(traces, prompt)
    answers = [{**_place(traces, one), **said[n]} for n, one in answered.items()]
    at = asked if asked and asked["cell"] is not None else None
    *_, latest = [None, *answers] if asked is None else [at]
    return Prediction(
        tuple(masks),
        latest["step"] if latest else 0,
        {"asked": at, "answers": answers},
        asked["trace"] if asked else None,
        verdict.explanation if verdict else "",
    )


def is_asked_first(name: str, question: str, settings: dict[str, Any]) -> bool:
    """Ask about what a page shows without a stage; return whether it must not show it yet.

    Parameters
    ----------
    name : str
        Prefix of the keys.
    question : str
        In `QUESTIONS`.
    settings : dict of str to object
        Of the question; they are shown beside it.
    """
    with st.container(border=True, key=question_key(name), gap="small"):
        case = QUESTIONS[question].about(settings)
        return ask_question(case, key=f"{name}_asked", once=True) is None


def in_turn(strength: Array) -> list[Pair]:
    """Return rows and columns in the order in which cells are asked for.

    It is the same for all readers: the strongest first, the others mixed.

    Parameters
    ----------
    strength : ndarray, shape (rows, columns)
    """
    order = np.random.RandomState(_ORDER).permutation(strength.size).tolist()
    order.remove(strongest := int(strength.argmax()))
    columns = strength.shape[1]
    return [divmod(cell, columns) for cell in (strongest, *order)]


def _place(traces: Sequence[Trace], prompt: Prompt) -> dict[str, Any]:
    """Return what the stage needs for a prompt: trace, cell, its first and its last step."""
    if not prompt.places:
        number = prompt.whole[0]
        return {"trace": number, "cell": None, "first": 0, "step": len(traces[number]) - 1}
    number, cell = prompt.places[0]
    first, last = traces[number].steps_of(cell)
    return {"trace": number, "cell": cell, "first": first, "step": last}


def _error(traces: Sequence[Trace], prompt: Prompt) -> float:
    """Return how far a result may be off if it is computed from the digits that are shown."""
    if prompt.shows:
        return sum(traces[number].half_unit(cell) for number, cell in prompt.shows)
    if not prompt.places:
        return 0.0
    number, cell = prompt.places[0]
    return traces[number].error_of(cell)


def _said(name: str, prompts: Sequence[Prompt]) -> dict[int, dict[str, Any]]:
    """Return what was said to each prompt; nothing if the settings are not those any more."""
    state = st.session_state
    of, of_said = f"{name}_predicted_of", f"{name}_predicted"
    if state.get(of) != (now := _settings_of(prompts)):
        state[of], state[of_said] = now, {}
        state.pop(_turn_key(name), None)
    said: dict[int, dict[str, Any]] = state[of_said]
    return said


def _settings_of(prompts: Sequence[Prompt]) -> int:
    """Return a number that tells apart what a stage shows, by all that its questions are about."""
    about: list[Any] = [len(prompts)]
    for prompt in (prompts[0], prompts[-1]):
        about += [prompt.question, *map(plain, prompt.settings.values())]
    return zlib.crc32(repr(about).encode())


def _take(name: str, turn: int, case: Case, text: str, verdict: Verdict) -> None:
    """Keep an answer as the stage shows it, beside the truth."""
    said, truth = (answer_text(each, case.form) for each in (case.read(text), case.key))
    st.session_state[f"{name}_predicted"][turn] = {
        "said": said[:MAX_SAID],
        "is": truth[:MAX_SAID],
        "right": verdict.right,
    }


def _move_on(name: str, turn: int, n: int) -> None:
    said = st.session_state[f"{name}_predicted"]
    rest = [(turn + step) % n for step in range(1, n + 1)]
    st.session_state[_turn_key(name)] = next(each for each in rest if each not in said)


def _turn_key(name: str) -> str:
    return f"{name}_predict_turn"
