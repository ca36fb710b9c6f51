"""Make a link: choose a task, and get its link, QR code, worksheet and notes."""

from collections.abc import Mapping
from functools import partial
from typing import Literal

import streamlit as st

from cnn_lab.app.teach.class_room import room_field
from cnn_lab.app.teach.controls import given_pages, hideable, lockable
from cnn_lab.app.teach.given import (
    Given,
    embedded,
    give,
    is_only_here,
    page_title,
    qr_code,
    read_address,
)
from cnn_lab.app.teach.notes import show_lesson_notes, show_question_notes
from cnn_lab.app.widgets.bound import ONLY
from cnn_lab.app.widgets.inputs import choice, menu, several_of, switch, text_field, whole_number
from cnn_lab.app.widgets.story import CHAPTERS
from cnn_lab.content import prose
from cnn_lab.content.words import counted, literally
from cnn_lab.teaching.assignment import DEFAULT_SEED, MAX_ASKED, Assignment
from cnn_lab.teaching.lesson import LESSONS, Lesson
from cnn_lab.teaching.questions import QUESTIONS
from cnn_lab.teaching.questions.case import LEVELS
from cnn_lab.teaching.worksheet import MAX_PRINTED, MAX_VARIANTS, worksheet_html

What = Literal["A lesson", "A page"]
WHATS: tuple[What, ...] = ("A lesson", "A page")
WHAT, LESSON, PAGE, ADDRESS, SEED = (
    f"teach_{name}" for name in ("what", "lesson", "page", "address", "seed")
)
MAX_TEACHERS_SEED = 999_999  # short enough to be typed, and to keep links short
LONG = 2_000  # characters that every program takes in a link
_CODE = (
    '<img src="{source}" alt="QR code of the link" style="width: min(100%, {width}); '
    'background: #fff; border-radius: 6px; display: block; margin-inline: {margin}">'
)


def show_links() -> None:
    """Show the form of a task, and what comes of it."""
    form, made_of_it = st.columns(2, gap="large")
    with form:
        is_lesson = choice("Give the class", WHATS, WHAT) == "A lesson"
        if is_lesson:
            by_title = {f"{made.number} {made.title}": made for made in LESSONS.values()}
            made = by_title[menu("Lesson", list(by_title), LESSON)]
            questions = [step.question for step in made.steps if step.question]
            given = _lesson_form(made)
        else:
            made = None
            given = _page_form()
            questions = list(given.assignment.ask) if given.assignment else []
    with made_of_it:
        for problem in given.problems:
            st.warning(literally(problem), icon=":material/link_off:")
        _show_link(given.address(lab_address()))
    seed = given.assignment.seed if given.assignment else DEFAULT_SEED
    sheets, notes = st.columns(2, gap="large")
    with notes:
        if made:
            st.subheader("Notes for the teacher", anchor=False)
            show_lesson_notes(made, seed)
        elif questions:
            st.subheader("Notes for the teacher", anchor=False)
            show_question_notes(questions, seed)
    with sheets:
        if questions:
            name = made.name if made else given.page
            heading = made.title if made else page_title(given.page)
            _show_worksheet(questions, seed, name=name, heading=heading)
        _show_stage_file(given, made)


def lab_address() -> str:
    """Return the address of the lab as the teacher's browser has it, "" without a browser."""
    return (st.context.url or "").rstrip("/").removesuffix("/teach")


def _show_stage_file(given: Given, made: Lesson | None) -> None:
    """Say where the stage can be downloaded, with a link to it as it is in the task."""
    with_stage = {chapter.page for chapter in CHAPTERS}
    page = given.page
    settings: Mapping[str, str | list[str]] = given.page_settings
    if made:
        step = next((each for each in made.steps if each.page in with_stage), made.steps[0])
        page, settings = step.page, step.settings
    if page in with_stage:
        st.subheader("The stage as a file", anchor=False)
        st.markdown(prose("teach", "file"))
        st.page_link(
            f"pages/{page}.py",
            label=page_title(page),
            icon=":material/arrow_forward:",
            icon_position="right",
            query_params={ONLY: "1", **settings},
        )


def _lesson_form(made: Lesson) -> Given:
    seed = _seed_field()
    shown = {key for step in made.steps for key in step.settings}
    offered: dict[str, str] = {}
    for page in dict.fromkeys(step.page for step in made.steps if step.page in given_pages()):
        offered |= {
            f"{page_title(page)}: {label}": key
            for label, key in lockable(page).items()
            if key in shown
        }
    name = made.name.replace("-", "_")
    lock = several_of("Lock", offered, f"teach_lock_{name}", help=prose("teach", "lock_help"))
    hide = several_of("Hide", offered, f"teach_hide_{name}", help=prose("teach", "hide_help"))
    return give(
        Assignment(
            lesson=made.name,
            seed=seed,
            lock=dict.fromkeys(lock),
            hide=tuple(hide),
            room=room_field() or None,
        )
    )


