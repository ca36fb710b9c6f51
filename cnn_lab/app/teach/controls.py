"""The controls of all pages, by which *Teach* offers what to lock and what to hide.

They are recorded in `controls.json`: to find them out, each page must be run in several states.
"""

import json
from collections import Counter
from functools import cache
from pathlib import Path

from cnn_lab.app.widgets.guidance import TABS
from cnn_lab.app.widgets.story import CHAPTERS

PATH = Path(__file__).with_name("controls.json")
_TAB = "Tab: "


@cache
def _record() -> dict[str, dict[str, str]]:
    record: dict[str, dict[str, str]] = json.loads(PATH.read_text(encoding="utf-8"))
    return record


def given_pages() -> list[str]:
    """Return the pages that a class can be sent to, in the order of the menu."""
    return list(_record())


@cache
def lockable(page: str) -> dict[str, str]:
    """Return what a reader sees as the name of each control of a page -> its key.

    Controls that share a label are told apart by what else their keys say.
    """
    labels = {key: label for key, label in _record()[page].items() if not label.startswith(_TAB)}
    times = Counter(labels.values())
    return {
        label if times[label] == 1 else _told_apart(label, key): key
        for key, label in labels.items()
    }


@cache
def hideable(page: str) -> dict[str, str]:
    """Return the name of each part of a page that can be hidden -> its key in addresses."""
    tabs = {label: key for key, label in _record()[page].items() if label.startswith(_TAB)}
    parts = {"The page's question": "question"} if page in _CHAPTERS else {}
    if tabs:
        parts["All tabs"] = TABS
    return {**parts, **tabs, **lockable(page)}


_CHAPTERS = {chapter.page for chapter in CHAPTERS}


def _told_apart(label: str, key: str) -> str:
    words = label.lower().replace(",", "").split()
    rest = " ".join(word for word in key.split("_")[1:] if word not in words)
    return f"{label} · {rest}" if rest else label
