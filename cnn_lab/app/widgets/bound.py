"""Streamlit's widgets bound to the address: what it brings is checked before they see it.

A bound widget's key is its parameter in the address as well. An address may be typed by hand, cut
off by a mail program or invented, and Back and Forward bring one into a session
that is open already. A value that the widget could not have written itself is removed from the
address, and the widget gets its default.
"""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, NamedTuple

import streamlit as st
from streamlit.errors import StreamlitAPIException

from cnn_lab.app.widgets.guidance import LOCKED, Guidance, guidance
from cnn_lab.teaching.assignment import PARAMETERS

Check = Callable[[str], bool]

MAX_TEXT = 10_000  # characters; the kernels and images that may be typed are shorter
BETWEEN_VALUES = "|"  # in a lock of a widget with several
ONLY = "only"  # parameter of a link within a page: what it does not name gets its default
_only_read = ContextVar("only_read", default=False)
_PAGE = "address_page"
_RESET = "address_reset"  # keys of widgets that get their defaults when they are next shown
_TEXTS = "address_texts"  # page -> key -> its values in the address, None while unbound


def bound(
    widget: Callable[..., Any],
    label: str | Sequence[str],
    *arguments: Any,
    key: str,
    fallback: Any,
    allows: Check,
    read: Callable[[str], Any] = str,
    several: bool = False,
    **settings: Any,
) -> Any:
    """Show a widget that takes its value from the address and writes it there; return its value.

    Every bound widget of the app is shown by this function, in a block of `only_read` only if the
    address or the session has a value for it.

    Parameters
    ----------
    widget : callable
        A widget of Streamlit's that has the argument `bind`.
    label : str
        The widget's first argument; for tabs, all of their labels.
    *arguments
        Further arguments of the widget.
    key : str
        Of the widget, which is the address parameter too.
    fallback : object
        The value the widget gets if the address brings one that is not allowed: its default.
    allows : callable
        Text of a value in the address -> whether the widget can have it; see `among`,
        `number_within`, `is_switch` and `is_short`.
    read : callable
        Text of an allowed value -> the value, as Streamlit reads it from the address.
    several : bool
        Whether the widget has any number of different values. An empty text is then none of them.
    **settings
        Further arguments of the widget.

    Notes
    -----
    A locked widget has the value of its lock, whatever the address, the session or the browser
    says, and is neither bound nor enabled. A hidden one is not shown and keeps its value.

    Streamlit reads a bound widget's value from the address as it was when the run began. The only
    way to keep a bad one from it is to leave the widget unbound for one run.
    """
    texts = st.query_params.get_all(key)
    before = _texts(st.session_state.get(_PAGE, ""))
    form = _Form(fallback, allows, read, several)
    if (heeded := guidance()) is not None:
        heeded.seen.add(key)
        if heeded.holds(key):
            before[key] = None
            if key in heeded.hidden:
                return _hidden_value(heeded, key, form)
            return _locked(heeded, widget, label, arguments, key, form, settings)
    if is_only_read(key):
        before[key] = None
        return fallback
    known = before.get(key, [])
    # The widget's limits may have changed since it wrote its value; it adapts by itself.
    fits = texts == known or form.fits(texts)
    if not fits:
        with suppress(StreamlitAPIException):  # if still bound, it goes when the widget is not
            del st.query_params[key]
        if key in st.session_state:
            st.session_state[key] = fallback
    elif not texts and key in _to_reset() and key not in st.session_state:
        # The browser still has its old value, and would send that with the next change.
        st.session_state[key] = fallback
    elif known is None and key in st.session_state:
        # A value chosen while unbound is not in the address; one that is set gets there.
        st.session_state[key] = st.session_state[key]
    if heeded is not None and key in heeded.settings:
        given = form.split(heeded.settings.pop(key))
        if form.fits(given):
            st.session_state[key] = form.value(given)
            if fits and texts != given:
                # Streamlit leaves out of the address what is set before a widget is first shown.
                with suppress(StreamlitAPIException):  # it has been shown
                    st.query_params[key] = given
                texts = given
        else:
            heeded.refused.add(key)
    before[key] = texts if fits else None
    _to_reset().discard(key)
    shown = widget(label, *arguments, key=key, bind="query-params" if fits else None, **settings)
    if heeded is not None and heeded.heeds_change(key, shown):
        st.rerun()  # the lesson's panel, too
    return shown


class _Form(NamedTuple):
    """What values a widget can have, as the arguments of `bound` say."""

    fallback: Any
    allows: Check
    read: Callable[[str], Any]
    several: bool

    def fits(self, texts: list[str]) -> bool:
        """Return whether an address may have these texts."""
        if self.several:
            return texts == [""] or (len(texts) == len(set(texts)) and all(map(self.allows, texts)))
        return not texts or (len(texts) == 1 and self.allows(texts[0]))

    def value(self, texts: list[str]) -> Any:
        """Return what texts say that fit."""
        if self.several:
            return [self.read(text) for text in texts if text]
        return self.read(texts[0]) if texts else self.fallback

    def split(self, text: str) -> list[str]:
        """Return the texts that a lesson or a lock writes as one."""
        return text.split(BETWEEN_VALUES) if self.several else [text]