def _page_form() -> Given:
    place = st.container()
    typed = text_field(
        "An address of the lab, if you like",
        ADDRESS,
        placeholder=prose("teach", "paste"),
        help=prose("teach", "paste_help"),
    )
    page, settings = None, {}
    if typed.strip():
        pasted = read_address(typed)
        page, settings = pasted.page, dict(pasted.settings)
        for problem in pasted.problems:
            st.warning(problem, icon=":material/link_off:")
    with place:
        if page is None:
            by_title = {page_title(name): name for name in given_pages()}
            page = by_title[menu("Page", list(by_title), PAGE)]
        else:
            n_settings = counted(len(settings), "setting")
            st.markdown(prose("teach", "taken", page=page_title(page), settings=n_settings))
    seed = _seed_field()
    by_question = {
        f"{question.topic}: {question.title}": name for name, question in QUESTIONS.items()
    }
    ask = several_of(
        "Ask", by_question, "teach_ask", help=prose("teach", "ask_help", most=MAX_ASKED)
    )
    if len(ask) > MAX_ASKED:
        st.warning(prose("teach", "at_most_asked", most=MAX_ASKED))
    locks, hides = lockable(page), hideable(page)
    lock = several_of("Lock", locks, f"teach_lock_{page}", help=prose("teach", "lock_help"))
    hide = several_of("Hide", hides, f"teach_hide_{page}", help=prose("teach", "hide_help"))
    return give(
        Assignment(
            seed=seed,
            lock=dict.fromkeys(lock),
            hide=tuple(hide),
            ask=tuple(ask[:MAX_ASKED]),
            room=room_field() or None,
        ),
        page,
        settings,
    )


def _seed_field() -> int:
    return whole_number(
        "Seed",
        SEED,
        value=DEFAULT_SEED,
        minimum=0,
        maximum=MAX_TEACHERS_SEED,
        help=prose("teach", "seed_help"),
    )


def _show_link(link: str) -> None:
    st.subheader("The link", anchor=False)
    st.code(link, language=None, wrap_lines=True)
    code = qr_code(link)
    with st.container(horizontal=True):
        st.link_button("Open the link", link, icon=":material/open_in_new:")
        if code is not None:
            st.download_button(
                "QR code (SVG)",
                data=lambda: code.svg_inline(scale=10, light="#fff", xmldecl=True).encode(),
                file_name="cnn-lab-qr.svg",
                mime="image/svg+xml",
                icon=":material/qr_code_2:",
                on_click="ignore",
            )
    st.caption(prose("teach", "link"))
    if is_only_here(link):
        st.warning(prose("teach", "only_here"), icon=":material/wifi_off:")
    if len(link) > LONG:
        st.warning(prose("teach", "long", length=f"{len(link):,}"))
    if code is None:
        st.info(prose("teach", "no_code"))
    else:
        source = code.svg_data_uri(light="#fff", scale=10)
        st.html(_CODE.format(source=source, width="22rem", margin="0"))
        if st.button("Show the code large", icon=":material/fullscreen:"):
            _show_large(source, link)
    if switch("Embed in another site", "teach_embed"):
        st.markdown(prose("teach", "frame"))
        st.code(embedded(link), language=None, wrap_lines=True)


@st.dialog("Scan to begin", width="large")
def _show_large(source: str, link: str) -> None:
    """Show a QR code for the projector, with the link for those without a camera."""
    st.html(_CODE.format(source=source, width="calc(100vh - 20rem)", margin="auto"))
    st.code(link, language=None, wrap_lines=True)


def _show_worksheet(questions: list[str], seed: int, *, name: str, heading: str) -> None:
    st.subheader("Worksheet", anchor=False)
    st.markdown(prose("teach", "worksheet"))
    most = min(MAX_VARIANTS, MAX_PRINTED // len(questions))
    sheets, shown = st.columns(2)
    with sheets:
        variants = whole_number("Sheets", "teach_sheets", value=1, minimum=1, maximum=most)
    with shown:
        level = menu(
            "Level", LEVELS, "teach_level", default="alone", help=prose("teach", "level_help")
        )
    make = partial(
        worksheet_html, questions, seed=seed, variants=variants, level=level, title=heading
    )
    st.download_button(
        "Worksheet (HTML)",
        data=lambda: make().encode(),
        file_name=f"worksheet-{name}-{seed}.html",
        mime="text/html",
        icon=":material/print:",
        on_click="ignore",
    )
