"""Lessons and a class's tasks, on whatever page: which is under way, and the panel above the page.

No page knows of lessons. What a step asks of controls and stage is in
`cnn_lab.app.widgets.guidance` while its page runs.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import streamlit as st

from cnn_lab.app.messages import explained
from cnn_lab.app.run_order import switch_page
from cnn_lab.app.run_queue import owner
from cnn_lab.app.widgets.bound import ONLY, is_bound
from cnn_lab.app.widgets.component import component
from cnn_lab.app.widgets.guidance import Guidance, guidance, set_guidance
from cnn_lab.app.widgets.landing import bring_up
from cnn_lab.app.widgets.question import ask_question, bring_back
from cnn_lab.app.widgets.story import lesson_link
from cnn_lab.content import prose
from cnn_lab.content.words import listed, literally
from cnn_lab.teaching.assignment import PARAMETERS, Assignment
from cnn_lab.teaching.hand_in import MAX_NAME, HandIn, encode
from cnn_lab.teaching.lesson import Lesson, Step, lesson, lesson_after
from cnn_lab.teaching.questions import QUESTIONS, Case, Verdict
from cnn_lab.teaching.room import RoomError, count_answer

_kept = component("answers_kept", "follow")

MAX_PROGRESSES = 20  # lessons and seeds of a session
MAX_KEPT = 100_000  # characters of the answers that a tab has kept
_UNDER_WAY = "lesson_under_way"
_PROGRESS = "lesson_progress"
_PROBLEMS = "lesson_problems"


@dataclass(frozen=True)
class Answered:
    """The answers to one question of a lesson.

    Attributes
    ----------
    first, latest : str
        As they were typed.
    first_was_right : bool
    """

    first: str
    latest: str
    first_was_right: bool


@dataclass
class Progress:
    """How far a lesson, or a set of questions, has come in a session.

    Attributes
    ----------
    at : int
        The step, from 1.
    answers : dict of int to Answered
        By the step.
    done : set of int
        Steps whose control was changed, or whose stage was played to its end.
    is_finished : bool
        Whether the summary is shown.
    room_problem : str
        Why the latest answer was not counted in the class room; "" if it was.
    came_to : int or None
        The step that Next or Back has led to; its panel begins at the top of the window.
    """

    at: int = 1
    answers: dict[int, Answered] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    is_finished: bool = False
    room_problem: str = ""
    came_to: int | None = None


@dataclass(frozen=True)
class UnderWay:
    """What the session is working on.

    Attributes
    ----------
    assignment : Assignment
        Its step is that of the progress; there is none without a lesson.
    page : str
        That a link without a lesson was opened on.
    """

    assignment: Assignment
    page: str

    @property
    def lesson(self) -> Lesson | None:
        """The lesson; None if there are only questions or locks."""
        return lesson(self.assignment.lesson) if self.assignment.lesson else None

    @property
    def progress(self) -> Progress:
        """How far it has come in this session."""
        kept: dict[tuple[str | None, int, tuple[str, ...]], Progress]
        kept = st.session_state.setdefault(_PROGRESS, {})
        name = self.assignment.lesson, self.assignment.seed, self.assignment.ask
        if name not in kept and len(kept) >= MAX_PROGRESSES:
            del kept[next(iter(kept))]
        return kept.setdefault(name, Progress())

    @property
    def step(self) -> Step | None:
        """The step of the lesson that is under way."""
        made = self.lesson
        return made.steps[self.progress.at - 1] if made else None

    @property
    def n_steps(self) -> int:
        """The steps of the lesson, or the number of questions."""
        return len(self.lesson.steps) if self.lesson else len(self.assignment.ask)

    def case(self, number: int) -> Case | None:
        """Return the question of a step, counted from 1."""
        if self.lesson:
            return self.lesson.steps[number - 1].case(self.assignment.seed)
        if not self.assignment.ask:
            return None
        return QUESTIONS[self.assignment.ask[number - 1]].make(seed=self.assignment.seed)

    def question_key(self, number: int) -> str:
        """Return the session key of the answer to a step's question."""
        return f"lesson_{self.assignment.lesson}_{self.assignment.seed}_{number}"

    def is_on(self, page: str) -> bool:
        """Return whether this is the page of the step, or of the link."""
        return page == (self.step.page if self.step else self.page)

    def guidance(self, page: str) -> Guidance:
        """Return what this asks of a page's controls and stage."""
        step, asked = self.step, self.assignment
        name = f"{asked.lesson}-{self.progress.at}-{page}"
        locked, hidden = dict(asked.lock), {*asked.hide}
        if step is None or not self.is_on(page):
            return Guidance(name, locked, frozenset(hidden))
        locked = {**dict.fromkeys(step.lock), **locked}
        return Guidance(
            name,
            {
                key: step.settings.get(key) if value is None else value
                for key, value in locked.items()
            },
            frozenset(hidden | {*step.hide}),
            awaited=step.change,
            awaits_end=step.done == "played",
            stage_step=None if step.step is None else step.step - 1,
            lit=step.light,
            is_met=self.progress.at in self.progress.done,
        )


