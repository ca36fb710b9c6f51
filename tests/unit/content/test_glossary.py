"""Links to terms in the prose of pages."""

import re
from pathlib import Path

import pytest

from cnn_lab.content import _sections
from cnn_lab.content.glossary import glossary, with_terms

CHAPTERS = sorted((Path(__file__).parents[3] / "cnn_lab/content/en").glob("*.md"))
LINK = re.compile(r"\(glossary\?term=([a-z0-9-]+)#(\S+) \"([^\":]+): ([^\"]+)\"\)")


def test_links_to_terms_bring_their_sentences() -> None:
    linked = set()
    for chapter in CHAPTERS:
        for name, text in _sections(chapter.stem).items():
            found = LINK.findall(text)
            assert text.count("glossary?") == len(found), (chapter.stem, name)
            names = [link[0] for link in found]
            assert len(names) == len(set(names)), f"{chapter.stem}#{name} explains a term twice"
            for term, *rest in found:
                known = glossary()[term]
                assert rest == [known.address, known.title, known.sentence]
            linked |= {*names}
    assert len(linked) >= 30


def test_a_link_to_no_term_is_an_error() -> None:
    assert with_terms("[x](#cells-kernel) [y](#term)") == "[x](#cells-kernel) [y](#term)"
    with pytest.raises(KeyError):
        with_terms("[x](#term-strides)")


def test_no_entry_of_the_file_is_lost() -> None:
    text = next(path for path in CHAPTERS if path.stem == "glossary").read_text(encoding="utf-8")
    assert re.findall("^# (.+)$", text, re.MULTILINE) == sorted(
        re.findall("^# (.+)$", text, re.MULTILINE)
    )
    assert len(glossary()) == text.count("\n# ") + 1
