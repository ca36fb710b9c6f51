"""A question with its numbers, hints, a field for the answer, and what there is to say about it."""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from cnn_lab.app.widgets.cells import show_grids
from cnn_lab.app.widgets.component import component
from cnn_lab.ops.types import Array
from cnn_lab.teaching.questions import Case, Verdict
from cnn_lab.teaching.questions.case import MAX_ANSWER_TEXT, Form, answer_text
from cnn_lab.teaching.questions.shown import setting_name, shown_grids
from cnn_lab.trace.numbers import number_text

_helper = component("answer", "answer")

FIELDS: dict[Form, tuple[str, ...]] = {
    "number": ("Your answer",),
    "size": ("Rows", "Columns"),
    "sides": ("Top", "Bottom", "Left", "Right"),
    "cells": ("The numbers, row by row",),
    "choice": ("Your choice",),
    "order": ("The numbers in order, such as 2 1 3",),
    "points": ("Row and column of each, such as 0 1; 2 2",),
}
_ONE_NUMBER: frozenset[Form] = frozenset({"number", "size", "sides"})  # in each field
_FIELD_PX: dict[Form, int] = {"number": 150, "size": 90, "sides": 64}


def ask_question(
    case: Case,
    *,
    key: str,
    on_answer: Callable[[str, Verdict], None] | None = None,
    another: Callable[[], None] | None = None,
    another_label: str = "Try another",
    settings: bool = True,
    once: bool = False,
    explained: bool = True,
) -> Verdict | None:
    """Show a question with a field for its answer, and the verdict once there is one.

    Parameters
    ----------
    case : Case
    key : str
        The answer is kept in the session under it, as text, until the key gets another case. The
        fields' keys are `<key>_answer`, `<key>_answer_2`, ..., those of the buttons `<key>_check`,
        `<key>_hint` and `<key>_another`.
    on_answer : callable, optional
        Called once with each answer that is checked and its verdict, before the script reruns. A
        text that is no answer is no attempt: it gets a sentence on what to write.
    another : callable, optional
        Moves on to another case; a button that calls it appears beside the verdict.
    another_label : str
        On that button.
    settings : bool
        Whether to show the numbers that the question is about, where no stage does.
    once : bool
        Whether the first answer counts, after which the field is gone.
    explained : bool
        Whether the verdict has its explanation, where the page does not show it elsewhere.

    Returns
    -------
    Verdict or None
        On the answer given to this case, None as long as there is none.
    """
    verdict = answered(case, key=key)
    st.markdown(case.ask)
    if settings:
        _show_settings(case)
    hints = st.session_state.get(f"{key}_hints", 0)
    _show_lines(case, hints)
    if verdict is None or not once:
        _show_form(case, key, on_answer, has_hints=verdict is None and _hints_left(case, hints))
    if unread := st.session_state.get(_unread(key)):
        st.warning(unread, icon=":material/edit:")
    elif verdict is not None:
        _show_verdict(case, st.session_state[key], verdict, explained=explained)
        if another is not None:
            st.button(another_label, key=f"{key}_another", on_click=another)
    return verdict


def answered(case: Case, *, key: str) -> Verdict | None:
    """Return the verdict on the answer that the session has for a case, None if it has none.

    An answer to another case under the same key is forgotten.
    """
    state = st.session_state
    if state.get(f"{key}_case") != (this := _fingerprint(case)):
        for name in (key, _unread(key), f"{key}_hints", *_field_keys(case, key)):
            state.pop(name, None)
        state[f"{key}_case"] = this
    return case.check(state[key]) if key in state else None


def bring_back(case: Case, *, key: str, text: str) -> Verdict | None:
    """Have the session know an answer that was given before; None if the text is no answer.

    Parameters
    ----------
    case, key
        As for `ask_question`.
    text : str
        As `ask_question` has passed it to `on_answer`.
    """
    verdict = case.check(text)
    if not verdict.readable:
        return None
    state, names = st.session_state, _field_keys(case, key)
    state[f"{key}_case"], state[key] = _fingerprint(case), text
    state[_typed(key)] = text.split() if len(names) > 1 else [text]
    return verdict


def _show_form(
    case: Case,
    key: str,
    on_answer: Callable[[str, Verdict], None] | None,
    *,
    has_hints: bool,
) -> None:
    """Show the fields with their buttons; Enter does what the first button does."""
    with st.container(gap=None):
        _helper(key=f"{key}_helper", data=_help_for(case, key))
        with st.form(f"{key}_form", border=False, enter_to_submit=True):
            in_line = case.form in _ONE_NUMBER
            with st.container(horizontal=in_line, vertical_alignment="bottom", gap="small"):
                _fields(case, key)
                with st.container(horizontal=True, gap="small", width="content"):
                    st.form_submit_button(
                        "Check",
                        key=f"{key}_check",
                        type="primary",
                        on_click=_check,
                        args=(case, key, on_answer),
                    )
                    if has_hints:
                        st.form_submit_button(
                            "Hint",
                            key=f"{key}_hint",
                            type="tertiary",
                            on_click=_give_hint,
                            args=(key,),
                        )


def _check(case: Case, key: str, on_answer: Callable[[str, Verdict], None] | None) -> None:
    state = st.session_state
    fields = [state.get(name) or "" for name in _field_keys(case, key)]
    text = " ".join(fields).strip()
    verdict = case.check(text)
    if not verdict.readable:
        state[_unread(key)] = verdict.explanation
        return
    state.pop(_unread(key), None)
    state[key], state[_typed(key)] = text, fields
    if on_answer is not None:
        on_answer(text, verdict)


