"""The Learn pages as a course: chapters, tabs, experiments and the link to the next chapter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import streamlit as st

from cnn_lab.app.widgets.bound import ONLY
from cnn_lab.app.widgets.inputs import tabs
from cnn_lab.content import prose
from cnn_lab.content.words import counted


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
    for tab, show in zip(tabs(list(sections), key), sections.values(), strict=True):
        if tab.open:
            with tab:
                show()


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
