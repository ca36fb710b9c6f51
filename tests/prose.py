"""A section of a page's prose as a pattern, so that tests do not repeat its wording."""

import re

from cnn_lab.content import _SLOT, _sections


def wording(
    chapter: str, section: str, *, rendered: bool = False, **numbers: object
) -> re.Pattern[str]:
    """Return a pattern that finds a section in a page's text, whatever its line breaks.

    Parameters
    ----------
    chapter, section : str
        As in `cnn_lab.content.prose`.
    rendered : bool
        Look for the text as a browser shows it, without the marks of emphasis and code.
    **numbers
        Values of slots; a slot without one matches anything, and is a group.

    Raises
    ------
    KeyError
        If the section does not exist or has no such slot.
    """
    text = _sections(chapter)[section]
    if unknown := numbers.keys() - set(_SLOT.findall(text)):
        raise KeyError(f"{chapter}#{section} has no slots {unknown}")
    if rendered:
        text = re.sub(r"[*`]", "", text)
    # Every second part is the name of a slot.
    parts = _SLOT.split(text)
    for number, part in enumerate(parts):
        if number % 2 == 0:
            parts[number] = r"\s+".join(map(re.escape, re.split(r"\s+", part)))
        else:
            parts[number] = re.escape(str(numbers[part])) if part in numbers else r"([\s\S]*?)"
    return re.compile("".join(parts))
