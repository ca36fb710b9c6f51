"""The Learn pages as a course: chapters, tabs, experiments and the link to the next chapter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import streamlit as st

from cnn_lab.app.widgets.bound import ONLY
from cnn_lab.app.widgets.component import component
from cnn_lab.app.widgets.inputs import tabs
from cnn_lab.content import prose
from cnn_lab.content.words import counted

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
    """

    number: int
    page: str
    title: str
    minutes: int

    @property
    def label(self) -> str:
        """What links to the chapter say."""
        return f"{self.number} {self.title} · {self.minutes} min"


CHAPTERS = (
    Chapter(1, "convolution", "Convolution", 3),
    Chapter(2, "padding", "Padding and strides", 4),
    Chapter(3, "pooling", "Pooling", 3),
    Chapter(4, "backpropagation", "Backpropagation", 5),
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
    """Show the number and the title of a chapter, and the section ``question`` of its prose."""
    chapter = _BY_PAGE[page]
    st.title(f":gray[{chapter.number}] {chapter.title}", anchor=False)
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
    """Show experiments side by side: each a link that sets the page, and what to watch for."""
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
    """Show the link to the page after a chapter; after "home", to the first chapter."""
    number = _BY_PAGE[page].number if page in _BY_PAGE else 0
    if number < len(CHAPTERS):
        following = CHAPTERS[number]
        target, title = following.page, f"{following.number} {following.title}"
        minutes = f" · {counted(following.minutes, 'minute')}"
    else:
        (target, title), minutes = AFTER_THE_LAST, ""
    with st.container(key="next_chapter", horizontal=True, horizontal_alignment="right"):
        st.page_link(
            f"pages/{target}.py",
            label=f"**Next: {title}**{minutes}",
            icon=":material/arrow_forward:",
            icon_position="right",
        )
