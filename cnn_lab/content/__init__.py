"""The prose of the pages: one Markdown file per chapter, numbers put in from outside."""

import re
from functools import lru_cache
from pathlib import Path

from cnn_lab.content.glossary import with_terms

LANGUAGE = "en"  # of the prose, as HTML's `lang` has it
_FOLDER = Path(__file__).with_name(LANGUAGE)
_SLOT = re.compile(r"\[\[(\w+)\]\]")


@lru_cache(maxsize=64)
def _sections(chapter: str) -> dict[str, str]:
    return sections_of((_FOLDER / f"{chapter}.md").read_text(encoding="utf-8"))


def sections_of(text: str) -> dict[str, str]:
    """Return the sections of a text by their level-one headings; under "" what comes before.

    Links to terms lead to the glossary, see `cnn_lab.content.glossary.with_terms`.
    """
    head, *rest = re.split(r"^# (.+)$", with_terms(text), flags=re.MULTILINE)
    names, bodies = rest[::2], rest[1::2]
    return {"": head.strip()} | dict(zip(names, map(str.strip, bodies), strict=True))


def prose(chapter: str, section: str, **numbers: object) -> str:
    """Return one section of a chapter as Markdown.

    Parameters
    ----------
    chapter : str
        File name without its ending.
    section : str
        The level-one heading that the section stands under.
    **numbers
        What goes into the slots written ``[[name]]``; all of them, and no others.

    Raises
    ------
    KeyError
        If the section or a slot's value is missing.
    """
    text = _sections(chapter)[section]
    wanted = set(_SLOT.findall(text))
    if wanted != numbers.keys():
        raise KeyError(f"{chapter}#{section} has the slots {wanted}, not {set(numbers)}")
    return _SLOT.sub(lambda slot: str(numbers[slot[1]]), text)


def title(chapter: str, section: str) -> str:
    """Return the first line of a section, for chapters whose sections begin with a title.

    Raises
    ------
    KeyError
        If there is no such section.
    """
    return _sections(chapter)[section].split("\n", 1)[0]