def _locked(
    heeded: Guidance,
    widget: Callable[..., Any],
    label: str | Sequence[str],
    arguments: tuple[Any, ...],
    key: str,
    form: _Form,
    settings: dict[str, Any],
) -> Any:
    """Show a widget that has the value of its lock, and return it."""
    with suppress(StreamlitAPIException):  # if still bound, it goes when the widget is not
        st.query_params.pop(key, None)
    value = _locked_value(heeded, key, form)
    st.session_state[key] = heeded.values[key] = value
    if widget not in (st.expander, st.tabs):
        settings |= {"disabled": True, "help": f":material/lock: {LOCKED}"}
        settings.pop("on_change", None)
    shown = widget(label, *arguments, key=key, **settings)
    return shown if widget in (st.expander, st.tabs) else value


def _locked_value(heeded: Guidance, key: str, form: _Form) -> Any:
    text = heeded.locked[key]
    if text is None:
        return form.fallback
    texts = form.split(text)
    if not form.fits(texts):
        heeded.refused.add(key)
        return form.fallback
    return form.value(texts)


def _hidden_value(heeded: Guidance, key: str, form: _Form) -> Any:
    """Return the value of a widget that is not shown: of its lock, or what it had before."""
    if key in heeded.locked:
        return _locked_value(heeded, key, form)
    given = heeded.settings.pop(key, None)
    texts = st.query_params.get_all(key) if given is None else form.split(given)
    if texts and form.fits(texts):
        heeded.values[key] = form.value(texts)
    elif key in st.session_state:
        heeded.values[key] = st.session_state[key]
    return heeded.values.get(key, form.fallback)


@contextmanager
def only_read(*, when: bool) -> Iterator[None]:
    """Read controls without showing them, for a fold that has not been opened.

    A control that has been shown before, or has been set, is shown all the same: what is not shown
    would be lost when the page is left.

    Parameters
    ----------
    when : bool
        Whether to do so; if not, the block is like any other.
    """
    outside = _only_read.set(when)
    try:
        yield
    finally:
        _only_read.reset(outside)


def is_only_read(key: str) -> bool:
    """Return whether a block of `only_read` need not show the widget of this key."""
    if not _only_read.get() or key in st.session_state or key in st.query_params:
        return False
    heeded = guidance()
    return heeded is None or not (key in heeded.settings or key in heeded.locked)


def unshown(key: str, fallback: Any, allows: Check, read: Callable[[str], Any]) -> Any:
    """Return the value that a bound widget will have once it is shown, and show nothing.

    For widgets in a fold that has never been opened: what the address says of them stays there.

    Parameters
    ----------
    key, fallback, allows
        As for `bound`.
    read : callable
        Text of an allowed value in the address -> the value.
    """
    form = _Form(fallback, allows, read, several=False)
    texts = st.query_params.get_all(key)
    if (heeded := guidance()) is not None:
        if heeded.holds(key):
            return _hidden_value(heeded, key, form)
        if key in heeded.settings:
            texts = [heeded.settings[key]]
    elif key in st.session_state:
        return st.session_state[key]
    return form.value(texts) if form.fits(texts) else fallback


def enter(page: str, *, is_complete: bool) -> None:
    """Note which page is shown; the frame calls it in every run, before the page.

    Parameters
    ----------
    page : str
    is_complete : bool
        Whether an address with any settings names all that differ from their defaults. What the
        session has kept of the page is then dropped when such an address enters it, so that a
        link shows the same in each session. Without settings in the address it is restored.
        A link from a page to itself does the same if it has the parameter `ONLY`.
    """
    before = st.session_state.get(_PAGE)
    st.session_state[_PAGE] = page
    within = st.query_params.pop(ONLY, None) is not None
    named = st.query_params.keys() - {*PARAMETERS}
    if within or (is_complete and page != before and named):
        heeded = guidance()
        for key, known in _texts(page).items():
            if heeded is not None and key in heeded.settings:
                continue  # it is set when it is shown
            if key not in st.query_params:
                st.session_state.pop(key, None)
                if within:
                    _to_reset().add(key)
            elif not within or known is None:
                st.session_state.pop(key, None)  # what it was on an earlier visit would count


def is_bound(key: str) -> bool:
    """Return whether a widget may still write this parameter of the address."""
    pages: dict[str, dict[str, Any]] = st.session_state.get(_TEXTS, {})
    return any(texts.get(key) is not None for texts in pages.values())


def _to_reset() -> set[str]:
    keys: set[str] = st.session_state.setdefault(_RESET, set())
    return keys


def _texts(page: str) -> dict[str, list[str] | None]:
    pages: dict[str, dict[str, list[str] | None]] = st.session_state.setdefault(_TEXTS, {})
    return pages.setdefault(page, {})


def among(labels: Collection[str]) -> Check:
    """Return a check for one of these texts."""
    return labels.__contains__


def number_within(minimum: float | None, maximum: float | None) -> Check:
    """Return a check for a finite number between two limits, both allowed; None is no limit.

    Examples
    --------
    >>> fits = number_within(1, None)
    >>> [text for text in ("1", "0", "1e3", "inf", "1e400", "nan", "", "x") if fits(text)]
    ['1', '1e3']
    """

    def check(text: str) -> bool:
        try:
            number = float(text)
        except ValueError:
            return False
        low, high = (-math.inf if minimum is None else minimum), maximum
        return math.isfinite(number) and low <= number <= (math.inf if high is None else high)

    return check


def is_switch(text: str) -> bool:
    """Return whether a text is what a switch or an expander writes into the address."""
    return text.lower() in ("true", "false")


def read_switch(text: str) -> bool:
    """Return what the text of a switch says."""
    return text.lower() == "true"


def is_short(text: str) -> bool:
    """Return whether a text fits into a field of one line: short enough and printable."""
    return len(text) <= MAX_TEXT and text.isprintable()
