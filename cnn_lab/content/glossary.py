"""The glossary: terms with one sentence each, and a link to where the thing can be seen."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qsl

PAGE, PARAMETER = "glossary", "term"
_FILE = Path(__file__).with_name("en") / "glossary.md"
_ENTRY = re.compile(r"^# (\S+)\n\n(.+)\n\n(.+(?:\n.+)*)\n\n\[(.+)\]\((\S+)\)$", re.MULTILINE)
_LINK = re.compile(r"\]\(#term-([a-z0-9-]+)\)")


@dataclass(frozen=True)
class Term:
    """A word of the subject.

    Attributes
    ----------
    name : str
        As in the address: small letters with hyphens.
    title : str
    sentence : str
        What it means, as plain text.
    see : str
        What the link to it says.
    address : str
        Of the page where it can be seen, relative to the lab's own, such as
        "convolution?conv_stride=2".
    """

    name: str
    title: str
    sentence: str
    see: str
    address: str

    @property
    def page(self) -> str:
        """File name of the page where it can be seen."""
        return self.address.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """Settings of that page."""
        return dict(parse_qsl(self.address.partition("?")[2], strict_parsing=True))


@lru_cache(maxsize=1)
def glossary() -> dict[str, Term]:
    """Return all terms by their names, sorted by their titles."""
    entries = _ENTRY.findall(_FILE.read_text(encoding="utf-8"))
    terms = [
        Term(name, title, " ".join(text.split()), *link) for name, title, text, *link in entries
    ]
    return {term.name: term for term in sorted(terms, key=lambda term: term.title.lower())}


def with_terms(text: str) -> str:
    """Return Markdown in which links to terms lead to the glossary.

    A link is written ``[stride](#term-stride)``. It becomes a link to the term on the page
    *Glossary*, with the term's sentence as its title, and behind a # the address where the thing
    can be seen.

    Raises
    ------
    KeyError
        If there is no such term.

    Examples
    --------
    >>> with_terms("the [input](#term-input)").split()[1]
    '[input](glossary?term=input#convolution?conv_input=digit'
    """
    return _LINK.sub(lambda link: _expanded(glossary()[link[1]]), text)


def _expanded(term: Term) -> str:
    return f']({PAGE}?{PARAMETER}={term.name}#{term.address} "{term.title}: {term.sentence}")'