def enter_lesson(page: str) -> None:
    """Find out what is under way; the frame calls it in every run, before the page.

    Its parameters are restored where Streamlit has cleared them, which it does whenever a page is
    left. A link to a lesson leads to the page of the step, with its settings.
    """
    asked = {name: st.query_params[name] for name in PARAMETERS if name in st.query_params}
    under_way: UnderWay | None = st.session_state.get(_UNDER_WAY)
    if not asked and under_way is None:
        return
    if asked and (under_way is None or asked != under_way.assignment.to_query()):
        under_way = _opened(asked, page, under_way)
        if under_way is None:
            set_guidance(None)
            _write_address(None)
            return
    assert under_way is not None
    _write_address(under_way.assignment)
    heeded, wanted = guidance(), under_way.guidance(page)
    if heeded is None or not heeded.asks_the_same(wanted):
        heeded = wanted
        set_guidance(heeded)
    if heeded.is_met:
        under_way.progress.done.add(under_way.progress.at)
    heeded.enforce()


def _opened(asked: Mapping[str, str], page: str, before: UnderWay | None) -> UnderWay | None:
    """Begin what an address asks for, or go on with it; lead to its page and settings."""
    found, problems = Assignment.from_query(asked)
    under_way = UnderWay(found, page) if found else None
    shown_on = under_way.step.page if under_way and under_way.step else page
    st.session_state[_PROBLEMS] = shown_on, problems
    if found is None or under_way is None:
        st.session_state.pop(_UNDER_WAY, None)
        return None
    made, progress = under_way.lesson, under_way.progress
    if made is None:
        st.session_state[_UNDER_WAY] = under_way
        return under_way
    is_new = before is None or before.assignment.lesson != found.lesson
    if found.at is not None:
        progress.at = found.at
    progress.is_finished = progress.is_finished and found.at is None
    under_way = st.session_state[_UNDER_WAY] = UnderWay(replace(found, at=progress.at), page)
    is_bare = not st.query_params.keys() - {*PARAMETERS}
    if is_bare and (is_new or under_way.is_on(page)):
        _show_step(under_way)
    return under_way


def _write_address(assignment: Assignment | None) -> None:
    wanted = assignment.to_query() if assignment else {}
    for name in PARAMETERS:
        if name not in wanted:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != wanted[name]:
            st.query_params[name] = wanted[name]


def _go(at: int) -> None:
    """Go to a step, counted from 1, on its page with its settings."""
    under_way: UnderWay = st.session_state[_UNDER_WAY]
    under_way.progress.at = under_way.progress.came_to = at
    st.session_state.pop(_PROBLEMS, None)
    if under_way.lesson is None:
        st.rerun()
    under_way = replace(under_way, assignment=replace(under_way.assignment, at=at))
    st.session_state[_UNDER_WAY] = under_way
    _show_step(under_way)


def _show_step(under_way: UnderWay) -> None:
    """Switch to the page of the step, with its settings and no others."""
    step = under_way.step
    assert step is not None
    asked = under_way.guidance(step.page)
    free = {key: text for key, text in step.settings.items() if key not in asked.locked}
    # Streamlit refuses to set a parameter from Python that a widget writes.
    in_address = {key: text for key, text in free.items() if not is_bound(key)}
    set_guidance(replace(asked, settings=free))
    query = {**under_way.assignment.to_query(), **in_address, ONLY: "1"}
    switch_page(step.page, query)


