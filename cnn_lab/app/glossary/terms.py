"""List of all terms with a field to find some, and the term that the address asks for."""

from collections.abc import Iterable
from html import escape
from itertools import groupby

import streamlit as st

from cnn_lab.app.widgets.inputs import text_field
from cnn_lab.app.widgets.pictures import theme_colour
from cnn_lab.content import prose
from cnn_lab.content.glossary import PARAMETER, Term, glossary
from cnn_lab.content.words import literally

FIND = "glossary_find"
# One block for all terms: as elements of Streamlit's they would take a phone a second.
_STYLE = """<style>
.terms {{ max-width: 46rem }}
.terms a {{ color: {link} }}
.terms h2 {{ margin: 1.6rem 0 .2rem; padding: 0; font-size: 1.1rem; scroll-margin-top: 4rem }}
.terms dl {{ margin: 0; padding: 0 }}
.terms dl > div {{ padding: .45rem 0; scroll-margin-top: 4rem }}
.terms dl > #asked {{ padding: .6rem .9rem; border-left: 3px solid {link} }}
.terms dt {{ font-weight: 600 }}
.terms dd {{ margin: 0 }}
.terms dd a {{ display: inline-block; padding-block: .15rem }}
.terms nav {{ display: flex; flex-wrap: wrap; gap: .15rem }}
.terms nav a {{ min-width: 2rem; padding: .25rem; text-align: center }}
</style>"""


def show_asked_term() -> None:
    """Show the term of the address first, if it names one."""
    name = st.query_params.get(PARAMETER)
    if name is None:
        return
    term = glossary().get(name)
    if term is None:
        st.warning(prose("glossary_page", "unknown", name=literally(name)), title="No such term")
    else:
        _show(f"<dl>{_entry(term, 'asked')}</dl>")


@st.fragment
def show_terms() -> None:
    """Show a field to find terms, and the terms that it finds, from A to Z."""
    wanted = text_field(
        "Find a term",
        FIND,
        placeholder=prose("glossary_page", "find"),
        help=prose("glossary_page", "find_help"),
    )
    found = terms_with(wanted)
    if found:
        _show(_letters(found) + _list(found))
    else:
        st.markdown(prose("glossary_page", "nothing", wanted=literally(wanted)))


def terms_with(text: str) -> list[Term]:
    """Return the terms whose title or sentence has a text, sorted by title; "" is in all."""
    wanted = " ".join(text.casefold().split())
    return [
        term
        for term in glossary().values()
        if wanted in term.title.casefold() or wanted in term.sentence.casefold()
    ]


def _show(markup: str) -> None:
    style = _STYLE.format(link=theme_colour("linkColor"))
    st.html(f'{style}<div class="terms">{markup}</div>')


def _letters(terms: Iterable[Term]) -> str:
    letters = sorted({term.title[0].upper() for term in terms})
    links = "".join(f'<a href="#letter-{letter}">{letter}</a>' for letter in letters)
    return f'<nav aria-label="Letters">{links}</nav>'


def _list(terms: Iterable[Term]) -> str:
    return "".join(
        f'<h2 id="letter-{letter}">{letter}</h2><dl>{"".join(map(_entry, group))}</dl>'
        for letter, group in groupby(terms, key=lambda term: term.title[0].upper())
    )


def _entry(term: Term, id_: str = "") -> str:
    return (
        f'<div id="{id_ or f"term-{term.name}"}"><dt>{escape(term.title)}</dt>'
        f"<dd>{escape(term.sentence)}<br>"
        f'<a href="{escape(term.address)}">See it: {escape(term.see)}</a></dd></div>'
    )
