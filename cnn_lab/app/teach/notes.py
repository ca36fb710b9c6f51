"""What a teacher needs to know of a task: timing, goals, steps, and the usual wrong answers."""

from collections.abc import Iterable, Iterator

import streamlit as st

from cnn_lab.app.teach.given import page_title
from cnn_lab.content import prose
from cnn_lab.content.words import counted, listed
from cnn_lab.teaching.lesson import LESSONS, Lesson
from cnn_lab.teaching.questions import QUESTIONS, Case
from cnn_lab.teaching.questions.case import answer_text, misconception_title

MAX_USUAL = 3  # wrong answers of a question


def show_lesson_notes(made: Lesson, seed: int) -> None:
    """Show the notes of a lesson, its wrong answers with the numbers of a seed."""
    facts = prose("teach", "facts", minutes=counted(made.minutes, "minute"), for_whom=made.for_whom)
    needs = [LESSONS[name].title if name in LESSONS else page_title(name) for name in made.needs]
    goals = "\n".join(f"* {goal}" for goal in made.goals)
    steps = "\n".join(
        f"{number}. {made.step_title(number)}{_asked(step.question)}"
        for number, step in enumerate(made.steps, start=1)
    )
    parts = [facts]
    if needs:
        parts.append(prose("teach", "needs", needs=listed(needs)))
    parts += ["**Goals**", goals, "**Steps**", steps]
    st.markdown("\n\n".join(parts))
    st.markdown("\n\n".join(["**Usual wrong answers**", *_usual_here(made, seed)]))


def _asked(question: str | None) -> str:
    return f" · *{QUESTIONS[question].title}*" if question else ""


def _usual_here(made: Lesson, seed: int) -> Iterator[str]:
    """Yield the misconceptions that the lesson names, with what each answers in it."""
    cases = [(number, step.case(seed)) for number, step in enumerate(made.steps, start=1)]
    for name in made.wrong:
        found = next(((n, case) for n, case in cases if case and name in case.misconceptions), None)
        if found is None:
            yield f"* **{misconception_title(name)}**"
        else:
            answer, explanation = _wrong_answer(found[1], name)
            said = prose(
                "teach", "usual_here", step=found[0], answer=answer, explanation=explanation
            )
            yield f"* **{misconception_title(name)}.** {said}"


def show_question_notes(questions: Iterable[str], seed: int) -> None:
    """Show the usual wrong answers to questions, with the numbers of a seed."""
    items = []
    for question in questions:
        case = QUESTIONS[question].make(seed=seed)
        for name in list(case.misconceptions)[:MAX_USUAL]:
            answer, explanation = _wrong_answer(case, name)
            said = prose(
                "teach",
                "usual_asked",
                question=QUESTIONS[question].title,
                answer=answer,
                explanation=explanation,
            )
            items.append(f"* **{misconception_title(name)}.** {said}")
    if items:
        st.markdown("\n\n".join(["**Usual wrong answers**", *items]))


def _wrong_answer(case: Case, name: str) -> tuple[str, str]:
    """Return what a misconception answers, and what there is to say about it, on one line."""
    wrong = case.misconceptions[name]
    explanation = " ".join(case.check(wrong).explanation.split())
    return answer_text(wrong, case.form), explanation
