"""The host's settings: every environment variable that the lab reads, with bounds and default.

A process checks all of them when it starts (`end_if_wrong`); code that needs one asks it for its
`value`. `python -m tools.settings` writes the table in docs/hosting.md.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from textwrap import shorten
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from cnn_lab.ops.types import MAX_SHOWN

PREFIX = "CNN_LAB_"
WRONG_SETTINGS = 2  # exit status
MAX_DIGITS = 18
SCHEDULER_SCHEMES = ("tcp", "tls", "ws", "wss")
REDIS_SCHEMES = ("redis", "rediss", "unix")
PERIODS = {"a minute": 60, "an hour": 60 * 60, "a day": 24 * 60 * 60}  # seconds
# What Kubernetes adds to the environment for a service whose name begins with "cnn-lab".
_SERVICE = re.compile(r"_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$")

T = TypeVar("T")


class SettingsError(ValueError):
    """Settings that make no sense; the message has one line for each."""


@dataclass(frozen=True)
class Setting(Generic[T]):
    """An environment variable.

    Attributes
    ----------
    name : str
    purpose : str
        For the table in docs/hosting.md: what it sets, or does.
    allowed : str
        What it must be, in words.
    default : object
        Its value where the variable is not set, or is empty.
    parse : callable
        Returns the value for a text; raises a ValueError if there is none.
    default_words : str
        How the table describes the default, where that is not the value itself.
    private : bool
        Whether it may hold a password, which no message repeats.
    """

    name: str
    purpose: str
    allowed: str
    default: T
    parse: Callable[[str], T]
    default_words: str = ""
    private: bool = False

    def value(self, environment: Mapping[str, str] | None = None) -> T:
        """Return what an environment sets, this process's own unless another is given.

        Raises
        ------
        SettingsError
            If that is not allowed.
        """
        received = (os.environ if environment is None else environment).get(self.name)
        return self.read(received) if received else self.default

    def read(self, received: str) -> T:
        """Return the value for a text.

        Raises
        ------
        SettingsError
            If there is none.
        """
        try:
            return self.parse(received)
        except ValueError as error:
            shown = "another text" if self.private else repr(shorten(received, MAX_SHOWN))
            raise SettingsError(f"{self.name} must be {self.allowed}. Received: {shown}") from error


def _whole(name: str, purpose: str, default: int, least: int, most: int) -> Setting[int]:
    def parse(text: str) -> int:
        if not re.fullmatch(f"[0-9]{{1,{MAX_DIGITS}}}", text) or not least <= int(text) <= most:
            raise ValueError
        return int(text)

    return Setting(name, purpose, f"a whole number from {least:,} to {most:,}", default, parse)


def _switch(name: str, purpose: str) -> Setting[bool]:
    return Setting(name, purpose, "1 or 0", False, lambda text: bool(("0", "1").index(text)), "0")


@dataclass(frozen=True)
class Rate:
    """How often something may be done.

    Attributes
    ----------
    most : int
        Times within the period.
    period : str
        "a minute", "an hour" or "a day".
    """

    most: int
    period: str

    @property
    def seconds(self) -> int:
        """Length of the period."""
        return PERIODS[self.period]


def _rate(name: str, purpose: str, default: str) -> Setting[Rate | None]:
    """Return a setting that bounds how often a visitor may do something."""

    def parse(text: str) -> Rate | None:
        if text == "none":
            return None
        most, _, period = text.partition(" ")
        if not re.fullmatch("[1-9][0-9]{0,5}", most) or period not in PERIODS:
            raise ValueError
        return Rate(int(most), period)

    allowed = f"none, or a number and a period: {', '.join(f'{20} {one}' for one in PERIODS)}"
    return Setting(name, purpose, allowed, parse(default), parse, default)


def _choice(name: str, purpose: str, choices: tuple[str, ...]) -> Setting[str]:
    """Return a setting that takes one of several words, the first by default."""
    allowed = " or ".join(choices)
    return Setting(name, purpose, allowed, choices[0], lambda text: choices[choices.index(text)])


def _folder(text: str) -> Path:
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise ValueError
    return path


def _storage(text: str) -> Path | str:
    """Return a folder, or an address of a kind that fsspec knows."""
    if "://" not in text:
        return _folder(text)
    from fsspec import available_protocols  # takes 80 ms

    if text.partition("://")[0] not in available_protocols():
        raise ValueError
    return text


def _scheduler(text: str) -> str:
    scheme, found, rest = text.rpartition("://")
    if found and scheme not in SCHEDULER_SCHEMES:
        raise ValueError
    place = urlsplit(f"//{rest}")  # whose port may raise by itself
    if not (place.hostname and place.port and text.isprintable()) or {" ", "@"} & set(text):
        raise ValueError
    return text


def _redis(text: str) -> str:
    place = urlsplit(text)
    where = place.path if place.scheme == "unix" else place.hostname
    if place.scheme not in REDIS_SCHEMES or not where or place.port == 0:
        raise ValueError
    return text


def _origins(text: str) -> str:
    if not text.isprintable() or set(text) & set(";,"):  # which would begin another directive
        raise ValueError
    return text


SCHEDULER: Setting[str | None] = Setting(
    "CNN_LAB_SCHEDULER",
    "a Dask scheduler to train on, a run on each of its workers at a time; it needs this version "
    "of the lab, as do its workers; certificates for `tls://` come from Dask's own configuration",
    "the address of a Dask scheduler, such as tls://host:8786",
    None,
    _scheduler,
    "a worker of the server's own",
)
UNENCRYPTED_SCHEDULER = _switch(
    "CNN_LAB_UNENCRYPTED_SCHEDULER",
    "`1` allows a scheduler on another machine without `tls://`, for a network that is yours "
    "alone: anyone who reaches a scheduler can run code on it",
)
MAX_SESSIONS = _whole(
    "CNN_LAB_MAX_SESSIONS",
    "how many pages may be open at once in one server process; further visitors get a page that "
    "says so and tries again",
    500,
    1,
    100_000,
)
MAX_TABS = _whole(
    "CNN_LAB_MAX_TABS", "how many pages one visitor may have open at once", 12, 1, 1_000
)
RUN_LIMIT = _rate(
    "CNN_LAB_RUN_LIMIT", "how often one visitor may start a run or a sweep", "60 an hour"
)
UPLOAD_LIMIT = _rate(
    "CNN_LAB_UPLOAD_LIMIT", "how often one visitor may upload a picture or a network", "120 an hour"
)
EXPORT_LIMIT = _rate(
    "CNN_LAB_EXPORT_LIMIT",
    "how often one visitor may have an animated GIF or a `.keras` file made",
    "60 an hour",
)
CHECK_LIMIT = _rate(
    "CNN_LAB_CHECK_LIMIT", "how often one visitor may check numbers against Keras", "240 an hour"
)
QUEUE_LENGTH = _whole("CNN_LAB_QUEUE_LENGTH", "how many runs may wait", 64, 0, 10_000)
FRAME_ANCESTORS = Setting(
    "CNN_LAB_FRAME_ANCESTORS",
    "who may show the lab in a frame, such as `'self' https://moodle.example.org`",
    "a list of origins separated by spaces",
    "'self'",
    _origins,
    "no other site",
)
REDIS: Setting[str | None] = Setting(
    "CNN_LAB_REDIS",
    "a Redis server for class rooms and the limits of visitors, where several replicas serve one "
    "class; needs `pip install cnn-lab[redis]`",
    "the address of a Redis server, such as redis://host:6379/0",
    None,
    _redis,
    "the server's memory",
    private=True,
)
RUNS: Setting[Path | str | None] = Setting(
    "CNN_LAB_RUNS",
    "where finished runs are kept",
    "a folder, or an address that fsspec knows, such as s3://bucket/runs",
    None,
    _storage,
    "the user's cache",
)
KEPT_RUNS = _whole(
    "CNN_LAB_KEPT_RUNS",
    "how many finished runs are kept for each visitor, the newest",
    20,
    1,
    100_000,
)
MAX_RUNS = _whole("CNN_LAB_MAX_RUNS", "how many finished runs are kept in all", 500, 1, 100_000)
MAX_DAYS = _whole("CNN_LAB_MAX_DAYS", "how many days finished runs are kept", 30, 1, 36_500)
METRICS = _switch(
    "CNN_LAB_METRICS",
    "`1` serves figures for Prometheus at `/metrics` to every machine, not to this one alone; the "
    "proxy has to keep visitors from it",
)
LOG = _choice(
    "CNN_LAB_LOG",
    "whether each run and each refusal is a line of JSON on standard output",
    ("json", "off"),
)
DATA: Setting[Path | None] = Setting(
    "CNN_LAB_DATA",
    "where downloaded data sets are kept",
    "a folder",
    None,
    _folder,
    "the user's cache",
)

SETTINGS: Mapping[str, Setting[Any]] = {
    setting.name: setting
    for setting in (
        SCHEDULER,
        UNENCRYPTED_SCHEDULER,
        MAX_SESSIONS,
        MAX_TABS,
        RUN_LIMIT,
        UPLOAD_LIMIT,
        EXPORT_LIMIT,
        CHECK_LIMIT,
        QUEUE_LENGTH,
        FRAME_ANCESTORS,
        REDIS,
        RUNS,
        KEPT_RUNS,
        MAX_RUNS,
        MAX_DAYS,
        DATA,
        METRICS,
        LOG,
    )
}
"""The settings by name, in the order of the table in docs/hosting.md."""

NO_SETTINGS = frozenset({"CNN_LAB_BROWSER"})  # of the tests and the tools


def problems(environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield a sentence for each variable that is set to something not allowed, or is none of ours.

    Names that Kubernetes adds for a service called `cnn-lab` or `cnn-lab-...` are left alone.
    """
    environment = os.environ if environment is None else environment
    for setting in SETTINGS.values():
        try:
            setting.value(environment)
        except SettingsError as error:
            yield str(error)
    for name in sorted(environment):
        known = name in SETTINGS or name in NO_SETTINGS or _SERVICE.search(name)
        if name.startswith(PREFIX) and not known:
            close = get_close_matches(name, SETTINGS, n=1)
            yield f"There is no such setting. Received: {name}" + (
                f"; the closest name is {close[0]}" if close else ""
            )


def end_if_wrong() -> None:
    """End this process with status 2 if settings are wrong, after naming all of them.

    Called before a process starts anything else.
    """
    if found := list(problems()):
        print("The lab does not start with these settings:", *found, sep="\n  ", file=sys.stderr)
        raise SystemExit(WRONG_SETTINGS)


def table() -> str:
    """Return the settings as a Markdown table."""
    head = ("variable", "what it sets", "allowed", "default")
    rows = [
        (f"`{one.name}`", one.purpose, one.allowed, one.default_words or str(one.default))
        for one in SETTINGS.values()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))
