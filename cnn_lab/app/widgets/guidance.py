"""What a lesson's step, or a teacher's link, asks of the controls and the stage of a page.

It is in the session; `cnn_lab.app.lesson` puts it there before a page runs.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

TABS = "tabs"  # hides all rows of tabs
LOCKED = "Locked for this task."
_GUIDANCE = "guidance"
_NOTHING = object()


@dataclass
class Guidance:
    """What the controls and the stage of a page must heed.

    Attributes
    ----------
    name : str
        Tells one step from another.
    locked : mapping of str to (str or None)
        Key of a control -> its value as an address has it, None for the default.
    hidden : frozenset of str
        Keys of controls, `TABS`, and titles of tabs, see `hides_tab`.
    awaited : str or None
        Key of the control that the step waits for a change of.
    awaits_end : bool
        Whether the step waits until the stage has been played to its end.
    stage_step : int or None
        The step that the stage shows first, from 0.
    lit : tuple of str
        Cells that are lit on the stage, as links in prose name them after "#cells-".
    settings : dict of str to str
        Key of a control -> its value as an address has it; each is set once, when it is shown.
    values : dict
        Key of a control that is locked or not shown -> the value that it has.
    seen : set of str
        Keys of the controls that the page has had.
    refused : set of str
        Keys of controls that cannot have the value of their lock.
    is_met : bool
        Whether what the step waits for has happened.
    """

    name: str
    locked: Mapping[str, str | None] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    awaited: str | None = None
    awaits_end: bool = False
    stage_step: int | None = None
    lit: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    is_met: bool = False
    _first: Any = _NOTHING

    def holds(self, key: str) -> bool:
        """Return whether the control of this key is locked or hidden."""
        return key in self.locked or key in self.hidden

    def asks_the_same(self, other: "Guidance") -> bool:
        """Return whether another has the same name and locks and hides the same."""
        mine, others = ((each.name, dict(each.locked), each.hidden) for each in (self, other))
        return mine == others

    def heeds_change(self, key: str, value: Any) -> bool:
        """Return whether this value of a control is the change that is waited for."""
        if key != self.awaited or self.is_met:
            return False
        if self._first is _NOTHING:
            self._first = value
        self.is_met = bool(value != self._first)
        return self.is_met

    def enforce(self) -> None:
        """Undo what an address or the session says of locked controls, before a page runs."""
        for key in self.locked:
            with suppress(StreamlitAPIException):  # if still bound, it goes when the widget is not
                st.query_params.pop(key, None)
            if key in st.session_state and key in self.values:
                st.session_state[key] = self.values[key]

    def stage_data(self) -> dict[str, Any]:
        """Return what a stage needs to know, as JSON-serializable data."""
        data: dict[str, Any] = {"name": self.name, "awaitsEnd": self.awaits_end and not self.is_met}
        if self.stage_step is not None:
            data["step"] = self.stage_step
        if self.lit:
            data["lit"] = [f"#cells-{cells}" for cells in self.lit]
        return data


def guidance() -> Guidance | None:
    """Return what the page must heed, None without a lesson or a link that asks for something."""
    kept: Guidance | None = st.session_state.get(_GUIDANCE)
    return kept


def set_guidance(new: Guidance | None) -> None:
    """Have pages heed this from now on."""
    if new is not None:
        st.session_state[_GUIDANCE] = new
    else:
        st.session_state.pop(_GUIDANCE, None)


def is_locked(key: str) -> bool:
    """Return whether the control of this key cannot be changed."""
    heeded = guidance()
    return heeded is not None and key in heeded.locked


def locked_at(key: str) -> str | None:
    """Return the value of a lock as an address has it, None if it is the default or not locked."""
    heeded = guidance()
    return None if heeded is None else heeded.locked.get(key)


def is_hidden(key: str) -> bool:
    """Return whether the control of this key is not shown."""
    heeded = guidance()
    if heeded is None:
        return False
    heeded.seen.add(key)
    return key in heeded.hidden


def hides_tab(title: str) -> bool:
    """Return whether a tab is not shown: "Try this" is hidden as `try_this`."""
    return is_hidden(title.lower().replace(" ", "_"))
