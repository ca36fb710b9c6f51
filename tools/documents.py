"""Files that commands write from records, and the check that they are current."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.server import ROOT


def between(text: str, mark: str, content: str) -> str:
    """Return a document with other content between `<!-- mark -->` and `<!-- /mark -->`.

    Raises
    ------
    ValueError
        If the document has no such marks.

    Examples
    --------
    >>> between("<!-- a --> old <!-- /a --> end", "a", "new")
    '<!-- a -->\\nnew\\n<!-- /a --> end'
    """
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"The document must hold {begin} and {end}. Received: neither, or one")
    return pattern.sub(lambda _: f"{begin}\n{content}\n{end}", text)


def write_or_check(wanted: Mapping[Path, str], command: str) -> int:
    """Write files, or with `--check` on the command line only say which of them differ.

    Returns
    -------
    int
        1 if `--check` found one that differs, else 0.
    """
    stale = [
        path
        for path, text in wanted.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    if sys.argv[1:] == ["--check"]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not current: run `{command}`", file=sys.stderr)
        return int(bool(stale))
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
    return 0
