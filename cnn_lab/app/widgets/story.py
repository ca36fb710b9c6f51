"""The Learn pages as a course: chapters, tabs, experiments and the link to the next chapter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import streamlit as st

from cnn_lab.app.widgets.bound import ONLY
from cnn_lab.app.widgets.component import component
from cnn_lab.app.widgets.guidance import TABS, guidance, hides_tab, is_hidden, is_locked, locked_at
from cnn_lab.app.widgets.inputs import tabs
from cnn_lab.content import prose
from cnn_lab.content.words import counted
from cnn_lab.teaching.lesson import Lesson, lesson

_follow = component("follow", "follow")


@dataclass(frozen=True)
class Chapter:
    """One page of the course.

    Attributes
    ----------
    number : int
        From 1.
    page : str
        Its address, which is the name of its file and of its prose as well.
    title : str
    minutes : int
        Roughly what a newcomer needs to try everything above the tabs.
    lessons : tuple of str
        Names of the lessons that go with it.
    """

    number: int
    page: str
    title: str
    minutes: int
    lessons: tuple[str, ...]

    @property
    def label(self) -> str:
        """What links to the chapter say."""
        return f"{self.number} {self.title} · {self.minutes} min"


CHAPTERS = (
    Chapter(1, "convolution", "Convolution", 3, ("sliding", "channels", "flip")),
    Chapter(2, "padding", "Padding and strides", 4, ("borders", "strides", "libraries")),
    Chapter(3, "pooling", "Pooling", 3, ("max-or-average",)),
    Chapter(
        4,
        "backpropagation",
        "Backpropagation",
        5,
        ("backpropagation", "learn-a-kernel", "failures"),
    ),
)
AFTER_THE_LAST = ("paper", "The paper")
_BY_PAGE = {chapter.page: chapter for chapter in CHAPTERS}


class Experiment(NamedTuple):
    """A link that sets its page, and what to watch for there.

    Attributes
    ----------
    name : str
        Its prose is the section ``try_<name>`` of the page: a line that becomes the link, an empty
        line, and what the reader will see.
    query : mapping of str to str
        Settings of the page, as its address has them; all others get their defaults.
    """

    name: str
    query: Mapping[str, str]


def open_chapter(page: str) -> None:
    """Show the number and the title of a chapter, and the section ``question`` of its prose.

    A lesson's step that hides `question` has the stage right below its own text.
    """
    chapter = _BY_PAGE[page]
    st.title(f":gray[{chapter.number}] {chapter.title}", anchor=False)
    if not is_hidden("question"):
        st.markdown(prose(page, "question"))


@st.fragment
def instrument(name: str, show: Callable[[], object]) -> None:
    """Show what a chapter is about: a stage with its controls.

    A fragment, and the tabs below another: the stage answers a control without waiting for them,
    and they follow as soon as it has.

    Parameters
    ----------
    name : str
        Prefix of its keys, such as "conv".
    show : callable
        Shows controls and stage and returns what the tabs are about, None if there is nothing.
    """
    state = st.session_state
    count = state[_count(name)] = state.get(_count(name), 0) + 1
    state[_subject(name)] = show()
    _follow(key=f"follow_{name}_lead", data={"of": name, "leads": True, "count": count})


@st.fragment
def chapter_tabs(key: str, sections: Mapping[str, Callable[[], None]]) -> None:
    """Show a row of tabs, of which only the open one is computed.

    A fragment: another tab does not run the page again.

    Parameters
    ----------
    key : str
        Of the tabs; the address parameter with the name of the open one.
    sections : mapping of str to callable
        Title of each tab -> what fills it.
    """
    _show_tabs(key, sections)


@st.fragment
def instrument_tabs(name: str, sections: Mapping[str, Callable[[Any], None]]) -> None:
    """Show a row of tabs about what an instrument shows; only the open one is computed.

    Parameters
    ----------
    name : str
        Of the instrument; the address parameter of the open tab is `<name>_tab`.
    sections : mapping of str to callable
        Title of each tab -> what fills it, called with what the instrument returned.
    """
    count, subject = st.session_state[_count(name)], st.session_state[_subject(name)]
    if subject is not None:
        filled = {title: partial(show, subject) for title, show in sections.items()}
        _show_tabs(f"{name}_tab", filled)
    _follow(
        key=f"follow_{name}_tabs",
        data={"of": name, "leads": False, "count": count},
        on_chosen_change=lambda: None,
    )


def _show_tabs(key: str, sections: Mapping[str, Callable[[], None]]) -> None:
    sections = {title: show for title, show in sections.items() if not hides_tab(title)}
    if not sections or is_hidden(TABS) or is_hidden(key):
        return
    if is_locked(key):
        only = locked_at(key)
        only = only if only in sections else next(iter(sections))
        sections = {only: sections[only]}
    for tab, show in zip(tabs(list(sections), key), sections.values(), strict=True):
        if tab.open:
            with tab:
                show()


def _count(name: str) -> str:
    """Return the session key of how often an instrument has been shown."""
    return f"{name}_count"


def _subject(name: str) -> str:
    """Return the session key of what an instrument returned."""
    return f"{name}_subject"


def show_experiments(page: str, experiments: Sequence[Experiment]) -> None:
    """Show experiments side by side: each a link that sets the page, and what to watch for.

    A click also brings up the top of the page, where the experiment is to be seen (frame.js).
    """
    with st.container(key="experiments"):
        places = st.columns(2, gap="large") * -(-len(experiments) // 2)
    for place, (name, query) in zip(places, experiments, strict=False):
        title, words = prose(page, f"try_{name}").split("\n\n", 1)
        with place, st.container(gap="xsmall"):
            st.page_link(
                f"pages/{page}.py",
                label=f"**{title}**",
                icon=":material/science:",
                query_params={ONLY: "1", **query},
            )
            st.markdown(words)


def next_chapter(page: str) -> None:
    """Show links to a chapter's lessons and to the next page; after "home", to the first chapter.

    A class that has its task already is not offered another.
    """
    number = _BY_PAGE[page].number if page in _BY_PAGE else 0
    if number < len(CHAPTERS):
        following = CHAPTERS[number]
        target, title = following.page, f"{following.number} {following.title}"
        minutes = f" · {counted(following.minutes, 'minute')}"
    else:
        (target, title), minutes = AFTER_THE_LAST, ""
    if page in _BY_PAGE and guidance() is None:
        with st.container(key="chapter_lessons", horizontal=True, horizontal_alignment="right"):
            for name in _BY_PAGE[page].lessons:
                offer_lesson(name)
    with st.container(key="next_chapter", horizontal=True, horizontal_alignment="right"):
        st.page_link(
            f"pages/{target}.py",
            label=f"**Next: {title}**{minutes}",
            icon=":material/arrow_forward:",
            icon_position="right",
        )


def offer_lesson(name: str) -> None:
    """Show a quiet link to a lesson, such as "12 minutes: Strides and the floor"."""
    made = lesson(name)
    lesson_link(made, f":small[{counted(made.minutes, 'minute')}: {made.title}]")


def lesson_link(to: Lesson, label: str) -> None:
    """Show a link that begins a lesson, or goes on with it where the session has left it."""
    st.page_link(
        f"pages/{to.steps[0].page}.py",
        label=label,
        icon=":material/arrow_forward:",
        icon_position="right",
        query_params={"lesson": to.name},
    )