def _give_hint(key: str) -> None:
    st.session_state[f"{key}_hints"] = st.session_state.get(f"{key}_hints", 0) + 1


def _hints_left(case: Case, hints: int) -> bool:
    """Return whether there is a line that is not shown, or one whose value may still be."""
    if case.level == "alone":
        return hints < len(case.lines)
    return case.shown + hints < len(case.lines) - 1


def _fields(case: Case, key: str) -> None:
    """Show the field for the answer; one that comes back has the answer given before."""
    state = st.session_state
    labels = FIELDS[case.form]
    names = _field_keys(case, key)
    kept: list[str] = state.get(_typed(key), []) if key in state else []
    for name, text in zip(names, kept, strict=False):
        if name not in state:
            state[name] = text
    if case.form == "choice":
        letters = [answer_text(number, "choice") for number in range(1, len(case.choices) + 1)]
        texts = dict(zip(letters, case.choices, strict=True))
        st.radio(
            labels[0],
            letters,
            index=None,
            key=names[0],
            format_func=lambda letter: f"{letter} · {texts[letter]}",
        )
        return
    if case.form == "order":
        st.markdown("\n".join(f"{n}. {text}" for n, text in enumerate(case.choices, start=1)))
    with st.container(
        horizontal=True,
        gap="small",
        width="content" if case.form in _ONE_NUMBER else "stretch",
    ):
        for name, label in zip(names, labels, strict=True):
            st.text_input(
                label,
                key=name,
                max_chars=MAX_ANSWER_TEXT,
                autocomplete="off",
                width=_FIELD_PX[case.form] if case.form in _ONE_NUMBER else "stretch",
            )


def _help_for(case: Case, key: str) -> dict[str, Any]:
    """Return what the browser needs to make answering easy: a fitting keyboard, and a grid."""
    data: dict[str, Any] = {"fields": f"{key}_answer", "keyboard": _keyboard_of(case)}
    if case.field is None:
        return data
    named = _pointed_at(case)
    data["grid"] = {
        "rows": case.field[0],
        "columns": case.field[1],
        "points": case.form == "points",
        "texts": _texts(shown_grids(case.settings)[named]) if named else [],
        "check": f"{key}_check",
    }
    return data


def _keyboard_of(case: Case) -> str:
    """Return the `inputmode` for the fields; the keyboards for decimals have no minus sign."""
    if case.form not in {*_ONE_NUMBER, "cells"}:
        return "text"
    if case.form in ("size", "sides"):
        return "numeric"
    known = [*case.settings.values(), case.key, *case.misconceptions.values()]
    return "text" if any(map(_has_negative, known)) else "decimal"


def _has_negative(value: Any) -> bool:
    try:
        return bool((np.asarray(value, float) < 0).any())
    except (TypeError, ValueError):
        return False


def _show_lines(case: Case, hints: int) -> None:
    """Show the solution as far as level and hints go; the value of its last line is the answer."""
    given = case.shown + hints
    is_example = case.level == "example"
    lines = []
    for number, (text, value) in enumerate(case.lines, start=1):
        if case.level == "alone" and number > given:
            break
        is_given = number <= given and (is_example or number < len(case.lines))
        lines.append(f"{number}. {text} = **{answer_text(value) if is_given else '?'}**")
    if lines:
        st.markdown("\n".join(lines))


def _show_verdict(case: Case, text: str, verdict: Verdict, *, explained: bool) -> None:
    said = answer_text(case.read(text), case.form)
    show, words = (st.warning, f"✗ Not {said}")
    if verdict.right:
        show, words = (st.success, f"✓ Right: {said}")
    if explained:
        show(verdict.explanation, title=words)
    elif verdict.right or case.form not in _ONE_NUMBER:
        show(f"**{words}**")
    else:
        show(f"**{words}.** It is **{answer_text(case.key, case.form)}**.")


def _show_settings(case: Case) -> None:
    """Show matrices as small tables, and in a line the numbers that the question leaves out."""
    grids = {
        name: _texts(values)
        for name, values in shown_grids(case.settings).items()
        if name != _pointed_at(case)
    }
    if grids:
        show_grids(grids)
    words = [
        f"{setting_name(name)} **{answer_text(value)}**"
        for name, value in case.settings.items()
        if isinstance(value, int | float) and answer_text(value) not in case.ask
    ]
    if words:
        st.markdown(" · ".join(words))


def _pointed_at(case: Case) -> str:
    """Return the name of the matrix whose cells are the answer, "" if there is none."""
    if case.form != "points":
        return ""
    grids = shown_grids(case.settings).items()
    return next((name for name, values in grids if values.shape == case.field), "")


def _texts(values: Array) -> list[list[str]]:
    return [[number_text(each) for each in row] for row in np.atleast_2d(values)]


def _field_keys(case: Case, key: str) -> list[str]:
    """Return the session keys of the fields; the first has no number."""
    further = range(2, len(FIELDS[case.form]) + 1)
    return [f"{key}_answer", *(f"{key}_answer_{number}" for number in further)]


def _typed(key: str) -> str:
    """Return the session key of what each field of the answer had."""
    return f"{key}_typed"


def _unread(key: str) -> str:
    """Return the session key of what there is to say about a text that was no answer."""
    return f"{key}_unread"


def _fingerprint(case: Case) -> int:
    """Return a number that tells cases apart, by all that they are about."""
    about = [case.question, case.level, *map(plain, case.settings.values())]
    return zlib.crc32(repr(about).encode())


def plain(value: Any) -> Any:
    """Return a setting as numbers, texts and lists, which tell it apart from others."""
    return value.tolist() if isinstance(value, np.ndarray) else value