def _leave() -> None:
    """Leave what is under way; a link or the browser's Back leads there again."""
    st.session_state.pop(_UNDER_WAY, None)
    set_guidance(None)
    st.session_state.pop(_PROBLEMS, None)
    _write_address(None)


@contextmanager
def lesson_above(page: str) -> Iterator[None]:
    """Show what is under way above the page, which is shown in this block, and what is wrong."""
    under_way: UnderWay | None = st.session_state.get(_UNDER_WAY)
    shown_on, problems = st.session_state.get(_PROBLEMS, (page, ()))
    if shown_on != page:
        del st.session_state[_PROBLEMS]
        problems = ()
    for problem in problems:
        _warn(literally(problem))
    if under_way is None:
        yield
        return
    place = st.container()
    if under_way.n_steps:
        if (at := under_way.progress.came_to) is not None:
            bring_up(f"lesson_step_{at}")
        with st.container(key="lesson", border=True, gap="small"):
            _panel(under_way, page)
    yield
    with place:
        _show_ineffective(under_way, page)


@st.fragment
def _panel(under_way: UnderWay, page: str) -> None:
    progress, made = under_way.progress, under_way.lesson
    number = progress.at
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        heading = made.title if made else "Questions"
        count = "" if progress.is_finished else f" · {number} of {under_way.n_steps}"
        st.markdown(f"**{heading}**{count}", width="content")
        st.button(
            "Leave the lesson" if made else "Leave the questions",
            key="lesson_leave",
            type="tertiary",
            on_click=_leave_whole,
        )
    if progress.is_finished:
        _show_summary(under_way)
    elif not under_way.is_on(page) and made:
        st.markdown(prose("lesson", "away", title=made.step_title(number)))
        if st.button("Back to the lesson", key="lesson_return", type="primary"):
            _go(number)
    else:
        _show_task(under_way)
    _keep_answers(under_way)


def _keep_answers(under_way: UnderWay) -> None:
    """Have the browser's tab keep the answers, and bring them back after a reload."""
    asked = under_way.assignment
    answers = {
        number: [answered.first, answered.latest]
        for number, answered in under_way.progress.answers.items()
    }
    _kept(
        key="follow_lesson",
        data={
            "name": " ".join((asked.lesson or "", str(asked.seed), *asked.ask)),
            "answers": answers or None,
        },
        on_chosen_change=lambda: _bring_back_answers(under_way),
    )


def _bring_back_answers(under_way: UnderWay) -> None:
    """Take the answers that the browser's tab has kept, which anybody may have changed."""
    found = st.session_state.get("follow_lesson")
    sent = found.get("chosen") if isinstance(found, Mapping) else None
    try:
        kept = json.loads(sent) if isinstance(sent, str) and len(sent) <= MAX_KEPT else {}
    except (ValueError, RecursionError):
        return
    answers = under_way.progress.answers
    for number in range(1, under_way.n_steps + 1):
        case = under_way.case(number)
        match kept.get(str(number)) if isinstance(kept, dict) else None:
            case [str() as first, str() as latest] if case is not None and number not in answers:
                key = under_way.question_key(number)
                at_first = case.check(first)
                if at_first.readable and bring_back(case, key=key, text=latest):
                    answers[number] = Answered(first, latest, at_first.right)


def _leave_whole() -> None:
    _leave()
    st.rerun()  # the page, too, whose controls are free now


def _show_task(under_way: UnderWay) -> None:
    progress, made = under_way.progress, under_way.lesson
    number = progress.at
    case = under_way.case(number)
    words, question = st.columns(2, gap="medium") if made and case else (st.container(),) * 2
    if made:
        with words:
            st.subheader(made.step_title(number), anchor=False)
            st.markdown(made.step_text(number))
    if case is not None:
        with question:
            ask_question(
                case,
                key=under_way.question_key(number),
                on_answer=lambda text, verdict: _take(under_way, number, text, verdict),
            )
            if progress.room_problem:
                st.caption(progress.room_problem)
    is_last = number == under_way.n_steps
    with st.container(horizontal=True, vertical_alignment="center", key="lesson_ways"):
        if st.button("Back", key="lesson_back", icon=":material/arrow_back:", disabled=number == 1):
            _go(number - 1)
        if st.button(
            "Finish" if is_last else "Next",
            key="lesson_next",
            type="primary" if _is_done(under_way, number) else "secondary",
            icon=":material/arrow_forward:",
            icon_position="right",
        ):
            if is_last:
                progress.is_finished, progress.came_to = True, number + 1
                st.rerun()
            _go(number + 1)


