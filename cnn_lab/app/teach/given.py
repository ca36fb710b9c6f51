"""What a teacher gives to a class: a lesson or a page with settings, as a link."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import segno

from cnn_lab.app.frame import PAGES
from cnn_lab.app.hosting import LOOPBACK
from cnn_lab.app.teach.controls import given_pages
from cnn_lab.app.widgets.bound import BETWEEN_VALUES, ONLY
from cnn_lab.app.widgets.story import CHAPTERS
from cnn_lab.content import prose
from cnn_lab.content.words import listed, literally
from cnn_lab.teaching.assignment import PARAMETERS, Assignment

MAX_ADDRESS = 4_000  # characters
MAX_PARAMETERS = 100
MAX_CODED = 600  # characters of a link whose code can be read across a room
MAX_SHOWN_PARTS = 5
_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
_DROPPED = {*PARAMETERS, ONLY, "embed", "embed_options"}

Settings = Mapping[str, tuple[str, ...]]


def page_title(page: str) -> str:
    """Return the title of a page, of a chapter without its number."""
    chapters = {chapter.page: chapter.title for chapter in CHAPTERS}
    titles = {name: title for section in PAGES.values() for name, title in section.items()}
    return chapters.get(page) or titles[page]


@dataclass(frozen=True)
class Pasted:
    """What a pasted address says.

    Attributes
    ----------
    page : str or None
        None if it names none that can be given.
    settings : mapping of str to tuple of str
        Parameter -> its values.
    problems : tuple of str
        Markdown, a sentence each.
    """

    page: str | None = None
    settings: Settings = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def is_only_here(link: str) -> bool:
    """Return whether a link opens on the machine alone that it was made on.

    Examples
    --------
    >>> is_only_here("http://localhost:8501/?lesson=strides"), is_only_here("https://lab.org/teach")
    (True, False)
    """
    return urlsplit(link).hostname in LOOPBACK


def read_address(text: str) -> Pasted:
    """Return the page and the settings that an address of the lab names.

    Parameters
    ----------
    text : str
        On whatever host; a path with its parameters will do.
    """
    text = text.strip()
    if len(text) > MAX_ADDRESS:
        return Pasted(problems=(prose("teach", "too_long", most=f"{MAX_ADDRESS:,}"),))
    try:
        parts = urlsplit(text)
        pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return Pasted(problems=(prose("teach", "no_address"),))
    page = parts.path.rstrip("/").rpartition("/")[2]
    if page not in given_pages():
        pages = listed([page_title(name) for name in given_pages()])
        shown = literally(page or "/")
        return Pasted(problems=(prose("teach", "no_page", page=shown, pages=pages),))
    problems = []
    settings: dict[str, tuple[str, ...]] = {}
    wrong = []
    for key, value in pairs:
        if key == "lesson":
            problems.append(prose("teach", "is_lesson", lesson=literally(value)))
        elif not (_KEY.fullmatch(key) and value.isprintable()):
            wrong.append(literally(f"{key}={value}"[:40]))
        elif key not in _DROPPED:
            settings[key] = (*settings.get(key, ()), value)
    if wrong:
        parts_named = listed([f"“{part}”" for part in wrong[:MAX_SHOWN_PARTS]])
        problems.append(prose("teach", "left_out", parts=parts_named))
    return Pasted(page, settings, tuple(problems))


@dataclass(frozen=True)
class Given:
    """What a link gives to a class.

    Attributes
    ----------
    page : str
        Where the link leads; "home" for a lesson, which finds its page by itself.
    settings : mapping of str to tuple of str
        Of the page, without those that are locked.
    assignment : Assignment or None
        None for a page without any task.
    problems : tuple of str
        Plain text: what could not be taken into the link.
    """

    page: str
    settings: Settings
    assignment: Assignment | None
    problems: tuple[str, ...] = ()

    @property
    def page_settings(self) -> dict[str, str | list[str]]:
        """The settings of the page, with the values of locks."""
        locks = self.assignment.lock if self.assignment else {}
        values = {key: value for key, value in locks.items() if value is not None}
        return {**{key: [*texts] for key, texts in self.settings.items()}, **values}

    def address(self, root: str) -> str:
        """Return the link.

        Parameters
        ----------
        root : str
            Address of the lab without a slash at its end.
        """
        tasks = self.assignment.to_query() if self.assignment else {}
        query = urlencode(
            {**self.settings, **tasks}, doseq=True, quote_via=quote, safe=",:;|()[]*'\"!$ "
        ).replace(" ", "+")
        path = "" if self.page == "home" else self.page
        return f"{root}/{path}{'?' if query else ''}{query}"


def give(assignment: Assignment, page: str = "home", settings: Settings | None = None) -> Given:
    """Return what gives a task to a class, without what links cannot have.

    It is sealed if there is more to it than a lesson.

    Parameters
    ----------
    assignment : Assignment
        Not yet sealed. A locked control for which the settings have a value is locked at that.
    page : str
    settings : mapping of str to tuple of str, optional
        Of the page.
    """
    settings = dict(settings or {})
    locked = {
        key: BETWEEN_VALUES.join(settings.pop(key)) if key in settings else value
        for key, value in assignment.lock.items()
    }
    asked = replace(assignment, lock=locked, is_sealed=False)
    found, problems = Assignment.from_query(asked.to_query())
    if found is not None and found != Assignment(lesson=found.lesson):
        found = replace(found, is_sealed=True)
    return Given(page, settings, found, tuple(problems))


def embedded(link: str) -> str:
    """Return the line of HTML that shows a link in a frame, without the lab's menu."""
    framed = f"{link}{'&' if '?' in link else '?'}embed=true"
    return (
        f'<iframe src="{escape(framed)}" title="CNN Lab" width="100%" height="800" '
        'style="border: 0" loading="lazy"></iframe>'
    )


def qr_code(link: str) -> segno.QRCode | None:
    """Return the QR code of a link, None if it would be too fine to be read across a room."""
    return segno.make_qr(link, error="m") if len(link) <= MAX_CODED else None