def _is_done(under_way: UnderWay, number: int) -> bool:
    progress, made = under_way.progress, under_way.lesson
    awaited = made.steps[number - 1].done if made else "answered"
    if awaited == "answered":
        return number in progress.answers
    return awaited == "next" or number in progress.done


def _take(under_way: UnderWay, number: int, text: str, verdict: Verdict) -> None:
    """Note an answer that was checked, and have the class room count it."""
    progress = under_way.progress
    answers = progress.answers
    before = answers.get(number)
    answers[number] = (
        replace(before, latest=text) if before else Answered(text, text, verdict.right)
    )
    progress.room_problem = ""
    try:
        count_answer(under_way.assignment, number, text, owner())
    except RoomError as error:
        progress.room_problem = explained(error)


def _show_summary(under_way: UnderWay) -> None:
    progress, made = under_way.progress, under_way.lesson
    asked = [n for n in range(1, under_way.n_steps + 1) if under_way.case(n) is not None]
    answers = [progress.answers[n] for n in asked if n in progress.answers]
    st.subheader("Your answers" if asked else "Done", anchor=False)
    if asked:
        right = sum(answer.first_was_right for answer in answers)
        figures = {"answered": len(answers), "questions": len(asked), "right": right}
        st.markdown(prose("lesson", "results", **figures))
    else:
        st.markdown(prose("lesson", "results_without_questions"))
    if answers:
        _show_hand_in(under_way)
    with st.container(horizontal=True, vertical_alignment="center", key="lesson_ways"):
        if st.button("Back", key="lesson_back", icon=":material/arrow_back:"):
            progress.is_finished = False
            st.rerun()
        following = lesson_after(made.name) if made else None
        if following is not None:
            lesson_link(following, f"**Next: {following.title}** · {following.minutes} min")


def _show_hand_in(under_way: UnderWay) -> None:
    st.markdown(prose("lesson", "hand_in"))
    name = st.text_input("Your name, if you like", key="lesson_name", max_chars=MAX_NAME, width=320)
    answers = {
        number: tuple(dict.fromkeys((answered.first, answered.latest)))
        for number, answered in sorted(under_way.progress.answers.items())
    }
    asked = under_way.assignment
    st.code(
        encode(HandIn(asked.lesson, asked.seed, name, answers, asked)),
        language=None,
        wrap_lines=True,
    )


def furthest(name: str) -> int | None:
    """Return the step at which the session has left a lesson, None if it has not begun it."""
    kept: dict[tuple[str | None, int, tuple[str, ...]], Progress]
    kept = st.session_state.get(_PROGRESS, {})
    return next((each.at for (begun, *_), each in kept.items() if begun == name), None)


def _show_ineffective(under_way: UnderWay, page: str) -> None:
    """Say which locks of a link have had no effect on this page, which has run."""
    heeded, asked = guidance(), under_way.assignment
    if heeded is None or not under_way.is_on(page):
        return
    missing = [key for key in (*asked.lock, *asked.hide) if key not in heeded.seen]
    if made := under_way.lesson:  # others may be of its other pages and steps
        of_steps = {key for step in made.steps for key in step.settings}
        seen = {*map(_prefix, heeded.seen)}
        missing = [key for key in missing if _prefix(key) in seen and key not in of_steps]
    _say("links_have_no_such_control", missing)
    _say("links_have_no_such_value", [key for key in asked.lock if key in heeded.refused])


def _prefix(key: str) -> str:
    return key.split("_")[0]


def _say(section: str, keys: Sequence[str]) -> None:
    if keys:
        controls = listed([f"`{key}`" for key in dict.fromkeys(keys)])
        _warn(prose("lesson", section, controls=controls))


def _warn(sentence: str) -> None:
    st.warning(sentence, icon=":material/link_off:")
